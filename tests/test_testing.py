"""The clients that users' tests call: one suite over the sync and the async one."""

import inspect
from types import ModuleType

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from ninja import Router as NinjaRouter

from django_matt import (
    JSONL,
    SSE,
    ControllerBase,
    File,
    Form,
    MattAPI,
    Router,
    Schema,
    UploadedFile,
    api_controller,
    http_post,
    http_put,
)
from django_matt.testing import (  # noqa: F401 - fixtures are found by their name
    AsyncMattClient,
    MattClient,
    TestAsyncClient,
    TestClient,
    async_matt_client,
    matt_client,
)


class Thing(Schema):
    name: str
    size: int = 1


def build_api() -> MattAPI:
    api = MattAPI()

    @api.get("/hello")
    def hello(request, name: str = "world"):
        return {"hello": name, "who": request.headers.get("X-Who")}

    @api.post("/things")
    def make(request, thing: Thing):
        return thing.dict()

    @api.patch("/things")
    async def change(request, thing: Thing):
        return thing.dict()

    @api.delete("/things")
    def delete(request):
        return api.create_response(request, None, status=204)

    @api.get("/lines", response=JSONL[Thing])
    async def lines(request):
        for size in range(3):
            yield {"name": "a", "size": size}

    @api.get("/events", response=SSE[Thing])
    def events(request):
        yield {"name": "a"}

    @api.get("/me")
    def me(request):
        return {"name": request.user.get_username()}

    @api.get("/broken")
    def broken(request):
        raise LookupError("a bug of the view")

    @api_controller("/forms")
    class Forms:
        @http_put("/file")
        def keep(self, title: Form[str], file: File[UploadedFile]):
            return {"title": title, "size": file.size, "name": file.name}

    api.register_controllers(Forms)
    return api


class Both:
    """One way to call either client."""

    def __init__(self, client: MattClient | AsyncMattClient) -> None:
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if not inspect.iscoroutinefunction(method):
            return method
        return async_to_sync(method)


@pytest.fixture(autouse=True)
def files_by_put(settings):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "ninja.compatibility.files.fix_request_files_middleware",
    ]


@pytest.fixture(params=[MattClient, AsyncMattClient])
def client(request):
    def build(**options) -> Both:
        return Both(request.param(build_api(), **options))

    return build


def test_a_query_becomes_parameters(client):
    answer = client().get("/api/hello", query={"name": "Ada & Co"})
    assert (answer.status, answer.data["hello"]) == (200, "Ada & Co")


def test_a_prefix_mounts_the_api_elsewhere(client):
    mounted = client(prefix="v2/")
    assert mounted.get("/v2/hello").status == 200
    assert mounted.get("/api/hello").status == 404


def test_two_apis_are_served_side_by_side():
    other = MattAPI()
    other.get("/hello")(lambda request: {"hello": "other"})
    one, two = MattClient(build_api()), MattClient(other)
    assert one.get("/api/hello").data["hello"] == "world"
    assert two.get("/api/hello").data == {"hello": "other"}
    assert one.get("/api/hello").data["hello"] == "world"


def test_json_is_sent_by_every_method_with_a_body(client):
    assert client().post("/api/things", json={"name": "a"}).data == {"name": "a", "size": 1}
    assert client().patch("/api/things", json={"name": "b"}).data == {"name": "b", "size": 1}


def test_an_empty_answer_has_no_data(client):
    answer = client().delete("/api/things")
    assert (answer.status, answer.data) == (204, None)


def test_a_file_travels_by_put(client):
    file = SimpleUploadedFile("a.txt", b"12345")
    answer = client().put("/api/forms/file", data={"title": "t"}, files={"file": file})
    assert answer.expect(200).data == {"title": "t", "size": 5, "name": "a.txt"}


def test_streams_are_lists(client):
    assert [line["size"] for line in client().get("/api/lines").data] == [0, 1, 2]


def test_events_are_lists():
    assert MattClient(build_api()).get("/api/events").data == [{"name": "a", "size": 1}]


