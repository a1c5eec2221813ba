"""``DjangoEnvironment``, the base class of a project's environment. ``settings.py`` makes an instance of it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from django_matt.contrib.environments.addresses import CacheURL, DatabaseURL, EmailURL, Kind
from django_matt.contrib.environments.errors import EnvironmentInvalid, Fault
from django_matt.contrib.environments.files import EnvFile, read_file

__all__ = ["DjangoEnvironment", "GeneratedSecret", "decoded", "loaded", "reading", "variable_of"]

GeneratedSecret = Annotated[SecretStr, Kind("secret, generated")]
"""A secret that only this project uses, such as ``SECRET_KEY``. ``matt_env init`` makes a random one."""

loaded: list[type["DjangoEnvironment"]] = []
"""The classes that this process has made instances of. The command uses the one of ``settings.py``."""
_instead: ContextVar[Mapping[str, str] | None] = ContextVar("_instead", default=None)
_LISTS = (list, tuple, set, frozenset)


class DjangoEnvironment(BaseSettings):
    """The settings that most projects read from their environment. Subclass it, add your own fields and name the file.

    Variables of the process win over those of the file. An empty variable counts as not set. An instance raises
    ``EnvironmentInvalid`` if something is missing or invalid; its message contains no value.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        case_sensitive=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    SECRET_KEY: GeneratedSecret = Field(
        description="Signs sessions, tokens and links. Anyone who knows it can sign in as any user.",
        min_length=1,
    )
    SECRET_KEY_FALLBACKS: list[SecretStr] = Field(
        default=[],
        description="Former keys, whose signatures are still valid. matt_env rotate sets them.",
    )
    DEBUG: bool = Field(
        default=False,
        description="Shows details of errors to every visitor. Never turn it on in production.",
    )
    ALLOWED_HOSTS: list[str] = Field(
        default=[], description="The host names that the site serves. Required if DEBUG is off."
    )
    DATABASE_URL: DatabaseURL = Field(
        default=SecretStr("sqlite:///db.sqlite3"),
        description="The database, such as postgres://user:password@localhost:5432/name.",
    )
    CACHE_URL: CacheURL = Field(
        default=SecretStr("locmemcache://"),
        description="The cache, such as redis://localhost:6379/0.",
    )
    EMAIL_URL: EmailURL = Field(
        default=SecretStr("smtp://localhost:25"),
        description="The mail server, such as smtp+tls://user:password@host:587. consolemail:// prints mail.",
    )

    def __init__(self, **values: Any) -> None:
        """Read the variables. ``values`` win over the environment and the file."""
        environment = type(self)
        if environment not in loaded:
            loaded.append(environment)
        try:
            faults = _unreadable(environment)
            if not faults:
                # `_Values` reads the file. pydantic would read it again, and expand variables in it.
                super().__init__(_env_file=None, **values)
                return
        except ValidationError as error:
            faults = _faults_in(error, environment)
        invalid = EnvironmentInvalid(environment.name(), faults)
        if _instead.get() is None:
            from django_matt.contrib.environments.starting import answer_instead

            answer_instead(environment, invalid)
        # A cause would show the values in the traceback.
        raise invalid from None

    @classmethod
    def name(cls) -> str:
        """Return the dotted path that ``--settings-class`` takes."""
        return f"{cls.__module__}:{cls.__qualname__}"

    @classmethod
    def file(cls) -> Path | None:
        """Return the file that the class reads, or None. Of several files, it is the last one, which wins."""
        named = cls.model_config.get("env_file")
        if named is None:
            return None
        paths = [named] if isinstance(named, (str, os.PathLike)) else list(named)
        return Path(paths[-1]).expanduser() if paths else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read lists with commas, and read the file without expanding ``${…}``, which may be part of a secret."""
        instead = _instead.get()
        if instead is not None:
            return (init_settings, _Values(settings_cls, instead))
        files = [_Values(settings_cls, file.values) for file in reversed(_files(settings_cls))]
        return (init_settings, _Variables(settings_cls), *files, file_secret_settings)


class _Variables(EnvSettingsSource):
    """Reads the variables of the process. A list is written as ``a, b`` or as JSON."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        text = str(value).strip()
        if text[:1] in {"[", "{"} or not _is_list(field.annotation):
            try:
                return json.loads(text)
            except ValueError:
                # Not JSON: validation reports the wrong type.
                return value
        return [part.strip() for part in text.split(",") if part.strip()]


