"""APIs and what they are made of can be copied and pickled as Ninja's can: ``setUpTestData`` copies what a test class keeps."""

import copy
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.test import TestCase
from ninja import Router as NinjaRouter
from ninja_extra import NinjaExtraAPI

from django_matt import ControllerBase, MattAPI, Router, api_controller, http_get
from django_matt.errors import exceptions
from django_matt.formats import FormatSet
from django_matt.testing import MattClient

namespaces = (f"copies-{number}" for number in itertools.count())


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


WAYS: dict[str, Callable[[Any], Any]] = {"copy": copy.copy, "deepcopy": copy.deepcopy}
EVERY_WAY = {**WAYS, "pickle": pickled}


def fail(request):
    raise LookupError("here")


@api_controller("/controller")
class Failing(ControllerBase):
    @http_get("")
    async def fail(self):
        raise LookupError("here")


def make(kind, *, controller=True, **options):
    api = kind(urls_namespace=next(namespaces), **options)
    api.get("/function")(fail)
    if controller:
        api.register_controllers(Failing)
    return api


PATHS = ("/api/function", "/api/controller")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
@pytest.mark.parametrize("bound", [False, True], ids=["before its urls", "after its urls"])
def test_a_copy_of_an_api_answers_as_the_api_does(kind, bound, way):
    api = make(kind)
    if bound:
        assert api.urls
    for each in (api, WAYS[way](api)):
        each.exception_handler(LookupError)(
            lambda request, error, each=each: each.create_response(request, str(error), status=418)
        )
        for path in PATHS:
            MattClient(each).get(path).expect(418)


@pytest.mark.parametrize("bound", [False, True], ids=["before its urls", "after its urls"])
def test_a_deep_copy_is_an_api_of_its_own(bound):
    api = make(MattAPI)
    if bound:
        assert api.urls
    other = copy.deepcopy(api)
    other.exception_handler(LookupError)(
        lambda request, error: other.create_response(request, "other", status=418)
    )
    for path in PATHS:
        assert MattClient(other).get(path).status == 418
        assert MattClient(api, raise_request_exception=False).get(path).status != 418


@pytest.mark.parametrize("bound", [False, True], ids=["before its urls", "after its urls"])
def test_an_api_of_functions_is_pickled(bound):
    for kind in (NinjaExtraAPI, MattAPI):
        api = kind(urls_namespace=next(namespaces), title="Kept")
        api.get("/function", response=None, auth=None, throttle=[])(fail)
        if bound:
            assert api.urls
        made = pickled(api)
        assert made.title == "Kept"
        with pytest.raises(LookupError, match="here"):
            MattClient(made).get("/api/function")


class KeepsAnAPI(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.api = make(MattAPI, formats=["json", "yaml", "xml", "msgpack", "csv", "jsonl"])

    def test_a_test_class_keeps_an_api(self):
        client = MattClient(self.api)
        assert client.get("/api/openapi.json").expect(200)


@pytest.mark.parametrize("way", EVERY_WAY.values(), ids=EVERY_WAY)
def test_formats_and_routers_are_copied(way):
    chosen = FormatSet(["json", "yaml", "xml", "form"], format_parameter="as")
    made = way(chosen)
    assert (made.names, made.reads_forms, made.format_parameter) == (
        ("json", "yaml", "xml"),
        True,
        "as",
    )
    for name, format_ in zip(FormatSet().names, map(way, FormatSet()), strict=True):
        assert format_.name == name
        assert format_.dump([{"a": 1}])
    for kind in (NinjaRouter, Router):
        router = kind(tags=["tag"])
        router.get("/function")(fail)
        assert way(router).tags == ["tag"]


ERRORS = [
    getattr(exceptions, name)
    for name in exceptions.__all__
    if isinstance(kind := getattr(exceptions, name), type) and issubclass(kind, exceptions.Problem)
]


@pytest.mark.parametrize("way", EVERY_WAY.values(), ids=EVERY_WAY)
@pytest.mark.parametrize("kind", ERRORS)
def test_errors_are_copied_whole(kind, way):
    error = kind("What went wrong.", code="a_code", headers={"A": "b"}, order=7)
    made = way(error)
    assert type(made) is kind
    assert str(made) == str(error)
    assert vars(made) == vars(error)


def test_an_error_of_a_missing_extra_is_copied_whole():
    error = exceptions.MissingExtra("msgspec", "formats")
    for way in EVERY_WAY.values():
        assert str(way(error)) == str(error)
