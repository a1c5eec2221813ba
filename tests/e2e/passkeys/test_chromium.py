"""Passkeys in a real Chromium with virtual authenticators, on the page of docs/sign-in/passkeys.md."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
TREE = Path(__file__).resolve().parents[3]
CLIENT = "/static/matt/passkeys/client.js"
DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
NO_AUTOFILL = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
LEVEL_2 = """
for (const name of ["parseCreationOptionsFromJSON", "parseRequestOptionsFromJSON"]) delete PublicKeyCredential[name];
delete PublicKeyCredential.prototype.toJSON;
"""


@dataclass
class Server:
    url: str
    log: Path

    def code(self, email: str) -> str:
        """Return the newest code that was sent to an address."""
        found: list[str] = []

        def arrived() -> bool:
            mails = self.log.read_text().split("\nSubject: ")
            sent = [mail for mail in mails if f"To: {email}" in mail]
            found[:] = re.findall(r"^([A-Z0-9]+-?[A-Z0-9]+)$", sent[-1], re.M) if sent else []
            return bool(found)

        wait_until(arrived, self.log.read_text)
        return found[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("passkeys"), free_port()
    log = folder / "output.log"
    own = {"DJANGO_SETTINGS_MODULE", "MATT_TEST_DATABASE"}
    variables = {name: value for name, value in os.environ.items() if name not in own} | {
        "PASSKEYS_PORT": str(port),
        "PASSKEYS_FOLDER": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.passkeys.project"],
            cwd=TREE,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            return httpx.get(url, timeout=SECONDS).status_code == 200
        return False

    try:
        wait_until(answers, log.read_text)
        yield Server(url, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)


@dataclass
class Person:
    """A browser with devices that can be put in, lost and copied."""

    server: Server
    context: Any
    page: Any = None
    cdp: Any = None
    faults: list[str] = field(default_factory=list)

    def open(self, *scripts: str) -> None:
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        for script in scripts:
            self.page.add_init_script(script)
        self.cdp = self.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})

    def put_in(self, **options: Any) -> str:
        added = self.cdp.send(
            "WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **options}}
        )
        return str(added["authenticatorId"])

    def lose(self, device: str) -> None:
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})

    def passkeys_on(self, device: str) -> list[dict[str, Any]]:
        answer = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})
        return list(answer["credentials"])

    def visit(self) -> None:
        self.page.goto(self.server.url)

    def log_out(self) -> None:
        self.context.clear_cookies()
        self.visit()

    def status(self, text: str) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator("#status")).to_contain_text(text, timeout=1_000 * SECONDS)

    def sign_up(self, email: str) -> list[str]:
        """Sign up on the page; return the recovery codes."""
        self.visit()
        self.page.fill("[name=email]", email)
        self.page.click("#sign-up button")
        self.page.fill("[name=code]", self.server.code(email))
        self.page.click("#verify button")
        self.status("Keep these codes: ")
        return str(self.page.locator("#status").inner_text()).split(": ")[1].split()

    def log_in(self) -> None:
        self.page.click("#log-in button")

    def call(self, body: str, **values: Any) -> Any:
        """Run JavaScript with ``passkeys``; return its result, or the name and code of its error."""
        script = f"""async (values) => {{
            const {{ connect }} = await import("{CLIENT}");
            const passkeys = connect();
            try {{ {body} }} catch (error) {{
                return {{ error: error.name, code: error.code, pending: error.pending, said: error.message }};
            }}
        }}"""
        return self.page.evaluate(script, values)


@pytest.fixture
def person(server: Server, chromium: Any) -> Iterator[Person]:
    context = chromium.new_context()
    context.set_default_timeout(1_000 * SECONDS)
    made = Person(server, context)
    yield made
    context.close()
    assert made.faults == []


def test_sign_up_makes_a_passkey_and_recovery_codes_and_it_signs_in_again(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    assert len(set(person.sign_up("ada@example.com"))) == 10
    [passkey] = person.passkeys_on(device)
    assert passkey["rpId"] == "localhost"
    person.log_out()
    person.log_in()
    person.status("Welcome, ada@example.com")


def test_autofill_signs_in_without_a_click(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    person.sign_up("autofill@example.com")
    [passkey] = person.passkeys_on(device)
    person.context.clear_cookies()
    person.open()
    again = person.put_in()
    person.cdp.send("WebAuthn.addCredential", {"authenticatorId": again, "credential": passkey})
    person.visit()
    person.status("Welcome, autofill@example.com")


def test_a_browser_with_webauthn_level_2_alone_can_do_the_same(person: Person):
    person.open(NO_AUTOFILL, LEVEL_2)
    person.put_in()
    assert len(person.sign_up("level2@example.com")) == 10
    person.log_out()
    person.log_in()
    person.status("Welcome, level2@example.com")


def test_a_second_device_is_added_renamed_and_signs_in_and_the_first_is_deleted(person: Person):
    person.open(NO_AUTOFILL)
    laptop = person.put_in()
    person.sign_up("devices@example.com")
    person.lose(laptop)
    phone = person.put_in(transport="usb")
    # The person has proved who they are a few seconds ago, for the recovery codes.
    added = person.call('return await passkeys.add("Phone")')
    assert added["data"]["name"] == "Phone", added
    names = person.call(
        """
        const [first, second] = await passkeys.list();
        await passkeys.rename(second.id, "Work phone");
        await passkeys.remove(first.id);
        return (await passkeys.list()).map((each) => each.name);
        """
    )
    assert names == ["Work phone"]
    assert len(person.passkeys_on(phone)) == 1
    person.log_out()
    person.log_in()
    person.status("Welcome, devices@example.com")


def test_the_browser_forgets_a_passkey_that_was_deleted(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    person.sign_up("deleted@example.com")
    person.call("const [only] = await passkeys.list(); await passkeys.remove(only.id)")
    assert person.passkeys_on(device) == []


def test_the_browser_forgets_a_passkey_that_the_server_does_not_know(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    person.sign_up("unknown@example.com")
    assert len(person.passkeys_on(device)) == 1
    # Without the signals that follow a deletion.
    person.call(
        """
        const { connect } = await import("/static/matt/passkeys/client.js");
        const quiet = connect({ signals: null });
        const [only] = await quiet.list();
        await quiet.remove(only.id);
        """
    )
    assert len(person.passkeys_on(device)) == 1
    person.log_out()
    person.log_in()
    person.status("This passkey is not registered here.")
    assert person.passkeys_on(device) == []


def test_who_loses_the_device_signs_in_by_code_and_recovery_code(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    codes = person.sign_up("lost@example.com")
    person.lose(device)
    person.log_out()
    send = """
        const csrf = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "";
        const post = async (path, body) => (await fetch(`/_allauth/browser/v1/auth/${path}`, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
            body: JSON.stringify(body),
        })).json();
    """
    person.call('await fetch("/_allauth/browser/v1/config")')
    person.call(send + 'await post("code/request", { email: "lost@example.com" })')
    code = person.server.code("lost@example.com")
    pending = person.call(send + 'return await post("code/confirm", values)', code=code)
    assert "mfa_authenticate" in [each["id"] for each in pending["data"]["flows"]]
    signed_in = person.call(send + 'return await post("2fa/authenticate", values)', code=codes[0])
    assert signed_in["data"]["user"]["email"] == "lost@example.com", signed_in
    prove = send + 'return await post("2fa/reauthenticate", values)'
    assert person.call(prove, code=codes[0])["status"] == 400
    assert person.call(prove, code=codes[1])["status"] == 200
    person.put_in()
    added = person.call('return await passkeys.add("New laptop")')
    assert added["data"]["name"] == "New laptop", added
    person.log_out()
    person.log_in()
    person.status("Welcome, lost@example.com")


def test_a_copied_device_whose_counter_went_back_is_refused(person: Person):
    person.open(NO_AUTOFILL)
    device = person.put_in()
    person.sign_up("copied@example.com")
    [passkey] = person.passkeys_on(device)
    assert passkey["signCount"] > 1
    person.lose(device)
    copy = person.put_in()
    person.cdp.send(
        "WebAuthn.addCredential",
        {"authenticatorId": copy, "credential": {**passkey, "signCount": 0}},
    )
    person.log_out()
    person.log_in()
    person.status("The passkey could not be verified.")
    assert person.passkeys_on(copy) != []
