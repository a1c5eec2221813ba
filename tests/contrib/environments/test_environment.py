"""The class: types, sources and their order, and errors that hold no value."""

import enum
import importlib
import sys
import traceback
from pathlib import Path
from typing import Any, Literal

import django
import pytest
from django.conf import LazySettings
from django.core import mail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from django_matt.contrib.environments import (
    DatabaseURL,
    DjangoEnvironment,
    EnvironmentInvalid,
    Field,
    GeneratedSecret,
    cache,
    database,
    mailer,
    storage,
)
from django_matt.contrib.environments import environment as environments
from django_matt.contrib.environments.files import EnvFile, read_file
from django_matt.contrib.environments.mail_backends import connect
from django_matt.contrib.environments.services import compose, new_secret, rows
from django_matt.contrib.environments.variables import masked, variables_of, written
from django_matt.installation import install_line

KEY = "x" * 50


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Limits(BaseModel):
    per_minute: int = 60


class Everything(DjangoEnvironment, env_file=None):
    TEXT: str = "a"
    NUMBER: int = 1
    RATIO: float = 0.5
    HOSTS: list[str] = []
    PORTS: tuple[int, ...] = ()
    TAGS: set[str] | None = None
    MODE: Literal["dev", "live"] = "dev"
    COLOUR: Colour = Colour.RED
    FOLDER: Path = Path("/tmp")
    LIMITS: Limits = Limits()
    MAP: dict[str, int] = {}
    REPLICA: DatabaseURL | None = None
    TOKEN: GeneratedSecret = SecretStr("")


def made(**variables: str) -> Any:
    with environments.reading({"SECRET_KEY": KEY, **variables}):
        return Everything()


def test_variables_become_what_the_class_says():
    found = made(
        DEBUG="on",
        NUMBER="7",
        HOSTS="a.com, b.com,",
        PORTS="1,2",
        TAGS='["a, b"]',
        MODE="live",
        COLOUR="blue",
        FOLDER="/srv",
        LIMITS='{"per_minute": 5}',
        MAP='{"a": 1}',
    )
    assert found.DEBUG is True
    assert found.NUMBER == 7
    assert found.HOSTS == ["a.com", "b.com"]
    assert found.PORTS == (1, 2)
    assert {"a, b"} == found.TAGS
    assert ("live", Colour.BLUE, Path("/srv")) == (found.MODE, found.COLOUR, found.FOLDER)
    assert found.LIMITS.per_minute == 5
    assert found.MAP == {"a": 1}
    assert found.SECRET_KEY.get_secret_value() == KEY


def test_an_empty_variable_is_not_set():
    assert made(NUMBER="", HOSTS="").NUMBER == 1
    with pytest.raises(EnvironmentInvalid, match="SECRET_KEY: is required and not set"):
        made(SECRET_KEY="")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ({"NUMBER": "hidden"}, "NUMBER: input should be a valid integer"),
        ({"PORTS": "1,hidden"}, r"PORTS\[1\]: input should be a valid integer"),
        ({"MODE": "hidden"}, "MODE: input should be 'dev' or 'live'"),
        ({"MAP": "hidden"}, "MAP: input should be a valid dictionary"),
        ({"MAP": "{hidden"}, "MAP: input should be a valid dictionary"),
        ({"HOSTS": "[hidden"}, "HOSTS: input should be a valid list"),
        ({"LIMITS": "hidden"}, "LIMITS: "),
        ({"DATABASE_URL": "hidden"}, "DATABASE_URL: should begin as a URL does, with postgres://"),
        (
            {"REPLICA": "postgres://hidden:hidden@h:hidden"},
            "REPLICA: is not a URL that can be read",
        ),
    ],
)
def test_a_bad_value_is_named_and_not_shown(variable: dict[str, str], sentence: str):
    with pytest.raises(EnvironmentInvalid, match=sentence) as caught:
        made(**variable)
    assert "hidden" not in "".join(traceback.format_exception(caught.value))


def test_the_process_wins_over_the_file_and_arguments_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".env").write_text(f"SECRET_KEY={KEY}\nNUMBER=2\nRATIO=2\nTEXT=${{HOME}}\n")

    class Filed(Everything, env_file=tmp_path / ".env"):
        pass

    monkeypatch.setenv("NUMBER", "3")
    monkeypatch.setenv("RATIO", "")
    assert (Filed().NUMBER, Filed().RATIO, Filed().TEXT) == (3, 2.0, "${HOME}")
    assert Filed(NUMBER=4).NUMBER == 4
    sources = {row.variable.name: row.source for row in rows(Filed)}
    assert sources["NUMBER"] == "environment"
    assert sources["RATIO"] == ".env, line 3"
    assert sources["DEBUG"] == "default"


