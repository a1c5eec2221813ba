"""How an installed app extends the APIs of a project."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_matt import Body, MattAPI
from django_matt.extensions import ExtendsAPI
from django_matt.formats import FormatSet
from django_matt.settings import read_settings
from tests.extending.apps import ExtendingConfig

LABELS = ("matt_crud", "matt_extending")


@pytest.fixture
def extending(settings, monkeypatch):
    """Install the app; return ``extending(function)``, which lets it do something else."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.extending"]

    def extend(function: Any) -> None:
        monkeypatch.setattr(ExtendingConfig, "extend", lambda self, api: function(api))

    return extend


def test_an_app_config_with_extend_satisfies_the_protocol():
    assert issubclass(ExtendingConfig, ExtendsAPI)


def test_an_installed_app_extends_every_api_and_only_while_it_is_installed(serve, settings):
    before = settings.INSTALLED_APPS
    settings.INSTALLED_APPS = [*before, "tests.extending"]
    client = serve(MattAPI(), **{"two/": MattAPI(urls_namespace="two")})
    for prefix in ("api", "two"):
        assert client.get(f"/{prefix}/extended").json() == {"by": "the app"}
        document = client.get(f"/{prefix}/openapi.json").json()
        assert "Extended" in document["components"]["securitySchemes"]
        assert f"/{prefix}/extended" in document["paths"]
    settings.INSTALLED_APPS = before
    assert serve(MattAPI(urls_namespace="three")).get("/api/extended").status_code == 404


def test_an_app_changes_options_before_anything_is_read(serve, extending):
    def change(api: MattAPI) -> None:
        api.docs_url = None
        api.title = "Renamed"
        api.formats = FormatSet(["yaml", "json"])

    extending(change)
    api = MattAPI(urls_namespace="changed")

    @api.get("/one")
    def one(request) -> dict[str, int]:
        return {"a": 1}

    client = serve(api)
    assert client.get("/api/docs").status_code == 404
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Renamed"
    answer = client.get("/api/one")
    assert (answer.headers["Content-Type"], answer.content) == (
        "application/yaml; charset=utf-8",
        b"a: 1\n",
    )


def test_bodies_are_read_in_the_formats_that_an_app_has_set(serve, extending):
    extending(lambda api: setattr(api, "formats", FormatSet(["yaml", "json"])))
    api = MattAPI(urls_namespace="bodies")

    @api.post("/echo")
    def echo(request, data: Body[dict[str, int]]) -> dict[str, int]:
        return data

    sent = serve(api).post("/api/echo", b"a: 1", content_type="application/yaml")
    assert sent.content == b"a: 1\n"


@pytest.mark.parametrize("first", ["urls", "get_openapi_schema", "_get_bound_routers"])
def test_apps_extend_an_api_once_whatever_is_asked_for_first(extending, first):
    calls: list[str] = []
    extending(lambda api: calls.append(api.urls_namespace))
    api = MattAPI(urls_namespace=f"once-{first}")
    for name in (first, "urls", "get_openapi_schema"):
        found = getattr(api, name)
        if callable(found):
            found(path_prefix="/api/") if name == "get_openapi_schema" else found()
    assert calls == [f"once-{first}"]


def test_an_app_may_ask_for_the_document_while_it_extends(extending):
    extending(lambda api: api.get_openapi_schema(path_prefix="/api/"))
    assert MattAPI(urls_namespace="asks").urls


def test_apps_extend_in_the_order_of_installed_apps(extending, monkeypatch):
    calls: list[str] = []
    crud = type(apps.get_app_config("matt_crud"))
    monkeypatch.setattr(crud, "extend", lambda self, api: calls.append(self.label))
    extending(lambda api: calls.append("matt_extending"))
    # The order in which a project names them does not matter.
    assert MattAPI(urls_namespace="order", extensions=[*reversed(LABELS)]).urls
    assert calls == list(LABELS)


def test_an_app_that_fails_is_named_and_tried_again(extending):
    attempts: list[int] = []

    def fail(api: MattAPI) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise KeyError("no key")

    extending(fail)
    api = MattAPI(urls_namespace="fails", title="Shop")
    with pytest.raises(ImproperlyConfigured) as raised:
        assert api.urls
    assert str(raised.value) == (
        "The app 'tests.extending' could not extend the API 'Shop': KeyError: 'no key'"
    )
    assert isinstance(raised.value.__cause__, KeyError)
    assert api.urls
    assert len(attempts) == 2


def test_an_api_names_the_apps_that_extend_it(serve, extending):
    client = serve(
        MattAPI(urls_namespace="with", extensions=["matt_extending"]),
        **{"none/": MattAPI(urls_namespace="without", extensions=[])},
    )
    assert client.get("/api/extended").status_code == 200
    assert client.get("/none/extended").status_code == 404


def test_a_setting_names_the_apps_that_extend_an_api(serve, extending, settings):
    settings.MATT = {"EXTENSIONS": {"internal": [], "chosen": ["matt_extending"]}}
    client = serve(
        MattAPI(urls_namespace="internal"),
        **{
            "chosen/": MattAPI(urls_namespace="chosen"),
            "other/": MattAPI(urls_namespace="other"),
            "own/": MattAPI(urls_namespace="internal", extensions=["matt_extending"]),
        },
    )
    found = {name: client.get(f"/{name}/extended").status_code for name in ("api", "chosen")}
    assert found == {"api": 404, "chosen": 200}
    assert client.get("/other/extended").status_code == 200
    assert client.get("/own/extended").status_code == 200


def test_an_app_that_extends_nothing_cannot_be_named(settings):
    with pytest.raises(ImproperlyConfigured, match=r"names 'auth'; .* are: .*matt_crud\.$"):
        assert MattAPI(urls_namespace="wrong", extensions=["auth"]).urls
    settings.MATT = {"EXTENSIONS": {"wrong": ["typo"]}}
    with pytest.raises(ImproperlyConfigured, match=r"\['wrong'\] names 'typo'"):
        assert MattAPI(urls_namespace="wrong").urls


def test_a_copy_is_not_extended_twice(extending):
    from copy import copy

    calls: list[int] = []
    extending(lambda api: calls.append(1))
    api = MattAPI(urls_namespace="copied")
    assert api.urls
    assert copy(api).urls
    assert len(calls) == 1


@dataclass(frozen=True, kw_only=True)
class BakeryOptions:
    LOAVES: int = 1


def test_a_setting_of_an_app_may_have_any_name_and_is_read_again_after_a_test(settings):
    assert read_settings(BakeryOptions, "BAKERY").LOAVES == 1
    with override_settings(BAKERY={"LOAVES": 2}):
        assert read_settings(BakeryOptions, "BAKERY").LOAVES == 2
    assert read_settings(BakeryOptions, "BAKERY").LOAVES == 1
    with pytest.raises(ImproperlyConfigured, match=r"BAKERY has no option 'LOAFS'"):
        settings.BAKERY = {"LOAFS": 3}
