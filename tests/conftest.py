"""``serve``: an API over the whole Django stack; ``chromium``: a browser; ``node_tools``: packages for Node."""

import os
import signal
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import UserSettingsHolder
from django.conf import settings as django_settings
from django.core.checks.registry import registry
from django.core.signals import setting_changed
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path
from django.utils import translation

from tests.node_tools import node_tools  # noqa: F401 - a fixture
from tests.sampling import is_exhaustive
from tests.waiting import SECONDS

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SIGN_IN = "tests.sign_in.settings"
# Its apps have tables and middleware, which the other tests must not see (make test-sign-in).
collect_ignore = [] if os.environ.get("DJANGO_SETTINGS_MODULE") == SIGN_IN else ["sign_in"]
_BRING_THEIR_OWN = {"e2e", "examples"}
_SETS, _SETS_WITH_SERVERS, _SETS_ON_POSTGRESQL = 6, 3, 2
"""How many sets of parameters of a test run; those of a page of the documentation run all."""
_FIXTURES = {"db", "transactional_db"}
"""pytest-django's: without one of them, or its mark, a test cannot reach the database."""


def pytest_configure() -> None:
    """Hear Ctrl-C, for the servers that tests start: a shell's background job ignores it, and so would they."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run once what starts servers with databases of its own: it tests both, whichever the suite runs on.

    What is exhaustive, and all that a sample stands for, runs if it is asked for, by ``EXHAUSTIVE=yes`` or by the name of
    the test.
    """
    is_named = any("::" in argument for argument in config.args)
    if not (is_exhaustive() or is_named):
        left_out = _left_out(items)
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
    for item in items:
        if item.get_closest_marker("django_db") or _FIXTURES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.database)
        if _has_servers(item):
            item.add_marker(pytest.mark.once)
        if "projects" in item.path.relative_to(Path(__file__).parent).parts:
            item.add_marker(pytest.mark.projects)


def _has_servers(item: pytest.Item) -> bool:
    # Below tests/: the checkout may stand in a folder of any name.
    folders = {*item.path.relative_to(Path(__file__).parent).parts}
    return bool(_BRING_THEIR_OWN & folders) or any(
        item.get_closest_marker(name) for name in ("browser", "once")
    )


def _left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the exhaustive tests, and the sets of parameters beyond the sample, which is spread over all of them."""
    left_out = {item for item in items if item.get_closest_marker("exhaustive")}
    functions: dict[object, list[pytest.Item]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            functions.setdefault((item.path, item.cls, item.originalname), []).append(item)
    is_second = os.environ.get("MATT_TEST_DATABASE") == "postgres"
    for found in functions.values():
        mark = found[0].get_closest_marker("sampled")
        most = _SETS_WITH_SERVERS if _has_servers(found[0]) else _SETS
        most = _SETS_ON_POSTGRESQL if is_second else most
        # Each page is tested, on SQLite.
        is_page = "docs" in found[0].path.parts and not is_second
        count = mark.args[0] if mark else len(found) if is_page else most
        if count < len(found):
            kept = {round(each * (len(found) - 1) / max(count - 1, 1)) for each in range(count)}
            left_out.update(item for number, item in enumerate(found) if number not in kept)
    return left_out


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    """Leave no check of an app that another test had installed, and no app and no language that this one has left."""
    before, depth = django_settings._wrapped, len(apps.stored_app_configs)
    installed = {config.name for config in apps.get_app_configs()}
    for kind in ("registered_checks", "deployment_checks"):
        left = {
            check
            for check in getattr(registry, kind)
            if not check.__module__.startswith("django_matt.contrib.")
            or ".".join(check.__module__.split(".")[:3]) in installed
        }
        setattr(registry, kind, left)
    yield
    translation.deactivate()
    # A page of the documentation that fails does not come to its end, where it takes back what it has installed.
    if len(apps.stored_app_configs) > depth:
        while len(apps.stored_app_configs) > depth:
            apps.unset_installed_apps()
        django_settings._wrapped = before


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what is still connected to a database of PostgreSQL before it is deleted: threads of a test may be idle in it."""
    yield
    with django_db_blocker.unblock():
        for connection in connections.all():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )


@pytest.fixture
def serve(settings: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Return ``serve(api, prefix="api/", **more)``: mount APIs by prefix, get a client that keeps 500s as answers."""

    def mount(api: Any, prefix: str = "api/", **more: Any) -> Client:
        urlconf = types.ModuleType(f"urlconf_{id(api)}")
        urlconf.urlpatterns = [path(prefix, api.urls), *(path(k, v.urls) for k, v in more.items())]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        client = Client(raise_request_exception=False)
        client.async_client = AsyncClient(raise_request_exception=False)  # type: ignore[attr-defined]
        return client

    yield mount
    clear_url_caches()


@pytest.fixture
def settings_module() -> Iterator[Callable[[str, Any], None]]:
    """Return ``settings_module(name, value)``: a setting as the module holds it from the start, so that nobody is asked."""
    before = django_settings._wrapped
    held: list[str] = []

    def hold(name: str, value: Any) -> None:
        holder = UserSettingsHolder(django_settings._wrapped)
        setattr(holder, name, value)
        django_settings._wrapped = holder
        held.append(name)
        setting_changed.send_robust(sender=None, setting=name, value=value, enter=False)

    yield hold
    django_settings._wrapped = before
    for name in held:
        setting_changed.send_robust(sender=None, setting=name, value=None, enter=False)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start the browser, for one module: while it is open an event loop runs in this thread, and no async test can."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("MATT_REQUIRE_BROWSER"):
            pytest.fail(f"MATT_REQUIRE_BROWSER is set and there is no {CHROMIUM}")
        pytest.skip(f"no {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, timeout=1_000 * SECONDS
        )
        yield browser
        browser.close()
