"""Tenants manage their endpoints over HTTP, and see and reach no others."""

import json
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from ninja_extra import api_controller

from django_matt import MattAPI
from django_matt.authentication import SessionAuthenticator
from django_matt.contrib.webhooks.controllers import EndpointController
from django_matt.contrib.webhooks.models import Delivery, Endpoint, State
from django_matt.contrib.webhooks.signatures import decode_secret, is_signed

pytestmark = pytest.mark.django_db

A, B = {"X-Organization": "a"}, {"X-Organization": "b"}
PUBLIC = "https://hooks.example.com/in?token=1"


def make_api(**more: Any) -> MattAPI:
    api = MattAPI()

    @api_controller("/webhooks", auth=SessionAuthenticator(), **more)
    class WebhookController(EndpointController): ...

    api.register_controllers(WebhookController)
    return api


@pytest.fixture
def client(serve: Any) -> Client:
    made: Client = serve(make_api())
    user = User.objects.create(username="ada", is_staff=True)
    made.force_login(user)
    # The routes are tested without a page that has a token.
    made.handler.enforce_csrf_checks = False
    return made


def ask(client: Client, method: str, path: str = "", data: Any = None, **headers: str) -> Any:
    body = b"" if data is None else json.dumps(data).encode()
    return client.generic(
        method, f"/api/webhooks{path}", body, content_type="application/json", headers=headers or A
    )


def create(client: Client, url: str = PUBLIC, **headers: str) -> dict[str, Any]:
    found = ask(client, "POST", "", {"url": url, "topics": ["order.paid"]}, **headers)
    assert found.status_code == 201, found.content
    made: dict[str, Any] = found.json()
    return made


def test_the_secret_is_shown_once(client):
    response = ask(client, "POST", "", {"url": PUBLIC, "topics": ["order.paid", "order.paid"]})
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    made = response.json()
    secret = made.pop("secret")
    assert len(decode_secret(secret)) == 32
    assert made == {
        "id": made["id"],
        "url": PUBLIC,
        "topics": ["order.paid"],
        "created_at": made["created_at"],
        "old_secret_until": None,
        "failing_since": None,
        "disabled_at": None,
        "disabled_reason": "",
    }
    assert ask(client, "GET").json() == [made]
    assert ask(client, "GET", f"/{made['id']}").json() == made
    assert Endpoint.objects.get().tenant == "a"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"url": "http://192.168.0.1/", "topics": ["order.paid"]}, "url"),
        ({"url": "https://u:p@example.com/", "topics": ["order.paid"]}, "url"),
        ({"url": "https://example.com/" + "x" * 1_000, "topics": ["order.paid"]}, "url"),
        ({"url": 7, "topics": ["order.paid"]}, "url"),
        ({"topics": ["order.paid"]}, "url"),
        ({"url": PUBLIC, "topics": []}, "topics"),
        ({"url": PUBLIC, "topics": ["order.*"]}, "topics"),
        ({"url": PUBLIC, "topics": ["order.paid", "user.secret"]}, "topics"),
        ({"url": PUBLIC, "topics": "order.paid"}, "topics"),
        ({"url": PUBLIC, "topics": ["order.paid"] * 1_001}, "topics"),
        ({"url": PUBLIC, "topics": ["order.paid"], "tenant": "b"}, "tenant"),
    ],
)
def test_these_endpoints_are_refused(client, data, field):
    found = ask(client, "POST", "", data)
    assert found.status_code == 422
    assert field in found.json()["detail"][0]["loc"]
    assert not Endpoint.objects.exists()


def test_an_endpoint_is_changed_disabled_and_enabled(client):
    path = f"/{create(client)['id']}"
    found = ask(client, "PATCH", path, {"url": "https://example.org/", "topics": ["order.shipped"]})
    assert (found.status_code, found.json()["url"]) == (200, "https://example.org/")
    assert found.json()["topics"] == ["order.shipped"]
    found = ask(client, "PATCH", path, {"is_enabled": False}).json()
    assert found["disabled_at"] is not None
    assert found["disabled_reason"] == "It was disabled by its owner."
    Endpoint.objects.update(failing_since=timezone.now())
    found = ask(client, "PATCH", path, {"is_enabled": True}).json()
    assert (found["disabled_at"], found["disabled_reason"]) == (None, "")
    assert found["failing_since"] is None
    assert ask(client, "PATCH", path, {"topics": ["x"]}).status_code == 422
    assert ask(client, "PATCH", path, {"url": "http://10.0.0.1"}).status_code == 422
    assert ask(client, "PATCH", path, {"secret": "x"}).status_code == 422


def test_a_secret_is_rotated_with_an_overlap(client):
    made = create(client)
    path = f"/{made['id']}/secret"
    found = ask(client, "POST", path, {"overlap_seconds": 60})
    assert (found.status_code, found.headers["Cache-Control"]) == (200, "no-store")
    assert found.json()["secret"] != made["secret"]
    assert found.json()["old_secret_until"] is not None
    assert ask(client, "POST", path).status_code == 409
    at_once = ask(client, "POST", path, {"overlap_seconds": 0}).json()
    assert at_once["old_secret_until"] is None
    assert ask(client, "POST", path).status_code == 200
    assert ask(client, "POST", path, {"overlap_seconds": -1}).status_code == 422


