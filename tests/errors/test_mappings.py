"""Each exception that Ninja, Ninja Extra, Django or this package raises, over HTTP."""

import pytest
from django.core import exceptions as django
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import errors as ninja
from ninja_extra import exceptions as extra

from django_matt import MattAPI, Schema
from django_matt.errors import exceptions as ours
from tests.errors.conftest import raises

HANDLED = [
    (ninja.HttpError(418, "tea"), 418, {"detail": "tea"}),
    (ninja.AuthenticationError(), 401, {"detail": "Unauthorized"}),
    (ninja.AuthorizationError(), 403, {"detail": "Forbidden"}),
    (
        ninja.ValidationError(
            [{"type": "missing", "loc": ["query", "q"], "msg": "Field required"}]
        ),
        422,
        {"detail": [{"type": "missing", "loc": ["query", "q"], "msg": "Field required"}]},
    ),
    (extra.NotFound(), 404, {"detail": "Not found."}),
    (extra.PermissionDenied("no"), 403, {"detail": "no"}),
    (extra.ValidationError({"a": ["b"]}), 400, {"a": ["b"]}),
    (extra.ValidationError("b"), 400, ["b"]),
    (extra.APIException(), 500, {"detail": "A server error occurred."}),
    (ours.Conflict("paid", code="paid", order=7), 409, {"detail": "paid"}),
    (ours.Problem("odd", status=499), 499, {"detail": "odd"}),
    (Http404("secret"), 404, {"detail": "Not Found"}),
    (
        django.PermissionDenied("secret"),
        403,
        {"detail": "You do not have permission to do this."},
    ),
    (django.SuspiciousOperation("secret"), 400, {"detail": "Bad Request"}),
    (django.DisallowedHost("secret"), 400, {"detail": "Bad Request"}),
    (django.RequestDataTooBig("secret"), 413, {"detail": "The request body is too large."}),
    (django.TooManyFieldsSent("secret"), 400, {"detail": "The request has too many fields."}),
    (django.TooManyFilesSent("secret"), 400, {"detail": "The request has too many files."}),
    (django.BadRequest("secret"), 400, {"detail": "The request cannot be read."}),
    (MultiPartParserError("secret"), 400, {"detail": "The request cannot be read."}),
    (UnreadablePostError("secret"), 400, {"detail": "The request body ended too early."}),
]


@pytest.mark.parametrize(("exc", "status", "body"), HANDLED, ids=lambda v: type(v).__name__)
def test_a_handled_error_keeps_ninjas_body(raising, exc, status, body):
    answer = raising(raises(exc)).post()
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize(("exc", "status", "_body"), HANDLED, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("how", ["option", "accept"])
def test_a_handled_error_is_a_problem_document_where_one_is_wanted(
    raising, exc, status, _body, how
):
    served = raising(raises(exc), problem_details=how == "option")
    answer = served.post(**({"Accept": "application/problem+json"} if how == "accept" else {}))
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["instance"] == "/api/it"
    assert problem["title"]
    assert problem["code"]
    assert isinstance(problem["detail"], str)
    assert problem["request_id"] == answer["X-Request-ID"]
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("application/*", "application/json; charset=utf-8"),
        ("application/problem+json;q=0", "application/json; charset=utf-8"),
        ("text/html, application/problem+json;q=0.1", "application/problem+json"),
        (";;;,,q=,\x7f", "application/json; charset=utf-8"),
        ("application/problem+json;q=nonsense", "application/problem+json"),
    ],
)
def test_accept_chooses_the_form(raising, accept, kind):
    assert raising(raises(ours.Gone())).get(Accept=accept)["Content-Type"] == kind


def test_our_exceptions_bring_code_members_and_headers(raising):
    exc = ours.Conflict(
        "Paid.", code="order_paid", headers={"X-Order": "7"}, order=7, status_text="x"
    )
    answer = raising(raises(exc), problem_details=True).get()
    assert answer["X-Order"] == "7"
    assert {"code": "order_paid", "detail": "Paid.", "order": 7}.items() <= answer.json().items()


