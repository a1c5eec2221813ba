"""One POST over one connection: to a checked address, within one deadline, without redirects, and without an endless response."""

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django_matt.contrib.webhooks.addresses import is_allowed, resolve

__all__ = ["Outcome", "post"]

_MAX_HEAD = 65_536
_MAX_BODY = 16_384
_CHUNK = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: [^\n]*)?\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_RETRY_AFTER = re.compile(rb"^retry-after:[ \t]*(\d{1,9})[ \t]*\r?$", re.I | re.M)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: the status of the response if there was one, or else why not."""

    status: int | None
    reason: str = ""
    retry_after: int = 0
    """How many seconds the response asks to wait."""
    is_fault_of_endpoint: bool = True

    @property
    def is_success(self) -> bool:
        """Whether the endpoint has accepted the webhook."""
        return self.status is not None and 200 <= self.status < 300


class _Failure(Exception):  # noqa: N818 - its message is the reason of an outcome
    """There is no response."""


def post(url: str, headers: Mapping[str, str], body: bytes, deadline: float) -> Outcome:
    """Send a POST, and return what became of it. ``deadline`` is a time of ``time.monotonic()`` for all of it.

    The body of the response is read up to 16 KiB, so that its server can end it, and thrown away.
    """
    parts = urlsplit(url)
    try:
        with closing(_connect(parts, deadline)) as connection:
            # A server may answer, and close, before it has read everything.
            with suppress(BrokenPipeError, ConnectionResetError):
                _write(connection, _request(parts, headers, body), deadline)
            return _read(connection, deadline)
    except _Failure as error:
        return Outcome(None, str(error))
    except TimeoutError:
        return Outcome(None, "There was no response in time.")
    except ssl.SSLCertVerificationError as error:
        return Outcome(None, f"The certificate is not accepted: {error.verify_message}"[:200])
    except ssl.SSLError as error:
        return Outcome(None, f"TLS failed: {error.reason or 'the connection was closed'}"[:200])
    except OSError as error:
        return Outcome(None, f"The connection failed: {error.strerror or 'it was closed'}"[:200])


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _connect(parts: SplitResult, deadline: float) -> socket.socket:
    """Connect to an address of the host; all of them must be allowed, and no name is looked up again."""
    host = parts.hostname or ""
    found = resolve(host, parts.port or (80 if parts.scheme == "http" else 443), _left(deadline))
    if not found or not all(is_allowed(str(each[4][0]), parts.scheme) for each in found):
        # One message for both: it must not show which names exist in a private network.
        raise _Failure("The host has no address that webhooks may be sent to.")
    failed: OSError = TimeoutError()
    for place, (family, kind, protocol, _, address) in enumerate(found):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline) / (len(found) - place))
            connection.connect(address)
            connection.settimeout(_left(deadline))
            if parts.scheme == "https":
                return _context().wrap_socket(connection, server_hostname=host.rstrip("."))
            return connection
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            failed = error
    raise failed


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _write(connection: socket.socket, data: bytes, deadline: float) -> None:
    for start in range(0, len(data), _CHUNK):
        connection.settimeout(_left(deadline))
        connection.sendall(data[start : start + _CHUNK])


def _receive(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(_left(deadline))
    return connection.recv(_CHUNK)


def _read(connection: socket.socket, deadline: float) -> Outcome:
    data = b""
    while True:
        end = _END_OF_HEAD.search(data)
        if end is None:
            if len(data) > _MAX_HEAD:
                raise _Failure("The response has too many headers.")
            chunk = _receive(connection, deadline)
            if not chunk:
                raise _Failure("The connection was closed without a response.")
            data += chunk
            continue
        head, data = data[: end.end()], data[end.end() :]
        found = _STATUS.match(head)
        if found is None:
            raise _Failure("The response is not HTTP.")
        status = int(found[1])
        if status >= 200:
            break  # what is below is about the request that is yet to be answered
    _drain(connection, head, len(data), min(deadline, time.monotonic() + 1))
    wait = _RETRY_AFTER.search(head)
    reason = "" if status < 300 else f"The response has the status {status}."
    return Outcome(status, reason, int(wait[1]) if wait else 0)


def _drain(connection: socket.socket, head: bytes, count: int, until: float) -> None:
    """Read the rest of a small response: a server whose client is gone too early reports an error."""
    length = _LENGTH.search(head)
    wanted = min(int(length[1]) if length else _MAX_BODY, _MAX_BODY)
    with suppress(OSError):
        while count < wanted:
            chunk = _receive(connection, until)
            if not chunk:
                return
            count += len(chunk)
