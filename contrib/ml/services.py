"""What the app does: answers of models, and the registry of their versions."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import transaction

from django_matt.contrib.ml.errors import DeadlineExceeded
from django_matt.contrib.ml.files import store_file
from django_matt.contrib.ml.fleets import current_fleet
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.replicas import Deployment, Replica
from django_matt.contrib.ml.waiters import LoopWaiter, ThreadWaiter, Waiter
from django_matt.threads import release_thread

__all__ = [
    "afind",
    "ainfer",
    "ainfer_all",
    "astream",
    "infer",
    "infer_all",
    "register",
    "set_stage",
    "statistics",
    "stream",
]


# ---- answers --------------------------------------------------------------------------------------------------------


async def afind(name: str) -> Deployment:
    """Return a model by its name; without a lifespan, load all models in a thread first."""
    fleet = current_fleet()
    if not fleet.is_started:
        await sync_to_async(fleet.start)()
    return fleet.find(name)


def infer(name: str, item: Any, version: str | None = None) -> tuple[Any, str]:
    """Return a model's answer to an item, and the version that gave it."""
    answers, answered_by = infer_all(name, [item], version)
    return answers[0], answered_by


def infer_all(name: str, items: list[Any], version: str | None = None) -> tuple[list[Any], str]:
    """Return the answers to several items, all by one version. If one fails, the others are cancelled."""
    waiter = ThreadWaiter(len(items))
    replica, numbers = current_fleet().find(name).queue(items, waiter, version)
    try:
        in_time = waiter.wait(replica.deadline)
    finally:
        if waiter.left:
            replica.batcher.cancel(numbers)
    return _answers(replica, waiter, in_time=in_time), replica.version


async def ainfer(name: str, item: Any, version: str | None = None) -> tuple[Any, str]:
    """Do the same as ``infer`` on an event loop."""
    answers, answered_by = await ainfer_all(name, [item], version)
    return answers[0], answered_by


async def ainfer_all(
    name: str, items: list[Any], version: str | None = None
) -> tuple[list[Any], str]:
    """Do the same as ``infer_all`` on an event loop. If the client disconnects, the items leave the queue."""
    waiter = LoopWaiter(len(items))
    replica, numbers = (await afind(name)).queue(items, waiter, version)
    # One that validated the item, or read the user, would be missing to the next requests: no batch were larger than threads.
    release_thread()
    timer = waiter.loop.call_later(replica.deadline, waiter.end)
    try:
        in_time = await waiter.future
    finally:
        timer.cancel()
        if waiter.left:
            replica.batcher.cancel(numbers)
    return _answers(replica, waiter, in_time=in_time), replica.version


def _answers(replica: Replica, waiter: Waiter, *, in_time: bool) -> list[Any]:
    """Return the answers that a request has waited for, or raise why there are none."""
    if waiter.error is not None:
        raise waiter.error
    if not in_time:
        replica.batcher.watch()
        raise DeadlineExceeded
    return waiter.results


def stream(name: str, item: Any, version: str | None = None) -> Iterator[Any]:
    """Yield a model's answer to an item in parts, in the thread of the caller."""
    with current_fleet().find(name).choose(version).stream(item) as parts:
        yield from parts


_END = object()


async def astream(name: str, item: Any, version: str | None = None) -> AsyncIterator[Any]:
    """Do the same on an event loop: the parts are made in a thread of their own, one when the one before was sent."""
    opened = (await afind(name)).choose(version).stream(item)
    entered: list[Iterator[Any]] = []
    executor = ThreadPoolExecutor(1, thread_name_prefix="matt-ml-stream")
    run = partial(asyncio.get_running_loop().run_in_executor, executor)

    def enter() -> None:
        entered.append(opened.__enter__())

    def leave() -> None:
        if entered:
            opened.__exit__(None, None, None)

    try:
        await run(enter)
        while (part := await run(next, entered[0], _END)) is not _END:
            yield part
    finally:
        # Not awaited: a client that has left cancels what waits here. The thread ends after its part.
        executor.submit(leave)
        executor.shutdown(wait=False)


def statistics() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what the models of this process have done, by model and stage: for your metrics.

    See ``batchers.Counts`` for the numbers.
    """
    return {name: each.statistics() for name, each in current_fleet().deployments.items()}


# ---- the registry ---------------------------------------------------------------------------------------------------


def register(
    name: str, version: str, path: str | Path, *, stage: str = Stage.RETIRED, share: int = 0
) -> Model:
    """Copy a file into the registry as a version of a model.

    Raises ``FileRefused`` for a missing file or one of a format that runs code, and ``ValidationError`` for a version that exists.
    """
    for value in (name, version):
        if not value.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ValidationError(f"{value!r} is not valid; use letters, digits, - . and _.")
    if Model.objects.filter(name=name, version=version).exists():
        raise ValidationError(f"{name}:{version} is registered already; versions do not change.")
    relative, digest = store_file(Path(path), name, version)
    row = Model(name=name, version=version, path=relative, digest=digest)
    row.full_clean()
    # Not around the copy of the file, which may be large.
    with transaction.atomic():
        row.save()
        return row if stage == Stage.RETIRED else set_stage(name, version, stage, share=share)


@transaction.atomic
def set_stage(name: str, version: str, stage: str, *, share: int = 0) -> Model:
    """Change what a version is used for; what was used for it before is retired.

    Servers see it within ``MATT_ML["REFRESH_SECONDS"]``. Raises ``ValidationError`` for an unknown version, stage or share.
    """
    # All rows of the model: two changes at once must not retire each other's version.
    rows = {row.version: row for row in Model.objects.select_for_update().filter(name=name)}
    row = rows.get(version)
    if row is None:
        raise ValidationError(f"{name}:{version} is not registered.")
    if stage not in Stage.values:
        raise ValidationError(f"{stage!r} is none of: {', '.join(Stage.values)}.")
    if not 0 <= share <= 100 or (stage == Stage.CANARY and not share):
        raise ValidationError("The share of a canary is a number of percent, from 1 to 100.")
    if stage != Stage.RETIRED:
        for other in rows.values():
            if other.stage == stage and other is not row:
                other.stage, other.share = Stage.RETIRED, 0
                other.save(update_fields=["stage", "share"])
    row.stage, row.share = stage, share if stage == Stage.CANARY else 0
    row.save(update_fields=["stage", "share"])
    return row
