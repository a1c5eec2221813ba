"""URLs that configure a database, a cache or a mail server, with the schemes of django-environ."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

import django
from django.core.exceptions import ImproperlyConfigured
from environ import Env  # type: ignore[import-untyped]
from pydantic import AfterValidator, SecretStr

__all__ = ["CacheURL", "DatabaseURL", "EmailURL", "Kind", "cache", "database", "email"]

MAILER_OPTIONS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_TIMEOUT": "timeout",
    "EMAIL_FILE_PATH": "file_path",
}

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_TCP_MEMCACHES = ("memcache://", "pymemcache://")
_PYMEMCACHE = "django.core.cache.backends.memcached.PyMemcacheCache"


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a variable in words, for the person who fills it in."""

    words: str


def database(url: "str | SecretStr") -> dict[str, Any]:
    """Return the entry of ``DATABASES`` for a URL; raise ``ValueError`` for an unknown scheme.

    For SQLite, write ``sqlite:///db.sqlite3``, which is relative to the current folder, or
    ``sqlite:////srv/db.sqlite3``.

    >>> database("postgres://ada:secret@db:5432/shop")["HOST"]
    'db'
    """
    text = _text(url)
    _need_scheme(text, Env.DB_SCHEMES, "postgres://, sqlite:///, mysql://")
    if text.startswith("sqlite://") and text[9:10] not in {"", "/"} and text != "sqlite://:memory:":
        raise ValueError("needs a third slash: sqlite:///db.sqlite3")
    found = _typed(_mapped(Env.db_url_config, text), DATABASE_TYPES)
    host = _socket(text)
    if host:
        found["HOST"] = host
    # `?pool=true` turns on Django's connection pool, whose option must be a boolean.
    options = {
        name: {"true": True, "false": False}.get(str(value).lower(), value)
        for name, value in found.get("OPTIONS", {}).items()
    }
    return {**found, "OPTIONS": options} if options else found


def cache(url: "str | SecretStr") -> dict[str, Any]:
    """Return the entry of ``CACHES`` for a URL; raise ``ValueError`` for an unknown scheme.

    >>> cache("locmemcache://")["BACKEND"]
    'django.core.cache.backends.locmem.LocMemCache'
    """
    text = _text(url)
    _need_scheme(text, Env.CACHE_SCHEMES, "redis://, locmemcache://, dbcache://")
    found = _mapped(Env.cache_url_config, text)
    for name in [*found]:
        # Django reads these names only in upper case.
        if name.upper() in CACHE_TYPES:
            found[name.upper()] = found.pop(name)
    if text.startswith(_TCP_MEMCACHES):
        # Django has removed the backend that django-environ names for them.
        found["BACKEND"] = _PYMEMCACHE
    return _typed(found, CACHE_TYPES)


def email(url: "str | SecretStr") -> dict[str, Any]:
    """Return the mail settings for a URL; raise ``ValueError`` for an unknown scheme.

    They are ``MAILERS`` from Django 6.1 on, and ``EMAIL_…`` before. Apply them in ``settings.py`` with
    ``globals().update(email(env.EMAIL_URL))``.
    """
    text = _text(url)
    _need_scheme(text, Env.EMAIL_SCHEMES, "smtp+tls://, smtp://, consolemail://")
    found = _typed(_mapped(Env.email_url_config, text), EMAIL_TYPES)
    found = {name: value for name, value in found.items() if value not in (None, "")}
    options = found.pop("OPTIONS", {})
    if django.VERSION < (6, 1):
        return found
    options |= {
        MAILER_OPTIONS[name]: value for name, value in found.items() if name in MAILER_OPTIONS
    }
    mailer = {"BACKEND": found["EMAIL_BACKEND"], **({"OPTIONS": options} if options else {})}
    return {"MAILERS": {"default": mailer}}


def _typed(found: dict[str, Any], types: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return the settings with the URL's options converted to their types; raise ``ValueError`` if one is invalid."""
    return {name: types[name](value) if name in types else value for name, value in found.items()}


def _flag(name: str) -> Callable[[Any], bool]:
    def convert(value: Any) -> bool:
        text = str(value).strip().lower()
        if text not in _TRUE | _FALSE:
            raise ValueError(f"has a {name.lower()} that is neither true nor false")
        return text in _TRUE

    return convert


def _number(name: str) -> Callable[[Any], int | None]:
    def convert(value: Any) -> int | None:
        text = str(value).strip().lower()
        if text == "none":
            return None
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"has a {name.lower()} that is not a whole number") from None

    return convert


def _words(value: Any) -> str:
    return str(value)


DATABASE_TYPES: dict[str, Callable[[Any], Any]] = {
    name: _flag(name)
    for name in (
        "ATOMIC_REQUESTS",
        "AUTOCOMMIT",
        "CONN_HEALTH_CHECKS",
        "DISABLE_SERVER_SIDE_CURSORS",
    )
} | {"CONN_MAX_AGE": _number("CONN_MAX_AGE")}
CACHE_TYPES: dict[str, Callable[[Any], Any]] = {
    "TIMEOUT": _number("TIMEOUT"),
    "VERSION": _number("VERSION"),
    "BINARY": _flag("BINARY"),
    "KEY_PREFIX": _words,
    "KEY_FUNCTION": _words,
}
EMAIL_TYPES: dict[str, Callable[[Any], Any]] = {
    name: _flag(name) for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL")
}


def _socket(url: str) -> str | None:
    """Return the folder of a Unix socket, if the host of the URL is one, percent-encoded as for libpq."""
    host = url.partition("://")[2].split("/", 1)[0].split("?", 1)[0].rpartition("@")[2]
    folder = unquote(host.partition(":")[0])
    return folder if folder.startswith("/") else None


def _text(url: "str | SecretStr") -> str:
    return url.get_secret_value() if isinstance(url, SecretStr) else url


def _need_scheme(url: str, schemes: dict[str, str], usual: str) -> None:
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in schemes:
        # The text may contain a password, so the message does not repeat it.
        raise ValueError(f"should begin as a URL does, with {usual}")


def _mapped(function: Callable[[str], Any], url: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return dict(function(url))
    except (ImproperlyConfigured, ValueError, Warning, LookupError, TypeError):
        raise ValueError(
            "is not a URL that can be read; percent-encode special characters in a password"
        ) from None


def _kept(function: Callable[[SecretStr], Any]) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        function(url)
        return url

    return AfterValidator(check)


DatabaseURL = Annotated[SecretStr, Kind("URL of a database"), _kept(database)]
"""``postgres://user:password@host:5432/name``, ``sqlite:///db.sqlite3``, ``mysql://…``, ``oracle://…``"""
CacheURL = Annotated[SecretStr, Kind("URL of a cache"), _kept(cache)]
"""``redis://host:6379/0``, ``locmemcache://``, ``dbcache://table``, ``filecache:///folder``, ``dummycache://``"""
EmailURL = Annotated[SecretStr, Kind("URL of a mail server"), _kept(email)]
"""``smtp+tls://user:password@host:587``, ``smtp://…``, ``consolemail://``, ``filemail:////folder``, ``dummymail://``"""
