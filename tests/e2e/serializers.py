"""What Schemathesis loads to send the examples of the document in every format (``SCHEMATHESIS_HOOKS``)."""

from typing import Any

import msgspec
import schemathesis


@schemathesis.serializer("application/vnd.msgpack")
def write_msgpack(ctx: Any, value: Any) -> bytes:
    """Return the body of a request; for a value that MessagePack does not have, one that is none."""
    try:
        return msgspec.msgpack.encode(value)
    except (OverflowError, TypeError, ValueError):
        return b"\xc1"
