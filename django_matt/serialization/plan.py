"""A response schema's plan: which of the tiers can answer, and the answer, byte for byte the same from each."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from django.db.models import QuerySet
from ninja import Schema
from ninja.operation import ResponseObject
from pydantic import BaseModel, ValidationError

from django_matt.serialization import encoders
from django_matt.serialization.async_safety import may_query
from django_matt.serialization.attribute_reader import AttributeReader
from django_matt.serialization.core_schemas import Reader, TierUnavailable
from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.serialization.json_values import write_dump

__all__ = ["ResponsePlan", "build_plan"]

# What most views return, and no pydantic object.
_COLLECTIONS = frozenset({dict, list, tuple, QuerySet})


class ResponsePlan:
    """One response model with its export options, decided once.

    ``tier`` is ``"instances"`` where the encoder serves values as they stand, ``"pydantic"`` where it cannot; then
    ``reason`` says what would have to change. A value that does not fit the first tier is judged by the second alone.
    """

    def __init__(
        self,
        response_model: type[Schema],
        *,
        by_alias: bool = False,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        encoder: ModuleType | None = None,
        limit: str | None = None,
    ) -> None:
        """Read the model's core schema; ``encoder`` is for tests that compare the two.

        ``limit`` says why pydantic is to answer although the encoder might.
        """
        type_foreign_keys(response_model)
        self.response_model = response_model
        self.export: dict[str, Any] = {
            "by_alias": by_alias,
            "exclude_unset": exclude_unset,
            "exclude_defaults": exclude_defaults,
            "exclude_none": exclude_none,
        }
        self.encoder = encoder or encoders.encoder
        self._encode = self.encoder.encode
        self._fallback = self.encoder.ValueMismatch
        self.annotation: Any = response_model.model_fields["response"].annotation
        self._model = self.annotation if isinstance(self.annotation, type(BaseModel)) else None
        self.node: Any = None
        self.reason: str | None = None
        reader = Reader(
            self.encoder, by_alias=by_alias, skip_none=exclude_none, skip_unset=exclude_unset
        )
        try:
            if limit is not None:
                raise TierUnavailable(limit)
            if exclude_defaults:
                raise TierUnavailable(
                    "exclude_defaults: what equals its default is known after validation"
                )
            self.node = reader.read_response(_core_schema(response_model))
        except TierUnavailable as found:
            self.reason = str(found)
        self._attribute_reader: AttributeReader | None = None
        with suppress(TierUnavailable):
            self._attribute_reader = AttributeReader(_core_schema(response_model))
        self.tier = "pydantic" if self.node is None else "instances"
        # An instance of the response's class is not validated again, only dumped: by field names, what was set.
        self._dumps_fast = (
            self.node is not None
            and not reader.renames
            and not exclude_unset
            and getattr(self.annotation, "model_dump", None) is BaseModel.model_dump
        )

    def __repr__(self) -> str:
        """Name the schema, the tier, and the reason for it."""
        return f"<ResponsePlan {self.annotation!r} {self.tier}{': ' + self.reason if self.reason else ''}>"

    def encode(self, value: Any, *, request: Any = None, status: int = 200) -> bytes:
        """Return the response's JSON.

        Raises ``pydantic.ValidationError`` where the value does not fit its schema, as Ninja does, with a note that
        names the place.
        """
        return self.encode_with_tier(value, request=request, status=status)[0]

    def encode_with_tier(
        self, value: Any, *, request: Any = None, status: int = 200
    ) -> tuple[bytes, str]:
        """Return the response's JSON and the tier that wrote it."""
        reads: Sequence[Any] = ()
        if self.node is not None:
            ready = type(value) not in _COLLECTIONS and self._is_ready(value)
            if not ready or (self._dumps_fast and type(value) is self.annotation):
                try:
                    return self._encode(self.node, value, ready), "instances"
                except self._fallback as mismatch:
                    reads = mismatch.reads
        context = {"request": request, "response_status": status}
        body: bytes = write_dump(self._dumper(value, context, reads), self.encoder.dumps)
        return body, "pydantic"

    def dump(self, value: Any, context: dict[str, Any] | None = None) -> Any:
        """Return the response as data, exactly as Ninja's operation makes it before it writes JSON."""
        return self._dumper(value, context)()

    def write(
        self, value: Any, context: dict[str, Any] | None, write: Callable[[Any], bytes | str]
    ) -> Any:
        """Return what ``write`` makes of the response's data, also where the data holds what is no JSON."""
        return write_dump(self._dumper(value, context), write)

    def _dumper(
        self, value: Any, context: dict[str, Any] | None, reads: Sequence[Any] = ()
    ) -> Callable[..., Any]:
        """Validate a value once and return its ``model_dump``, which may be called again in another mode."""
        if self._is_ready(value):
            return partial(value.model_dump, **self.export, context=context)
        validated = self._validate(ResponseObject(value), context, reads)

        def dump(**mode: Any) -> Any:
            return validated.model_dump(**self.export, context=context, **mode).get("response")

        return dump

    def _validate(self, wrapped: Any, context: dict[str, Any] | None, reads: Sequence[Any]) -> Any:
        if self._attribute_reader is not None:
            try:
                return self._attribute_reader.validate(wrapped, context, reads)
            except Exception:  # noqa: BLE001, S110 - Ninja's own path meets it again, and its words count
                pass
        try:
            return self.response_model.model_validate(wrapped, context=context)
        except ValidationError as error:
            error.add_note(_describe_mismatch(self.annotation, error))
            raise

    def may_query(self, value: Any) -> bool:
        """Tell whether encoding may ask the database; False is a promise, True is caution."""
        return may_query(self.node, value)

    def describe(self) -> dict[str, Any]:
        """Return the plan as data: schema, tier, reason, whether pydantic needs ``DjangoGetter``, and the fields."""
        return {
            "schema": getattr(self.annotation, "__name__", repr(self.annotation)),
            "tier": self.tier,
            "reason": self.reason,
            "getter": self._attribute_reader is None,
            "compiled": self.encoder.COMPILED,
            "fields": [] if self.node is None else _describe(self.node, set()),
        }

    def _is_ready(self, value: Any) -> bool:
        # pydantic answers isinstance() in Python for every other class. Of Any and of a TypedDict, which Ninja asks
        # too, isinstance() raises.
        return type(value) is self._model or (
            self._model is not None
            and isinstance(value, BaseModel)
            and isinstance(value, self._model)
        )


