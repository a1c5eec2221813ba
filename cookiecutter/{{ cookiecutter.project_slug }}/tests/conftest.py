"""Who sends the requests."""

{% if cookiecutter.__postgresql %}import psycopg
{% endif %}import pytest
from django.conf import LazySettings
{% if cookiecutter.__postgresql or cookiecutter.__front %}from django.db import connection
{% endif %}from django_matt.testing import MattClient

from tests.factories import {{ 'make_member, ' if cookiecutter.__b2b else '' }}make_staff


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """Hash passwords quickly: the hashers for production are slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

{%- if cookiecutter.__postgresql %}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Say once that PostgreSQL does not answer, instead of a traceback for each test."""
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    try:
        connection.get_new_connection(parameters).close()
    except psycopg.OperationalError as error:
        pytest.exit(f"{error}\nmake database starts it, DATABASE_URL in .env names another.", 1)
{%- endif %}

{%- if cookiecutter.__front and not cookiecutter.__postgresql %}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the database in a file: the server of the browser test is another process."""
    connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("data") / "db.sqlite3")
{%- endif %}


@pytest.fixture
def visitor() -> MattClient:
    """A client that nobody has signed in."""
    return MattClient()


@pytest.fixture
def staff(db: None) -> MattClient:
    """A client of somebody who may write, and use the admin."""
    client = MattClient()
    client.sign_in(make_staff())
    return client
{%- if cookiecutter.__b2b %}


@pytest.fixture
def member(db: None) -> MattClient:
    """A client of the owner of an organization, which its requests name."""
    client = MattClient(headers={"X-Tenant": "acme"})
    client.sign_in(make_member("acme"))
    return client
{%- endif %}
