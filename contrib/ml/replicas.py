"""The loaded versions of one model: which of them answers a request, and how they are replaced while requests run."""

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from django_matt.contrib.ml.batchers import Batcher
from django_matt.contrib.ml.devices import choose_device
from django_matt.contrib.ml.errors import (
    ModelLoading,
    ModelUnavailable,
    Overloaded,
    ReplicaClosed,
    UnknownModel,
)
from django_matt.contrib.ml.files import checked_file
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.waiters import Comparison, Waiter

__all__ = ["Deployment", "Replica", "Wanted"]

logger = logging.getLogger(__name__)

_TRIES = 5
"""How often a request may find that its version was replaced between two lines of code."""


class Wanted(NamedTuple):
    """A version that should be loaded; without a file, the path and the digest are empty."""

    version: str
    digest: str
    path: str
    stage: str
    share: int


class Replica:
    """One loaded version."""

    def __init__(self, kind: type[Served], wanted: Wanted) -> None:
        """Check the file, load the model, and warm it up. Raises what these raise, with the path of a file."""
        model = kind()
        model.version = wanted.version
        if wanted.path:
            model.file = checked_file(wanted.path, wanted.digest)
        model.load(choose_device())
        self.model: Served | None = model
        self.version = wanted.version
        self.identity = (wanted.version, wanted.digest, wanted.path)
        self.deadline = model.batch.deadline
        self.batcher = Batcher(model)
        self._streams = threading.BoundedSemaphore(model.batch.size)
        if kind.predict is not Served.predict:
            self.batcher.warm([*model.warm()])

    def close(self, seconds: float) -> None:
        """Answer what is queued, wait for streams, and free the model; one that is still used is left to Python."""
        end = monotonic() + seconds
        has_ended = self.batcher.close(seconds)
        model, self.model = self.model, None
        if model is None:
            return
        for _ in range(model.batch.size):
            has_ended = self._streams.acquire(timeout=max(0, end - monotonic())) and has_ended
        if not has_ended:
            logger.warning("%s:%s was replaced and is still used.", model.name, self.version)
            return
        try:
            model.unload()
        except Exception:
            logger.exception("%s:%s could not be unloaded.", model.name, self.version)

    @contextmanager
    def stream(self, item: Any) -> Iterator[Iterator[Any]]:
        """Give the parts of the answer to an item; raise ``Overloaded`` if as many as a batch has are streamed already."""
        if not self._streams.acquire(blocking=False):
            if self.model is None:
                raise ModelLoading  # it was replaced just now
            self.batcher.counts.refused += 1
            raise Overloaded
        try:
            model = self.model
            if model is None:
                raise ModelLoading
            parts = iter(model.predict_stream(item))
            try:
                yield parts
            finally:
                if (close := getattr(parts, "close", None)) is not None:
                    close()
        finally:
            self._streams.release()


@dataclass(frozen=True, slots=True)
class _Stages:
    """What is loaded at one time. It is replaced as a whole, so that a request sees one state."""

    live: Replica | None = None
    canary: Replica | None = None
    shadow: Replica | None = None
    share: int = 0

    def all(self) -> list[Replica]:
        return [each for each in (self.live, self.canary, self.shadow) if each is not None]


