"""``run_lifespans``: the installed apps' contexts, entered in order and left in reverse, each in a bounded time."""

import asyncio
import sys
from contextlib import asynccontextmanager
from types import ModuleType

import pytest
from asgiref.sync import async_to_sync
from django.apps import AppConfig
from django.core.handlers.wsgi import WSGIHandler

from django_matt.extensions import HasLifespan
from django_matt.lifespans import LifespanError, apps_with_lifespan, lifespan_loop, run_lifespans
from django_matt.wsgi import get_wsgi_application

LINES = []
TROUBLE = {}


class One(AppConfig):
    name = label = "lifespan_one"
    path = "."

    @asynccontextmanager
    async def lifespan(self):
        await self.act("start")
        yield
        await self.act("end")

    async def act(self, part):
        LINES.append(f"{self.label} {part}")
        trouble = TROUBLE.get((self.label, part))
        if trouble == "hangs":
            await asyncio.sleep(3_600)
        if trouble is not None:
            raise trouble


class Two(One):
    name = label = "lifespan_two"


class Three(One):
    name = label = "lifespan_three"


@pytest.fixture
def lived(settings, monkeypatch):
    """Install the three apps; return what they do in a run around ``body``, a coroutine function."""
    for config in (One, Two, Three):
        monkeypatch.setitem(sys.modules, config.name, ModuleType(config.name))
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        *(f"{__name__}.{config.__name__}" for config in (One, Two, Three)),
    ]
    LINES.clear()
    TROUBLE.clear()

    def run(body=None):
        async def around():
            async with run_lifespans():
                LINES.append("body")
                if body is not None:
                    await body()

        try:
            async_to_sync(around)()
        finally:
            assert lifespan_loop() is None
        return LINES

    yield run
    TROUBLE.clear()


STARTS = [f"lifespan_{name} start" for name in ("one", "two", "three")]
ENDS = [f"lifespan_{name} end" for name in ("three", "two", "one")]


def test_an_app_config_with_a_lifespan_satisfies_the_protocol():
    assert issubclass(One, HasLifespan)
    assert not issubclass(AppConfig, HasLifespan)


def test_apps_start_in_order_and_end_in_reverse(lived):
    assert lived() == [*STARTS, "body", *ENDS]


def test_the_loop_of_the_lifespans_is_known_between_start_and_end(lived):
    seen = []

    async def look():
        seen.append(lifespan_loop() is asyncio.get_running_loop())

    lived(look)
    assert seen == [True]


@pytest.mark.parametrize("label", ["one", "two", "three"])
def test_those_that_started_end_when_one_fails_to_start(lived, label):
    TROUBLE[f"lifespan_{label}", "start"] = ValueError("no broker")
    with pytest.raises(LifespanError, match=f"'lifespan_{label}'.* at its start: ValueError") as it:
        lived()
    assert isinstance(it.value.__cause__, ValueError)
    count = STARTS.index(f"lifespan_{label} start")
    assert [*STARTS[: count + 1], *ENDS[3 - count :]] == LINES


def test_an_app_that_does_not_start_in_time_fails(lived, settings):
    settings.MATT = {"LIFESPAN_SECONDS": 0.05}
    TROUBLE["lifespan_two", "start"] = "hangs"
    with pytest.raises(LifespanError, match=r"'lifespan_two'.* it took more than 0.05 seconds"):
        lived()
    assert [*STARTS[:2], ENDS[2]] == LINES


def test_an_app_s_own_timeout_is_told_as_its_own(lived):
    TROUBLE["lifespan_two", "start"] = TimeoutError("the broker was silent")
    with pytest.raises(LifespanError, match="TimeoutError: the broker was silent"):
        lived()


def test_the_others_end_when_one_fails_or_hangs_at_its_end(lived, settings, caplog):
    settings.MATT = {"LIFESPAN_SECONDS": 0.05}
    TROUBLE["lifespan_three", "end"] = "hangs"
    TROUBLE["lifespan_two", "end"] = ValueError("the broker has gone")
    with pytest.raises(LifespanError, match="'lifespan_three'"):
        lived()
    assert [*STARTS, "body", *ENDS] == LINES
    assert "'lifespan_three' (lifespan_three) failed at its end: it took more than" in caplog.text
    assert "failed at its end: ValueError: the broker has gone" in caplog.text


def test_apps_end_when_the_body_fails(lived):
    async def fail():
        raise KeyError("body")

    with pytest.raises(KeyError):
        lived(fail)
    assert [*STARTS, "body", *ENDS] == LINES


def test_nothing_stands_before_a_project_without_lifespans():
    assert apps_with_lifespan() == []
    assert type(get_wsgi_application()) is WSGIHandler
