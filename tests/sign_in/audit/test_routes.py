"""The routes of the audit log, and the mail about a new device."""

import itertools
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import RequestFactory
from django.utils import timezone

from django_matt import MattAPI
from django_matt.contrib.audit.models import SecurityEvent
from django_matt.sign_in import record_security_event

pytestmark = pytest.mark.django_db

namespaces = (f"audit-{number}" for number in itertools.count())
OWN, ALL = "/api/account/events", "/api/security-events"


@pytest.fixture
def client(serve: Any) -> Any:
    return serve(MattAPI(urls_namespace=next(namespaces), extensions=["matt_audit"]))


@pytest.fixture
def users(db: Any) -> Any:
    make = get_user_model().objects.create_user
    return make("ada", "ada@example.com", "pw"), make("bob", "bob@example.com", "pw")


@pytest.fixture
def events(users: Any) -> Any:
    ada, bob = users
    for user in (ada, bob, ada):
        record_security_event("password_changed", user=user, via="settings")
    return users


def sign_in(client: Any, user: Any) -> None:
    client.force_login(user)
    SecurityEvent.objects.filter(name="signed_in").prune(timezone.now())


def test_users_read_their_own_events(client: Any, events: Any):
    ada, _ = events
    assert client.get(OWN).status_code == 401
    sign_in(client, ada)
    answer = client.get(OWN, {"limit": 1})
    assert answer.status_code == 200, answer.content
    assert answer.json()["count"] == 2
    (event,) = answer.json()["items"]
    assert event.keys() == {"id", "name", "at", "address", "user_agent"}


def test_staff_with_the_permission_reads_all_events(client: Any, events: Any):
    ada, bob = events
    sign_in(client, ada)
    assert client.get(ALL).status_code == 403
    ada.is_staff = True
    ada.save()
    assert client.get(ALL).status_code == 403
    ada.user_permissions.add(Permission.objects.get(codename="view_securityevent"))
    assert client.get(ALL).json()["count"] == 3
    found = client.get(ALL, {"user_key": str(bob.pk), "name": "password_changed"}).json()
    assert [each["data"] for each in found["items"]] == [{"via": "settings"}]
    assert client.get(ALL, {"since": "2999-01-01T00:00:00Z"}).json()["count"] == 0
    assert client.get(ALL, {"since": "2999-01-01T00:00:00"}).status_code == 422
    assert client.get(ALL, {"name": "\x00"}).status_code == 400


def test_the_routes_can_be_turned_off(serve: Any, settings: Any):
    settings.MATT_AUDIT = {"PATH": None, "STAFF_PATH": None}
    api = MattAPI(urls_namespace=next(namespaces), extensions=["matt_audit"])
    assert serve(api).get(OWN).status_code == 404


# ---- new devices ----


@pytest.fixture
def sign_ins(users: Any, django_capture_on_commit_callbacks: Any) -> Any:
    """Return ``sign_in(agent, address)`` of ada, which returns how many mails it sends."""

    def sign(agent: str = "Firefox/120", address: str = "192.0.2.7", user: Any = users[0]) -> int:
        asked = RequestFactory().post("/", HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            record_security_event("signed_in", request=asked, user=user)
        return len(mail.outbox) - before

    return sign


def test_a_sign_in_with_a_new_device_sends_a_mail(sign_ins: Any):
    assert sign_ins() == 0  # the first ever
    assert sign_ins() == 0
    assert sign_ins("Firefox/121.0.1") == 0  # an update
    assert sign_ins(address="192.0.2.99") == 0  # the same network
    assert sign_ins("Safari <b>") == 1
    assert sign_ins("Safari <b>") == 0
    assert sign_ins(address="203.0.113.1") == 1
    text: Any = mail.outbox[0]
    assert text.to == ["ada@example.com"]
    assert "Safari <b>" in text.body
    ((html, kind),) = text.alternatives
    assert kind == "text/html"
    assert "Safari &lt;b&gt;" in html
    assert "192.0.2.7" in html


def test_the_devices_of_others_do_not_count(sign_ins: Any, users: Any):
    assert sign_ins("Firefox") == 0
    assert sign_ins("Safari", user=users[1]) == 0
    assert sign_ins("Safari") == 1


def test_the_mail_can_be_turned_off_and_needs_an_address(sign_ins: Any, users: Any, settings: Any):
    assert sign_ins("Firefox") == 0
    get_user_model().objects.update(email="")
    users[0].refresh_from_db()
    assert sign_ins("Safari") == 0
    users[0].email = "ada@example.com"
    settings.MATT_AUDIT = {"NEW_DEVICE_MAIL": False}
    assert sign_ins("Chrome") == 0


def test_a_mail_server_that_is_down_fails_no_login(
    sign_ins: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    assert sign_ins("Firefox") == 0
    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    assert sign_ins("Safari") == 0
    assert "was not sent" in caplog.text
