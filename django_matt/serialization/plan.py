"""Response plans: which tier can encode a response schema, and the encoding. Every tier writes the same JSON."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from django.db.models import QuerySet
from ninja import Schema
from pydantic import BaseModel, ValidationError

from django_matt import upstream
from django_matt.serialization import encoders
from django_matt.serialization.async_safety import may_query
from django_matt.serialization.attribute_reader import AttributeReader
from django_matt.serialization.core_schemas import Reader, TierUnavailable
from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.serialization.json_values import write_dump

__all__ = ["ResponsePlan", "build_plan"]

# What most views return. None of these is a pydantic object, which spares a slower test.
_COLLECTIONS = frozenset({dict, list, tuple, QuerySet})


class ResponsePlan:
    """A response model and its export options, analysed once.

    ``tier`` is ``"instances"`` if the encoder can write results as they are, else ``"pydantic"``, and ``reason`` says what would
    have to change. A value that does not fit the encoder goes to pydantic, which alone decides whether it is valid.
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
        """Read the model's core schema. ``encoder`` is for tests, which compare the compiled one with the other.

        ``limit`` is the reason to use pydantic although the encoder might serve (``tier_limits``).
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
            limit = limit or upstream.lost("instances")
            if limit is not None:
                raise TierUnavailable(limit)
            if exclude_defaults:
                raise TierUnavailable(
                    "exclude_defaults: only validation shows which values equal their default"
                )
            self.node = reader.read_response(upstream.core_schema_of(response_model))
        except TierUnavailable as found:
            self.reason = str(found)
        self.tier = "pydantic" if self.node is None else "instances"
        # Ninja does not validate an instance of the response's class again. It only dumps it, which the encoder does faster if
        # keys are field names and unset fields are included.
        self._dumps_fast = (
            self.node is not None
            and not reader.renames
            and not exclude_unset
            and getattr(self.annotation, "model_dump", None) is BaseModel.model_dump
        )

    @cached_property
    def _attribute_reader(self) -> AttributeReader | None:
        """What validates without ``DjangoGetter``; compiled for the first value that the encoder does not write."""
        with suppress(TierUnavailable):
            return AttributeReader(upstream.core_schema_of(self.response_model))
        return None

    def __repr__(self) -> str:
        """Show the schema, the tier, and the reason for it."""
        return f"<ResponsePlan {self.annotation!r} {self.tier}{': ' + self.reason if self.reason else ''}>"

    def encode(self, value: Any, *, request: Any = None, status: int = 200) -> bytes:
        """Return a result as JSON.

        Raises ``pydantic.ValidationError`` if it does not fit the schema, as Ninja does, with a note that names the place.
        """
        return self.encode_with_tier(value, request=request, status=status)[0]

    def encode_with_tier(
        self, value: Any, *, request: Any = None, status: int = 200
    ) -> tuple[bytes, str]:
        """Return a result as JSON, and the tier that wrote it."""
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
        """Return a result as data, exactly as Ninja's operation makes it before it writes JSON."""
        return self._dumper(value, context)()

    def write(
        self, value: Any, context: dict[str, Any] | None, write: Callable[[Any], bytes | str]
    ) -> Any:
        """Return what ``write`` makes of the result's data, even if the data has values that are not JSON."""
        return write_dump(self._dumper(value, context), write)

    def _dumper(
        self, value: Any, context: dict[str, Any] | None, reads: Sequence[Any] = ()
    ) -> Callable[..., Any]:
        """Validate a value once, and return its ``model_dump``, which may be called again in another mode."""
        if self._is_ready(value):
            return partial(value.model_dump, **self.export, context=context)
        validated = self._validate(upstream.ResponseObject(value), context, reads)

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
        """Tell whether encoding may query the database. False is certain; True is caution."""
        return may_query(self.node, value)

    def describe(self) -> dict[str, Any]:
        """Return the plan as data: the schema, the tier and its reason, whether pydantic needs ``DjangoGetter``, and the fields."""
        return {
            "schema": getattr(self.annotation, "__name__", repr(self.annotation)),
            "tier": self.tier,
            "reason": self.reason,
            "getter": self._attribute_reader is None,
            "compiled": self.encoder.COMPILED,
            "fields": [] if self.node is None else _describe(self.node, set()),
        }

    def _is_ready(self, value: Any) -> bool:
        # The exact class first: pydantic runs Python code for isinstance() with any other. And isinstance() raises for Any and
        # for a TypedDict, of which Ninja asks too.
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
    """Return the plan of a response model, as Ninja's ``Operation._create_response_model`` returns it."""
    return ResponsePlan(
        response_model,
        by_alias=by_alias,
        exclude_unset=exclude_unset,
        exclude_defaults=exclude_defaults,
        exclude_none=exclude_none,
        limit=limit,
    )


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
