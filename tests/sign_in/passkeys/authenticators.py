"""An authenticator over fido2's data classes, which can lie about everything that it signs."""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ORIGIN = "http://localhost:8000"
UP, UV, ATTESTED = 0x01, 0x04, 0x40


@dataclass(kw_only=True)
class Passkey:
    """One key pair, and what the authenticator keeps with it."""

    user_handle: bytes
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    counter: int = 0

    def attested(self) -> AttestedCredentialData:
        public = ES256.from_cryptography_key(self.key.public_key())
        return AttestedCredentialData.create(b"\0" * 16, self.id, public)


@dataclass
class Signer:
    """A browser and its authenticator. The arguments of its methods are the lies; without any it is honest."""

    counts: bool = True
    passkeys: list[Passkey] = field(default_factory=list)

    def create(self, options: Any, **lies: Any) -> dict[str, Any]:
        """Return the answer of ``navigator.credentials.create``."""
        options = options["publicKey"]
        passkey = Passkey(user_handle=websafe_decode(options["user"]["id"]))
        passkey.id = lies.get("id", passkey.id)
        self.passkeys.append(passkey)
        attested = bytes(passkey.attested())
        signed = self._data(passkey, lies, lies.get("attested", attested))
        return {
            "id": websafe_encode(lies.get("raw_id", passkey.id)),
            "rawId": websafe_encode(lies.get("raw_id", passkey.id)),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": self._client_data("webauthn.create", options, lies).b64,
                "attestationObject": websafe_encode(AttestationObject.create("none", signed, {})),
                "transports": ["internal"],
            },
        }

    def get(self, options: Any, passkey: Passkey | None = None, **lies: Any) -> dict[str, Any]:
        """Return the answer of ``navigator.credentials.get``."""
        options = options["publicKey"]
        passkey = passkey or self.passkeys[-1]
        client_data = self._client_data("webauthn.get", options, lies)
        data = self._data(passkey, lies)
        signed = data + client_data.hash
        key = lies.get("key", passkey.key)
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return {
            "id": websafe_encode(passkey.id),
            "rawId": websafe_encode(passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": client_data.b64,
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(lies.get("user_handle", passkey.user_handle)),
            },
        }

    def _data(self, passkey: Passkey, lies: Any, attested: bytes = b"") -> AuthenticatorData:
        if self.counts:
            passkey.counter += 1
        flags = lies.get("flags", UP | UV) | (ATTESTED if attested else 0)
        rp_id = sha256(lies.get("rp_id", "localhost").encode()).digest()
        counter = lies.get("counter", passkey.counter)
        return AuthenticatorData(rp_id + bytes([flags]) + counter.to_bytes(4, "big") + attested)

    def _client_data(self, kind: str, options: Any, lies: Any) -> CollectedClientData:
        content = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", ORIGIN),
            "crossOrigin": lies.get("cross_origin", False),
        }
        return CollectedClientData(json.dumps(content).encode())
