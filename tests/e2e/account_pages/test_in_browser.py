"""The account pages of a served project in Chromium: the keyboard, passkeys, contrast, a strict policy."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server
from tests.waiting import SECONDS, wait_until

pytest.importorskip("allauth", reason="needs the extra accounts")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PASSWORD = "correct horse 1"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SIZES = {"desktop": {"width": 1100, "height": 850}, "phone": {"width": 360, "height": 780}}

#: What is wrong with the page as it is drawn: contrast (WCAG 1.4.3, 1.4.11), names (4.1.2), targets (2.5.8), reflow (1.4.10).
INSPECT = """async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const faults = [];
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts[3] ?? 1 };
  };
  const luminance = (rgb) => rgb
    .map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color.alpha === 1) return color.rgb;
    }
    return [255, 255, 255];
  };
  const contrast = (one, two) => {
    const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const isSeen = (element) => element.checkVisibility() && !element.closest(".visually-hidden, .skip, svg");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !isSeen(element)) continue;
    seen += 1;
    const found = contrast(parse(getComputedStyle(element).color).rgb, ground(element));
    if (found < 4.5) faults.push(`contrast ${found.toFixed(2)}: ${element.outerHTML.slice(0, 80)}`);
  }
  if (seen < 3) faults.push("there is no text");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!isSeen(field)) continue;
    if (!field.labels.length) faults.push(`no label: ${field.name}`);
    if (["checkbox", "radio"].includes(field.type)) continue;
    const found = contrast(parse(getComputedStyle(field).borderTopColor).rgb, ground(field.parentElement));
    if (found < 3) faults.push(`border ${found.toFixed(2)}: ${field.name}`);
  }
  for (const target of document.querySelectorAll("button, a.button, nav a, input:not([type=hidden])")) {
    if (!isSeen(target)) continue;
    const box = target.getBoundingClientRect();
    if (target.matches("a, button") && !target.textContent.trim()) faults.push(`no name: ${target.outerHTML}`);
    if (box.height < 24 && !target.matches("[type=checkbox], [type=radio]")) faults.push(`small: ${target.outerHTML}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  return faults;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The project, served on localhost, where passkeys work, and the folder of its mail."""
    data, port = tmp_path_factory.mktemp("account_pages"), free_port()
    origin = f"http://localhost:{port}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.e2e.account_pages.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ACCOUNT_PAGES_DATA": str(data),
        "ACCOUNT_PAGES_ORIGIN": origin,
    }
    migrate = [sys.executable, "-m", "django", "migrate", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=SECONDS)
    # --insecure: the static files are served without DEBUG.
    serve = ["-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"]
    with run_server(serve, ROOT, environment, port, data / "server.log"):
        yield f"{origin}/accounts", data / "mail"


class Person:
    """Somebody with a browser and a mailbox."""

    def __init__(self, page: Any, base: str, mailbox: Path) -> None:
        self.page, self.base, self.mailbox = page, base, mailbox
        self.devices: Any = None
        self.device: dict[str, str] = {}
        self.email = f"ada{os.urandom(4).hex()}@example.com"
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("request", self._notice)
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))

    def _notice(self, request: Any) -> None:
        if not request.url.startswith(self.base.removesuffix("/accounts")):
            self.complaints.append(request.url)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}/{path}")

    def arrives_at(self, path: str) -> None:
        self.page.wait_for_url(lambda url: url.split("?")[0] == f"{self.base}/{path}")
        self.page.wait_for_load_state()

    def press(self, selector: str = "main form button.primary") -> None:
        self.page.locator(selector).first.click()

    def code(self) -> str:
        """Return the code in the newest mail to this person."""
        found: list[str] = []

        def is_there() -> bool:
            mails = sorted(self.mailbox.glob("*"), key=lambda file: file.stat().st_mtime)
            texts = [text for file in mails for text in [file.read_text()] if self.email in text]
            found[:] = re.findall(r"\n\n([A-Z0-9-]{5,12})\n", texts[-1]) if texts else []
            return bool(found)

        wait_until(is_there)
        return found[-1]

    def sign_up(self) -> None:
        self.go("signup/")
        self.page.fill("#id_email", self.email)
        self.page.fill("#id_password1", PASSWORD)
        self.press()
        self.arrives_at("confirm-email/")
        self.page.fill("#id_code", self.code())
        self.press()
        self.arrives_at("")

    def sign_out(self) -> None:
        self.press(".account-out button")
        self.arrives_at("login/")

    def proves_again_by_password(self) -> None:
        if "reauthenticate" in self.page.url:
            self.page.fill("#id_password", PASSWORD)
            self.press()
            self.page.wait_for_url(lambda url: "reauthenticate" not in url)


@pytest.fixture
def person(site: tuple[str, Path], chromium: Any) -> Iterator[Callable[..., Person]]:
    contexts = []

    def made(*, passkeys: bool = False, **more: Any) -> Person:
        context = chromium.new_context(**more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1_000 * SECONDS)
        if passkeys:
            devices = context.new_cdp_session(page)
            devices.send("WebAuthn.enable", {"enableUI": False})
            added = devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
            made = Person(page, *site)
            made.devices, made.device = devices, {"authenticatorId": added["authenticatorId"]}
            return made
        return Person(page, *site)

    yield made
    for context in contexts:
        context.close()


def test_somebody_signs_up_and_in_with_the_keyboard_alone(person: Callable[..., Person]):
    ada = person()
    page = ada.page
    ada.go("signup/")
    page.wait_for_selector("#id_email:focus")
    page.keyboard.type(ada.email)
    page.keyboard.press("Tab")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    page.wait_for_selector(".errorlist")
    page.wait_for_selector("#id_password1:focus")  # the first error
    assert "too short" in page.locator("#id_password1_error").inner_text()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    ada.arrives_at("confirm-email/")
    page.wait_for_selector("#id_code:focus")
    page.keyboard.type(ada.code())
    page.keyboard.press("Enter")
    ada.arrives_at("")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "past the navigation"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is visible"
    page.keyboard.press("Shift+Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.textContent") == "Sign Out":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    ada.arrives_at("login/")

    page.wait_for_selector("#id_login:focus")
    page.keyboard.type(ada.email)
    page.keyboard.press("Tab")
    page.keyboard.type("guessed")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:focus")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    ada.arrives_at("")
    assert ada.complaints == []


def test_a_passkey_is_added_renamed_used_and_removed(person: Callable[..., Person]):
    ada = person(passkeys=True)
    page = ada.page
    ada.sign_up()
    ada.go("2fa/webauthn/add/")
    ada.proves_again_by_password()
    page.fill("#id_name", "Laptop")
    ada.press()
    ada.arrives_at("2fa/recovery-codes/")
    assert len(page.input_value("#recovery_codes").split()) == 10

    ada.go("2fa/webauthn/")
    page.get_by_role("link", name="Rename Laptop").click()
    page.wait_for_url("**/edit/**")
    page.fill("#id_name", "Work laptop")
    ada.press()
    ada.arrives_at("2fa/webauthn/")
    assert "Work laptop" in page.locator(".account-list").inner_text()

    # The virtual authenticator takes what autofill offers at once.
    with page.expect_request(lambda request: request.url.endswith("2fa/webauthn/login/")):
        ada.press(".account-out button")
    ada.arrives_at("")
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    ada.sign_out()
    ada.press("#passkey_login")
    ada.arrives_at("")

    ada.go("2fa/webauthn/")
    page.get_by_role("link", name="Remove Work laptop").click()
    # A click does not wait for the page that it leads to, which asks for a proof after every sign-in.
    page.wait_for_url("**/reauthenticate/**")
    ada.proves_again_by_password()
    ada.press("main button.danger")
    ada.arrives_at("2fa/webauthn/")
    assert "You have no passkeys yet." in page.locator("main").inner_text()
    assert ada.complaints == []


#: Counts the requests of autofill, and complains of every message that a person would see.
WATCH = """
  globalThis.autofills = 0;
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = async (options) => {
    if (options.mediation === "conditional") globalThis.autofills += 1;
    return get(options);
  };
  addEventListener("DOMContentLoaded", () => {
    const alert = document.querySelector("[data-passkey-message]");
    const complain = () => alert.hidden || console.error(alert.textContent);
    if (alert) new MutationObserver(complain).observe(alert, { attributes: true });
  });
"""


@pytest.mark.parametrize("when", ["before the options arrive", "while autofill waits"])
def test_a_click_while_autofill_waits_signs_in_without_an_error(
    person: Callable[..., Person], when: str
):
    ada = person(passkeys=True)
    page = ada.page
    ada.sign_up()
    ada.go("2fa/webauthn/add/")
    ada.proves_again_by_password()
    ada.press()
    ada.arrives_at("2fa/recovery-codes/")
    # Without the passkey, autofill waits as it does for a person who has not chosen one.
    [passkey] = ada.devices.send("WebAuthn.getCredentials", ada.device)["credentials"]
    named = {**ada.device, "credentialId": passkey["credentialId"]}
    ada.devices.send("WebAuthn.removeCredential", named)
    page.add_init_script(WATCH)
    asked: list[Any] = []
    if when == "before the options arrive":
        page.route(
            "**/2fa/webauthn/login/",
            lambda route: (
                asked.append(route) if route.request.method == "GET" else route.continue_()
            ),
        )
    ada.sign_out()
    page.locator("#passkey_login").wait_for()
    if when == "before the options arrive":
        wait_until_page(page, lambda: len(asked) == 1)
    else:
        page.wait_for_function("() => autofills === 1")
    ada.devices.send("WebAuthn.addCredential", {**ada.device, "credential": passkey})
    ada.press("#passkey_login")
    if when == "before the options arrive":
        # The server answers the second request before the first one, if the page has sent it.
        page.wait_for_timeout(700)
        later = asked[1].fetch() if len(asked) > 1 else None
        asked[0].continue_()
        if later is not None:
            page.wait_for_timeout(300)
            asked[1].fulfill(response=later)
        else:
            wait_until_page(page, lambda: len(asked) > 1)
            asked[1].continue_()
    ada.arrives_at("")
    assert ada.complaints == []


def wait_until_page(page: Any, true: Callable[[], bool]) -> None:
    """Wait for something that the browser does; meanwhile its events are handled."""
    for _ in range(10 * SECONDS):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen")


def test_a_passkey_that_is_refused_is_explained(person: Callable[..., Person]):
    ada = person()
    ada.sign_up()
    ada.go("2fa/webauthn/add/")
    ada.proves_again_by_password()
    ada.page.evaluate(
        "() => { navigator.credentials.create = async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
    )
    ada.press()
    alert = ada.page.locator("[data-passkey-message]")
    alert.wait_for()
    assert "did not confirm" in alert.inner_text()
    assert ada.page.url.endswith("/2fa/webauthn/add/")


def test_without_a_script_everything_but_passkeys_works(person: Callable[..., Person]):
    ada = person(java_script_enabled=False)
    ada.sign_up()
    ada.sign_out()
    assert not ada.page.locator("#passkey_login").is_visible()
    ada.page.fill("#id_login", ada.email)
    ada.page.fill("#id_password", PASSWORD)
    ada.press()
    ada.arrives_at("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_on_every_screen(person: Callable[..., Person], scheme: str):
    ada = person(color_scheme=scheme)
    page = ada.page

    def inspect(path: str) -> None:
        for name, size in SIZES.items():
            page.set_viewport_size(size)
            page.wait_for_function("width => innerWidth === width", arg=size["width"])
            assert page.evaluate(INSPECT) == [], f"{path} on a {name}, {scheme}"

    for path in ("login/", "signup/", "signup/passkey/", "login/code/", "password/reset/"):
        ada.go(path)
        inspect(path)
    ada.sign_up()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(15, 17, 21)") is (scheme == "dark")
    inspect("the account")
    ada.go("2fa/totp/activate/")
    inspect("reauthenticate")
    ada.proves_again_by_password()
    for path in (
        "2fa/totp/activate/",
        "2fa/webauthn/add/",
        "2fa/",
        "2fa/webauthn/",
        "email/",
        "password/change/",
        "sessions/",
        "3rdparty/",
        "logout/",
    ):
        ada.go(path)
        inspect(path)
    ada.go("email/")
    page.fill("#id_email", "nobody@nowhere")
    ada.press("button[name=action_add]")
    page.wait_for_selector(".errorlist")
    inspect("an error")
    assert ada.complaints == []
