"""What the audit log records of an event, and that it keeps it."""

import datetime
import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.audit.signals import security_event
from django_matt.errors.exceptions import PermissionDenied
from django_matt.extensions import current_request_id
from django_matt.sign_in import CompletesLogin, installed, record_security_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: Any) -> Any:
    return get_user_model().objects.create_user("ada", "ada@example.com", "pw")


def request(user: Any = None, **meta: Any) -> Any:
    made = RequestFactory().post("/login", **meta)
    if user is not None:
        made.user = user
    return made


def test_an_event_has_who_what_when_and_from_where(ada: Any):
    token = current_request_id.set("r-1")
    asked = request(ada, HTTP_USER_AGENT="Firefox/120", REMOTE_ADDR="192.0.2.7")
    record_security_event("key_created", request=asked, user=ada, key="abc", scopes=["a", "b"])
    current_request_id.reset(token)
    event = SecurityEvent.objects.get()
    assert (event.name, event.user, event.actor) == ("key_created", ada, ada)
    assert (event.user_key, event.actor_key) == (str(ada.pk), str(ada.pk))
    assert (event.address, event.user_agent, event.request_id) == (
        "192.0.2.7",
        "Firefox/120",
        "r-1",
    )
    assert event.data == {"key": "abc", "scopes": ["a", "b"]}
    assert (timezone.now() - event.at).total_seconds() < 60


def test_the_actor_is_who_sent_the_request(ada: Any):
    boss = get_user_model().objects.create_user("boss")
    record_security_event("role_changed", request=request(boss), user=ada)
    record_security_event("impersonation_started", user=ada, actor=boss)
    acting = request(ada)
    acting.auth = SimpleNamespace(user=ada, actor_id=boss.pk)
    record_security_event("key_created", request=acting, user=ada)
    assert [each.actor for each in SecurityEvent.objects.all()] == [boss] * 3
    assert not any("actor" in each.data for each in SecurityEvent.objects.all())


def test_an_event_needs_no_request_and_no_user():
    record_security_event("key_ring_rotated", kid="k1")
    event = SecurityEvent.objects.get()
    assert (event.user, event.user_key, event.address, event.user_agent) == (None, "", None, "")


@pytest.mark.parametrize(
    "name", ["password", "new_password", "access_token", "secret", "code", "Cookie", "credentials"]
)
def test_what_is_named_like_a_secret_is_not_stored(ada: Any, name: str):
    given: Any = {name: "hunter2", "inner": {name: "hunter2"}}
    record_security_event("signed_in", user=ada, **given)
    data = SecurityEvent.objects.get().data
    assert data == {name: "[removed]", "inner": {name: "[removed]"}}


