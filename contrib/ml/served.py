"""``Served``: the class that a project writes for each model, and ``Batch``, how its requests are put together."""

from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from inspect import isabstract
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel

__all__ = ["Batch", "Served"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How many items a model predicts at once, and how long requests wait.

    It raises ``ImproperlyConfigured`` for a value that is not above 0.
    """

    size: int = 32
    """The most items of one call of ``predict``. A free model takes what is queued; it never waits for more."""
    queue_seconds: float = 0.5
    """A request that is expected to wait longer than this is refused with a 503."""
    deadline: float = 2.0
    """After this many seconds a request is answered with a 504. A ``predict`` that runs twice as long is lost."""

    def __post_init__(self) -> None:
        """Refuse values that would serve nothing."""
        for name in ("size", "queue_seconds", "deadline"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ImproperlyConfigured(f"Batch({name}={value!r}): it must be above 0.")


class Served:
    """A model that requests are answered with. Subclass it in ``served.py`` of an app; one class per model.

    >>> class Sentiment(Served):
    ...     name = "sentiment"
    ...
    ...     class Input(Schema):
    ...         text: str = Field(max_length=2000)
    ...
    ...     class Output(Schema):
    ...         score: float
    ...
    ...     def load(self, device):
    ...         self.session = open_onnx(self.file, device)
    ...
    ...     def predict(self, items):
    ...         return [self.Output(score=score) for score in self.scores(items)]

    The app makes one object per version. ``load`` is called once, then ``predict`` with the items of ``warm``, and the version
    answers requests after that. ``predict`` is called in one thread at a time, so it may use what is not thread-safe.

    ``Input`` refuses NaN and infinite numbers, unless its ``model_config`` has ``allow_inf_nan``.
    """

    name: ClassVar[str] = ""
    """The name in URLs: letters, digits, ``-`` and ``_``."""
    version: str = "1"
    """The version. If a file is registered, it is the version of that file."""
    batch: ClassVar[Batch] = Batch()
    Input: ClassVar[type[BaseModel]]
    """The schema of one item."""
    Output: ClassVar[type[BaseModel]]
    """The schema of the answer to one item."""
    file: Path | None = None
    """The registered file of this version, whose digest has been checked; ``None`` without one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse NaN in the items, and name the schemas inside of the class after it, for the OpenAPI document."""
        super().__init_subclass__(**kwargs)
        for part in ("Input", "Output"):
            kind: Any = cls.__dict__.get(part)
            if getattr(kind, "__qualname__", "") == f"{cls.__qualname__}.{part}":
                kind.__name__, kind.__qualname__ = (
                    f"{cls.__name__}{part}",
                    f"{cls.__qualname__}{part}",
                )
                kind.model_rebuild(force=True)
        if isinstance(cls.__dict__.get("Input"), type):
            _refuse_nan(cls.Input, set())

    # ---- what to override -------------------------------------------------------------------------------------------

    def load(self, device: str) -> None:
        """Load the model to a device, such as ``"cpu"`` or ``"cuda"``. An exception keeps the server from starting."""

    def unload(self) -> None:
        """Close what ``load`` has opened. It is called when the version does not answer requests any more."""

    def warm(self) -> list[Any]:
        """Return items to predict before the first request: what is slow once is then done, and its speed is known."""
        return []

    def predict(self, items: list[Any]) -> Sequence[Any]:
        """Return one ``Output`` per item, in the same order.

        Raise a ``Problem`` of ``django_matt.errors.exceptions`` for an item that has no answer. If it raises anything else for a
        batch, it is called again for each item alone, once.
        """
        raise NotImplementedError

    def predict_stream(self, item: Any) -> Iterator[Any]:
        """Yield the ``Output`` of one item in parts. A class that overrides it has a route that streams them."""
        raise NotImplementedError

    def bucket(self, item: Any) -> Hashable:
        """Return a key: only items with equal keys are in one batch, such as texts of similar length."""
        return None

    def agrees(self, mine: Any, other: Any) -> bool:
        """Tell whether the answer of a shadow version equals that of the live one. Numbers may differ by 0.001."""
        return _is_close(mine.model_dump(), other.model_dump())

    # ---- how to use it from your own code ---------------------------------------------------------------------------

    @classmethod
    def submit(cls, item: Any) -> "Future[Any]":
        """Queue an item, and return the future of its ``Output``. Call it from any thread.

        Cancel the future to remove the item from the queue. Raises ``Overloaded``, ``ModelLoading`` or ``ModelUnavailable``.
        """
        from django_matt.contrib.ml.fleets import current_fleet

        return current_fleet().find(cls.name).submit(item)

    @classmethod
    def infer(cls, item: Any) -> Any:
        """Return the ``Output`` of an item. Raises what ``submit`` raises, and ``DeadlineExceeded``."""
        from django_matt.contrib.ml.services import infer

        return infer(cls.name, item)[0]

    @classmethod
    async def ainfer(cls, item: Any) -> Any:
        """Do the same on an event loop. If the task is cancelled, the item leaves the queue."""
        from django_matt.contrib.ml.services import ainfer

        return (await ainfer(cls.name, item))[0]

    @classmethod
    def streams(cls) -> bool:
        """Tell whether the class has a ``predict_stream`` of its own."""
        return cls.predict_stream is not Served.predict_stream

    @classmethod
    def problem(cls) -> str | None:
        """Return what is missing or wrong in the class; ``None`` if it can be served."""
        if not cls.name or not cls.name.replace("-", "").replace("_", "").isalnum():
            return f"name is {cls.name!r}; use letters, digits, - and _"
        for each in ("Input", "Output"):
            kind = getattr(cls, each, None)
            if not isinstance(kind, type) or not issubclass(kind, BaseModel):
                return f"{each} is not a schema"
        if cls.predict is Served.predict and not cls.streams():
            return "it has no predict()"
        return "it is abstract" if isabstract(cls) else None


def _refuse_nan(kind: type[BaseModel], seen: set[type]) -> None:
    """Let the numbers of a schema and of the schemas inside be finite, where its author has not decided it."""
    if kind in seen:
        return
    seen.add(kind)
    for field in kind.model_fields.values():
        for inner in _schemas_in(field.annotation):
            _refuse_nan(inner, seen)
    if "allow_inf_nan" not in kind.model_config:
        kind.model_config["allow_inf_nan"] = False
        kind.model_rebuild(force=True)


def _schemas_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _schemas_in(part)


def _is_close(mine: Any, other: Any) -> bool:
    if isinstance(mine, dict) and isinstance(other, dict):
        return mine.keys() == other.keys() and all(_is_close(mine[k], other[k]) for k in mine)
    if isinstance(mine, list | tuple) and isinstance(other, list | tuple):
        return len(mine) == len(other) and all(map(_is_close, mine, other))
    if isinstance(mine, float) and isinstance(other, int | float):
        return abs(mine - other) <= 1e-3 * max(1.0, abs(mine))
    return bool(mine == other)
