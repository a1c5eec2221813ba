"""``manage.py matt_prune``: what has expired in every app, and nothing else."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from django_matt import MattAPI
from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.idempotency.models import IdempotencyRecord
from django_matt.contrib.magic_links.models import MagicLink
from django_matt.contrib.rate_limits.models import RateLimitState
from django_matt.contrib.tokens import endings, keys, services
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.contrib.tokens.models import Family, SigningKey
from django_matt.contrib.tokens.verification import verifier
from django_matt.extensions import PrunesRows

pytestmark = pytest.mark.django_db

APPS = ["matt_audit", "matt_rate_limits", "matt_idempotency", "matt_magic_links", "matt_tokens"]


@pytest.fixture(autouse=True)
def options(settings: Any) -> None:
    settings.MATT_RATE_LIMITS = {"STORE": "database"}
    settings.MATT_AUDIT = {"RETENTION": timedelta(days=30), "NEW_DEVICE_MAIL": False}


def run(*arguments: str) -> dict[str, int]:
    """Run the command, and return the number of rows that it names for each app."""
    out = io.StringIO()
    call_command("matt_prune", *arguments, stdout=out)
    verb = "would be" if arguments else "were"
    found = {}
    for line in out.getvalue().splitlines():
        app, _, rest = line.partition(": ")
        assert rest.endswith(f" rows {verb} deleted.")
        found[app] = int(rest.split()[0])
    return found


def fill(*, at: Any) -> None:
    """Make one row of each kind that is over at a time."""
    user = get_user_model().objects.create_user(f"user-{at:%s%f}")
    services.issue(HttpRequest(), user)
    Family.objects.filter(user=user).update(expires_at=at)
    MagicLink.objects.create(
        digest=f"d{at:%s%f}", code_digest="c", binding_digest=f"b{at:%s%f}",
        email_digest="e",
        created_at=at, expires_at=at, next="",
    )  # fmt: skip
    IdempotencyRecord.objects.create(
        digest=f"{at:%s%f}", fingerprint="f", status=200, headers="{}", created_at=at, expires_at=at
    )
    RateLimitState.objects.create(key=f"{at:%s%f}", tat=at.timestamp())


def test_the_apps_that_have_old_rows():
    assert sorted(APPS) == sorted(
        app.label for app in apps.get_app_configs() if isinstance(app, PrunesRows)
    )


def test_what_has_expired_is_deleted_and_the_rest_is_kept():
    now = timezone.now()
    fill(at=now - timedelta(minutes=1))
    fill(at=now + timedelta(hours=1))
    SecurityEvent.objects.all()._raw_delete(SecurityEvent.objects.db)
    for days in (31, 29):
        SecurityEvent(name="signed_in", at=now - timedelta(days=days)).save()
    expected = dict.fromkeys(APPS, 1)
    assert run("--dry-run") == expected
    assert run("--dry-run") == expected
    assert run() == expected
    assert run() == dict.fromkeys(APPS, 0)
    for model in (Family, MagicLink, IdempotencyRecord, RateLimitState, SecurityEvent):
        assert model.objects.count() == 1, model


def test_without_a_retention_and_a_table_of_limits_nothing_of_them_is_deleted(settings: Any):
    SecurityEvent(name="signed_in", at=timezone.now() - timedelta(days=9999)).save()
    RateLimitState.objects.create(key="x", tat=0)
    settings.MATT_AUDIT, settings.MATT_RATE_LIMITS = {}, {}
    assert run() == dict.fromkeys(APPS, 0)
    assert SecurityEvent.objects.exists()
    assert RateLimitState.objects.exists()


def test_an_app_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    def fail(*, dry_run: bool) -> int:
        raise RuntimeError("the table is locked")

    monkeypatch.setattr(apps.get_app_config("matt_audit"), "prune_rows", fail)
    fill(at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(CommandError, match="matt_audit: RuntimeError: the table is locked"):
        run()
    assert not Family.objects.exists()


def test_tokens_stay_refused_after_their_rows_are_deleted(serve: Any):
    """A login that was ended, and a key that was retired: without their rows, nothing of them is valid again."""
    api = MattAPI(urls_namespace="prune", extensions=["matt_tokens"], auth=TokenAuth())

    @api.get("/me")
    def me(request: Any) -> Any:
        return {"user": request.auth.user_id}

    client: Client = serve(api)
    verifier.clear()
    user = get_user_model().objects.create_user("ada")
    ended = services.issue(HttpRequest(), user)
    kept = services.issue(HttpRequest(), user)
    endings.end_family(ended.family.pk)
    kid = kept.family.kid
    keys.rotate()
    keys.retire(kid)
    new = services.issue(HttpRequest(), user)
    assert run()["matt_tokens"] == 2
    assert not SigningKey.objects.filter(kid=kid).exists()
    verifier.clear()

    def status(token: str) -> int:
        return client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code

    assert status(ended.tokens.access_token) == 401
    assert status(kept.tokens.access_token) == 401
    assert status(new.tokens.access_token) == 200
    for login, expected in ((ended, 401), (kept, 200)):
        refreshed = client.post(
            "/api/tokens/refresh",
            {"refresh_token": login.tokens.refresh_token},
            content_type="application/json",
        )
        assert refreshed.status_code == expected