def test_of_several_files_the_last_wins(tmp_path: Path):
    (tmp_path / "a").write_text(f"SECRET_KEY={KEY}\nNUMBER=2\n")
    (tmp_path / "b").write_text("NUMBER=3\n")

    class Filed(Everything, env_file=(tmp_path / "a", tmp_path / "b", tmp_path / "none")):
        pass

    assert Filed().NUMBER == 3


def test_a_line_that_cannot_be_read_stops_the_start(tmp_path: Path):
    (tmp_path / ".env").write_text(f"SECRET_KEY={KEY}\nNUMBER='2\n")

    class Filed(Everything, env_file=tmp_path / ".env"):
        pass

    with pytest.raises(EnvironmentInvalid, match=r"line 2 \(.env\): cannot be read"):
        Filed()


def test_secrets_are_masked_where_an_environment_is_printed():
    found = made(DATABASE_URL="postgres://ada:hidden@db/shop", TOKEN="hidden")
    assert "hidden" not in repr(found)
    assert KEY not in repr(found)


def test_an_environment_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        made().DEBUG = True


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "TEXT": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
        "NUMBER": st.integers(-(2**60), 2**60),
        "RATIO": st.floats(allow_nan=False),
        "HOSTS": st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
        ),
        "PORTS": st.lists(st.integers(), min_size=1).map(tuple),
        "DEBUG": st.booleans(),
        "COLOUR": st.sampled_from(Colour),
        "MAP": st.dictionaries(st.text("ab,[{ ", max_size=3), st.integers()),
        "TOKEN": st.text("a'\"\\#$ {}\n", min_size=1).map(SecretStr),
    },
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=VALUES)
def test_what_init_writes_is_read_back_equal(tmp_path: Path, values: dict[str, Any]):
    class Filed(Everything, env_file=tmp_path / ".env"):
        pass

    texts = {name: written(value) for name, value in values.items()} | {"SECRET_KEY": new_secret()}
    compose(Filed, EnvFile(tmp_path / ".env"), texts).save()
    assert read_file(tmp_path / ".env").values == texts
    found = Filed()
    assert {name: getattr(found, name) for name in values} == values


def test_kinds_are_said_in_words():
    words = {variable.name: variable.words for variable in variables_of(Everything)}
    assert words["SECRET_KEY"] == "secret, generated"
    assert words["PORTS"] == "list of whole number, with commas"
    assert words["TAGS"] == "list of text, with commas"
    assert words["MODE"] == "one of dev, live"
    assert words["COLOUR"] == "one of red, blue"
    assert words["MAP"] == "JSON"
    assert words["DATABASE_URL"] == "URL of a database"
    defaults = {variable.name: variable.default for variable in variables_of(Everything)}
    assert (defaults["HOSTS"], defaults["COLOUR"], defaults["DEBUG"]) == ("", "red", "false")


def test_a_secret_that_is_declared_as_text_is_masked_all_the_same():
    class Typed(DjangoEnvironment, env_file=None):
        STRIPE_KEY: str = "hidden"
        SMS_TOKEN: str | None = None
        BROKER: str = "amqp://ada:hidden@mq/shop"
        DOCS: str = "https://example.com/docs"
        PASSWORD_RESET: bool = True
        KEYBOARD: str = "qwerty"

    shown = {item.name: item.shown(item.default or "hidden") for item in variables_of(Typed)}
    assert "hidden" not in shown["STRIPE_KEY"] + shown["SMS_TOKEN"] + shown["BROKER"]
    assert shown["BROKER"].endswith("@mq/shop")
    assert shown["DOCS"] == "https://example.com/docs"
    assert (shown["PASSWORD_RESET"], shown["KEYBOARD"]) == ("true", "qwerty")