def test_a_member_cannot_replace_what_the_rfc_names(raising):
    exc = ours.Conflict("Paid.", title="mine", instance="http://evil.example")
    problem = raising(raises(exc), problem_details=True).get().json()
    assert (problem["title"], problem["instance"]) == ("Conflict", "/api/it")


def test_the_problem_type_is_a_setting(raising, settings):
    settings.MATT = {"PROBLEM_TYPE": "https://example.org/errors/{code}"}
    problem = raising(raises(ours.Gone()), problem_details=True).get().json()
    assert problem["type"] == "https://example.org/errors/gone"


def test_django_validation_errors_name_their_fields(raising):
    exc = django.ValidationError(
        {"title": [django.ValidationError("Too %(how)s.", code="long", params={"how": "long"})]}
    )
    answer = raising(raises(exc)).post()
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [{"type": "long", "loc": ["body", "title"], "msg": "Too long."}]
    }
    problem = raising(raises(exc), problem_details=True).post().json()
    assert problem["errors"] == [{"pointer": "#/body/title", "detail": "Too long.", "code": "long"}]


def test_a_django_validation_error_without_field_is_about_the_whole(raising):
    answer = raising(raises(django.ValidationError(["a", "b"]))).post()
    assert [(e["loc"], e["msg"]) for e in answer.json()["detail"]] == [
        (["body"], "a"),
        (["body"], "b"),
    ]


def _many(n):
    return [{"type": "int", "loc": ["body", "items", i, "a/b~c"], "msg": "no"} for i in range(n)]


def test_validation_errors_are_capped_and_the_rest_counted(raising, settings):
    settings.MATT = {"MAX_ERRORS": 3}
    answer = raising(raises(ninja.ValidationError(_many(10_000)))).post()
    assert answer.json() == {"detail": _many(3), "omitted": 9_997}
    problem = raising(raises(ninja.ValidationError(_many(5))), problem_details=True).post().json()
    assert (len(problem["errors"]), problem["omitted"]) == (3, 2)
    assert problem["detail"] == "The request has 5 invalid values."


def test_errors_that_were_left_out_before_are_counted_too(raising):
    exc = ninja.ValidationError(_many(2))
    exc.omitted = 40
    assert raising(raises(exc)).post().json()["omitted"] == 40


def test_a_pointer_escapes_by_rfc_6901(raising):
    problem = raising(raises(ninja.ValidationError(_many(1))), problem_details=True).post().json()
    assert problem["errors"][0]["pointer"] == "#/body/items/0/a~1b~0c"


def test_a_pointer_leaves_out_the_views_parameter_name(raising):
    exc = ninja.ValidationError(
        [{"type": "missing", "loc": ["body", "payload", "title"], "msg": "m"}]
    )
    exc.body_param = "payload"
    problem = raising(raises(exc), problem_details=True).post().json()
    assert problem["errors"][0]["pointer"] == "#/body/title"


@pytest.mark.parametrize(
    "errors",
    [
        "text",
        ["text"],
        [{}],
        [{"loc": "x"}],
        [{"loc": ["\ud800"], "msg": "\ud800", "ctx": {"v": float("nan"), "o": object()}}],
    ],
)
@pytest.mark.parametrize("problems", [False, True])
def test_an_odd_validation_error_is_still_a_422(raising, errors, problems):
    answer = raising(raises(ninja.ValidationError(errors)), problem_details=problems).post()
    assert answer.status_code == 422
    answer.json()


def test_401_says_how_to_authenticate_where_that_is_known(raising):
    assert "WWW-Authenticate" not in raising(raises(ninja.AuthenticationError())).get()
    exc = ninja.AuthenticationError()
    exc.headers = {"WWW-Authenticate": 'Basic realm="x"'}
    assert raising(raises(exc)).get()["WWW-Authenticate"] == 'Basic realm="x"'


