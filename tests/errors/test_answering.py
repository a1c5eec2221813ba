"""Every exception ends in the error format: also what a decorator raises, and what a handler fails to answer."""

import asyncio
import sys

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ValidationError as InvalidValue
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from django.utils.translation import gettext_lazy as _
from ninja import Router as NinjaRouter
from ninja.decorators import decorate_view
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.security import APIKeyQuery, HttpBearer
from ninja.testing import TestClient
from ninja_extra import ControllerBase, NinjaExtraAPI, api_controller, http_get
from ninja_extra import exceptions as extra

from django_matt import MattAPI
from django_matt.errors.exceptions import Conflict
from tests.errors.conftest import raises
from tests.project.models import Author

PROBLEM = "application/problem+json"


class Broken(Exception):
    pass


class Sold(Exception):
    pass


@pytest.fixture
def reported():
    """The exceptions that ``got_request_exception`` told of."""
    seen = []

    def receive(sender, request, **kwargs):
        seen.append(sys.exc_info()[1])

    got_request_exception.connect(receive)
    yield seen
    got_request_exception.disconnect(receive)


def raising_decorator(error):
    def decorate(run):
        def wrapped(request, **path):
            raise error

        async def wrapped_async(request, **path):
            raise error

        return wrapped_async if iscoroutinefunction(run) else wrapped

    return decorate


def passing_on(run):
    def wrapped(request, **path):
        return run(request, **path)

    return wrapped


@pytest.fixture(params=["function", "async function", "controller", "Ninja's router"])
def decorated(request, serve):
    """Return ``decorated(decorator, place)``: a client of an API with a decorated route /api/it."""

    def mount(decorator, place="decorate_view"):
        api = MattAPI()
        if place == "api":
            api.add_decorator(decorator, mode="view")
        own = decorate_view(decorator) if place == "decorate_view" else lambda view: view
        if request.param == "controller":

            @api_controller("")
            class Controller(ControllerBase):
                @http_get("/it")
                @own
                def it(self):
                    return {}

            api.register_controllers(Controller)
        else:
            router = NinjaRouter() if request.param == "Ninja's router" else api.default_router
            if request.param == "async function":

                @router.get("/it")
                @own
                async def it_async(request):
                    return {}
            else:

                @router.get("/it")
                @own
                def it(request):
                    return {}

            if router is not api.default_router:
                api.add_router("", router)
        return serve(api)

    return mount


@pytest.mark.parametrize("place", ["decorate_view", "api"])
def test_an_http_error_of_a_decorator_is_answered_as_one_of_the_operation(decorated, place):
    answer = decorated(raising_decorator(HttpError(403, "not you")), place).get("/api/it")
    assert (answer.status_code, answer.json()) == (403, {"detail": "not you"})


@pytest.mark.parametrize("place", ["decorate_view", "api"])
def test_what_a_decorator_raises_is_a_problem_that_is_reported_once(decorated, place, reported):
    error = Broken()
    answer = decorated(raising_decorator(error), place).get("/api/it")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert reported == [error]


def test_a_401_of_a_decorator_says_how_to_authenticate(serve):
    class Token(HttpBearer):
        def authenticate(self, request, token):
            return token

    api = MattAPI()

    @api.get("/it", auth=Token())
    @decorate_view(raising_decorator(HttpError(401, "who?")))
    def it(request):
        return {}

    answer = serve(api).get("/api/it")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_401_where_no_scheme_of_http_is_asked_for_says_none(decorated):
    answer = decorated(raising_decorator(HttpError(401, "who?"))).get("/api/it")
    assert (answer.status_code, answer.has_header("WWW-Authenticate")) == (401, False)


