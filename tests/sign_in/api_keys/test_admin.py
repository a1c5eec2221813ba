"""Keys and security events in Django's admin, which the other tests do not install."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import RequestFactory

from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key
from django_matt.contrib.audit.models import SecurityEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings: Any) -> Any:
    if "django.contrib.admin" not in settings.INSTALLED_APPS:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin"]
    from django.contrib.admin import AdminSite

    from django_matt.contrib.api_keys.admin import ApiKeyAdmin
    from django_matt.contrib.audit.admin import SecurityEventAdmin

    site = AdminSite()
    site.register(ApiKey, ApiKeyAdmin)
    site.register(SecurityEvent, SecurityEventAdmin)
    return site


def request(user: Any) -> Any:
    made: Any = RequestFactory().post("/")
    made.user = user
    return made


def test_keys_and_events_are_only_read(site: Any):
    root = get_user_model().objects.create_superuser("root")
    for model in (ApiKey, SecurityEvent):
        admin = site.get_model_admin(model)
        assert admin.get_model_perms(request(root)) == {
            "add": False,
            "change": False,
            "delete": False,
            "view": True,
        }
        assert admin.check() == []
    assert "digest" not in site.get_model_admin(ApiKey).get_fields(request(root))


def test_who_may_change_keys_may_revoke_them(site: Any, monkeypatch: pytest.MonkeyPatch):
    ada = get_user_model().objects.create_user("ada", is_staff=True)
    key, _ = create_key(Owner(ada), name="x")
    admin = site.get_model_admin(ApiKey)
    said: list[str] = []
    monkeypatch.setattr(admin, "message_user", lambda request, message: said.append(message))
    assert "revoke_keys" not in admin.get_actions(request(ada))
    ada.user_permissions.add(Permission.objects.get(codename="change_apikey"))
    ada = get_user_model().objects.get()
    assert "revoke_keys" in admin.get_actions(request(ada))
    admin.revoke_keys(request(ada), ApiKey.objects.all())
    assert said == ["Revoked 1 API keys."]
    key.refresh_from_db()
    assert key.revoked_at is not None