def test_an_alias_and_a_prefix_name_the_variable():
    class Named(DjangoEnvironment, env_file=None, env_prefix="SHOP_"):
        HOST: str = Field(default="", validation_alias="SHOP_HOSTNAME")
        PORT: int = 1

    names = [variable.name for variable in variables_of(Named)]
    assert names[-2:] == ["SHOP_HOSTNAME", "SHOP_PORT"]
    with environments.reading({"SHOP_SECRET_KEY": KEY, "SHOP_HOSTNAME": "a", "SHOP_PORT": "2"}):
        found = Named()
    assert (found.HOST, found.PORT) == ("a", 2)
    with environments.reading({}), pytest.raises(EnvironmentInvalid, match="SHOP_SECRET_KEY"):
        Named()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///db.sqlite3", {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}),
        ("sqlite:////srv/db", {"NAME": "/srv/db"}),
        ("sqlite://:memory:", {"NAME": ":memory:"}),
        (
            "postgres://ada:p%40ss@db:5432/shop?sslmode=require&pool=true&conn_max_age=60",
            {
                "ENGINE": "django.db.backends.postgresql",
                "USER": "ada",
                "PASSWORD": "p@ss",
                "HOST": "db",
                "PORT": 5432,
                "NAME": "shop",
                "CONN_MAX_AGE": 60,
                "OPTIONS": {"sslmode": "require", "pool": True},
            },
        ),
        ("mysql://db/shop", {"ENGINE": "django.db.backends.mysql", "HOST": "db"}),
    ],
)
def test_a_database_url_is_an_entry_of_databases(url: str, expected: dict[str, Any]):
    assert {name: database(url).get(name) for name in expected} == expected
    assert database(SecretStr(url)) == database(url)


def test_a_cache_url_is_an_entry_of_caches():
    found = cache("redis://:word@cache:6379/1?key_prefix=shop")
    assert found["BACKEND"] == "django.core.cache.backends.redis.RedisCache"
    assert found["LOCATION"] == "redis://:word@cache:6379/1"
    assert cache("filecache:///srv/cache")["LOCATION"] == "/srv/cache"


def test_an_email_url_is_an_entry_of_mailers():
    assert mailer("smtp+tls://ada:word@mail:587") == {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": "mail",
            "port": 587,
            "username": "ada",
            "password": "word",
            "use_tls": True,
        },
    }
    assert mailer("consolemail://") == {"BACKEND": "django.core.mail.backends.console.EmailBackend"}


@pytest.mark.skipif(django.VERSION >= (6, 1), reason="Django reads MAILERS itself")
def test_a_django_without_mailers_sends_as_they_say(settings: LazySettings, tmp_path: Path):
    settings.MAILERS = {"default": mailer(f"filemail:///{tmp_path}")}
    connection = connect(fail_silently=True, username=None)
    connection.send_messages([mail.EmailMessage("Hello", "World", "a@b.example", ["c@d.example"])])
    connection.close()
    (written,) = tmp_path.iterdir()
    assert "Subject: Hello" in written.read_text()
    assert connection.fail_silently
    settings.MAILERS = {"default": mailer("smtp+tls://ada:word@mail:587")}
    server: Any = connect(username=None, password="other")
    assert (server.host, server.port, server.use_tls) == ("mail", 587, True)
    assert (server.username, server.password) == ("ada", "other")


def test_a_storage_url_is_an_entry_of_storages():
    assert storage("file:///srv/my%20media") == {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": "/srv/my media"},
    }
    url = "s3://ada:wo%2Frd@Shop.media/uploads?endpoint_url=http://s3:9000&querystring_expire=60"
    assert storage(SecretStr(url)) == {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": "Shop.media",
            "access_key": "ada",
            "secret_key": "wo/rd",
            "location": "uploads",
            "file_overwrite": False,
            "endpoint_url": "http://s3:9000",
            "querystring_expire": 60,
        },
    }
    assert storage("s3://media?file_overwrite=true")["OPTIONS"] == {
        "bucket_name": "media",
        "file_overwrite": True,
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://media", "should begin as a URL does, with file://, s3://"),
        ("file://media", "absolute path"),
        ("file:///", "absolute path"),
        ("file:///srv/media#1", "percent-encode"),
        ("s3://media/of#1", "percent-encode"),
        ("file:///srv/media?base_url=/m/", "has the option base_url, and file:// has none"),
        ("s3://", "name of a bucket"),
        ("s3://localhost:9000/media", "name of a bucket"),
        ("s3://ada:wo/rd@media", "percent-encode"),
        ("s3://media?endpoint=x", "has the option endpoint, which is none of endpoint_url"),
        ("s3://media?file_overwrite=perhaps", "neither true nor false"),
    ],
)
def test_what_is_no_storage_is_refused(url: str, message: str):
    with pytest.raises(ValueError, match=message):
        storage(url)


