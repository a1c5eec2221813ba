"""The ``Idempotency-Key`` of a request, whose it is, and what the request sent with it."""

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from django.http import HttpRequest

from django_matt.errors.exceptions import BadRequest
from django_matt.sign_in import current_tenant, principal_of

__all__ = ["digest_of", "fingerprint_of", "read_key"]

# A string of Structured Fields (RFC 9651), as the draft asks, or the same without quotes, as most clients send it.
_KEY = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255})')
_ANONYMOUS_LENGTH = 22  # 128 random bits as base64; a UUID has 32 digits


def read_key(request: HttpRequest, *, required: bool) -> str | None:
    """Return the key of a request without its quotes; ``None`` if it has none and needs none.

    Raises a ``BadRequest`` if it is missing or malformed (draft-ietf-httpapi-idempotency-key-header).
    """
    given: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if given is None:
        if required:
            raise BadRequest(
                "Send a key of your own, such as a UUID, in the header Idempotency-Key.",
                code="idempotency_key_missing",
            )
        return None
    found = _KEY.fullmatch(given.strip())
    if found is None:
        raise _invalid(
            "It has 1 to 255 visible ASCII characters, without quotes, commas and backslashes inside."
        )
    return found[1] or found[2]


def digest_of(request: HttpRequest, key: str, owner: Callable[[HttpRequest], str] | None) -> str:
    """Return a hash of whose key it is, and what for: the tenant, the owner, the method and the path.

    Anyone who knows an anonymous key can use it: raises a ``BadRequest`` if it is short enough to be guessed.
    """
    tenant: Any = current_tenant(request)
    who = principal_of(request) if owner is None else owner(request)
    if who is None and len(key) < _ANONYMOUS_LENGTH:
        raise _invalid(
            f"Without authentication, it must have at least {_ANONYMOUS_LENGTH} characters. Send a random UUID."
        )
    scope = [None if tenant is None else str(tenant.pk), who, request.method, request.path, key]
    return sha256(json.dumps(scope).encode()).hexdigest()


def _invalid(why: str) -> BadRequest:
    return BadRequest(
        f"The Idempotency-Key of the request is not accepted. {why}", code="idempotency_key_invalid"
    )


def fingerprint_of(request: HttpRequest) -> str:
    """Return a hash of the query and the body. A form with files has no bytes to compare: its fields and files count."""
    found = sha256()
    for part in _parts(request):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def _parts(request: HttpRequest) -> Iterator[bytes]:
    kind = request.content_type or ""
    yield kind.encode("utf-8", "replace")
    yield request.META.get("QUERY_STRING", "").encode("utf-8", "replace")
    if kind != "multipart/form-data":
        yield request.body
        return
    # Each request has another boundary, and its body has been read already.
    for name, values in sorted(request.POST.lists()):
        yield json.dumps([name, values]).encode()
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            content = sha256()
            for chunk in file.chunks():
                content.update(chunk)
            file.seek(0)
            yield json.dumps([name, file.name, file.content_type]).encode()
            yield content.digest()
