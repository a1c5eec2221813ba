"""The WebAuthn server: fido2's, with exact origins, challenges that expire and are used once, and signature counters."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from allauth.core import context
from allauth.mfa.webauthn.internal.auth import get_state
from cryptography.exceptions import InvalidSignature
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
)

from django_matt.contrib.passkeys.services import (
    Verdict,
    claim_assertion,
    claim_registration,
    find_owner,
)
from django_matt.contrib.passkeys.settings import get_settings
from django_matt.sign_in import record_security_event

__all__ = ["PasskeyServer", "make_server", "unknown_passkey"]

logger = logging.getLogger(__name__)

_MAX_ID_BYTES = 1_023
_TABS = 5
"""How many challenges of one session are valid at the same time: each tab of a browser has asked for its own."""


def unknown_passkey() -> ValidationError:
    """Return the error for a passkey that is not registered; on its code, a browser may delete the passkey."""
    return ValidationError(_("This passkey is not registered here."), code="unknown_passkey")


def make_server() -> "PasskeyServer":
    """Return the server for ``settings.MATT_PASSKEYS``."""
    return PasskeyServer()


class PasskeyServer(Fido2Server):
    """Verifies what authenticators sign.

    It raises ``ValidationError`` for everything that it refuses, which allauth answers with 400.
    """

    def __init__(self) -> None:
        """Read the relying party and the origins from the settings."""
        options = get_settings()
        self._origins = options.accepted_origins
        self._seconds = options.CHALLENGE_SECONDS
        relying_party = PublicKeyCredentialRpEntity(
            id=options.RP_ID, name=options.RP_NAME or options.RP_ID
        )
        super().__init__(relying_party, verify_origin=self._accepts)
        self.timeout: Any = self._seconds * 1_000

    def register_begin(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return the options of a registration, and a state that expires."""
        options, state = super().register_begin(*args, **kwargs)
        return options, self._keep(state, "create")

    def authenticate_begin(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return the options of an authentication, and a state that expires."""
        options, state = super().authenticate_begin(*args, **kwargs)
        return options, self._keep(state, "get")

    def register_complete(
        self, state: Any, response: RegistrationResponse | Mapping[str, Any]
    ) -> AuthenticatorData:
        """Verify a registration, and claim its credential id: nobody can register it a second time (WebAuthn, 7.1)."""
        try:
            given = RegistrationResponse.from_dict(response)
            chosen = self._choose(state, "create", given.response.client_data)
            data = super().register_complete(chosen, given)
            credential = data.credential_data
            if credential is None or credential.credential_id != given.raw_id:
                raise ValueError("The id is not that of the attested credential.")
            self._check_key(credential)
        except Exception as error:
            # fido2 raises many kinds of exceptions for bytes that an attacker chose.
            raise _refused("registration", error) from error
        if not claim_registration(credential.credential_id, data.counter):
            raise _refused("registration", "The passkey is registered already.")
        return data

    def authenticate_complete(
        self,
        state: Any,
        credentials: Sequence[AttestedCredentialData],
        response: AuthenticationResponse | Mapping[str, Any],
    ) -> AttestedCredentialData:
        """Verify an assertion, and claim it: its challenge is used once, and its counter must grow (WebAuthn, 7.2)."""
        given = AuthenticationResponse.from_dict(response)
        if all(each.credential_id != given.raw_id for each in credentials):
            raise unknown_passkey()
        try:
            chosen = self._choose(state, "get", given.response.client_data)
            credential = super().authenticate_complete(chosen, credentials, given)
        except Exception as error:
            raise _refused("authentication", error) from error
        verdict = claim_assertion(
            credential.credential_id,
            given.response.authenticator_data.counter,
            given.response.client_data.challenge,
        )
        if verdict is Verdict.COUNTER:
            _record_counter(credential.credential_id)
        if verdict is not Verdict.ACCEPTED:
            raise _refused("authentication", verdict.value)
        return credential

    def _keep(self, state: Any, ceremony: str) -> dict[str, Any]:
        """Return the state of a ceremony, and with it those of the tabs that were opened before and have not expired."""
        now = time.time()
        former = get_state() or {}
        others = [former | {"others": []}, *former.get("others", ())]
        return {
            **state,
            "ceremony": ceremony,
            "expires_at": now + self._seconds,
            "others": [each for each in others if each.get("expires_at", 0) > now][: _TABS - 1],
        }

    def _accepts(self, origin: object) -> bool:
        """Return whether the origin is in the settings: not its subdomains, not another port."""
        if isinstance(origin, str) and origin in self._origins:
            return True
        logger.warning(
            'A passkey was used at %.200r, which is not in settings.MATT_PASSKEYS["ORIGINS"].',
            origin,
        )
        return False

    def _choose(self, state: Any, ceremony: str, client_data: CollectedClientData) -> Any:
        """Return the state that has the challenge of a response.

        Raises ``ValueError`` for a challenge that has expired, was made for the other ceremony, or was not made for this
        session, and for a page inside of another site's page.
        """
        if client_data.cross_origin is not False:
            raise ValueError("The passkey was used in a frame of another origin.")
        given = websafe_encode(client_data.challenge)
        for each in (state, *state.get("others", ())):
            if each.get("ceremony") != ceremony or each.get("expires_at", 0) < time.time():
                continue
            if constant_time_compare(each["challenge"], given):
                return each
        raise ValueError("The challenge has expired, or was not made for this session.")

    def _check_key(self, credential: AttestedCredentialData) -> None:
        """Raise ``ValueError`` for an id that is too long, and for a key that cannot verify signatures."""
        if len(credential.credential_id) > _MAX_ID_BYTES:
            raise ValueError("The credential id is too long.")
        if credential.public_key.ALGORITHM not in {each.alg for each in self.allowed_algorithms}:
            raise ValueError("The algorithm was not offered.")
        try:
            credential.public_key.verify(b"probe", b"probe")
        except InvalidSignature:
            return
        raise ValueError("The key accepts any signature.")


def _refused(step: str, reason: object) -> ValidationError:
    """Return the error for the client, which does not say why; the log does."""
    logger.info("The %s of a passkey was refused: %s", step, reason)
    return ValidationError(
        _("The passkey could not be verified. Try again."), code="passkey_refused"
    )


def _record_counter(credential_id: bytes) -> None:
    """Record that the counter of a passkey went back: the authenticator may have been copied."""
    owner = find_owner(credential_id)
    record_security_event(
        "sign_in_failed",
        request=context.request,
        user=owner and owner.user,
        method="passkey",
        reason="sign_counter",
        authenticator=owner and owner.pk,
    )