class _Values(_Variables):
    """Reads variables from a dictionary instead of the process."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        kept = {name: value for name, value in values.items() if value != ""}
        # On Windows names are looked up in lower case.
        self.env_vars = (
            kept if self.case_sensitive else {name.lower(): value for name, value in kept.items()}
        )


@contextmanager
def reading(values: Mapping[str, str]) -> Iterator[None]:
    """Make all classes read ``values`` instead of the process and the file, inside of the ``with`` block."""
    token = _instead.set(values)
    try:
        yield
    finally:
        _instead.reset(token)


def variable_of(environment: type[BaseSettings], field_name: str) -> str:
    """Return the name of the variable that a field is read from."""
    field = environment.model_fields[field_name]
    alias = field.validation_alias or field.alias
    choices = getattr(alias, "choices", [alias])
    named = next((choice for choice in choices if isinstance(choice, str)), None)
    return named or f"{environment.model_config.get('env_prefix') or ''}{field_name}"


def decoded(environment: type[BaseSettings], field_name: str, text: str) -> list[str]:
    """Return the items of a list from its text in a file."""
    variable = variable_of(environment, field_name)
    items = _Values(environment, {variable: text})().get(field_name, [])
    return [str(item) for item in items] if isinstance(items, list) else [text]


def _is_list(annotation: Any) -> bool:
    if annotation in _LISTS or get_origin(annotation) in _LISTS:
        return True
    return get_origin(annotation) is not dict and any(map(_is_list, get_args(annotation)))


def _files(environment: type[BaseSettings]) -> list[EnvFile]:
    named = environment.model_config.get("env_file")
    if named is None:
        return []
    paths = [named] if isinstance(named, (str, os.PathLike)) else list(named)
    return [read_file(Path(path).expanduser()) for path in paths]


def _unreadable(environment: type[DjangoEnvironment]) -> list[Fault]:
    """Return the lines that cannot be read. The start fails, because a variable would be ignored silently."""
    if _instead.get() is not None:
        return []
    try:
        return [fault for file in _files(environment) for fault in file.faults() if fault.stops]
    except (OSError, ValueError) as error:
        path = environment.file()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [Fault("unreadable", path.name if path else "the file", reason or repr(error))]


def _faults_in(error: ValidationError, environment: type[DjangoEnvironment]) -> list[Fault]:
    lines = {}
    if _instead.get() is None:
        lines = {
            name: f"{file.path.name}, line {line}"
            for file in _files(environment)
            for name, line in file.lines.items()
        }
    names = {variable_of(environment, name): name for name in environment.model_fields}
    found = []
    for fault in error.errors(include_input=False, include_url=False):
        first = str(fault["loc"][0]) if fault["loc"] else ""
        name = variable_of(environment, first) if first in environment.model_fields else first
        if fault["type"] == "missing":
            found.append(Fault("missing", name, "is required and not set."))
            continue
        place = "environment" if os.environ.get(name) else lines.get(name, "")
        if _instead.get() is not None:
            place = ""
        deeper = "".join(f"[{part}]" for part in fault["loc"][1:] if isinstance(part, int))
        message = fault["msg"].removeprefix("Value error, ").rstrip(".")
        subject = f"{name}{deeper}" if name in names else name or "the class"
        found.append(Fault("invalid", subject, f"{message[:1].lower()}{message[1:]}.", place))
    return found
