"""Reports errors to the people who run the service: the log line, the signal, the request id."""

import logging
import re
import sys
import sysconfig
import uuid
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from types import CodeType

from django.core.signals import got_request_exception
from django.db import connections
from django.http import HttpRequest

from django_matt.errors.calls import call_of
from django_matt.signatures import innermost

__all__ = ["NON_ATOMIC", "get_request_id", "is_yours", "report", "roll_back", "safe_path"]

NON_ATOMIC = "_matt_non_atomic"
"""The attribute of a request with the databases that its route's ``@transaction.non_atomic_requests`` name."""

logger = logging.getLogger("django.request")

_PACKAGE = Path(__file__).resolve().parents[1]
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def get_request_id(request: HttpRequest, *, trusted: bool = True) -> str:
    """Return the client's ``X-Request-ID`` if it is ``trusted`` and harmless, a new id otherwise; always the same one."""
    known = request.__dict__.get("_matt_request_id")
    if known is None:
        given = str(request.headers.get("X-Request-ID", "")) if trusted else ""
        known = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        request.__dict__["_matt_request_id"] = known
    return str(known)


def safe_path(request: HttpRequest) -> str:
    """Return the request's path on one line of ASCII, so that nobody writes lines into the log."""
    return str(request.path)[:2_000].encode("unicode_escape").decode("ascii")


def report(
    request: HttpRequest,
    exc: BaseException,
    status: int,
    *,
    title: str,
    level: int = logging.ERROR,
    is_fault: bool = True,
    printed: str = "",
    to: logging.Logger = logger,
) -> None:
    """Log an exception with its traceback and, if the server is at fault, send ``got_request_exception``.

    The record's file, line and function are those of the project's innermost frame, where the mistake most likely is. If
    there is none, as with a response that does not fit its schema, they are those of the view.
    The record carries ``status_code``, ``request`` and ``request_id``. With ``printed`` the traceback stays in the
    record, and this is printed instead of it.
    """
    if is_fault:
        _send_signal(request, exc)
    if not to.isEnabledFor(level):
        return
    file, line, function = _place(exc, request)
    extra = {"status_code": status, "request": request, "request_id": get_request_id(request)}
    record = to.makeRecord(
        to.name,
        level,
        file,
        line,
        "%s: %s",
        (title, safe_path(request)),
        (type(exc), exc, exc.__traceback__),
        function,
        extra,
    )
    if printed:
        record.exc_text = printed
    to.handle(record)


def _place(exc: BaseException, request: HttpRequest) -> tuple[str, int, str]:
    """Return the file, the line and the function that a log record of an exception carries."""
    frames = list(walk_tb(exc.__traceback__))
    if not frames:
        # Made and never raised: who reports it is the nearest that is known.
        caller = sys._getframe(2)
        frames = [(caller, caller.f_lineno)]
    yours = (
        (frame, line)
        for frame, line in reversed(frames)
        if is_yours(frame.f_code.co_filename, str(frame.f_globals.get("__name__", "")))
    )
    frame, line = next(yours, (None, 0))
    if frame is None:
        call = call_of(request)
        view = None if call is None else innermost(call.operation.view_func)
        if isinstance(code := getattr(view, "__code__", None), CodeType):
            return code.co_filename, code.co_firstlineno, code.co_name
        frame, line = frames[-1]
    return frame.f_code.co_filename, line, frame.f_code.co_name


def _send_signal(request: HttpRequest, exc: BaseException) -> None:
    if sys.exc_info()[1] is exc:
        _send(request)
        return
    # Receivers read sys.exc_info(), as Django's own handler lets them.
    traceback = exc.__traceback__
    try:
        raise exc
    except BaseException as again:
        if again is not exc:
            raise
        _send(request)
    finally:
        exc.__traceback__ = traceback


def _send(request: HttpRequest) -> None:
    try:
        got_request_exception.send_robust(sender=None, request=request)
    except RuntimeError:
        # Inside an event loop Django cannot run a receiver that is a coroutine; the others have run by then.
        logging.getLogger("django_matt").warning(
            "An async receiver of got_request_exception cannot run for an async route.",
            exc_info=True,
        )


def roll_back(request: HttpRequest | None = None) -> None:
    """Roll back the transactions of ``ATOMIC_REQUESTS``: the exception is answered and never reaches them."""
    # Around a route with @transaction.non_atomic_requests there is none: one that is open is the project's own.
    exempt = () if request is None else request.__dict__.get(NON_ATOMIC, ())
    for connection in connections.all(initialized_only=True):
        atomic = connection.settings_dict["ATOMIC_REQUESTS"] and connection.alias not in exempt
        if atomic and connection.in_atomic_block:
            connection.set_rollback(True)


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths[key] + "/" for key in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_yours(path: str, module: str) -> bool:
    """Tell whether a frame is the project's own code."""
    if path.startswith(("<", str(_PACKAGE))) or module.partition(".")[0] == "django_matt":
        return False
    parts = Path(path).parts
    return not (
        path.startswith(_libraries()) or "site-packages" in parts or "dist-packages" in parts
    )
