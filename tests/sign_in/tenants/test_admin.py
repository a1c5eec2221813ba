"""Organizations in Django's admin, which the other tests do not install."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import clear_url_caches, path

from django_matt.contrib.tenants.models import Membership, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(settings: Any) -> Any:
    """A client of the admin's pages."""
    if "django.contrib.admin" not in settings.INSTALLED_APPS:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin"]
    from types import ModuleType

    from django.contrib.admin import AdminSite

    from django_matt.contrib.tenants.admin import OrganizationAdmin

    class WithoutLog(OrganizationAdmin):
        """The table of the log is the admin's, and was not made for these tests."""

        def log_change(self, *args: Any) -> Any:
            return None

    site = AdminSite()
    site.register(Organization, WithoutLog)
    urls: Any = ModuleType("admin_urls")
    urls.urlpatterns = [path("admin/", site.urls)]
    settings.ROOT_URLCONF = urls
    clear_url_caches()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    yield client
    clear_url_caches()


def test_staff_sees_members_and_turns_sso_only_off(staff: Any):
    made = Organization.objects.create(name="Acme", slug="acme", sso_only=True)
    Membership.objects.create(user=get_user_model().objects.get(), organization=made, role="owner")
    url = f"/admin/matt_tenants/organization/{made.pk}/change/"
    assert b"Acme" in staff.get("/admin/matt_tenants/organization/").content
    assert b'value="owner"' in staff.get(url).content
    forms = {
        f"{name}-{part}_FORMS": "0"
        for name in ("memberships", "domains")
        for part in ("TOTAL", "INITIAL")
    }
    assert staff.post(url, {"name": "Acme", "slug": "other", **forms}).status_code == 302
    made.refresh_from_db()
    assert (made.slug, made.sso_only) == ("acme", False)


def test_staff_that_turns_sso_only_on_ends_what_members_got_by_other_ways(
    staff: Any, monkeypatch: pytest.MonkeyPatch
):
    ended: list[str] = []

    def end_tenant_credentials(tenant: str, *, request: Any = None) -> int:
        assert request.user.is_superuser
        ended.append(tenant)
        return 1

    config = apps.get_app_config("sign_in")
    monkeypatch.setattr(config, "end_tenant_credentials", end_tenant_credentials, raising=False)
    made = Organization.objects.create(name="Acme", slug="acme")
    url = f"/admin/matt_tenants/organization/{made.pk}/change/"
    forms = {
        f"{name}-{part}_FORMS": "0"
        for name in ("memberships", "domains")
        for part in ("TOTAL", "INITIAL")
    }
    for name, sso_only, expected in (
        ("Acme", "", []),
        ("Acme", "on", [str(made.pk)]),
        ("Other", "on", [str(made.pk)]),
        ("Other", "", [str(made.pk)]),
    ):
        data = {"name": name, **forms, **({"sso_only": sso_only} if sso_only else {})}
        assert staff.post(url, data).status_code == 302
        assert ended == expected
