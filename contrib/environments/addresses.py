"""URLs that configure a database, a cache, a mail server or a storage. The schemes of the first three are django-environ's."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env  # type: ignore[import-untyped]
from pydantic import AfterValidator, SecretStr

__all__ = [
    "CacheURL",
    "DatabaseURL",
    "EmailURL",
    "Kind",
    "StorageURL",
    "cache",
    "database",
    "mailer",
    "storage",
]

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
STORAGE_BACKENDS = {
    "file": "django.core.files.storage.FileSystemStorage",
    "s3": "storages.backends.s3.S3Storage",
}
UNREADABLE = "is not a URL that can be read; percent-encode special characters in a password"

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


def mailer(url: "str | SecretStr") -> dict[str, Any]:
    """Return the entry of ``MAILERS`` for a URL; raise ``ValueError`` for an unknown scheme.

    Django before 6.1 has no ``MAILERS``. There, let ``EMAIL_BACKEND`` name ``mail_backends.connect``, which reads it.

    >>> mailer("smtp+tls://mail:587")["OPTIONS"]
    {'host': 'mail', 'port': 587, 'use_tls': True}
    """
    text = _text(url)
    _need_scheme(text, Env.EMAIL_SCHEMES, "smtp+tls://, smtp://, consolemail://")
    found = _typed(_mapped(Env.email_url_config, text), EMAIL_TYPES)
    known = [*MAILER_OPTIONS.values(), "ssl_keyfile", "ssl_certfile"]
    options = {name.lower(): value for name, value in found.pop("OPTIONS", {}).items()}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"has the option {unknown[0]}, which is none of {', '.join(known)}")
    options |= {
        option: found[name]
        for name, option in MAILER_OPTIONS.items()
        if found.get(name) not in (None, "")
    }
    return {"BACKEND": found["EMAIL_BACKEND"], **({"OPTIONS": options} if options else {})}


def storage(url: "str | SecretStr") -> dict[str, Any]:
    """Return the entry of ``STORAGES`` for a URL; raise ``ValueError`` for an unknown scheme or option.

    ``file:///srv/media`` is a folder. ``s3://key:secret@bucket/folder`` is a bucket of S3, or of a server that is
    compatible with it: ``?endpoint_url=https://…`` names the server, and ``region_name=…`` the region. Without a key,
    boto3 looks for one in its usual places. It needs the package ``django-storages[s3]``.

    >>> storage("s3://shop-media?region_name=eu-central-1")["OPTIONS"]["bucket_name"]
    'shop-media'
    """
    text = _text(url)
    _need_scheme(text, STORAGE_BACKENDS, "file://, s3://")
    try:
        parts = urlsplit(text)
        given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        parts.port  # noqa: B018 - reading it raises, where a secret is not percent-encoded
    except ValueError:
        raise ValueError(UNREADABLE) from None
    if parts.fragment:
        raise ValueError(UNREADABLE)
    path = unquote(parts.path)
    entry: dict[str, Any] = {"BACKEND": STORAGE_BACKENDS[parts.scheme]}
    if parts.scheme == "file":
        if parts.netloc or not path.strip("/"):
            raise ValueError("needs an absolute path after the third slash: file:///srv/media")
        if given:
            raise ValueError(f"has the option {min(given)}, and file:// has none")
        return entry | {"OPTIONS": {"location": path}}
    if find_spec("storages") is None:
        raise ValueError("needs a package that is not installed: pip install 'django-storages[s3]'")
    bucket = parts.netloc.rpartition("@")[2]
    if not re.fullmatch(r"[\w.-]+", bucket):
        raise ValueError(
            "needs the name of a bucket: s3://bucket, with ?endpoint_url= for the server"
        )
    unknown = sorted(given.keys() - S3_TYPES.keys())
    if unknown:
        raise ValueError(f"has the option {unknown[0]}, which is none of {', '.join(S3_TYPES)}")
    options: dict[str, Any] = {
        "bucket_name": bucket,
        "access_key": unquote(parts.username or ""),
        "secret_key": unquote(parts.password or ""),
        "location": path.strip("/"),
    }
    options = {name: value for name, value in options.items() if value}
    # A second upload of the same name gets another name, as in a folder. The default would replace the first file.
    options["file_overwrite"] = False
    options |= {name: S3_TYPES[name](values[-1]) for name, values in given.items()}
    return entry | {"OPTIONS": options}


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
S3_TYPES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            "endpoint_url",
            "region_name",
            "custom_domain",
            "default_acl",
            "addressing_style",
            "signature_version",
        ),
        _words,
    ),
    "file_overwrite": _flag("file_overwrite"),
    "querystring_auth": _flag("querystring_auth"),
    "querystring_expire": _number("querystring_expire"),
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
        raise ValueError(UNREADABLE) from None


def _kept(function: Callable[[SecretStr], Any]) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        function(url)
        return url

    return AfterValidator(check)


DatabaseURL = Annotated[SecretStr, Kind("URL of a database"), _kept(database)]
"""``postgres://user:password@host:5432/name``, ``sqlite:///db.sqlite3``, ``mysql://…``, ``oracle://…``"""
CacheURL = Annotated[SecretStr, Kind("URL of a cache"), _kept(cache)]
"""``redis://host:6379/0``, ``locmemcache://``, ``dbcache://table``, ``filecache:///folder``, ``dummycache://``"""
EmailURL = Annotated[SecretStr, Kind("URL of a mail server"), _kept(mailer)]
"""``smtp+tls://user:password@host:587``, ``smtp://…``, ``consolemail://``, ``filemail:////folder``, ``dummymail://``"""
StorageURL = Annotated[SecretStr, Kind("URL of a storage"), _kept(storage)]
"""``file:///srv/media``, ``s3://key:secret@bucket/folder?endpoint_url=https://…&region_name=…``"""
