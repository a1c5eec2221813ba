"""How allauth records in the session by which methods its user signed in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_matt.sign_in import AuthenticationRecord, Method

__all__ = ["RECORDED", "translate"]

RECORDED: Mapping[Method, dict[str, Any]] = {
    "password": {"method": "password"},
    "passkey": {"method": "mfa", "type": "webauthn", "passwordless": True},
    "code": {"method": "code"},
    "link": {"method": "link"},
    "oidc": {"method": "socialaccount"},
    "totp": {"method": "mfa", "type": "totp"},
    "recovery_code": {"method": "mfa", "type": "recovery_codes"},
}
"""How allauth records each method in the session."""

_METHODS: Mapping[tuple[str, str | None], Method] = {
    (recorded["method"], recorded.get("type")): method for method, recorded in RECORDED.items()
}


def translate(records: Any) -> Sequence[AuthenticationRecord]:
    """Return the records of allauth's session data; what no method is known for is left out."""
    found: list[AuthenticationRecord] = []
    for record in records or []:
        method = _METHODS.get((record.get("method", ""), record.get("type")))
        if method is not None:
            found.append(AuthenticationRecord(method=method, at=float(record["at"])))
    return found