class Deployment:
    """The versions of one ``Served`` class."""

    def __init__(self, kind: type[Served]) -> None:
        """Load nothing yet."""
        self.kind = kind
        self.error: str | None = None
        """Why the last change could not be carried out."""
        self.agreed = self.differed = 0
        """How many answers of shadow versions were equal to those that were sent, and how many were not."""
        self._stages = _Stages()

    # ---- requests ---------------------------------------------------------------------------------------------------

    @property
    def versions(self) -> list[str]:
        """The versions that are loaded, the live one first."""
        return [each.version for each in self._stages.all()]

    def choose(self, version: str | None = None) -> Replica:
        """Return what answers a request: a version by its name, else the canary for its share, else the live version."""
        stages = self._stages
        if version is not None:
            for each in stages.all():
                if each.version == version:
                    return each
            raise UnknownModel
        if stages.canary is not None and random.random() * 100 < stages.share:  # noqa: S311 - no secret
            return stages.canary
        if stages.live is None:
            raise ModelUnavailable
        return stages.live

    def refuse(self, version: str | None = None) -> None:
        """Raise ``Overloaded`` if a request would be refused. A canary is not looked at, as its share is drawn later."""
        live = self._stages.live
        if version is not None:
            self.choose(version).batcher.refuse()
        elif live is not None:
            live.batcher.refuse()

    def submit(self, item: Any) -> "Future[Any]":
        """Queue an item, and return the future of its answer."""
        for _ in range(_TRIES):
            replica = self.choose()
            with suppress(ReplicaClosed):
                return replica.batcher.submit(item)
        raise ModelLoading

    def queue(
        self, items: Sequence[Any], waiter: Waiter, version: str | None = None
    ) -> tuple[Replica, range]:
        """Queue items for one version, all or none; return the version, and the numbers of the items in its queue."""
        for _ in range(_TRIES):
            replica = self.choose(version)
            shadow = self._stages.shadow if version is None else None
            pairs: list[Comparison] = []
            if shadow is not None and shadow is not replica:
                pairs = [self._compare_with(shadow) for _ in items]
            with suppress(ReplicaClosed):
                lives = [each.halves[0] for each in pairs] or None
                numbers = replica.batcher.queue(items, waiter, lives)
                for item, pair in zip(items, pairs, strict=False):
                    # An overloaded or closed shadow is nobody's problem.
                    with suppress(Exception):
                        shadow.batcher.queue([item], pair.halves[1])  # type: ignore[union-attr]
                return replica, numbers
        raise ModelLoading

    def check(self) -> None:
        """Raise ``ModelUnavailable`` unless the live version answers requests."""
        for replica in self._stages.all():
            replica.batcher.watch()
        batcher = self.choose_live().batcher
        if batcher.problem is not None:
            raise ModelUnavailable(f"{self.kind.name}: {batcher.problem}.")

    def choose_live(self) -> Replica:
        """Return the live version."""
        live = self._stages.live
        if live is None:
            raise ModelUnavailable(f"{self.kind.name}: {self.error or 'no version is live'}.")
        return live

    def statistics(self) -> dict[str, dict[str, Any]]:
        """Return the counts of each loaded version by its stage, with its version."""
        stages = self._stages
        pairs = (("live", stages.live), ("canary", stages.canary), ("shadow", stages.shadow))
        found = {
            stage: {"version": each.version, **each.batcher.statistics()}
            for stage, each in pairs
            if each is not None
        }
        if stages.shadow is not None:
            found["shadow"] |= {"agreed": self.agreed, "differed": self.differed}
        return found

    # ---- changes ----------------------------------------------------------------------------------------------------

    def become(self, wanted: Sequence[Wanted]) -> None:
        """Load what is wanted, then let it answer, then free what is not wanted any more.

        If a version cannot be loaded, nothing changes: what answered requests goes on.
        """
        before = self._stages
        kept = {each.identity: each for each in before.all()}
        found: dict[str, Replica] = {}
        fresh: list[Replica] = []
        try:
            for each in wanted:
                replica = kept.get((each.version, each.digest, each.path))
                if replica is None:
                    replica = Replica(self.kind, each)
                    fresh.append(replica)
                found[each.stage] = replica
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            for replica in fresh:
                replica.close(2 * self.kind.batch.deadline)
            raise
        share = next((each.share for each in wanted if each.stage == "canary"), 0)
        self._stages = _Stages(
            found.get("live"), found.get("canary"), found.get("shadow"), share=share
        )
        self.error = None
        for replica in before.all():
            if replica not in found.values():
                replica.close(2 * self.kind.batch.deadline)
                logger.info("%s:%s is not served any more.", self.kind.name, replica.version)
        for replica in fresh:
            logger.info("%s:%s is served.", self.kind.name, replica.version)

    def _compare_with(self, shadow: Replica) -> Comparison:
        """Return what gets the answers of both versions to an item. No request waits for it."""

        def compare(both: Comparison) -> None:
            if both.errors[0] is not None:
                return
            same = both.errors[1] is None
            with suppress(Exception):
                model = shadow.model
                same = same and model is not None and model.agrees(*both.results)
            if same:
                self.agreed += 1
            else:
                self.differed += 1

        return Comparison(compare)