def build_plan(
    response_model: type[Schema],
    *,
    by_alias: bool = False,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    limit: str | None = None,
) -> ResponsePlan:
    """Make the plan of a response model as ``Operation._create_response_model`` wraps it."""
    return ResponsePlan(
        response_model,
        by_alias=by_alias,
        exclude_unset=exclude_unset,
        exclude_defaults=exclude_defaults,
        exclude_none=exclude_none,
        limit=limit,
    )


def _core_schema(model: type[BaseModel]) -> Any:
    if not model.__pydantic_complete__:
        model.model_rebuild()
    return model.__pydantic_core_schema__


def _describe_mismatch(annotation: Any, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
    ).lstrip(".")
    name = getattr(annotation, "__name__", repr(annotation))
    return f"The response does not fit its schema {name}: {place}: {first['msg']} ({error.error_count()} in all)"


def _describe(node: Any, seen: set[int]) -> list[dict[str, Any]]:
    if node.item is not None:
        return _describe(node.item, seen)
    if id(node.fields) in seen:
        return []
    seen = seen | {id(node.fields)}
    return [
        {
            "name": field.name,
            "key": field.key,
            "wire": field.wire,
            "kind": field.node.name,
            "nullable": bool(field.node.nullable),
            "fields": _describe(field.node, seen),
        }
        for field in node.fields
    ]
