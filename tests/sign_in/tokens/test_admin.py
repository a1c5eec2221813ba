"""Logins and keys in Django's admin: without secrets, to read, and to end a login."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from django_matt.contrib.tokens.models import Family, SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings: Any) -> Any:
    if "django.contrib.admin" not in settings.INSTALLED_APPS:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin"]
    from django.contrib.admin import AdminSite

    from django_matt.contrib.tokens.admin import FamilyAdmin, SigningKeyAdmin

    site = AdminSite()
    site.register(Family, FamilyAdmin)
    site.register(SigningKey, SigningKeyAdmin)
    return site


@pytest.fixture
def root() -> Any:
    made: Any = RequestFactory().post("/")
    made.user = User.objects.create_superuser("root")
    return made


def test_nothing_is_added_or_changed_and_no_secret_is_shown(site, root):
    for model, may_delete in ((Family, True), (SigningKey, False)):
        admin = site.get_model_admin(model)
        assert admin.check() == []
        assert admin.get_model_perms(root) == {
            "add": False,
            "change": False,
            "delete": may_delete,
            "view": True,
        }
        assert not {"private", "auth_digest", "session_digest"} & set(admin.get_fields(root))


def test_selected_logins_are_ended(site, root, login, ada, refresh, monkeypatch):
    tokens = login(ada)
    admin = site.get_model_admin(Family)
    said: list[str] = []
    monkeypatch.setattr(admin, "message_user", lambda request, message: said.append(message))
    admin.end_logins(root, Family.objects.all())
    assert said == ["Ended 1 logins."]
    assert refresh(tokens.refresh_token).status_code == 401
