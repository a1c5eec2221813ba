"""Django views that are not routes answer errors as the API that they are mounted on does."""

import types
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import AsyncClient
from django.urls import clear_url_caches, include, path, reverse
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from django_matt import MattAPI

PROBLEM = "application/problem+json"
ERRORS: dict[str, type[Exception]] = {
    "missing": Http404,
    "forbidden": PermissionDenied,
    "fault": LookupError,
}


def fail(request, kind):
    raise ERRORS[kind]("secret")


async def fail_async(request, kind):
    raise ERRORS[kind]("secret")


@require_GET
def read(request):
    return HttpResponse("read")


class Reading(View):
    def get(self, request):
        return HttpResponse("read")


class ReadingAsync(View):
    async def get(self, request):
        return HttpResponse("read")


@csrf_exempt
def measure(request):
    return HttpResponse(str(len(request.body)))


@csrf_exempt
async def measure_async(request):
    return HttpResponse(str(len(request.body)))


inner = types.ModuleType("inner_urls")
inner.app_name = "inner"  # type: ignore[attr-defined]
inner.urlpatterns = [path("<kind>", fail, name="fail")]  # type: ignore[attr-defined]

PATTERNS: list[Any] = [
    path("sync/<kind>", fail, name="fail"),
    path("async/<kind>", fail_async),
    path("read", read),
    path("reading", Reading.as_view()),
    path("reading-async", ReadingAsync.as_view()),
    path("measure", measure),
    path("measure-async", measure_async),
    path("inner/", include(inner)),
]


@pytest.fixture(params=["below the API", "beside the API"])
def client(request, serve, settings):
    """The views, mounted on an API or wrapped for the project's own URLconf; ``client.root`` is where they are."""
    api = MattAPI()
    if request.param == "below the API":
        api.mount_views("views/", PATTERNS, max_body=10)
        client = serve(api)
        client.root = "/api/views/"
        return client
    client = serve(api)
    urlconf: Any = settings.ROOT_URLCONF
    urlconf.urlpatterns.append(path("views/", api.answer_errors(PATTERNS, max_body=10)))
    clear_url_caches()
    client.root = "/views/"
    return client


@pytest.mark.parametrize("where", ["sync/", "async/", "inner/"])
def test_what_they_raise_is_answered_in_the_error_format(client, where, caplog):
    answer = client.get(f"{client.root}{where}missing")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    answer = client.get(f"{client.root}{where}forbidden", headers={"accept": PROBLEM})
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
    caplog.clear()
    answer = client.get(f"{client.root}{where}fault")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    (record,) = [each for each in caplog.records if each.exc_info]
    assert record.filename == "test_foreign_views.py"


@pytest.mark.parametrize("view", ["read", "reading", "reading-async"])
def test_a_wrong_method_is_answered_in_the_error_format(client, view):
    assert client.get(client.root + view).content == b"read"
    answer = client.post(client.root + view, b"", content_type="text/plain")
    assert (answer.status_code, answer["Content-Type"]) == (405, PROBLEM)
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("view", ["measure", "measure-async"])
def test_a_body_past_the_limit_is_refused(client, view):
    url = client.root + view
    assert client.post(url, b"x" * 10, content_type="text/plain").content == b"10"
    answer = client.post(url, b"x" * 11, content_type="text/plain")
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request body is larger than 10 bytes."


def test_they_answer_under_asgi(serve):
    api = MattAPI()
    api.mount_views("views/", PATTERNS, max_body=10)
    serve(api)
    client = AsyncClient(raise_request_exception=False)
    get, post = async_to_sync(client.get), async_to_sync(client.post)
    for view in ("sync/missing", "async/missing"):
        assert get(f"/api/views/{view}").json() == {"detail": "Not Found"}
    for view in ("measure", "measure-async"):
        answer = post(f"/api/views/{view}", b"x" * 11, content_type="text/plain")
        assert answer.status_code == 413


def test_an_unknown_url_below_the_api_is_answered_by_the_api(serve):
    api = MattAPI()
    api.mount_views("views/", PATTERNS)
    answer = serve(api).get("/api/views/none")
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_their_names_can_be_reversed(client):
    namespace = "api-1.0.0:" if client.root.startswith("/api") else ""
    assert reverse(f"{namespace}fail", args=["a"]) == f"{client.root}sync/a"
    assert reverse(f"{namespace}inner:fail", args=["a"]) == f"{client.root}inner/a"


def test_registered_errors_and_handlers_of_the_project_s_answer_them(serve):
    api = MattAPI()
    api.mount_views("views/", PATTERNS)

    @api.exception_handler(LookupError)
    async def own(request, exc):
        return api.create_response(request, {"own": str(exc)}, status=418)

    client = serve(api)
    for view in ("sync", "async"):
        assert client.get(f"/api/views/{view}/fault").json() == {"own": "secret"}


class SeesExceptions:
    seen: list[str] = []

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        self.seen.append(type(exception).__name__)


def test_a_middleware_sees_the_exception_first(serve, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.SeesExceptions"]
    SeesExceptions.seen.clear()
    api = MattAPI()
    api.mount_views("views/", PATTERNS)
    client = serve(api)
    for view in ("sync", "async"):
        assert client.get(f"/api/views/{view}/missing").json() == {"detail": "Not Found"}
    assert SeesExceptions.seen == ["Http404", "Http404"]


@pytest.mark.django_db(transaction=True)
def test_atomic_requests_roll_back_what_they_wrote(serve, settings_module, monkeypatch):
    from django.db import connection

    def write(request):
        Group.objects.create(name="written")
        raise Http404

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    api = MattAPI()
    api.mount_views("", [path("write", write)])
    assert serve(api).get("/api/write").status_code == 404
    assert not Group.objects.exists()


def test_their_decorators_and_apis_among_them_stay():
    api = MattAPI()
    other = MattAPI(urls_namespace="other")
    patterns, app_name, namespace = api.answer_errors([*PATTERNS, path("other/", other.urls)])
    assert (app_name, namespace) == (None, None)
    assert patterns[5].callback.csrf_exempt  # type: ignore[union-attr]
    assert patterns[3].callback.view_class is Reading  # type: ignore[union-attr]
    before = [type(each) for each in path("other/", other.urls).url_patterns]
    assert [type(each) for each in patterns[-1].url_patterns] == before  # type: ignore[union-attr]
