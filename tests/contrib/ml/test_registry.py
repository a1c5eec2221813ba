"""Stages of versions, and their change while requests run."""

import asyncio
import gc
import threading
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import ValidationError

from django_matt.contrib.ml import services
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.models import Model
from django_matt.lifespans import run_lifespans
from tests.waiting import SECONDS, wait_until

from .shelf.served import Linear

pytestmark = pytest.mark.django_db


def score(**more: Any) -> Any:
    return Linear.infer(Linear.Input(features=[1, 2, 3]))


def test_a_version_goes_live_without_a_restart(weights: Any):
    services.register("linear", "2", weights(1, 0, 0), stage="live")
    with serving(Linear, registry=True) as fleet:
        assert score().version == "2"
        watched = weakref.ref(fleet.find("linear").choose_live().model)
        services.register("linear", "3", weights(0, 1, 0), stage="live")
        assert score().version == "2"
        fleet.refresh()
        assert (score().version, score().score) == ("3", 2.0)
        gc.collect()
        assert watched() is None
    assert {row.version: row.stage for row in Model.objects.all()} == {"2": "retired", "3": "live"}


def test_two_versions_are_swapped_under_load(weights: Any):
    for version in "23456":
        services.register("linear", version, weights(int(version), 0, 0))
    services.set_stage("linear", "2", "live")
    stop = threading.Event()
    seen: Counter[str] = Counter()

    def ask(_: int) -> list[str]:
        wrong = []
        while not stop.is_set():
            answers, version = services.infer_all("linear", [Linear.Input(features=[1, 0, 0])] * 3)
            found = {(each.version, each.score) for each in answers}
            if found != {(version, float(version))}:
                wrong.append(f"{version}: {found}")
            seen[version] += 1
        return wrong

    with serving(Linear, registry=True) as fleet, ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ask, number) for number in range(16)]
        try:
            for version in "345623":
                services.set_stage("linear", version, "live")
                fleet.refresh()
                before = seen[version]
                wait_until(
                    lambda before=before, version=version: (
                        seen[version] > before + 20 or any(each.done() for each in futures)
                    )
                )
        finally:
            stop.set()
        # No request has failed, and none was answered by two versions.
        assert [each.result(60) for each in futures] == [[] for _ in futures]
    assert set(seen) == set("23456")


def test_a_canary_answers_its_share(weights: Any):
    services.register("linear", "2", weights(1, 1, 1), stage="live")
    services.register("linear", "3", weights(1, 1, 1), stage="canary", share=25)
    with serving(Linear, registry=True):
        found = Counter(score().version for _ in range(800))
    assert 100 < found["3"] < 320


def test_a_shadow_is_compared_and_never_sent(weights: Any):
    services.register("linear", "2", weights(1, 1, 1), stage="live")
    services.register("linear", "3", weights(1, 1, 2), stage="shadow")

    class Tolerant(Linear):
        def agrees(self, mine: Any, other: Any) -> bool:
            return bool(mine.score == other.score)

    with serving(Tolerant, registry=True) as fleet:
        answers = [Tolerant.infer(Tolerant.Input(features=[1, 1, n % 2])) for n in range(20)]
        assert {each.version for each in answers} == {"2"}
        counts = fleet.find("linear").statistics
        wait_until(lambda: counts()["shadow"]["agreed"] + counts()["shadow"]["differed"] == 20)
        assert counts()["shadow"]["differed"] == 10
        assert services.statistics()["linear"]["live"]["answered"] == 20


def test_a_version_that_cannot_be_loaded_changes_nothing(
    weights: Any, folder: Any, caplog: pytest.LogCaptureFixture
):
    services.register("linear", "2", weights(1, 1, 1), stage="live")
    with serving(Linear, registry=True) as fleet:
        row = services.register("linear", "3", weights(2, 2, 2), stage="live")
        (folder / row.path).write_text("[1]")
        fleet.refresh()
        fleet.refresh()
        assert score().version == "2"
        assert str(folder / row.path) in str(fleet.find("linear").error)
        assert caplog.text.count("was not changed") == 1


def test_a_registered_version_replaces_the_code_alone(weights: Any):
    with serving(Linear, registry=True) as fleet:
        assert score().score == 6.0
        services.register("linear", "2", weights(1, 0, 0), stage="live")
        fleet.refresh()
        assert score().score == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("linear", "9", "live"), "not registered"),
        (("other", "2", "live"), "not registered"),
        (("linear", "2", "best"), "'best' is none of"),
        (("linear", "2", "canary"), "from 1 to 100"),
        (("linear", "2", "canary", 101), "from 1 to 100"),
    ],
)
def test_a_wrong_change_is_refused(weights: Any, arguments: Any, message: str):
    services.register("linear", "2", weights(1, 1, 1))
    name, version, stage, *share = arguments
    with pytest.raises(ValidationError, match=message):
        services.set_stage(name, version, stage, share=share[0] if share else 0)


@pytest.mark.parametrize("version", ["../2", "a/b", "", "2 3", "2\x00"])
def test_a_version_is_a_plain_word(weights: Any, version: str):
    with pytest.raises(ValidationError, match="is not valid"):
        services.register("linear", version, weights(1, 1, 1))


def test_versions_do_not_change(weights: Any):
    services.register("linear", "2", weights(1, 1, 1))
    with pytest.raises(ValidationError, match="registered already"):
        services.register("linear", "2", weights(2, 2, 2))


@pytest.mark.django_db(transaction=True)
def test_a_lifespan_watches_the_registry_and_can_begin_again(weights: Any, options: Any):
    options(REFRESH_SECONDS=0.05)

    async def live(version: str) -> str:
        async with run_lifespans():
            await sync_to_async(services.set_stage)("linear", version, "live")
            end = monotonic() + SECONDS
            while (await Linear.ainfer(Linear.Input(features=[1, 2, 3]))).version != version:
                assert monotonic() < end
                await asyncio.sleep(0.02)
            return version

    for version in "23":
        services.register("linear", version, weights(1, 1, 1))
        assert async_to_sync(live)(version) == version