def test_headers_go_with_every_request_or_with_one(client):
    assert client(headers={"X-Who": "all"}).get("/api/hello").data["who"] == "all"
    assert client().get("/api/hello", headers={"X-Who": "one"}).data["who"] == "one"


@pytest.mark.django_db
def test_a_session_signs_in(django_user_model):
    ada = django_user_model.objects.create_user("ada")
    client = MattClient(build_api())
    client.sign_in(ada)
    assert client.get("/api/me").data == {"name": "ada"}


@pytest.mark.django_db(transaction=True)
def test_a_session_signs_in_async(django_user_model):
    ada = django_user_model.objects.create_user("ada")

    async def sign_in_and_ask():
        client = AsyncMattClient(build_api())
        await client.sign_in(ada)
        return await client.get("/api/me")

    assert async_to_sync(sign_in_and_ask)().data == {"name": "ada"}


def test_expect_shows_which_field_was_wrong(client):
    with pytest.raises(AssertionError, match=r"(?s)expected 200, got <422.*POST /api/things.*name"):
        client().post("/api/things", json={"size": "many"}).expect(200)


def test_a_failed_assertion_shows_the_error(client):
    assert "Field required" in repr(client().post("/api/things", json={}))


def test_a_bug_reaches_the_test_or_is_seen_as_the_client_sees_it(client):
    with pytest.raises(LookupError, match="a bug of the view"):
        client().get("/api/broken")
    assert client(raise_request_exception=False).get("/api/broken").status == 500


def test_two_bodies_are_refused(client):
    with pytest.raises(TypeError, match="one body"):
        client().post("/api/things", json={}, data={})


def test_a_raw_body_keeps_its_bytes(client):
    answer = client().post("/api/things", data=b"{", content_type="application/json")
    assert answer.status == 400


def test_the_fixtures_serve_the_projects_urls(matt_client, async_matt_client, settings):  # noqa: F811
    urls = ModuleType("urls_of_this_test")
    urls.urlpatterns = MattClient(build_api()).django.handler.urlconf  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    assert matt_client.get("/api/hello").status == 200
    assert async_to_sync(async_matt_client.get)("/api/hello").status == 200


class Loud(Schema):
    name: str


def handle(request, loud: Loud):
    return {"name": loud.name}


async def handle_async(request, loud: Loud):
    return {"name": loud.name}


@api_controller("/controllers")
class Sync(ControllerBase):
    @http_post("/it", response=Loud)
    def it(self, loud: Loud):
        return loud


@api_controller("/controllers")
class Async(ControllerBase):
    @http_post("/it", response=Loud)
    async def it(self, loud: Loud):
        return loud


def router_of(kind, view):
    router = kind()
    router.post("/it", response=Loud)(view)
    return router


def routers_and_controllers(is_async):
    view = handle_async if is_async else handle
    return [*(router_of(kind, view) for kind in (NinjaRouter, Router)), Async if is_async else Sync]


# Ninja lets it pass; only MattAPI refuses it.
TWICE = b'{"name": "a", "name": "b"}'


def result_of(answer):
    async def wait():
        return await answer

    return async_to_sync(wait)() if inspect.isawaitable(answer) else answer


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_ninja_s_test_clients_of_a_router_or_a_controller_are_there_for_matt(is_async):
    kind = TestAsyncClient if is_async else TestClient
    for each in routers_and_controllers(is_async):
        client = kind(each, headers={"X-Test": "1"})

        assert result_of(client.post("/it", json={"name": "a"})).json() == {"name": "a"}
        assert result_of(client.post("/it", body=TWICE)).status_code == 400
        assert kind(each, problem_details=True).headers == {}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_client_takes_a_router_or_a_controller(is_async):
    kind = AsyncMattClient if is_async else MattClient
    for each in routers_and_controllers(is_async):
        client = kind(each)
        path = "/api/controllers/it" if each in (Sync, Async) else "/api/it"
        assert result_of(client.post(path, data=b'{"name": "a"}')).data == {"name": "a"}
        assert result_of(client.post(path, data=TWICE)).status == 400