def test_the_debug_page_shows_what_a_decorated_operation_raised(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it")
    @decorate_view(passing_on)
    def it(request):
        raise Broken("here")

    shown = serve(api).get("/api/it").json()
    assert shown["exception"].endswith("Broken: here")
    assert shown["traceback"]["frames"][-1]["function"].endswith("it")
    assert shown["plan"]


# Handlers


async def answer_sold(request, exc):
    return HttpResponse(f"sold: {exc}", status=409)


def test_an_async_handler_answers(raising):
    served = raising(raises(Sold("pen")))
    served.api.add_exception_handler(Sold, answer_sold)
    answer = served.get()
    assert (answer.status_code, answer.content) == (409, b"sold: pen")


def test_an_async_handler_answers_on_an_event_loop(serve):
    api = MattAPI()
    api.add_exception_handler(Sold, answer_sold)

    @api.get("/sync")
    def sync_view(request):
        raise Sold("pen")

    @api.get("/async")
    async def async_view(request):
        raise Sold("pen")

    @api.post("/async")
    def sync_view_of_an_async_path(request):
        raise Sold("pen")

    client = serve(api).async_client
    for call in (client.get("/api/sync"), client.get("/api/async"), client.post("/api/async")):
        answer = asyncio.run(call)
        assert (answer.status_code, answer.content) == (409, b"sold: pen")


def test_an_async_handler_asks_the_database_by_its_async_interface(serve, db):
    api = MattAPI()

    @api.exception_handler(Sold)
    async def handle(request, exc):
        return HttpResponse(str(await Author.objects.acount()), status=409)

    @api.get("/it")
    async def it(request):
        raise Sold

    assert serve(api).get("/api/it").content == b"0"


@pytest.mark.parametrize("kind", ["Ninja Extra's", "Ninja's"])
def test_an_async_handler_answers_for_authentication_methods_and_unknown_urls(serve, kind):
    class Key(APIKeyQuery):
        def authenticate(self, request, key):
            return None

    api = MattAPI()
    router = api.default_router if kind == "Ninja Extra's" else NinjaRouter()

    @router.get("/it", auth=Key())
    async def it(request):
        return {}

    @router.post("/it", auth=Key())
    def sync_view(request):
        return {}

    if router is not api.default_router:
        api.add_router("", router)

    async def handle(request, exc):
        return HttpResponse(type(exc).__name__, status=418)

    for error in (HttpError, extra.APIException):
        api.add_exception_handler(error, handle)
    client = serve(api).async_client
    for call, name in (
        (client.get("/api/it"), b"AuthenticationError"),
        (client.post("/api/it"), b"AuthenticationError"),
        (client.put("/api/it"), b"MethodNotAllowed"),
        (client.get("/api/unknown"), b"NotFound"),
    ):
        assert asyncio.run(call).content == name


class HandlerFailed(Exception):
    pass


def test_a_handler_that_raises_is_a_problem_and_both_exceptions_are_reported(raising, reported):
    served = raising(raises(Sold("pen")))

    @served.api.exception_handler(Sold)
    def handle(request, exc):
        raise HandlerFailed

    answer = served.get()
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    (error,) = reported
    assert isinstance(error, HandlerFailed)
    assert isinstance(error.__context__, Sold)


def test_an_async_handler_that_raises_is_a_problem_and_both_exceptions_are_reported(
    raising, reported
):
    served = raising(raises(Sold("pen")))

    @served.api.exception_handler(Sold)
    async def handle(request, exc):
        raise HandlerFailed

    assert served.get().status_code == 500
    (error,) = reported
    assert isinstance(error, HandlerFailed)
    assert isinstance(error.__context__, Sold)


def test_a_handler_that_raises_an_http_error_has_failed_around_and_inside_a_decorator(serve):
    # Ninja answers it with Django's page, wherever it is raised.
    api = MattAPI()

    @api.exception_handler(Sold)
    def handle(request, exc):
        raise HttpError(404, "no")

    @api.get("/plain")
    def plain(request):
        raise Sold

    @api.get("/decorated")
    @decorate_view(passing_on)
    def decorated(request):
        raise Sold

    client = serve(api)
    for path in ("plain", "decorated"):
        answer = client.get(f"/api/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_handler_that_raises_what_it_got_is_asked_once_and_our_answer_is_given(serve, wrapped):
    api, asked = MattAPI(), []

    @api.exception_handler(Exception)
    def handle(request, exc):
        asked.append(exc)
        raise exc

    def it(request):
        raise Broken

    if wrapped:
        it = decorate_view(passing_on)(it)
    api.get("/it")(it)
    answer = serve(api).get("/api/it")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert len(asked) == 1


@pytest.mark.parametrize("returned", [None, {"sold": True}, "sold"])
def test_a_handler_that_returns_no_response_is_named(raising, caplog, returned):
    served = raising(raises(Sold("pen")))

    @served.api.exception_handler(Sold)
    def answers_nothing(request, exc):
        return returned

    answer = served.get()
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    (record,) = [each for each in caplog.records if hasattr(each, "request_id")]
    message = str(record.exc_info[1])
    assert "answers_nothing" in message
    assert f"returned {type(returned).__name__} for Sold" in message
    assert "Return a response" in message


TRANSLATED = {
    "HttpError": lambda text: HttpError(404, text),
    "Conflict": Conflict,
    "Conflict's member": lambda text: Conflict("no", what=text),
    "Conflict's header": lambda text: Conflict("no", headers={"X-What": text}),
    "Http404": Http404,
    "NotFound": extra.NotFound,
    "ValidationError": lambda text: ValidationError([{"loc": ["body"], "msg": text, "type": "x"}]),
    "ValidationError of a text": ValidationError,
    "a list": lambda text: extra.APIException([text]),
    "a dict": lambda text: extra.APIException({"name": text}),
    "Django's ValidationError": InvalidValue,
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("problem_details", [False, True])
@pytest.mark.parametrize("accept", ["*/*", "application/xml", "application/yaml", "text/csv"])
@pytest.mark.parametrize("make", list(TRANSLATED.values()), ids=list(TRANSLATED))
def test_a_translated_text_is_answered_like_another(
    serve, settings, make, accept, problem_details, debug
):
    settings.DEBUG = debug
    api = MattAPI(problem_details=problem_details)

    @api.get("/it")
    def it(request, translated: bool):
        raise make(_("Not here") if translated else "Not here")

    client = serve(api)
    headers = {"Accept": accept, "X-Request-ID": "1"}
    plain, translated = (
        client.get(f"/api/it?translated={each}", headers=headers) for each in (0, 1)
    )
    assert plain["Content-Type"] == translated["Content-Type"]
    assert (plain.status_code, plain.content) == (translated.status_code, translated.content)


# Middlewares


class Watching:
    """A middleware that looks at exceptions; a test says what it answers."""

    seen: list = []
    answers: object = None

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        self.seen.append(exception)
        return type(self).answers


@pytest.fixture
def watching(settings, monkeypatch):
    monkeypatch.setattr(Watching, "seen", [])
    monkeypatch.setattr(Watching, "answers", None)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Watching"]
    return Watching


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_middleware_sees_what_leaves_the_view_and_the_error_format_answers(
    watching, raising, reported, asynchronous
):
    error = Broken()
    served = raising(raises(error))
    if asynchronous:
        answer = asyncio.run(served.client.async_client.get("/api/it"))
    else:
        answer = served.get()
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert watching.seen == [error]
    assert reported == [error]


def test_the_answer_of_a_middleware_wins(watching, raising, reported):
    watching.answers = HttpResponse("its own", status=418)
    answer = raising(raises(Broken())).get()
    assert (answer.status_code, answer.content) == (418, b"its own")
    assert reported == []


@pytest.mark.parametrize(
    "error", [HttpError(409, "x"), Http404(), Conflict("x"), extra.NotFound(), ValidationError([])]
)
def test_a_middleware_does_not_see_what_ninja_answers(watching, raising, error):
    raising(raises(error)).get()
    assert watching.seen == []


def test_a_middleware_does_not_see_what_a_handler_of_the_project_answers(watching, raising):
    served = raising(raises(Sold("pen")))
    served.api.add_exception_handler(Sold, answer_sold)
    assert served.get().status_code == 409
    assert watching.seen == []


def test_a_middleware_sees_what_authentication_raises(watching, serve):
    class Key(APIKeyQuery):
        def authenticate(self, request, key):
            raise Broken

    api = MattAPI()

    @api.get("/it", auth=Key())
    def it(request):
        return {}

    answer = serve(api).get("/api/it?key=1")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert [type(error) for error in watching.seen] == [Broken]


def test_a_middleware_sees_what_the_peers_middleware_sees(watching, serve):
    seen = []
    for cls in (NinjaExtraAPI, MattAPI):
        api = cls(urls_namespace=f"peer-{cls.__name__}")

        @api.get("/it")
        @decorate_view(raising_decorator(HttpError(403, "no")))
        def it(request):
            return {}

        @api.get("/misfit", response=int)
        def misfit(request):
            return "x"

        @api.get("/missing")
        def missing(request, key: int):
            return {}

        client = serve(api)
        for path in ("it", "misfit", "missing", "unknown"):
            client.get(f"/api/{path}")
        seen.append([type(error) for error in watching.seen])
        watching.seen.clear()
    theirs, ours = seen
    assert ours == theirs


def test_head_has_no_body_when_the_exception_has_left_the_view(watching, raising):
    answer = raising(raises(Broken())).client.head("/api/it")
    assert (answer.status_code, answer.content) == (500, b"")
    assert answer["Content-Length"] != "0"


def test_a_view_that_no_handler_called_answers_itself(watching, serve):
    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise Broken

    serve(api)
    view, _args, _keywords = resolve("/api/it")
    assert view(RequestFactory().get("/api/it")).status_code == 500
    with pytest.raises(Broken):
        TestClient(api).get("/it")
    assert watching.seen == []


def test_other_views_of_the_project_are_answered_by_django(watching, serve, settings):
    from django.urls import path

    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise Broken

    def page(request):
        raise Broken

    client = serve(api)
    settings.ROOT_URLCONF.urlpatterns.append(path("page", page))
    assert client.get("/api/it")["Content-Type"] == PROBLEM
    assert client.get("/page")["Content-Type"].startswith("text/html")


def test_an_operation_of_a_class_of_the_projects_own_is_answered_too(serve, reported):
    class Own(Operation):
        def run(self, request, **path):
            raise Broken

    class OwnRouter(NinjaRouter):
        def add_api_operation(self, *args, **options):
            super().add_api_operation(*args, **options)
            for view in self.path_operations.values():
                for operation in view.operations:
                    operation.__class__ = Own

    api, router = MattAPI(), OwnRouter()

    @router.get("/it")
    def it(request):
        return {}

    api.add_router("", router)
    answer = serve(api).get("/api/it")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert len(reported) == 1
