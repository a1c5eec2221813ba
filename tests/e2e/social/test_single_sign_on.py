"""A user of a company signs in at a shop: two projects, two servers, and the real protocol between them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS

CALLBACK = "/accounts/oidc/company/login/callback/"
REGISTER = """
from allauth.idp.oidc.models import Client
from django.contrib.auth import get_user_model
client = Client(id="shop", name="Shop", scopes="openid\\nprofile\\nemail", skip_consent=True,
                redirect_uris="http://127.0.0.1:{port}/accounts/oidc/company/login/callback/")
client.set_secret("of the shop")
client.save()
for name in ("ada", "eve"):
    user = get_user_model().objects.create_user(name, f"{{name}}@company.example", "secret")
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
"""


def private_key() -> str:
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@contextmanager
def serve(name: str, folder: Path, port: int, setup: str = "", **more: str) -> Iterator[Server]:
    """Make the database of a project, and serve it."""
    folder.mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("MATT_")},
        "DJANGO_SETTINGS_MODULE": f"tests.e2e.social.{name}.settings",
        "PYTHONPATH": str(ROOT),
        "SITE_FOLDER": str(folder),
        **more,
    }
    prepare = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
    )
    command = [sys.executable, "-c", prepare + setup]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    serving = ["-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with run_server(serving, ROOT, environment, port, folder / "log") as server:
        yield server


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """The company's server and the shop's."""
    folder = tmp_path_factory.mktemp("sso")
    company_port, shop_port = free_port(), free_port()
    with ExitStack() as stack:
        setup = REGISTER.format(port=shop_port)
        company = stack.enter_context(
            serve("company", folder / "company", company_port, setup, PRIVATE_KEY=private_key())
        )
        shop = stack.enter_context(
            serve("shop", folder / "shop", shop_port, COMPANY_URL=company.url)
        )
        yield company, shop


class Browser(httpx.Client):
    """Cookies for both servers, which have the same host."""

    def __init__(self, servers: tuple[Server, Server]) -> None:
        super().__init__(timeout=SECONDS)
        self.company, self.shop = (server.url for server in servers)

    def submit(self, url: str, page: str, **fields: str) -> httpx.Response:
        """Send a form of a page, with its CSRF token."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(page).text)
        assert token
        data = {**fields, "csrfmiddlewaretoken": token[1]}
        return self.post(url, data=data, headers={"Referer": page})

    def begin(self, query: str = "") -> str:
        """Begin the sign-in at the shop; return the URL of the company to which the browser is sent."""
        (company,) = self.get(f"{self.shop}/api/sign-in/providers").json()
        url = f"{self.shop}{company['start_url']}{query}"
        response = self.submit(url, url)
        assert response.status_code == 302, response.text
        assert response.headers["Location"].startswith(f"{self.company}/identity/o/authorize?")
        return response.headers["Location"]

    def sign_in_at_company(self, name: str) -> None:
        page = f"{self.company}/accounts/login/"
        response = self.submit(page, page, login=name, password="secret")
        assert response.status_code == 302, response.text

    def authorize(self, url: str) -> str:
        """Return the URL of the shop's callback, with the code."""
        response = self.get(url)
        assert response.status_code == 302, response.text
        assert response.headers["Location"].startswith(self.shop + CALLBACK)
        return response.headers["Location"]

    def me(self) -> str | None:
        found = self.get(f"{self.shop}/api/me").json()["email"]
        return found if found is None else str(found)


@pytest.fixture
def browser(servers: tuple[Server, Server]) -> Iterator[Browser]:
    with Browser(servers) as made:
        yield made


@pytest.fixture
def other(servers: tuple[Server, Server]) -> Iterator[Browser]:
    with Browser(servers) as made:
        yield made


def test_a_user_of_the_company_signs_in_at_the_shop(browser: Browser):
    for _ in range(2):
        url = browser.begin("?next=/api/sign-in/providers")
        if "company_session" not in browser.cookies:
            assert "/accounts/login/" in browser.get(url).headers["Location"]
            browser.sign_in_at_company("ada")
        response = browser.get(browser.authorize(url))
        assert response.headers["Location"] == "/api/sign-in/providers"
        assert browser.me() == "ada@company.example"
        browser.cookies.delete("sessionid")
        assert browser.me() is None


def test_17_a_callback_works_once_and_in_one_browser(browser: Browser, other: Browser):
    browser.sign_in_at_company("ada")
    callback = browser.authorize(browser.begin())
    other.begin()
    assert other.get(callback).status_code == 401
    assert other.me() is None
    assert browser.get(callback).status_code == 302
    assert browser.me() == "ada@company.example"
    browser.cookies.delete("sessionid")
    assert browser.get(callback).status_code == 401
    assert browser.me() is None


def test_17_a_code_of_another_sign_in_is_refused(browser: Browser, other: Browser):
    """Somebody gives the browser a code of their own account: the verifier of PKCE is another one."""
    other.sign_in_at_company("eve")
    code = parse_qs(urlsplit(other.authorize(other.begin())).query)["code"][0]
    browser.sign_in_at_company("ada")
    state = parse_qs(urlsplit(browser.begin()).query)["state"][0]
    answer = browser.get(browser.shop + CALLBACK, params={"code": code, "state": state})
    assert answer.status_code == 401
    assert browser.me() is None


def test_17_the_company_refuses_another_redirect(browser: Browser):
    browser.sign_in_at_company("ada")
    url = browser.begin("?auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example")
    assert "evil.example" not in url
    there = url.replace("redirect_uri=http", "redirect_uri=https")
    assert "Location" not in browser.get(there).headers


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_18_next_is_refused_for_foreign_hosts(browser: Browser, target: str):
    browser.sign_in_at_company("ada")
    callback = browser.authorize(browser.begin(f"?next={target}"))
    assert browser.get(callback).headers["Location"] == "/api/me"


def test_no_log_of_the_shop_has_a_token(browser: Browser, servers: tuple[Server, Server]):
    browser.sign_in_at_company("ada")
    browser.get(browser.authorize(browser.begin()))
    log = servers[1].log.read_text()
    assert "Traceback" not in log
    # A token begins with the JSON of its header; three such letters may also be part of a state.
    assert not re.search(r"eyJ[\w-]{8,}\.", log)
