"""A person at one of allauth's two clients: the browser's with its cookie, or the app's with its session token."""

import json
import re
from typing import Any

from django.core import mail
from django.test import Client

from tests.sign_in.passkeys.authenticators import Signer

SIGN_UP = "auth/webauthn/signup"
LOGIN = "auth/webauthn/login"
REAUTHENTICATE = "auth/webauthn/reauthenticate"
SECOND_FACTOR = "auth/webauthn/authenticate"
PASSKEYS = "account/authenticators/webauthn"
RECOVERY_CODES = "account/authenticators/recovery-codes"


class Visitor:
    """Sends requests to one client of allauth.headless, and keeps its session."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.http = Client(raise_request_exception=False)
        self.token = ""

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-Session-Token": self.token} if self.token else {}
        answer = self.http.generic(
            method,
            f"/_allauth/{self.kind}/v1/{path}",
            b"" if body is None else _encode(body),
            content_type="application/json",
            headers=headers,
        )
        if answer.headers["Content-Type"] == "application/json":
            self.token = answer.json().get("meta", {}).get("session_token", self.token)
        return answer

    def options(self, path: str) -> Any:
        """Begin a ceremony."""
        data = self.send("GET", path).json()["data"]
        return data.get("creation_options") or data["request_options"]

    def begin_sign_up(self, email: str) -> Any:
        """Go up to the passkey: the address, and the code that was sent to it."""
        self.send("POST", SIGN_UP, {"email": email})
        code = re.search(r"^[A-Z0-9-]{6,9}$", str(mail.outbox[-1].body), re.M)
        assert code, mail.outbox[-1].body
        self.send("POST", "auth/email/verify", {"key": code[0]})
        return self.options(SIGN_UP)

    def sign_up(self, signer: Signer, email: str, **lies: Any) -> Any:
        credential = signer.create(self.begin_sign_up(email), **lies)
        return self.send("PUT", SIGN_UP, {"name": "Laptop", "credential": credential})

    def log_in(self, signer: Signer, **lies: Any) -> Any:
        credential = signer.get(self.options(LOGIN), **lies)
        return self.send("POST", LOGIN, {"credential": credential})

    def reauthenticate(self, signer: Signer, **lies: Any) -> Any:
        credential = signer.get(self.options(REAUTHENTICATE), **lies)
        return self.send("POST", REAUTHENTICATE, {"credential": credential})

    def add(self, signer: Signer, name: str = "Phone", **lies: Any) -> Any:
        credential = signer.create(self.options(f"{PASSKEYS}?passwordless"), **lies)
        return self.send("POST", PASSKEYS, {"name": name, "credential": credential})

    def first_passkey(self) -> int:
        """Return the id of the oldest passkey."""
        found = self.send("GET", "account/authenticators").json()["data"]
        return int(min(each["id"] for each in found if each["type"] == "webauthn"))

    def log_out(self) -> None:
        self.send("DELETE", "auth/session")
        self.token = ""

    @property
    def signed_in(self) -> bool:
        return bool(self.send("GET", "auth/session").status_code == 200)


def _encode(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