@pytest.mark.parametrize(
    "value", ["\x00", "\ud800", "x" * 100_000, object(), {"a": object()}, [1] * 10_000, 1.5]
)
def test_hostile_data_is_stored_as_text(value: Any):
    asked = request(HTTP_USER_AGENT="\x00\ud800" * 400, REMOTE_ADDR="nonsense")
    record_security_event("sign_in_failed", request=asked, email=value)
    event = SecurityEvent.objects.get()
    assert event.address is None
    assert len(event.user_agent) <= 300
    assert len(str(event.data)) < 20_000


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "nonsense", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_forwarded_addresses_count_only_behind_trusted_proxies(
    settings: Any, proxies: int, forwarded: str, found: str
):
    settings.MATT = {"TRUSTED_PROXIES": proxies}
    asked = request(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    record_security_event("signed_in", request=asked)
    assert SecurityEvent.objects.get().address == found


def test_the_tenant_is_that_of_the_event_or_of_the_request(monkeypatch: pytest.MonkeyPatch):
    tenant = SimpleNamespace(pk=7)
    offering = [each for each in apps.get_app_configs() if hasattr(each, "resolve_tenant")]
    for config in offering or [apps.get_app_config("matt_audit")]:
        monkeypatch.setattr(config, "resolve_tenant", lambda request: tenant, raising=False)
    record_security_event("signed_in", request=request())
    record_security_event("key_created", request=request(), tenant="8")
    assert [each.tenant_id for each in SecurityEvent.objects.order_by("pk")] == ["7", "8"]


def test_an_event_of_a_request_to_a_foreign_tenant_is_recorded(monkeypatch: pytest.MonkeyPatch):
    def refuse(request: Any) -> Any:
        raise PermissionDenied

    offering = [each for each in apps.get_app_configs() if hasattr(each, "resolve_tenant")]
    for config in offering or [apps.get_app_config("matt_audit")]:
        monkeypatch.setattr(config, "resolve_tenant", refuse, raising=False)
    record_security_event("sign_in_failed", request=request())
    assert SecurityEvent.objects.get().tenant_id == ""


# ---- kept as they are ----


def test_events_cannot_be_changed_or_deleted_by_the_orm(ada: Any):
    record_security_event("signed_in", user=ada)
    event = SecurityEvent.objects.get()
    event.name = "nothing"
    events: Any = SecurityEvent.objects
    for attempt in (
        event.save,
        event.delete,
        lambda: events.update(name="nothing"),
        lambda: events.all().delete(),
        lambda: events.bulk_update([event], ["name"]),
    ):
        with pytest.raises(TypeError, match="not changed or deleted"):
            attempt()
    assert SecurityEvent.objects.get().name == "signed_in"


def test_the_events_of_a_deleted_account_stay(ada: Any):
    key = str(ada.pk)
    record_security_event("signed_in", user=ada, request=request(ada))
    record_security_event("account_deleted", user=ada, request=request(ada))
    ada.delete()
    found = list(SecurityEvent.objects.all())
    assert [(each.user, each.user_key, each.actor) for each in found] == [(None, key, None)] * 2


def test_an_event_is_undone_with_what_happened(ada: Any):
    try:
        with transaction.atomic():
            record_security_event("password_changed", user=ada)
            raise ValueError
    except ValueError:
        pass
    assert not SecurityEvent.objects.exists()


def test_what_cannot_be_recorded_does_not_happen(ada: Any, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr(SecurityEvent, "save", fail)

    def change_password() -> None:
        with transaction.atomic():
            ada.set_password("new")
            ada.save()
            record_security_event("password_changed", user=ada)

    with pytest.raises(RuntimeError):
        change_password()
    ada.refresh_from_db()
    assert ada.check_password("pw")


# ---- the signal ----


def test_receivers_are_told_after_the_commit(
    ada: Any, django_capture_on_commit_callbacks: Any, caplog: Any
):
    seen: list[str] = []

    def note(event: Any, **_: Any) -> None:
        seen.append(event.name)

    def fail(**_: Any) -> None:
        raise RuntimeError("a webhook is down")

    security_event.connect(fail)
    security_event.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            record_security_event("signed_out", user=ada)
            assert seen == []
        assert seen == ["signed_out"]
        assert "a webhook is down" in caplog.text
    finally:
        security_event.disconnect(note)
        security_event.disconnect(fail)


# ---- Django's own logins ----


@pytest.fixture
def plain(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No app completes logins, and none but the audit log receives Django's signals of them."""
    for signal in (user_logged_in, user_logged_out, user_login_failed):
        mine = [each for each in signal.receivers if each[0][0] == "matt_audit"]
        monkeypatch.setattr(signal, "receivers", mine)
    offering = {app.name for app in installed(CompletesLogin)}  # type: ignore[type-abstract]
    if offering:
        settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each not in offering]


def test_logins_by_djangos_views_are_recorded(ada: Any, client: Any, plain: Any):
    client.force_login(ada)
    client.logout()
    assert authenticate(request(), username="ada", password="wrong") is None
    found = list(SecurityEvent.objects.order_by("pk"))
    assert [each.name for each in found] == ["signed_in", "signed_out", "sign_in_failed"]
    assert [each.user for each in found] == [ada, ada, None]
    assert found[2].data == {"method": "password"}  # not what was typed


# ---- command and checks ----


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("matt_audit", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_events(ada: Any):
    record_security_event("key_created", user=ada, key="abc")
    record_security_event("key_ring_rotated")
    assert len(run("list").splitlines()) == 2
    assert '{"key": "abc"}' in run("list", "--user", str(ada.pk))
    assert len(run("list", "--name", "key_ring_rotated").splitlines()) == 1
    assert run("list", "--limit", "1").count("\n") == 1


def test_the_command_prunes_old_events(ada: Any, settings: Any):
    record_security_event("signed_in", user=ada)
    SecurityEvent(name="old", at=timezone.now() - datetime.timedelta(days=400)).save()
    assert "1 events" in run("prune", "--older-than", "365d", "--dry-run")
    assert SecurityEvent.objects.count() == 2
    settings.MATT_AUDIT = {"RETENTION": datetime.timedelta(days=365)}
    assert "Deleted 1" in run("prune")
    assert SecurityEvent.objects.get().name == "signed_in"
    assert "Deleted 0" in run("prune", "--older-than", "52w")


@pytest.mark.parametrize("age", [None, "365", "-1d", "1y", "99999999d"])
def test_the_command_prunes_nothing_by_mistake(age: str | None):
    with pytest.raises(CommandError):
        run("prune", *(() if age is None else ("--older-than=" + age,)))


def ids(**options: Any) -> list[str | None]:
    return [each.id for each in run_checks(**options) if (each.id or "").startswith("matt_audit")]


@pytest.mark.parametrize(
    "given",
    [
        {"PATH": "events"},
        {"UNKNOWN": 1},
        {"AUTH": ["no.such.Thing"]},
        {"RETENTION": datetime.timedelta(0)},
    ],
)
def test_wrong_settings_are_reported(settings_module: Any, given: dict[str, Any]):
    settings_module("MATT_AUDIT", given)
    assert ids() == ["matt_audit.E001"]


def test_unsafe_settings_are_reported_before_a_deployment(settings: Any):
    settings.DEFAULT_FROM_EMAIL = "webmaster@localhost"
    assert ids() == []
    assert ids(include_deployment_checks=True) == ["matt_audit.W001", "matt_audit.W002"]
    settings.MATT_AUDIT = {"RETENTION": datetime.timedelta(days=1), "NEW_DEVICE_MAIL": False}
    assert ids(include_deployment_checks=True) == []
