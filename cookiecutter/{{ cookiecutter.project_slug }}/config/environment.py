"""What the environment decides, typed: variables of the process, then the file `.env`."""

from pathlib import Path
from typing import Literal

from django_matt.contrib.environments import (
    DatabaseURL,
    DjangoEnvironment,
    Field,
    SecretStr,
    StorageURL,
)

BASE_DIR = Path(__file__).resolve().parent.parent
{%- if cookiecutter.__postgresql %}
DATABASE = "{{ cookiecutter.__database_name }}"
{%- endif %}


class Environment(DjangoEnvironment, env_file=BASE_DIR / ".env"):
    """SECRET_KEY, DEBUG, ALLOWED_HOSTS, DATABASE_URL, CACHE_URL, EMAIL_URL, and the variables below."""

    DATABASE_URL: DatabaseURL = Field(
{%- if cookiecutter.__postgresql %}
        default=SecretStr(f"postgres://{DATABASE}@127.0.0.1:5432/{DATABASE}"),
        description="The database: postgres://user:password@host:5432/name.",
    )
    POSTGRES_PASSWORD: SecretStr = Field(
        default=SecretStr(""),
        description="The password of the server that compose.yaml starts; Django reads DATABASE_URL.",
    )
{%- else %}
        default=SecretStr(f"sqlite:///{BASE_DIR / 'db.sqlite3'}"),
        description="The database: sqlite:////srv/db.sqlite3 is a file.",
    )
{%- endif %}
    STORAGE_URL: StorageURL = Field(
        default=SecretStr((BASE_DIR / "media").as_uri()),
{%- if cookiecutter.__s3 %}
        description="Uploaded files: file:///srv/media, or s3://key:secret@bucket?endpoint_url=….",
{%- else %}
        description="Uploaded files: file:///srv/media is a folder.",
{%- endif %}
    )
    DEFAULT_FROM_EMAIL: str = Field(
        default="webmaster@localhost", description="The sender of mail that names none."
    )
{%- if cookiecutter.__site_url %}
    SITE_URL: str = Field(
        default="http://localhost:8000",
        pattern=r"^https?://[a-z0-9.-]+(:[0-9]+)?$",
        description="The site as browsers show it, such as https://example.com, without a path.",
    )
{%- endif %}
    CORS_ALLOWED_ORIGINS: list[str] = Field(
        default=[],
        description="Other sites whose pages may call the API: https://app.example.com.",
    )
    SENTRY_DSN: SecretStr = Field(
        default=SecretStr(""), description="The Sentry project that errors are sent to."
    )
    SENTRY_TRACES: float = Field(
        default=0.0, ge=0, le=1, description="The share of requests whose timing Sentry gets."
    )
    HTTPS: bool = Field(
        default=True,
        description="Visitors come by HTTPS only; off to try production on your own machine.",
    )
    BEHIND_PROXY: bool = Field(
        default=False,
        description="A proxy ends TLS and sets X-Forwarded-Proto; without one, visitors could.",
    )
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least that is logged."
    )


env = Environment()
