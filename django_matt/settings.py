"""One typed, frozen view of ``settings.MATT``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Literal, TypeVar, cast, get_args

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

__all__ = ["MattSettings", "Tier", "checked_tier", "get_settings", "read_settings"]

Tier = Literal["rows", "instances", "pydantic"]
"""How a response is written from what a view returns, the fastest first."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class MattSettings:
    """The options of the ``MATT`` dictionary in a project's settings, with their defaults.

    >>> MattSettings().MAX_PAGE_SIZE
    1000
    """

    PROBLEM_DETAILS: bool = False
    """Send handled errors as RFC 9457 problem documents too; ``MattAPI(problem_details=…)`` overrides it."""
    PROBLEM_TYPE: str = "about:blank"
    """The ``type`` of a problem document; ``{code}`` in it is replaced by the problem's code."""
    MAX_ERRORS: int = 50
    """How many validation errors one response reports."""
    MAX_PAGE_SIZE: int = 1_000
    """The largest ``limit`` or ``page_size`` that a paginated route accepts."""
    MAX_OFFSET: int = 10_000_000
    """The largest ``offset``, and the largest page number."""
    MAX_SEARCH_TERMS: int = 20
    """How many words one ``search`` may have."""
    STREAM_ROWS: int | None = 10_000
    """A list with more rows than this that is not paginated is sent in parts; ``None`` turns streaming off."""
    MAX_NESTING: int = 100
    """How deep a request body of any format may be nested."""
    FORMATS: tuple[str, ...] = ("json", "msgpack", "yaml", "xml", "csv", "jsonl")
    """The formats that clients can choose, the default first; those whose library is not installed are left out.

    With ``"form"``, bodies may also be forms.
    """
    TIER: Tier = "rows"
    """The fastest tier that responses may use; ``MattAPI(tier=…)`` and ``@tier`` on a route override it."""
    ASGI_THREADS: int = 16
    """How many threads ``django_matt.asgi`` uses for synchronous work, each with its own database connections."""
    LIFESPAN_SECONDS: float = 30.0
    """How many seconds each app may take to start with the server, and to end with it."""
    STRICT_OPENAPI: bool = False
    """Whether the OpenAPI document describes responses exactly (required, null, choices), and not as Ninja does."""
    EXTENSIONS: Mapping[str, Sequence[str]] | None = None
    """The apps that may extend each API, as labels by ``urls_namespace``; other APIs are extended by every app.

    ``MattAPI(extensions=…)`` overrides it.
    """
    TRUSTED_PROXIES: int | Sequence[str] = 0
    """How many proxies add to ``X-Forwarded-For``, or their addresses and networks; with 0, the header is ignored."""
    EDITOR: str = "vscode://file/{path}:{line}"
    """The link that opens a traceback's frame in an editor; no links if it is empty."""


@lru_cache(maxsize=1)
def get_settings() -> MattSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(MattSettings, "MATT")
    checked_tier(found.TIER, 'settings.MATT["TIER"]')
    if type(found.ASGI_THREADS) is not int or found.ASGI_THREADS < 1:
        raise ImproperlyConfigured(
            f'settings.MATT["ASGI_THREADS"] is {found.ASGI_THREADS!r}; it must be 1 or more.'
        )
    _check_proxies(found.TRUSTED_PROXIES)
    return found


def _check_proxies(proxies: Any) -> None:
    if type(proxies) is int and proxies >= 0:
        return
    try:
        if isinstance(proxies, str) or not isinstance(proxies, Sequence):
            raise ValueError(f"it is {proxies!r}")
        for each in proxies:
            ip_network(each)
    except ValueError as error:
        raise ImproperlyConfigured(
            f'settings.MATT["TRUSTED_PROXIES"] must be a number of proxies, or a list of networks: {error}.'
        ) from error


def read_settings(kind: type[S], name: str) -> S:
    """Return a dictionary of Django's settings as the frozen dataclass of its options, read once.

    An app can read its own settings with it. It raises ``ImproperlyConfigured`` for an unknown option.
    """
    return cast("S", _read(kind, name))  # type: ignore[arg-type]


_kinds: dict[str, Any] = {}


@lru_cache
def _read(kind: Any, name: str) -> Any:
    _kinds[name] = kind
    given: dict[str, Any] = dict(getattr(settings, name, {}))
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ImproperlyConfigured(
            f"settings.{name} has no option {', '.join(map(repr, unknown))}; "
            f"the options are: {', '.join(known)}."
        )
    return kind(**given)


def checked_tier(given: str, where: str) -> Tier:
    """Return the name of a tier; raise ``ImproperlyConfigured`` for any other, with ``where`` it was found."""
    for known in get_args(Tier):
        if given == known:
            return given  # type: ignore[return-value] # just compared
    raise ImproperlyConfigured(
        f"{where} is {given!r}; it must be one of {', '.join(map(repr, get_args(Tier)))}."
    )


def _forget(*, setting: str, enter: bool = False, **_: Any) -> None:
    if setting != "MATT" and setting not in _kinds:
        return
    get_settings.cache_clear()
    _read.cache_clear()
    if enter:
        # A mistake is told where it is made, and not by every request after it; Django takes the override back.
        if setting == "MATT":
            get_settings()
        elif setting in _kinds:
            _read(_kinds[setting], setting)


setting_changed.connect(_forget)
