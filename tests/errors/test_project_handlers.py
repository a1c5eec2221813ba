"""Handlers of a project's own see on MattAPI what they saw on NinjaExtraAPI."""

from typing import Any

import pytest
from django.http import Http404
from ninja import Schema
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest
from ninja.security import APIKeyHeader, HttpBearer
from ninja_extra import NinjaExtraAPI
from ninja_extra.exceptions import APIException

from django_matt import MattAPI
from django_matt.errors.exceptions import BadRequest
from django_matt.formats.json import JSON

KINDS = [HttpError, InvalidRequest, Exception, APIException]


class Basket(Schema):
    size: int


def make(cls: Any, kinds: Any, **options: Any) -> Any:
    api = cls(**options)
    for kind in kinds:

        def answer(request, exc, kind=kind):
            shown = {"handler": kind.__name__, "message": str(exc) if kind is HttpError else ""}
            return api.create_response(request, shown, status=getattr(exc, "status_code", 418))

        api.add_exception_handler(kind, answer)

    @api.post("/baskets")
    def create(request, basket: Basket):
        return {}

    return api


BODIES = {
    "malformed": b'{"size": ',
    "not an object": b"[]",
    "a missing field": b"{}",
    "not UTF-8": b'{"size": "\xff"}',
    "too large": b" " * 3_000_000,
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("kinds", [KINDS, *([kind] for kind in KINDS)], ids=str)
def test_they_see_unreadable_bodies_as_on_ninja(serve, settings, kinds, body, debug):
    settings.DEBUG = debug
    answers = []
    for cls in (NinjaExtraAPI, MattAPI):
        client = serve(make(cls, kinds))
        answer = client.post("/api/baskets", body, content_type="application/json")
        answers.append((answer.status_code, answer.json() if "handler" in answer.text else None))
    theirs, ours = answers
    if theirs[1] is not None or ours[1] is not None:
        assert ours[0] == theirs[0]
        assert ours[1] is not None
        assert theirs[1] is not None
        assert ours[1]["handler"] == theirs[1]["handler"]
        # In DEBUG the reason follows, in the words of whoever parsed.
        assert ours[1]["message"].partition(" (")[0] == theirs[1]["message"].partition(" (")[0]


@pytest.mark.parametrize("problems", [False, True])
def test_without_one_the_answer_says_where_the_body_is_malformed(serve, problems):
    client = serve(make(MattAPI, [], problem_details=problems))
    answer = client.post("/api/baskets", b'{"size": ', content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Cannot parse request body"
    if problems:
        assert (answer.json()["code"], answer.json()["line"]) == ("malformed_body", 1)


def test_what_a_format_of_the_projects_own_refuses_reaches_them_too(serve):
    class Picky(JSON):
        name = "picky"
        media_type = "application/x-picky"

        def load(self, body, charset=None):
            raise BadRequest("Not like this.", code="picky")

    kinds = [HttpError]
    client = serve(make(MattAPI, kinds, formats=["json", Picky()]))
    answer = client.post("/api/baskets", b"{}", content_type="application/x-picky")
    assert answer.json() == {"handler": "HttpError", "message": "Not like this."}


@pytest.mark.parametrize(
    ("kinds", "is_ours"), [([HttpError, InvalidRequest, Exception], True), ([APIException], False)]
)
def test_what_ninja_had_no_handler_for_is_an_api_exception(serve, kinds, is_ours):
    client = serve(make(MattAPI, kinds))
    answers = [
        client.post("/api/baskets", b"x", content_type="application/x-nothing"),
        client.put("/api/baskets"),
        client.get("/api/nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [415, 405, 404]
    assert all(("handler" not in answer.json()) is is_ours for answer in answers)


def documented(api: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/")["components"]["responses"]
    return found


ANY = {"*/*": {"schema": {}}}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (InvalidRequest, {"UnprocessableContent"}),
        (HttpError, {"BadRequest", "Unauthorized"}),
        (
            Exception,
            {
                "Conflict",
                "ContentTooLarge",
                "InternalServerError",
                "NotFound",
                "ServiceUnavailable",
            },
        ),
        (APIException, {"NotAcceptable", "NotFound", "UnsupportedMediaType"}),
        (Http404, {"NotFound"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("problems", [False, True])
def test_the_document_describes_no_body_that_they_answer(serve, kind, names, problems):
    api = make(MattAPI, [kind], problem_details=problems)

    @api.put("/baskets/{pk}", auth=lambda request: True)
    def change(request, pk: int, basket: Basket):
        return {}

    ours = documented(api)
    assert {name for name, response in ours.items() if response["content"] == ANY} == names
    assert all(response["description"] for response in ours.values())
    schemas = api.get_openapi_schema(path_prefix="/api/")["components"]["schemas"]
    assert ("ValidationDetail" in schemas or "ValidationProblem" in schemas) is (
        kind is not InvalidRequest
    )


def test_the_document_describes_ours_where_a_subclass_answers_as_we_do(serve):
    class Other(MattAPI):
        pass

    class Own(MattAPI):
        def api_exception_handler(self, request, exc):
            return self.create_response(request, {"code": exc.status_code}, status=418)

    for cls, is_foreign in ((Other, False), (Own, True)):
        api = make(cls, [])
        assert (documented(api)["UnsupportedMediaType"]["content"] == ANY) is is_foreign


@pytest.mark.parametrize(("auth", "is_challenged"), [(HttpBearer, True), (APIKeyHeader, False)])
def test_the_document_promises_a_challenge_only_where_one_is_sent(serve, auth, is_challenged):
    kind = type("Auth", (auth,), {"authenticate": lambda self, request, *credentials: None})
    api = make(MattAPI, [], auth=kind())
    assert ("WWW-Authenticate" in documented(api)["Unauthorized"]["headers"]) is is_challenged
    answer = serve(api).post("/api/baskets")
    assert answer.status_code == 401
    assert ("WWW-Authenticate" in answer) is is_challenged