@pytest.mark.parametrize(
    ("exc", "seconds"),
    [
        (
            ninja.Throttled(wait=3.2),  # type: ignore[arg-type]
            "4",
        ),
        (extra.Throttled(wait=7), "7"),
        (ours.TooManyRequests(headers={"Retry-After": "9"}), "9"),
        (ours.TooManyRequests(), "1"),
        (ours.ServiceUnavailable(), "1"),
        (ours.ServiceUnavailable(headers={"Retry-After": "30"}), "30"),
    ],
)
def test_429_and_503_say_when_to_come_back(raising, exc, seconds):
    assert raising(raises(exc)).get()["Retry-After"] == seconds


def test_routing_errors_are_always_problem_documents(raising):
    exc = ours.MethodNotAllowed(headers={"Allow": "GET"})
    exc.routing = True
    answer = raising(raises(exc)).get()
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("exc", [Http404("thing"), django.PermissionDenied("thing")])
def test_in_debug_the_message_is_shown(raising, settings, exc):
    settings.DEBUG = True
    assert "thing" in raising(raises(exc)).get().json()["detail"]


@pytest.mark.parametrize(
    "exc", [django.MultipleObjectsReturned("x"), KeyError("x"), ValueError("NUL")]
)
def test_what_is_our_fault_stays_a_500(raising, exc):
    served = raising(raises(exc))
    assert served.get().status_code == 500
    assert served.post().status_code == 500


def test_an_empty_one_to_one_is_our_fault(raising):
    class RelatedObjectDoesNotExist(django.ObjectDoesNotExist, AttributeError):
        pass

    assert raising(raises(RelatedObjectDoesNotExist("x"))).get().status_code == 500


def test_a_projects_own_handler_wins(raising):
    served = raising(raises(django.ObjectDoesNotExist()))

    @served.api.exception_handler(django.ObjectDoesNotExist)
    def mine(request, exc):
        return served.api.create_response(request, {"mine": True}, status=410)

    answer = served.get()
    assert (answer.status_code, answer.json()) == (410, {"mine": True})


def test_a_projects_handler_of_exception_sees_what_it_saw_on_ninja(raising):
    served = raising(raises(django.PermissionDenied()))

    @served.api.exception_handler(Exception)
    def mine(request, exc):
        return served.api.create_response(request, {"mine": type(exc).__name__}, status=500)

    assert served.get().json() == {"mine": "PermissionDenied"}


def test_an_error_is_answered_even_where_the_renderer_fails(raising):
    served = raising(raises(ours.Conflict("x")))

    def create_response(*args, **kwargs):
        raise RuntimeError("broken renderer")

    served.api.create_response = create_response
    answer = served.get()
    assert (answer.status_code, answer.json()) == (409, {"detail": "x"})


class Line(Schema):
    product: str
    count: int


class Basket(Schema):
    lines: list[Line]


def _basket_api(**options):
    api = MattAPI(**options)

    @api.post("/baskets")
    def make(request, basket: Basket):
        return basket

    return api


def test_a_pointer_leads_into_the_document_that_was_sent(serve):
    sent = {"lines": [{"product": "pen", "count": 1}, {"product": "ink", "count": "many"}]}
    client = serve(_basket_api(problem_details=True))
    problem = client.post("/api/baskets", sent, content_type="application/json").json()
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [
        ("#/body/lines/1/count", "int_parsing")
    ]
    assert problem["detail"] == "The request has an invalid value."


@pytest.mark.parametrize("problems", [False, True])
def test_twenty_thousand_mistakes_make_a_small_answer(serve, problems):
    client = serve(_basket_api(problem_details=problems))
    answer = client.post("/api/baskets", {"lines": [1] * 20_000}, content_type="application/json")
    assert answer.status_code == 422
    shown = answer.json()
    assert len(shown["errors" if problems else "detail"]) == 50
    assert shown["omitted"] == 19_950
    assert len(answer.content) < 20_000