def test_a_bucket_needs_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "storages", None)
    with pytest.raises(ValueError, match=r"pip install 'django-storages\[s3\]'"):
        storage("s3://media")


@pytest.mark.parametrize(
    "url", ["", "x", "http://x", "sqlite://a/b", "postgres://[::1", "postgres://h:port/x"]
)
def test_what_is_no_database_is_refused(url: str):
    with pytest.raises(ValueError, match=r"should begin|third slash|can be read"):
        database(url)


@pytest.mark.parametrize(
    "name", ["atomic_requests", "autocommit", "conn_health_checks", "disable_server_side_cursors"]
)
def test_a_flag_of_a_database_means_what_it_says(name: str):
    for text in ("false", "False", "0", "no", "off"):
        assert database(f"postgres://db/shop?{name}={text}")[name.upper()] is False
    for text in ("true", "True", "1", "yes", "on"):
        assert database(f"postgres://db/shop?{name}={text}")[name.upper()] is True
    with pytest.raises(ValueError, match=f"has a {name} that is neither true nor false"):
        database(f"postgres://db/shop?{name}=perhaps")


def test_a_number_of_a_database_is_one():
    assert database("postgres://db/shop?conn_max_age=60")["CONN_MAX_AGE"] == 60
    assert database("postgres://db/shop?conn_max_age=none")["CONN_MAX_AGE"] is None
    for text in ("abc", "1.5", "True"):
        with pytest.raises(ValueError, match="has a conn_max_age that is not a whole number"):
            database(f"postgres://db/shop?conn_max_age={text}")


def test_a_socket_may_be_encoded_in_the_place_of_a_host():
    found = database("postgres://ada@%2FVar%2Frun%2Fpostgresql:5433/shop")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("/Var/run/postgresql", 5433, "shop")


def test_the_options_of_a_cache_reach_django():
    found = cache("redis://cache:6379/1?timeout=60&key_prefix=1&version=2&key_function=a.b")
    options = {"TIMEOUT": 60, "KEY_PREFIX": "1", "VERSION": 2, "KEY_FUNCTION": "a.b"}
    assert {name: found[name] for name in options} == options
    assert cache("locmemcache://?timeout=none")["TIMEOUT"] is None
    with pytest.raises(ValueError, match="has a timeout that is not a whole number"):
        cache("redis://cache:6379/1?timeout=abc")


@pytest.mark.parametrize("url", ["memcache://cache:11211", "pymemcache://cache:11211"])
def test_a_memcache_has_a_backend_that_django_knows(url: str):
    module, _, name = cache(url)["BACKEND"].rpartition(".")
    assert hasattr(importlib.import_module(module), name)
    assert cache(url)["LOCATION"] == "cache:11211"


def test_a_flag_of_a_mail_server_means_what_it_says():
    assert mailer("smtp://mail:25?email_use_tls=false")["OPTIONS"]["use_tls"] is False
    with pytest.raises(ValueError, match="neither true nor false"):
        mailer("smtp://mail:25?email_use_ssl=perhaps")


def test_an_option_of_a_mail_server_has_the_name_that_django_reads():
    assert mailer("smtp+ssl://mail:465?timeout=5&ssl_keyfile=/key")["OPTIONS"] == {
        "host": "mail",
        "port": 465,
        "use_ssl": True,
        "timeout": 5,
        "ssl_keyfile": "/key",
    }
    with pytest.raises(ValueError, match="has the option tiemout, which is none of host, "):
        mailer("smtp://mail:25?tiemout=5")


@given(user=st.text("ab:/@?#%", max_size=4), word=st.text("xy:/@?#%[]", min_size=1, max_size=8))
def test_no_part_of_a_password_is_shown(user: str, word: str):
    secret = f"Q{word}Q"
    shown = masked(f"postgres://{user}:{secret}@db/shop")
    assert "Q" not in shown
    assert "x" not in shown
    assert "y" not in shown


def test_without_its_libraries_the_extra_is_named():
    import subprocess
    import sys

    from tests.cli.projects import TREE

    code = "import sys; sys.modules['environ'] = None; import django_matt.contrib.environments"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=False
    )
    assert install_line("environments") in said.stderr
