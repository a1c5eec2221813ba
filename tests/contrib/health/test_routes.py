"""What the platform asks is answered truthfully, in a bounded time, and tells strangers nothing."""

import asyncio
import json
import socket
import subprocess
import sys
import threading

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.cache import caches
from django.core.checks import run_checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from ninja.security import HttpBearer
from ninja.throttling import AnonRateThrottle

from django_matt import MattAPI
from django_matt.contrib.health.checks import check_names, check_settings
from django_matt.extensions import HealthCheck
from django_matt.lifespans import lifespan_loop, run_lifespans
from tests.waiting import wait_until

from .apps import CheckedConfig
from .conftest import CHECKED

pytestmark = pytest.mark.django_db(transaction=True)


class Refusing(HttpBearer):
    def authenticate(self, request, token):
        return None


class Never(AnonRateThrottle):
    def allow_request(self, request):
        return False

    def wait(self):
        return 60


def verdicts(response):
    return response.json()["checks"]


def test_a_process_is_alive(healthy):
    response = healthy()("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_process_is_ready_when_database_cache_and_migrations_are(healthy):
    response = healthy()("/health/ready")
    checks = {"database": "ok", "cache": "ok", "migrations": "ok"}
    assert response.json() == {"status": "ok", "checks": checks}
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_nobody_signs_in_and_no_throttle_counts(healthy, path):
    ask = healthy(api=MattAPI(auth=Refusing(), throttle=[Never("1/d")]))
    assert ask(path).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_no_cache_keeps_a_response(healthy, path):
    assert healthy()(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_head_has_no_body(healthy, path):
    response = healthy()(path, method="head")
    assert (response.status_code, response.content) == (200, b"")


def test_no_transaction_is_opened(healthy, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    ask = healthy()
    assert ask("/health/live").status_code == 200
    assert ask("/health/ready").status_code == 200


def test_both_routes_are_in_the_document(healthy):
    paths = healthy()("/openapi.json").json()["paths"]
    live, ready = paths["/api/health/live"]["get"], paths["/api/health/ready"]["get"]
    assert {"200", "503"} <= set(ready["responses"])
    assert [live["operationId"], ready["operationId"]] == ["health_live", "health_ready"]
    assert "security" not in ready


def test_paths_are_settings_and_none_is_no_route(healthy):
    ask = healthy(LIVE_PATH=None, READY_PATH="/up")
    assert ask("/up").status_code == 200
    assert ask("/health/live").status_code == ask("/health/ready").status_code == 404


def test_every_api_of_a_project_has_the_routes(healthy, serve):
    healthy()
    client = serve(MattAPI(), **{"two/": MattAPI(urls_namespace="two")})
    assert client.get("/api/health/live").status_code == 200
    assert client.get("/two/health/ready").status_code == 200


def test_a_missing_migration_fails_until_it_is_applied(healthy):
    ask = healthy()
    rows = MigrationRecorder.Migration.objects
    assert verdicts(ask("/health/ready"))["migrations"] == "ok"
    lost = rows.filter(app="sessions").get()
    lost.delete()
    try:
        response = ask("/health/ready")
        assert response.status_code == 503
        assert verdicts(response) == {"database": "ok", "cache": "ok", "migrations": "failing"}
    finally:
        rows.create(app=lost.app, name=lost.name)
    assert ask("/health/ready").status_code == 200


def test_the_graph_of_migrations_is_built_once(healthy, monkeypatch):
    from django_matt.contrib.health import probes

    built = []

    class Counted(MigrationExecutor):
        def __init__(self, *args):
            built.append(args)
            super().__init__(*args)

    monkeypatch.setattr(probes, "MigrationExecutor", Counted)
    ask = healthy()
    assert {ask("/health/ready").status_code for _ in range(3)} == {200}
    assert len(built) == 1


class Forgetting:
    def __init__(self, *args):
        pass

    def set(self, *args, **options):
        pass

    def get(self, key):
        return None

    delete = close = get


@pytest.mark.parametrize(
    ("backend", "verdict"),
    [
        ("tests.contrib.health.test_routes.Forgetting", "failing"),
        ("django.core.cache.backends.dummy.DummyCache", "ok"),
    ],
)
def test_a_cache_has_to_return_what_it_was_given(healthy, settings, backend, verdict):
    settings.CACHES = {"default": {"BACKEND": backend}}
    assert verdicts(healthy()("/health/ready"))["cache"] == verdict


def test_a_cache_keeps_no_trace_of_its_check(healthy, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "health",
        }
    }
    assert healthy()("/health/ready").status_code == 200
    assert not caches["default"]._cache


@pytest.mark.once
def test_databases_that_do_not_answer_are_named_and_why_stays_in_the_log():
    # One port that nothing listens at, and one whose listener never says a word.
    with socket.socket() as closed, socket.socket() as silent:
        closed.bind(("127.0.0.1", 0))
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        ports = [str(each.getsockname()[1]) for each in (silent, closed)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.contrib.health.stopped", *ports],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    status, body = json.loads(done.stdout)
    assert status == 503
    assert json.loads(body)["checks"] == {
        "database": "failing",
        "database_silent": "failing",
        "cache": "ok",
        "migrations": "failing",
    }
    assert "nowhere" not in body
    assert "127.0.0.1" not in body
    assert "Health check 'database' fails." in done.stderr
    assert "OperationalError" in done.stderr
    assert "Health check 'database_silent' has not ended after 2.0 seconds." in done.stderr


def test_only_what_the_settings_name_is_asked(healthy):
    ask = healthy(DATABASES=["default"], CACHES=[], MIGRATIONS=[])
    assert verdicts(ask("/health/ready")) == {"database": "ok"}


def test_no_thread_and_no_connection_is_left(healthy):
    ask = healthy()
    before = sessions()
    assert {ask("/health/ready").status_code for _ in range(3)} == {200}
    # A thread tells its verdict and then ends.
    wait_until(lambda: not probes_under_way(), probes_under_way)
    wait_until(lambda: sessions() <= before, lambda: f"{sessions()} sessions, {before} before")


def probes_under_way():
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("matt-health")]


def sessions():
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


def test_an_installed_app_contributes_checks(healthy):
    assert issubclass(CheckedConfig, HealthCheck)
    ask = healthy(CHECKED)
    config = apps.get_app_config("checked")
    response = ask("/health/ready")
    assert list(verdicts(response)) == ["database", "cache", "migrations", "queue", "broker"]
    assert response.status_code == 200
    config.failure = RuntimeError("the password is swordfish")
    response = ask("/health/ready")
    assert response.status_code == 503
    assert [verdicts(response)[name] for name in ("queue", "broker")] == ["failing", "failing"]
    assert "swordfish" not in response.content.decode()


def test_checks_that_hang_fail_in_time_and_hold_one_thread(healthy, caplog):
    ask = healthy(CHECKED, TIMEOUT=0.2)
    config = apps.get_app_config("checked")
    config.gate = threading.Event()
    try:
        for _ in range(3):
            response = ask("/health/ready")
            assert response.status_code == 503
            assert verdicts(response)["queue"] == verdicts(response)["broker"] == "failing"
            assert verdicts(response)["database"] == "ok"
        assert config.runs == 1
        assert caplog.text.count("Health check 'queue' has not ended after 0.2 seconds.") == 1
    finally:
        config.gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("matt-health"):
            thread.join(30)
    config.gate = None
    assert ask("/health/ready").status_code == 200


def test_an_async_check_runs_in_the_event_loop_of_the_lifespans(healthy, monkeypatch):
    seen = []

    async def ask_broker(self):
        seen.append(asyncio.get_running_loop())

    monkeypatch.setattr(CheckedConfig, "ask_broker", ask_broker)
    ask = healthy(CHECKED)

    async def serve_one():
        async with run_lifespans():
            assert lifespan_loop() is asyncio.get_running_loop()
            response = await asyncio.to_thread(ask, "/health/ready")
            return response.status_code, seen == [asyncio.get_running_loop()]

    assert async_to_sync(serve_one)() == (200, True)
    assert lifespan_loop() is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"PATH": "/up"}, "no option 'PATH'"),
        ({"READY_PATH": "up"}, 'a path must begin with "/"'),
        ({"TIMEOUT": 0}, "a number of seconds above 0"),
        ({"DATABASES": ["other"]}, "'other', which settings.DATABASES does not have"),
        ({"CACHES": ["other"]}, "'other', which settings.CACHES does not have"),
    ],
)
def test_a_wrong_setting_is_found_by_the_check(settings_module, options, said):
    settings_module("MATT_HEALTH", options)
    (found,) = check_settings()
    assert (found.id, said in found.msg) == ("matt_health.E001", True)
    assert check_names() == []


def test_two_checks_with_one_name_are_found_by_the_check(settings):
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "django_matt.contrib.health",
        "tests.contrib.health.apps.ClashingConfig",
    ]
    found = [each for each in run_checks(tags=["matt"]) if each.id == "matt_health.E002"]
    assert ["both have a health check 'database'" in each.msg for each in found] == [True]
