"""Another body for a request, such as the JSON in front of bytes that are not JSON."""

from io import BytesIO
from typing import Any

from django.http import HttpRequest

__all__ = ["replace_body"]


def replace_body(request: HttpRequest, body: bytes) -> None:
    """Let everything that reads the body after this read ``body``; read the one that was sent before."""
    state: Any = request
    state._body = body
    state._stream = BytesIO(body)
