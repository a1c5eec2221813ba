"""``ATOMIC_REQUESTS``: which operations run in a transaction, what rolls it back, and what async routes answer."""

import asyncio
import inspect
from io import StringIO

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from ninja import Router as NinjaRouter
from ninja.decorators import decorate_view
from ninja.errors import HttpError
from ninja_extra import ControllerBase, api_controller, http_get, http_post

from django_matt import MattAPI
from tests.project.models import Author, Book

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEM = "application/problem+json"


class Sold(Exception):
    pass


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def in_transaction(request):
    return {"atomic": connection.in_atomic_block}


async def async_in_transaction(request):
    return {"atomic": await sync_to_async(lambda: connection.in_atomic_block)()}


@pytest.fixture(params=["function", "Ninja's router", "controller"])
def mount(request, serve):
    """Return ``mount(get=…, post=…)``: a client of an API with these views at /api/it."""

    def mounted(**views):
        api = MattAPI()
        if request.param == "controller":
            decorators = {"get": http_get, "post": http_post}
            members = {}
            for method, view in views.items():
                if asyncio.iscoroutinefunction(view):

                    async def own(self, view=view):
                        return await view(self.context.request)
                else:

                    def own(self, view=view):
                        return view(self.context.request)

                own.__dict__.update(view.__dict__)
                own.__signature__ = inspect.signature(lambda self: None)
                own.__name__ = method
                members[method] = decorators[method]("/it")(own)
            api.register_controllers(api_controller("")(type("C", (ControllerBase,), members)))
        else:
            router = NinjaRouter() if request.param == "Ninja's router" else api.default_router
            for method, view in views.items():
                getattr(router, method)("/it")(view)
            if router is not api.default_router:
                api.add_router("", router)
        return serve(api)

    return mounted


async def get_and_post(client):
    return await client.get("/api/it"), await client.post("/api/it")


def copy_of(view):
    """Return a copy to mark: the function itself is used by other tests."""
    if asyncio.iscoroutinefunction(view):

        async def copied_async(request):
            return await view(request)

        return copied_async

    def copied(request):
        return view(request)

    return copied


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize(
    "mark", [transaction.non_atomic_requests, transaction.non_atomic_requests(using="default")]
)
def test_a_route_that_asks_for_no_transaction_has_none(mount, mark):
    client = mount(get=mark(copy_of(in_transaction)), post=copy_of(in_transaction))
    assert client.get("/api/it").json() == {"atomic": False}
    assert client.post("/api/it").json() == {"atomic": True}


@pytest.mark.usefixtures("atomic_requests")
def test_a_path_whose_routes_all_ask_for_no_transaction_has_none(mount):
    plain = transaction.non_atomic_requests
    client = mount(get=plain(copy_of(in_transaction)), post=plain(copy_of(in_transaction)))
    assert client.get("/api/it").json() == client.post("/api/it").json() == {"atomic": False}


@pytest.mark.usefixtures("atomic_requests")
def test_the_name_of_another_database_changes_nothing(mount):
    client = mount(get=transaction.non_atomic_requests(using="legacy")(copy_of(in_transaction)))
    assert client.get("/api/it").json() == {"atomic": True}


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_async_route_that_asks_for_no_transaction_answers(mount, asynchronous):
    client = mount(
        get=transaction.non_atomic_requests(copy_of(async_in_transaction)),
        post=copy_of(in_transaction),
    )
    if asynchronous:
        get, post = async_to_sync(get_and_post)(client.async_client)
    else:
        get, post = client.get("/api/it"), client.post("/api/it")
    assert get.json() == {"atomic": False}
    assert post.json() == {"atomic": True}


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("debug", [False, True])
def test_an_async_route_answers_a_problem_with_a_hint_and_the_paths_others_work(
    mount, settings, caplog, debug
):
    settings.DEBUG = debug
    client = mount(get=copy_of(async_in_transaction), post=copy_of(in_transaction))
    answer = client.get("/api/it")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert ("@transaction.non_atomic_requests" in str(answer.json().get("hint"))) is debug
    assert "is an async route, and ATOMIC_REQUESTS is on for default" in caplog.text
    assert client.post("/api/it").json() == {"atomic": True}


def test_without_atomic_requests_async_routes_answer(mount):
    client = mount(get=copy_of(async_in_transaction))
    assert client.get("/api/it").json() == {"atomic": False}


@pytest.mark.usefixtures("atomic_requests")
def test_the_system_check_names_the_async_routes(serve):
    api = MattAPI()
    api.get("/in")(copy_of(async_in_transaction))
    api.get("/out")(transaction.non_atomic_requests(copy_of(async_in_transaction)))
    api.get("/sync")(copy_of(in_transaction))
    serve(api)
    shown = StringIO()
    call_command("check", "--tag", "matt", stdout=shown, stderr=shown)
    assert "matt.W006" in shown.getvalue()
    assert "GET /api/in." in shown.getvalue()
    assert "HINT: Put @transaction.non_atomic_requests" in shown.getvalue()
    assert "/out" not in shown.getvalue()


def test_the_system_check_is_silent_without_atomic_requests(serve):
    api = MattAPI()
    api.get("/in")(copy_of(async_in_transaction))
    serve(api)
    shown = StringIO()
    call_command("check", "--tag", "matt", stdout=shown, stderr=shown)
    assert "matt.W006" not in shown.getvalue()


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("handler", ["ours", "own", "async"])
@pytest.mark.parametrize("error", [HttpError(409, "sold"), Sold()])
def test_what_the_view_wrote_is_rolled_back_whoever_answers(serve, error, handler):
    api = MattAPI()

    def answer(request, exc):
        # A handler may ask the database, and what it writes belongs to the request.
        assert Author.objects.count() == 1
        return HttpResponse(status=409)

    async def answer_async(request, exc):
        assert await Author.objects.acount() == 1
        return HttpResponse(status=409)

    if handler != "ours":
        api.add_exception_handler(type(error), answer if handler == "own" else answer_async)

    @api.get("/it")
    def it(request):
        Author.objects.create(name="half")
        raise error

    expected = 500 if handler == "ours" and isinstance(error, Sold) else 409
    assert serve(api).get("/api/it").status_code == expected
    assert not Author.objects.exists()


@pytest.mark.usefixtures("atomic_requests")
def test_a_transaction_of_the_projects_own_around_a_marked_route_ends_as_on_the_peer(serve):
    api = MattAPI()

    @api.get("/it")
    @decorate_view(transaction.atomic)
    @transaction.non_atomic_requests
    def it(request):
        Author.objects.create(name="a failed sign-in")
        raise HttpError(403, "no")

    assert serve(api).get("/api/it").status_code == 403
    assert Author.objects.exists()


@pytest.mark.usefixtures("atomic_requests")
def test_what_fails_when_the_transaction_ends_is_answered_in_the_error_format(serve, caplog):
    # Foreign keys are checked at the commit, which is outside of the view.
    api = MattAPI()

    @api.post("/it")
    def it(request):
        Book.objects.create(title="x", author_id=12345)
        return {}

    answer = serve(api).post("/api/it")
    assert answer.status_code >= 400
    assert answer["Content-Type"] in (PROBLEM, "application/json; charset=utf-8")
    assert "X-Request-ID" in answer
    (record,) = [each for each in caplog.records if hasattr(each, "request_id")]
    assert isinstance(record.exc_info[1], IntegrityError)
    assert not Book.objects.exists()
