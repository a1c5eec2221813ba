"""One typed, frozen view of ``settings.MATT``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Literal, TypeVar, cast, get_args

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

__all__ = ["MattSettings", "Tier", "checked_tier", "get_settings", "read_settings"]

Tier = Literal["rows", "instances", "pydantic"]
"""How an answer is made from what a view returns, the fastest first."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class MattSettings:
    """What the ``MATT`` dictionary of a Django project may hold, with the defaults.

    >>> MattSettings().MAX_PAGE_SIZE
    1000
    """

    PROBLEM_DETAILS: bool = False
    """Answer handled errors with RFC 9457 problem documents too; ``MattAPI(problem_details=…)`` wins."""
    PROBLEM_TYPE: str = "about:blank"
    """The ``type`` of a problem document; ``{code}`` in it is replaced by the problem's code."""
    MAX_ERRORS: int = 50
    """How many validation errors one answer reports."""
    MAX_PAGE_SIZE: int = 1_000
    """The largest ``limit`` or ``page_size`` that a paginated route answers."""
    MAX_OFFSET: int = 10_000_000
    """The largest ``offset``, and the largest row a page number may point at."""
    MAX_SEARCH_TERMS: int = 20
    """How many words one ``search`` may have."""
    STREAM_ROWS: int | None = 10_000
    """A list of more rows than this, not paginated, is read and sent in parts; ``None`` for none."""
    MAX_NESTING: int = 100
    """How deep a request body of any format may nest."""
    FORMATS: tuple[str, ...] = ("json", "msgpack", "yaml", "xml", "csv", "jsonl")
    """The formats to negotiate, the default first; those whose library is missing are left out.

    With ``"form"`` bodies may be forms too.
    """
    TIER: Tier = "rows"
    """The fastest tier that answers may take; ``MattAPI(tier=…)`` and ``@tier`` on a route win."""
    ASGI_THREADS: int = 16
    """How many threads ``django_matt.asgi`` keeps for synchronous work, each with its own database connections."""
    LIFESPAN_SECONDS: float = 30.0
    """How long each app may take to start with the server, and how long to end with it."""
    STRICT_OPENAPI: bool = False
    """Describe answers as they are (required, null, choices) in the OpenAPI document, not as Ninja does."""
    EXTENSIONS: Mapping[str, Sequence[str]] | None = None
    """The ``urls_namespace`` of an API → the labels of the apps that may extend it; every app extends an API that is not named.

    ``MattAPI(extensions=…)`` wins.
    """
    EDITOR: str = "vscode://file/{path}:{line}"
    """The link that opens a traceback's frame in an editor; empty for none."""


@lru_cache(maxsize=1)
def get_settings() -> MattSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for a name that does not exist, or a wrong value."""
    found = read_settings(MattSettings, "MATT")
    checked_tier(found.TIER, 'settings.MATT["TIER"]')
    if type(found.ASGI_THREADS) is not int or found.ASGI_THREADS < 1:
        raise ImproperlyConfigured(
            f'settings.MATT["ASGI_THREADS"] is {found.ASGI_THREADS!r}; it is a number of threads, 1 or more.'
        )
    return found


def read_settings(kind: type[S], name: str) -> S:
    """Return a dictionary of Django's settings as the frozen dataclass of its options, read once.

    Any app may read its settings by it. It raises ``ImproperlyConfigured`` for an option that does not exist.
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
            f"there are: {', '.join(known)}."
        )
    return kind(**given)


def checked_tier(given: str, where: str) -> Tier:
    """Return the name of a tier; raise ``ImproperlyConfigured`` for any other, saying ``where`` it stands."""
    for known in get_args(Tier):
        if given == known:
            return given  # type: ignore[return-value] # just compared
    raise ImproperlyConfigured(
        f"{where} is {given!r}; it is one of {', '.join(map(repr, get_args(Tier)))}."
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
