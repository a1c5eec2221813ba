"""Signs up and in to a generated project over HTTP, in each way that it has, and uses what comes with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.projects.rendering import Options
from tests.sign_in.passkeys.authenticators import Signer
from tests.waiting import SECONDS

__all__ = ["try_sign_in"]

PASSWORD = "correct-horse-battery"
CODE = r"^([A-Z0-9-]{6,9})$"
LINK = r"/sign-in/link#(\S+)$"
ALLAUTH = "/_allauth/browser/v1"
LAMP = {"name": "Desk lamp", "price": "39.90"}


class Browser:
    """A browser with its cookies, and the mailbox of the person in front of it: what the server has printed."""

    def __init__(self, client: httpx.Client, log: Path, options: Options, name: str) -> None:
        self.client, self.log = client, log
        self.account = {"email": f"{name}@example.com"}
        if options["user"] == "username":
            self.account["username"] = name

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def send(self, method: str, path: str, status: int, **more: Any) -> Any:
        """Send a request as the pages do, with the token against forgery."""
        headers = {
            "X-CSRFToken": self.client.cookies.get("csrftoken", ""),
            **more.pop("headers", {}),
        }
        response = self.client.request(method, path, headers=headers, **more)
        assert response.status_code == status, f"{method} {path}: {response.text[:2_000]}"
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.json() if is_json and response.content else response.text

    def find_in_mail(self, pattern: str) -> str:
        """Return what the newest mail to this person has."""
        printed = self.log.read_text().split(f"\nTo: {self.account['email']}\n")
        assert len(printed) > 1, printed[0][-2_000:]
        found = re.search(pattern, printed[-1], re.MULTILINE)
        assert found, printed[-1]
        return found[1]

    def is_signed_in(self) -> bool:
        response = self.get("/api/me")
        assert response.status_code in {200, 401}, response.text
        return response.status_code == 200 and response.json()["email"] == self.account["email"]

    def sign_out(self) -> None:
        self.send("POST", "/accounts/logout/", 302)
        assert not self.is_signed_in()

    def sign_up(self, **more: str) -> None:
        """Sign up on the page, and confirm the address."""
        self.get("/accounts/signup/")
        self.send("POST", "/accounts/signup/", 302, data={**self.account, **more})
        assert not self.is_signed_in()
        code = self.find_in_mail(CODE)
        self.send("POST", "/accounts/confirm-email/", 302, data={"code": code})
        assert self.is_signed_in()


def try_sign_in(client: httpx.Client, log: Path, options: Options) -> None:
    """Sign up and in in each way that the project has; then try what its other options add."""
    port = client.base_url.port
    ways = {"all": ["password", "magic-link", "passkey"]}.get(
        options["sign_in"], [options["sign_in"]]
    )

    @contextmanager
    def open_browser(name: str) -> Iterator[Browser]:
        with httpx.Client(base_url=client.base_url, timeout=SECONDS) as own:
            yield Browser(own, log, options, name)

    # With a password if people have one: the page asks for it.
    password = {"password1": PASSWORD} if "password" in ways else {}
    for way in ways:
        with open_browser(f"grace-{way}") as browser:
            if way == "password":
                browser.sign_up(**password)
                browser.sign_out()
                sign_in_by_password(browser)
            elif way == "magic-link":
                browser.sign_up(**password)
                browser.sign_out()
                sign_in_by_link(browser)
            else:
                sign_in_by_passkey(browser, f"http://localhost:{port}")
            page = browser.get("/accounts/")
            assert page.status_code == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    with open_browser("ada") as ada, open_browser("eve") as eve:
        for browser in (ada, eve):
            browser.sign_up(**password)
        if options["tokens"] == "yes":
            use_tokens(ada)
        if options["audience"] == "b2b":
            use_organizations(ada, eve, options)


def sign_in_by_password(browser: Browser) -> None:
    browser.get("/accounts/login/")
    for name in browser.account.values():
        wrong = {"login": name, "password": "wrong"}
        browser.send("POST", "/accounts/login/", 200, data=wrong)
        assert not browser.is_signed_in()
    browser.send("POST", "/accounts/login/", 302, data={**wrong, "password": PASSWORD})
    assert browser.is_signed_in()


def sign_in_by_link(browser: Browser) -> None:
    email = {"email": browser.account["email"]}
    page = browser.get("/accounts/login/", follow_redirects=True)
    assert page.url.path == "/sign-in/email" or 'href="/sign-in/email"' in page.text
    browser.get("/sign-in/email")
    browser.send("POST", "/sign-in/email", 200, data=email)
    token = browser.find_in_mail(LINK)
    browser.send("POST", "/sign-in/link", 302, data={"token": token})
    assert browser.is_signed_in()
    browser.sign_out()
    browser.get("/sign-in/link")
    browser.send("POST", "/sign-in/link", 400, data={"token": token})
    assert not browser.is_signed_in()
    browser.get("/sign-in/email")
    browser.send("POST", "/sign-in/email", 200, data=email)
    code = browser.find_in_mail(r"^(\w{3}-\w{3})$")
    browser.send("POST", "/sign-in/link", 302, data={"code": code})
    assert browser.is_signed_in()


def sign_in_by_passkey(browser: Browser, origin: str) -> None:
    device, page = Signer(), f"{ALLAUTH}/auth/webauthn/signup"
    browser.get("/accounts/signup/passkey/")
    browser.send("POST", page, 401, json=browser.account)
    code = browser.find_in_mail(CODE)
    browser.send("POST", f"{ALLAUTH}/auth/email/verify", 401, json={"key": code})
    options = browser.send("GET", page, 200)["data"]["creation_options"]
    assert options["publicKey"]["rp"]["id"] == "localhost"
    credential = device.create(options, origin=origin)
    browser.send("PUT", page, 200, json={"name": "Laptop", "credential": credential})
    assert browser.is_signed_in()
    browser.send("DELETE", f"{ALLAUTH}/auth/session", 401)
    assert not browser.is_signed_in()
    page = f"{ALLAUTH}/auth/webauthn/login"
    for at, status in (("http://localhost:1", 400), (origin, 200)):
        options = browser.send("GET", page, 200)["data"]["request_options"]
        credential = device.get(options, origin=at)
        browser.send("POST", page, status, json={"credential": credential})
        assert browser.is_signed_in() is (status == 200)


def use_tokens(browser: Browser) -> None:
    """Exchange the session for tokens, and use them as an app does: without cookies."""
    tokens = browser.send("POST", "/api/tokens/exchange", 200, json={"transport": "body"})
    with httpx.Client(base_url=browser.client.base_url, timeout=SECONDS) as app:
        assert app.get("/api/me").status_code == 401
        for _ in range(2):
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            assert app.get("/api/me", headers=headers).json()["email"] == browser.account["email"]
            old = {"refresh_token": tokens["refresh_token"]}
            tokens = app.post("/api/tokens/refresh", json=old).json()
        headers = {"Authorization": "Bearer wrong"}
        assert app.get("/api/me", headers=headers).status_code == 401
        key = app.get("/api/.well-known/jwks.json").json()["keys"][0]
        assert (key["kty"], "d" in key) == ("OKP", False)


def use_organizations(ada: Browser, eve: Browser, options: Options) -> None:
    """Make an organization, invite somebody, and read its rows, which nobody else can."""
    ada.send("POST", "/api/organizations", 201, json={"name": "Acme", "slug": "acme"})
    tenant = {"X-Tenant": "acme"}
    if options["first_app"] == "example":
        ada.send("POST", "/api/items", 403, json=LAMP)
        item = ada.send("POST", "/api/items", 201, json=LAMP, headers=tenant)
        path = f"/api/items/{item['id']}"
        changed = ada.send("PATCH", path, 200, json={"price": "35.00"}, headers=tenant)
        assert changed["price"] == "35.00"
        eve.send("GET", path, 403, headers=tenant)
        assert httpx.get(f"{ada.client.base_url}{path}", headers=tenant).status_code == 401
    invited = {"email": eve.account["email"], "role": "viewer"}
    made = ada.send("POST", "/api/organizations/acme/invitations", 201, json=invited)
    eve.send("POST", "/api/invitations/accept", 200, json={"token": made["token"]})
    assert len(eve.send("GET", "/api/organizations/acme/members", 200)) == 2
    if options["first_app"] == "example":
        assert eve.send("GET", path, 200, headers=tenant)["price"] == "35.00"
        eve.send("DELETE", path, 403, headers=tenant)
        ada.send("DELETE", path, 204, headers=tenant)
