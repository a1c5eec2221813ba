"""What the environment decides, typed: variables of the process, then the file `.env`."""

from pathlib import Path
from typing import Literal

from django_matt.contrib.environments import DatabaseURL, DjangoEnvironment, Field, SecretStr

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
