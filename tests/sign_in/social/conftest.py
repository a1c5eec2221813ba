"""A provider of OpenID Connect on 127.0.0.1 that answers as a test tells it to, and a project that signs in at it."""

import json
import threading
import types
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from django.test import Client
from django.urls import clear_url_caches, include, path

from django_matt import MattAPI

LOGIN = "/accounts/oidc/company/login/"
CALLBACK = "/accounts/oidc/company/login/callback/"


class Provider:
    """What the provider answers. An answer that is bytes is sent as it is."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.configuration: Any = {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/userinfo",
            "jwks_uri": f"{url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        self.claims: Any = {"iss": url, "aud": "shop", "sub": "42", "exp": 4_000_000_000}
        self.userinfo: Any = {"sub": "42", "email": "ada@company.example", "email_verified": True}
        self.token: Any = {"access_token": "access", "token_type": "Bearer"}
        self.sent: list[dict[str, str]] = []
        """The forms that were sent to the token endpoint."""

    def answer(self, place: str) -> bytes:
        found = {
            "/.well-known/openid-configuration": self.configuration,
            "/token": self.token,
            "/userinfo": self.userinfo,
        }[place]
        if place == "/token" and isinstance(found, dict):
            found = {"id_token": jwt.encode(self.claims, "x" * 32), **found}
        return found if isinstance(found, bytes) else json.dumps(found).encode()


@pytest.fixture
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = made.answer(self.path)
            self.send_response(made.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(length).decode())
            made.sent.append({name: values[0] for name, values in form.items()})
            self.do_GET()

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(provider: Provider, settings: Any, db: None) -> Iterator[MattAPI]:
    """A project that signs in at the provider."""
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "company",
                    "name": "The company",
                    "client_id": "shop",
                    "secret": "secret",
                    "settings": {"server_url": provider.url},
                }
            ]
        }
    }
    settings.MATT_SOCIAL = {"TRUSTED_EMAIL": {"company": ["company.example"]}}
    settings.LOGIN_REDIRECT_URL = "/home"
    settings.HEADLESS_ONLY = False
    api = MattAPI(extensions=["matt_social"])
    urlconf = types.ModuleType("urlconf_social")
    # Not before: the patterns of this module depend on the setting. If it was imported before, it lacks the pages.
    from allauth.urls import build_provider_urlpatterns

    pages = ["allauth.account.urls", "allauth.mfa.urls", "allauth.socialaccount.urls"]
    urlconf.urlpatterns = [
        path("api/", api.urls),
        *(path("accounts/", include(module)) for module in pages),
        path("accounts/", include(build_provider_urlpatterns())),
    ]
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()
    yield api
    clear_url_caches()


class Browser(Client):
    """A client that keeps 500s as answers, and the parameters that it was sent to the provider with."""

    def __init__(self, provider: Provider, **options: Any) -> None:
        super().__init__(raise_request_exception=False, **options)
        self.provider = provider
        self.asked: dict[str, str] = {}

    def begin(self, **query: str) -> Any:
        response = self.post(f"{LOGIN}?{urlencode(query)}")
        if response.status_code == 302:
            found = parse_qs(urlsplit(response["Location"]).query)
            self.asked = {name: values[0] for name, values in found.items()}
            self.provider.claims["nonce"] = self.asked["nonce"]
        return response

    def finish(self, **more: str) -> Any:
        return self.get(CALLBACK, {"state": self.asked["state"], "code": "code", **more})

    def sign_in(self, **query: str) -> Any:
        assert self.begin(**query).status_code == 302
        return self.finish()

    @property
    def user_id(self) -> Any:
        return self.session.get("_auth_user_id")


@pytest.fixture
def open_browser(shop: Any, provider: Provider) -> Callable[..., Browser]:
    return lambda **options: Browser(provider, **options)


@pytest.fixture
def browser(open_browser: Callable[..., Browser]) -> Browser:
    return open_browser()