def test_a_test_event_is_sent_once_and_seen_among_the_deliveries(client, receiver, send):
    made = create(client, receiver.url)
    queued = ask(client, "POST", f"/{made['id']}/test")
    assert (queued.status_code, queued.json()["state"]) == (202, "pending")
    assert ask(client, "POST", f"/{made['id']}/test").status_code == 409
    receiver.status = 500
    send()
    (got,) = receiver.got
    assert json.loads(got.body)["type"] == "webhooks.test"
    headers = got.headers
    assert is_signed(
        [decode_secret(made["secret"])],
        headers["webhook-signature"],
        headers["webhook-id"],
        int(headers["webhook-timestamp"]),
        got.body,
    )
    (shown,) = ask(client, "GET", f"/{made['id']}/deliveries").json()
    assert shown["event"] == headers["webhook-id"]
    assert (shown["state"], shown["status"], shown["attempts"]) == ("dead", 500, 1)
    assert shown["reason"] == "The response has the status 500."
    assert shown["topic"] == "webhooks.test"
    assert Endpoint.objects.get().failing_since is None
    assert ask(client, "POST", f"/{made['id']}/test").status_code == 202


def test_the_last_hundred_deliveries_are_listed_in_few_queries(
    client, publish, send, django_assert_max_num_queries
):
    made = create(client)
    for number in range(103):
        publish(number=number, tenant="a")
    send_none = Endpoint.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    assert send_none == 1
    send()
    assert Delivery.objects.count() == 103
    with django_assert_max_num_queries(8):
        shown = ask(client, "GET", f"/{made['id']}/deliveries").json()
    assert len(shown) == 100
    ids = [each["id"] for each in shown]
    assert ids == sorted(ids, reverse=True)


def test_what_is_dead_is_replayed(client, publish, send, receiver):
    made = create(client, receiver.url)
    publish(tenant="a")
    send()
    Delivery.objects.update(state=State.DEAD)
    found = ask(client, "POST", f"/{made['id']}/replay")
    assert (found.status_code, found.json()) == (202, {"due": 1})
    send()
    assert len(receiver.got) == 2
    ask(client, "PATCH", f"/{made['id']}", {"is_enabled": False})
    for path in ("replay", "test"):
        assert ask(client, "POST", f"/{made['id']}/{path}").status_code == 409


def test_an_endpoint_is_deleted_with_its_deliveries(client, publish, send, receiver):
    made = create(client, receiver.url)
    publish(tenant="a")
    send()
    assert ask(client, "DELETE", f"/{made['id']}").status_code == 204
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


ROUTES = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/secret"),
    ("POST", "/test"),
    ("POST", "/replay"),
    ("GET", "/deliveries"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_endpoint_of_another_tenant_does_not_exist(client, method, path):
    made = create(client)
    data = {} if method == "PATCH" else None
    found = ask(client, method, f"/{made['id']}{path}", data, **B)
    assert found.status_code == 404
    assert ask(client, "GET", "", **B).json() == []
    assert Endpoint.objects.filter(disabled_at=None).count() == 1


@pytest.mark.parametrize(("method", "path"), [("GET", None), ("POST", None), *ROUTES])
def test_whoever_may_not_manage_the_tenant_is_refused(client, method, path):
    made = create(client)
    data = {"url": PUBLIC, "topics": ["order.paid"]} if path is None else None
    data = {} if method == "PATCH" else data
    path = "" if path is None else f"/{made['id']}{path}"
    assert ask(client, method, path, data, Accept="*/*").status_code == 403  # no organization
    User.objects.update(is_staff=False)
    assert ask(client, method, path, data).status_code == 403
    client.logout()
    assert ask(client, method, path, data).status_code == 401


def test_a_project_without_organizations_names_the_owner_itself(serve):
    api = MattAPI()

    @api_controller("/webhooks", auth=SessionAuthenticator())
    class UserWebhooks(EndpointController):
        def tenant(self) -> str:
            return f"user:{self.request.user.pk}"

    api.register_controllers(UserWebhooks)
    client = serve(api)
    client.force_login(User.objects.create(username="bob"))
    create(client, Accept="*/*")
    assert Endpoint.objects.get().tenant.startswith("user:")
    client.force_login(User.objects.create(username="eve"))
    assert ask(client, "GET").json() == []


def test_staff_that_acts_as_a_user_changes_nothing(serve):
    user = User.objects.create(username="ada", is_staff=True)

    class Impersonation(SessionAuthenticator):
        def authenticate(self, request: Any, credentials: Any) -> Any:
            return SimpleNamespace(actor_id=7, user=user)

    api = MattAPI()

    @api_controller("/webhooks", auth=Impersonation())
    class ImpersonatedWebhooks(EndpointController): ...

    api.register_controllers(ImpersonatedWebhooks)
    client = serve(api)
    client.force_login(user)
    made = Endpoint.objects.create(url=PUBLIC, topics=["order.paid"], tenant="a")
    assert ask(client, "GET").status_code == 200
    for method, path, data in (
        ("POST", "", {"url": PUBLIC, "topics": ["order.paid"]}),
        ("PATCH", f"/{made.pk}", {"url": "https://evil.example/"}),
        ("POST", f"/{made.pk}/secret", None),
    ):
        assert ask(client, method, path, data).status_code == 403


def test_a_tenant_has_so_many_endpoints_at_most(client, settings):
    settings.MATT_WEBHOOKS = settings.MATT_WEBHOOKS | {"MAX_ENDPOINTS": 2}
    create(client)
    create(client)
    found = ask(client, "POST", "", {"url": PUBLIC, "topics": ["order.paid"]})
    assert found.status_code == 409
    create(client, **B)


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_do_not_make_more(client, settings):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    settings.MATT_WEBHOOKS = settings.MATT_WEBHOOKS | {"MAX_ENDPOINTS": 3}
    cookies, barrier, statuses = client.cookies, threading.Barrier(16), list[int]()

    def run() -> None:
        try:
            own = Client()
            own.cookies = cookies
            barrier.wait()
            data = {"url": PUBLIC, "topics": ["order.paid"]}
            statuses.append(ask(own, "POST", "", data).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [*[201] * 3, *[409] * 13]
    assert Endpoint.objects.count() == 3
