"""Single sign-on by the provider of an organization, against a provider that answers over HTTP (properties 19 and 20)."""

import json
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress  # type: ignore[import-untyped]
from allauth.socialaccount.adapter import (  # type: ignore[import-untyped]
    DefaultSocialAccountAdapter,
)
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.utils import timezone

from django_matt.contrib.accounts.authentication import SessionToken
from django_matt.contrib.social.adapter import SocialAdapter
from django_matt.contrib.tenants import services
from django_matt.contrib.tenants.adapters import TenantProviders
from django_matt.contrib.tenants.identity_providers import (
    new_provider_id,
    only_tenant,
    seal,
    unseal,
)
from django_matt.contrib.tenants.models import Domain, IdentityProvider, Membership
from tests.sign_in.tenants.conftest import make_api

RED, BLUE = {"X-Tenant": "red"}, {"X-Tenant": "blue"}
URL = "/api/organizations/red/identity-provider"


class Adapter(TenantProviders, DefaultSocialAccountAdapter):
    """What ``SOCIALACCOUNT_ADAPTER`` names."""


class SafeAdapter(TenantProviders, SocialAdapter):
    """The same, on the adapter of the app ``social``."""


class Provider(ThreadingHTTPServer):
    """An OpenID Connect provider that says what the test wants it to say."""

    claims: dict[str, Any]
    seen: dict[str, list[str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = self.server.url
        if self.path.endswith("/openid-configuration"):
            self.send({
                "issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                "userinfo_endpoint": f"{url}/userinfo", "jwks_uri": f"{url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })  # fmt: skip
        else:
            self.send({key: value for key, value in self.server.claims.items() if key != "nonce"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen = parse_qs(body)
        now = int(time.time())
        token = {
            "iss": self.server.url,
            "aud": "client",
            "iat": now,
            "exp": now + 60,
            **self.server.claims,
        }
        self.send({
            "access_token": "a", "token_type": "Bearer", "id_token": jwt.encode(token, "k" * 32, "HS256"),
        })  # fmt: skip

    def send(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def provider():
    made = Provider(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def page(request: Any) -> HttpResponse:
    """A page of allauth, which this test does not need."""
    return HttpResponse("page")


@pytest.fixture(params=["Adapter", "SafeAdapter"])
def site(request, settings, world, provider):
    """Red has proven red.example and has the provider; people who are new there become members."""
    settings.SOCIALACCOUNT_ADAPTER = f"{__name__}.{request.param}"
    urls = {
        "Adapter": "allauth.socialaccount.providers.openid_connect.urls",
        "SafeAdapter": "django_matt.contrib.social.urls",
    }
    settings.ROOT_URLCONF = types.ModuleType("sso_urls")
    pages = ("signup", "email_verification_sent", "reset_password", "login")
    settings.ROOT_URLCONF.urlpatterns = [
        path("api/", make_api().urls),
        path("accounts/", include(urls[request.param])),
        *(path(name, page, name=f"account_{name}") for name in pages),
    ]
    settings.LOGIN_REDIRECT_URL, settings.HEADLESS_ONLY = "/in", False
    clear_url_caches()
    red = world["red"].organization
    Domain.objects.create(
        organization=red, name="red.example", proof="p", verified_at=timezone.now()
    )
    yield IdentityProvider.objects.create(
        organization=red, provider_id=new_provider_id(red), issuer=provider.url, client_id="client",
        sealed_secret=seal("secret of red"), role="viewer",
    )  # fmt: skip
    clear_url_caches()


def sign_in(site: IdentityProvider, provider: Provider, email: str, **claims: Any) -> Client:
    """Sign in by the provider, as a browser does it; return the client, signed in or not."""
    client = Client(raise_request_exception=False)
    begun = client.post(f"/accounts/oidc/{site.provider_id}/login/")
    assert begun.status_code == 302, begun.content[:300]
    asked = parse_qs(urlsplit(begun["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    provider.claims = {"sub": email, "email": email, "email_verified": True, **claims}
    if "nonce" in asked:
        provider.claims["nonce"] = asked["nonce"][0]
    callback = f"/accounts/oidc/{site.provider_id}/login/callback/"
    assert client.get(callback, {"code": "c", "state": asked["state"][0]}).status_code < 500
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_somebody_new_with_a_proven_address_becomes_a_member(site, provider, world):
    client = sign_in(site, provider, "new@red.example")
    assert is_signed_in(client)
    assert provider.seen["client_secret"] == ["secret of red"]
    assert provider.seen["code_verifier"]
    assert Membership.objects.get(user__email="new@red.example").role == "viewer"
    assert client.get("/api/books").json() == [{"title": "red 0"}, {"title": "red 1"}]


@pytest.mark.parametrize(
    ("email", "claims"),
    [
        ("bob@blue.example", {}), ("eve@evil-red.example", {}), ("eve@sub.red.example", {}),
        ("eve@red.example", {"email_verified": False}), ("eve@red.example.evil", {}), ("", {}),
    ],
)  # fmt: skip
def test_20_other_addresses_are_refused(site, provider, email, claims):
    before = get_user_model().objects.count()
    assert not is_signed_in(sign_in(site, provider, email, sub="x", **claims))
    assert get_user_model().objects.count() == before


def test_20_a_domain_that_is_not_proven_yet_or_no_more_does_not_count(site, provider):
    Domain.objects.update(verified_at=None)
    assert not is_signed_in(sign_in(site, provider, "new@red.example"))


def test_20_an_account_of_nobody_in_the_organization_is_not_taken_over(site, provider, world):
    victim = get_user_model().objects.create_user("victim", "victim@red.example", "password")
    client = sign_in(site, provider, "victim@red.example")
    assert client.session.get("_auth_user_id") != str(victim.pk)
    assert not Membership.objects.filter(user=victim).exists()


def test_an_account_of_a_member_is_signed_in(site, provider, world):
    member = get_user_model().objects.create_user("mia", "mia@red.example")
    EmailAddress.objects.create(user=member, email=member.email, verified=True, primary=True)
    Membership.objects.create(user=member, organization=world["red"].organization, role="admin")
    client = sign_in(site, provider, "mia@red.example")
    assert client.session["_auth_user_id"] == str(member.pk)
    assert Membership.objects.get(user=member).role == "admin"


def test_19_who_signed_in_by_the_provider_of_one_organization_is_in_no_other_one(
    site, provider, world
):
    client = sign_in(site, provider, "new@red.example")
    user = get_user_model().objects.get(email="new@red.example")
    Membership.objects.create(user=user, organization=world["blue"].organization, role="owner")
    for url in ("/api/books", "/api/abooks"):
        assert client.get(url, headers=RED).status_code == 200
        assert client.get(url, headers=BLUE).status_code == 403
    assert client.get("/api/organizations/blue/members").status_code == 403
    assert [each["slug"] for each in client.get("/api/organizations").json()] == ["red"]
    client.force_login(user)  # in another way
    client.session.flush()
    other = Client()
    other.force_login(user)
    assert other.get("/api/books", headers=BLUE).status_code == 200


def test_19_the_session_token_of_an_app_is_bound_to_the_organization_too(world):
    red = world["red"]
    request = HttpRequest()
    request.user = red.user
    record = {"method": "socialaccount", "provider": f"org-{red.organization.pk}-0123456789ab"}
    session = SessionStore()
    session["account_authentication_methods"] = [record]
    request.auth = SessionToken(red.user, session)
    assert only_tenant(request) == str(red.organization.pk)
    request.auth = SessionToken(red.user, SessionStore())
    assert only_tenant(request) is None


def test_staff_that_acts_as_an_owner_does_not_change_how_members_sign_in(site, world):
    client = Client()
    client.force_login(world["red"].user)
    data = {"issuer": "https://login.red.example", "client_id": "c"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(services, "is_impersonated", lambda request: True)
        assert client.put(URL, data, content_type="application/json").status_code == 403
        assert client.delete(URL).status_code == 403
    assert client.put(URL, data, content_type="application/json").status_code == 200


def test_an_organization_can_demand_its_own_sign_in(site, provider, world):
    red = world["red"]
    red.user.email = "ada@red.example"
    red.user.save()
    EmailAddress.objects.create(user=red.user, email=red.user.email, verified=True, primary=True)
    by_password = Client()
    by_password.force_login(red.user)
    data = {"issuer": "https://login.red.example", "client_id": "c", "sso_only": True}
    site.issuer = "https://login.red.example"
    site.save()
    assert by_password.put(URL, data, content_type="application/json").status_code == 409
    site.issuer = provider.url
    site.save()
    client = sign_in(site, provider, "ada@red.example")
    site.issuer = "https://login.red.example"
    site.save()
    assert client.put(URL, data, content_type="application/json").status_code == 200
    for url in ("/api/books", "/api/abooks", "/api/organizations/red/members"):
        refused = by_password.get(url, headers=RED)
        assert (refused.status_code, refused.json()["detail"]) == (
            403, "Sign in by the single sign-on of the organization.",
        )  # fmt: skip
        assert client.get(url, headers=RED).status_code == 200
    assert client.delete(URL).status_code == 204
    assert by_password.get("/api/books", headers=RED).status_code == 200


def test_owners_set_the_provider_and_nobody_sees_its_secret(site, world):
    client = Client()
    client.force_login(world["red"].user)
    old = site.provider_id
    data = {
        "issuer": "https://login.red.example/",
        "client_id": "c",
        "client_secret": "s3cret",
        "role": "member",
    }
    made = client.put(URL, data, content_type="application/json")
    assert made.status_code == 200, made.content
    assert "s3cret" not in made.content.decode() + client.get(URL).content.decode()
    site.refresh_from_db()
    assert "s3cret" not in site.sealed_secret
    assert unseal(site.sealed_secret) == "s3cret"
    # Subjects of another issuer are other people.
    assert site.provider_id == made.json()["provider"] != old
    again = client.put(URL, {**data, "client_secret": None}, content_type="application/json").json()
    site.refresh_from_db()
    assert (again["provider"], unseal(site.sealed_secret)) == (site.provider_id, "s3cret")
    for issuer in (
        *(
            "http://login.red.example",
            "https://127.0.0.1",
            "https://localhost",
            "https://[::1]/",
            "https://a.internal",
        ),
        *(
            "https://login.red.example:8080",
            "https://u:p@login.red.example",
            "https://login.red.example?x",
            "x",
            "https://[/",
        ),
    ):
        assert (
            client.put(URL, {**data, "issuer": issuer}, content_type="application/json").status_code
            == 422
        ), issuer
    Membership.objects.filter(user=world["red"].user).update(role="admin")
    assert client.put(URL, data, content_type="application/json").status_code == 403
    assert client.get(URL).status_code == 200
    client.force_login(world["blue"].user)
    assert client.get(URL).status_code == 403


def test_an_address_leads_to_its_provider(site):
    def find(email: str) -> Any:
        return (
            Client()
            .post("/api/organizations/sso", {"email": email}, content_type="application/json")
            .json()
        )

    assert find("Somebody@RED.example") == {"provider": site.provider_id}
    assert find("somebody@blue.example") == {"provider": None}
    Domain.objects.update(verified_at=None)
    assert find("somebody@red.example") == {"provider": None}


def test_the_key_of_a_secret_can_be_rotated(settings):
    sealed = seal("secret")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert unseal(sealed) == "secret"
