"""Each of the small apps does its work: over HTTP, for a sync and for an async route."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import django
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db.models.signals import m2m_changed, post_delete, post_save
from ninja.security import django_auth

from django_matt import MattAPI, ModelSchema, api_controller, http_get
from django_matt.asgi import MattASGIHandler
from django_matt.lifespans import run_lifespans
from tests.apps.caching import cached
from tests.apps.clients import write_client
from tests.apps.live import CHANGES
from tests.apps.metrics import COUNTS, SECONDS

pytestmark = pytest.mark.django_db


class AppGroupOut(ModelSchema):
    class Meta:
        model = Group
        fields = ["id", "name"]


class AppUserOut(ModelSchema):
    groups: list[AppGroupOut]

    class Meta:
        model = User
        fields = ["id", "username"]


def groups_api(decorate: Callable[[Any], Any] = lambda view: view) -> MattAPI:
    """Return an API with a sync and an async route of each kind that the apps want to see."""
    api = MattAPI()

    @api.get("/sync/groups", response=list[AppGroupOut])
    @decorate
    def list_groups(request):
        return Group.objects.order_by("id")

    @api.get("/async/groups", response=list[AppGroupOut])
    @decorate
    async def list_groups_async(request):
        return Group.objects.order_by("id")

    @api.get("/sync/users", response=list[AppUserOut])
    @decorate
    def list_users(request):
        return User.objects.order_by("id")

    @api.get("/async/users", response=list[AppUserOut])
    @decorate
    async def list_users_async(request):
        return User.objects.order_by("id")

    @api.post("/sync/groups/{number}", response=AppGroupOut)
    def rename(request, number: int, name: str, loud: bool = False):
        group = Group.objects.get(id=number)
        group.name = name.upper() if loud else name
        group.save()
        return group

    @api.get("/sync/secret", auth=django_auth)
    def read_secret(request):
        return {"secret": 1}

    @api.get("/async/secret", auth=django_auth)
    async def read_secret_async(request):
        return {"secret": 1}

    return api


@api_controller("/crew", auto_import=False)
class CrewController:
    @http_get("/{number}")
    def member(self, number: int):
        return {"number": number}


@pytest.fixture(params=["sync", "async"])
def project(request, serve, settings):
    """Return ``project(*apps, api=None)``: a project with these apps, asked by a sync or by an async client."""
    kind = request.param
    cache.clear()

    def install(*names: str, api: MattAPI | None = None) -> Any:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *names]
        client = serve(api or groups_api())

        def ask(path: str, method: str = "get", data: Any = None, **headers: str) -> Any:
            sent = {} if data is None else {"data": data, "content_type": "application/json"}
            if kind == "sync":
                return getattr(client, method)(f"/api{path}", headers=headers, **sent)
            send = getattr(client.async_client, method)
            return async_to_sync(send)(f"/api{path}", headers=headers, **sent)

        return SimpleNamespace(ask=ask, kind=kind, client=client)

    yield install
    # Tests of others write the same models.
    for signal in (post_save, post_delete, m2m_changed):
        signal.disconnect(dispatch_uid="tests.apps.caching")


# ---- metrics: a hook that sees every response ----


def test_metrics_count_answers_and_refusals_and_unknown_urls(project):
    COUNTS.clear()
    SECONDS.clear()
    api = groups_api()
    api.register_controllers(CrewController)
    shop = project("tests.apps.metrics.MetricsConfig", api=api)
    groups, secret = f"/{shop.kind}/groups", f"/{shop.kind}/secret"
    for path in (groups, groups, secret, "/nothing", "/crew/1"):
        shop.ask(path)
    shown = shop.ask("/metrics").content.decode()
    assert f'requests{{method="GET",route="/api/{shop.kind}/groups",status="200"}} 2' in shown
    assert f'requests{{method="GET",route="/api/{shop.kind}/secret",status="401"}} 1' in shown
    assert 'requests{method="GET",route="none",status="404"} 1' in shown
    assert 'requests{method="GET",route="/api/crew/{number}",status="200"} 1' in shown
    assert f'seconds{{route="/api/{shop.kind}/groups"}} 0.' in shown


# ---- caching: a hook that answers, by what a route reads ----


def test_a_cached_response_is_sent_until_a_table_that_it_was_read_from_changes(
    project, django_assert_num_queries
):
    shop = project("tests.apps.caching.CachingConfig", api=groups_api(cached))
    staff = Group.objects.create(name="staff")
    User.objects.create(username="ada").groups.add(staff)
    first = shop.ask(f"/{shop.kind}/users")
    assert "X-Cache" not in first
    with django_assert_num_queries(0):
        again = shop.ask(f"/{shop.kind}/users")
    assert (again["X-Cache"], again.content) == ("hit", first.content)
    staff.name = "crew"
    staff.save()
    changed = shop.ask(f"/{shop.kind}/users")
    assert "X-Cache" not in changed
    assert changed.json()[0]["groups"] == [{"id": staff.id, "name": "crew"}]


def test_a_change_of_another_table_leaves_a_cached_response(project):
    shop = project("tests.apps.caching.CachingConfig", api=groups_api(cached))
    shop.ask(f"/{shop.kind}/groups")
    User.objects.create(username="ada")
    assert shop.ask(f"/{shop.kind}/groups")["X-Cache"] == "hit"


# ---- sign-in: views that are not routes, and their document ----


def test_views_of_a_library_sign_in_for_the_routes_of_the_api(project):
    shop = project("tests.apps.sign_in.SignInConfig")
    User.objects.create_user("ada", password="right")
    refused = shop.ask("/auth/sign-in", "post", {"username": "ada", "password": "wrong"})
    assert refused.status_code == 401
    assert refused.json() == {"detail": "Wrong name or password."}
    assert shop.ask("/auth/session").status_code == 401
    assert shop.ask(f"/{shop.kind}/secret").status_code == 401
    sent = {"username": "ada", "password": "right"}
    assert shop.ask("/auth/sign-in", "post", sent).json() == {"username": "ada"}
    assert shop.ask("/auth/session").json() == {"username": "ada"}
    assert shop.ask(f"/{shop.kind}/secret").json() == {"secret": 1}


def test_views_of_a_library_answer_errors_and_are_documented_as_routes_are(project):
    ask = project("tests.apps.sign_in.SignInConfig").ask
    assert ask("/auth/sign-in").json()["code"] == "method_not_allowed"
    assert ask("/auth/sign-in", "post", {"username": "a" * 1_000}).status_code == 413
    document = ask("/openapi.json").json()
    described = document["paths"]["/api/auth/session"]["get"]
    assert described["responses"]["200"] == {"$ref": "#/components/responses/User"}
    assert document["components"]["responses"]["User"]


# ---- tenants: scopes ----


def test_a_tenant_reads_its_own_rows_alone(project):
    from tests.scopes.models import Volume
    from tests.scopes.tenants import two_tenants

    class AppVolumeOut(ModelSchema):
        class Meta:
            model = Volume
            fields = ["title"]

    api = MattAPI()

    @api.get("/sync/volumes", response=list[AppVolumeOut])
    def list_volumes(request):
        return Volume.objects.order_by("id")

    @api.get("/async/volumes", response=list[AppVolumeOut])
    async def list_volumes_async(request):
        return Volume.objects.order_by("id")

    shop = project("tests.apps.tenants.TenantsConfig", api=api)
    two_tenants()
    found = shop.ask(f"/{shop.kind}/volumes", **{"X-Tenant": "red"}).json()
    assert [each["title"] for each in found] == [f"red {number}" for number in range(4)]
    assert shop.ask(f"/{shop.kind}/volumes").status_code == 400


# ---- a client: operations as data ----


def test_a_client_that_is_written_from_the_operations_talks_to_the_api(project):
    api = groups_api()
    shop = project(api=api)
    names: dict[str, Any] = {}
    exec(write_client(api), names)

    def send(method: str, path: str, query: dict[str, Any], body: Any) -> Any:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return shop.ask(f"{path.removeprefix('/api')}?{asked}", method.lower(), body).json()

    client = names["Client"](send)
    group = Group.objects.create(name="staff")
    assert client.rename(number=group.id, name="crew", loud=True) == {
        "id": group.id,
        "name": "CREW",
    }
    listing = client.list_groups if shop.kind == "sync" else client.list_groups_async
    assert listing() == [{"id": group.id, "name": "CREW"}]
    hints = get_type_hints(names["AppUserOut"], names)
    assert get_args(hints["groups"]) == (names["AppGroupOut"],)
    hints = get_type_hints(names["Client"].rename, names)
    assert hints == {"number": int, "name": str, "loud": bool, "return": names["AppGroupOut"]}


# ---- a dashboard: a policy for its path ----


def test_a_dashboard_has_forms_of_the_operations_and_a_policy_of_its_own(project, settings):
    # Django has a middleware of its own since 6.0; on 5.2 it is django-csp's.
    own = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    writer = own if django.VERSION >= (6, 0) else "csp.middleware.CSPMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, writer, "django_matt.policies.PolicyMiddleware"]
    settings.SECURE_CSP = {"default-src": ["'self'"]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": settings.SECURE_CSP}
    shop = project("tests.apps.dashboard.DashboardConfig")
    page = shop.ask("/dashboard/" if shop.kind == "sync" else "/dashboard/async")
    assert '<form action="/api/sync/groups/{number}" method="POST">' in page.content.decode()
    assert '<input name="loud">' in page.content.decode()
    assert "style-src 'self' 'unsafe-inline'" in page["Content-Security-Policy"]
    answer = shop.ask(f"/{shop.kind}/groups")
    assert answer["Content-Security-Policy"] == "default-src 'self'"


# ---- a live list: events that can be resumed, with the route's own JSON ----


def test_a_change_is_sent_as_the_json_of_the_route_and_resumed_by_its_number(project):
    CHANGES.clear()
    shop = project("tests.apps.live.LiveConfig")
    Group.objects.create(name="staff")
    User.objects.create(username="ada")
    crew = Group.objects.create(name="crew")
    first = CHANGES[0].number
    if shop.kind == "sync":
        answer = shop.ask("/changes/list_groups", **{"Last-Event-ID": str(first)})
        sent = b"".join(answer.streaming_content).decode()
    else:
        sent = async_to_sync(read_live)(shop, first, "list_groups_async")
    row = json.dumps([{"id": crew.id, "name": "crew"}], separators=(",", ":"))
    assert f"id: {first + 2}\nevent: changed\ndata: {row}\n" in sent
    assert "staff" not in sent
    assert "ada" not in sent


async def read_live(shop: Any, last: int, name: str) -> str:
    """Read the live stream until an event has come, and leave."""
    headers = {"Last-Event-ID": str(last)}
    answer = await shop.client.async_client.get(f"/api/live/{name}", headers=headers)
    sent = ""
    async with asyncio.timeout(20):
        async for part in answer.streaming_content:
            sent += part.decode()
            if "data: " in sent:
                break
    await answer.streaming_content.aclose()
    return sent


def test_only_an_open_list_can_be_watched(project):
    shop = project("tests.apps.live.LiveConfig")
    for name in ("read_secret", "nothing"):
        if shop.kind == "sync":
            assert shop.ask(f"/changes/{name}").status_code == 404
        else:
            # An async generator begins when its response has begun.
            sent = async_to_sync(read_live)(shop, 0, name)
            assert sent.startswith('event: error\ndata: {"type":"about:blank","title":"Not Found"')


# ---- a served model: a lifespan, a health check, an error of its library ----


def test_a_model_answers_while_the_server_runs(project):
    shop = project("django_matt.contrib.health", "tests.apps.model_server.ModelServerConfig")
    path = f"/{'predictions' if shop.kind == 'sync' else 'async-predictions'}?text=why?"
    refused = shop.ask(path, Accept="application/problem+json")
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert refused.json()["code"] == "not_loaded"
    assert shop.ask("/health/ready").json()["checks"]["model"] == "failing"

    async def serving() -> tuple[Any, Any]:
        async with run_lifespans():
            if shop.kind == "sync":
                ask = sync_to_async(shop.client.get)
            else:
                ask = shop.client.async_client.get
            return await ask(f"/api{path}"), await ask("/api/health/ready")

    answer, ready = async_to_sync(serving)()
    assert answer.json() == {"label": "question"}
    assert ready.json()["checks"]["model"] == "ok"
    assert apps.get_app_config("model_server").model is None


# ---- rooms: WebSockets with the authentication of the routes ----


# The sockets ask the database in a thread of their own.
@pytest.mark.django_db(transaction=True)
def test_a_room_hears_what_a_route_says_and_lets_nobody_in_without_a_token(project):
    shop = project("tests.apps.rooms.RoomsConfig")
    User.objects.create(username="ada")
    application = MattASGIHandler()

    def connect(token: str) -> ApplicationCommunicator:
        headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "websocket", "path": "/api/rooms/tea", "headers": headers}
        return ApplicationCommunicator(application, scope)

    async def talk() -> None:
        stranger = connect("eve")
        await stranger.send_input({"type": "websocket.connect"})
        assert (await stranger.receive_output(20))["type"] == "websocket.close"
        ada = connect("ada")
        await ada.send_input({"type": "websocket.connect"})
        assert (await ada.receive_output(20))["type"] == "websocket.accept"
        await ada.send_input({"type": "websocket.receive", "text": "hello"})
        assert (await ada.receive_output(20))["text"] == "ada: hello"
        say = (
            shop.client.async_client.post
            if shop.kind == "async"
            else sync_to_async(shop.client.post)
        )
        path = f"/api/{shop.kind}/rooms/tea?text=tea+is+ready"
        answer = await say(path, headers={"Authorization": "Bearer ada"})
        assert answer.json() == {"heard": 1}
        assert (await ada.receive_output(20))["text"] == "tea is ready"
        await ada.send_input({"type": "websocket.disconnect", "code": 1000})
        await ada.wait(20)
        assert (await say(path, headers={"Authorization": "Bearer ada"})).json() == {"heard": 0}

    try:
        async_to_sync(talk)()
    finally:
        application.threads.close()
