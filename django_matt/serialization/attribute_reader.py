"""Reads objects into dictionaries as ``DjangoGetter`` would, so that pydantic can validate without it.

Ninja wraps every object in a ``DjangoGetter``, and pydantic asks it for one attribute at a time through Python. Reading the
attributes first and validating dictionaries gives the same result in a fraction of the time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_matt import upstream
from django_matt.serialization.attributes import SCALARS, is_kept
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import MISSING
from django_matt.serialization.getters import is_getter, models_in, without_getter

__all__ = ["AttributeReader"]

_CHANGES = ("extra_fields_behavior", "strict", "revalidate_instances", "validate_assignment")
_KINDS = 256
# What the encoder has read already: by the object's id and the key, the values in the order in which they were read.
Reads = dict[tuple[int, str], list[Any]]
ReadValue = Callable[[Any, Any, Reads], Any]


class AttributeReader:
    """Validates results of one response schema without ``DjangoGetter``.

    Raises ``TierUnavailable`` for a schema that only ``DjangoGetter`` reads correctly.
    """

    def __init__(self, core_schema: Mapping[str, Any]) -> None:
        """Build the functions that read, and the validator without ``DjangoGetter``, from the response's core schema."""
        if (why := upstream.lost("reader")) is not None:
            raise TierUnavailable(why)
        self._known: dict[str, Any] = {}
        self._readers: dict[str, ReadValue] = {}
        self._read_value = self._build(core_schema)
        self._validator = upstream.build_validator(without_getter(core_schema))

    def validate(
        self,
        value: Any,
        context: dict[str, Any] | None,
        reads: Sequence[Any] = (),
    ) -> Any:
        """Return the validated instance. If this raises anything, validate again by Ninja's own way for its error.

        ``reads`` is what the encoder read before it gave up. These attributes are not read again, since reading a property
        twice may query twice.
        """
        known: Reads = {}
        for read, key, found in zip(reads[::3], reads[1::3], reads[2::3], strict=True):
            known.setdefault((id(read), key), []).append(found)
        return self._validator.validate_python(
            self._read_value(value, context, known), context=context
        )

    def _build(self, core_schema: Mapping[str, Any]) -> ReadValue:
        kind = core_schema["type"]
        if kind == "definitions":
            self._known.update({known["ref"]: known for known in core_schema["definitions"]})
            return self._build(core_schema["schema"])
        if kind == "definition-ref":
            return self._later(core_schema["schema_ref"])
        if is_getter(core_schema):
            read_value = self._model(core_schema["schema"])
            if "ref" in core_schema:
                self._readers[core_schema["ref"]] = read_value
            return read_value
        if not _holds_models(core_schema):
            return _as_it_is
        if kind in {"default", "function-after", "nullable"}:
            below = self._build(core_schema["schema"])
            return _unless_none(below) if kind == "nullable" else below
        if kind == "list":
            return _each(self._build(core_schema["items_schema"]))
        if kind == "dict" and core_schema.get("keys_schema", {}).get("type") == "str":
            return _each_value(self._build(core_schema["values_schema"]))
        raise TierUnavailable(f"a {kind} that contains models")

    def _later(self, ref: str) -> ReadValue:
        if ref not in self._readers and ref in self._known:
            known = self._known.pop(ref)
            self._readers[ref] = self._build(known)
        # Look the function up when it is called: that of a recursive model does not exist yet.
        return lambda value, context, reads: self._readers[ref](value, context, reads)  # noqa: PLW0108

    def _model(self, core_schema: Mapping[str, Any]) -> ReadValue:
        while core_schema["type"] == "function-after":
            core_schema = core_schema["schema"]
        config = core_schema.get("config", {})
        changed = any(config.get(word) not in {None, False, "ignore", "never"} for word in _CHANGES)
        if (
            core_schema["type"] != "model"
            or core_schema["schema"]["type"] != "model-fields"
            or changed
        ):
            raise TierUnavailable("a validator that sees the getter")
        if (
            core_schema.get("root_model")
            or core_schema.get("custom_init")
            or not config.get("from_attributes")
        ):
            raise TierUnavailable("a model that reads no attributes")
        if core_schema["cls"].model_config.get("validate_assignment"):
            raise TierUnavailable("validate_assignment")
        by_name = config.get("validate_by_name") or config.get("populate_by_name")
        fields: list[tuple[tuple[str, ...], ReadValue]] = []
        for name, field in core_schema["schema"]["fields"].items():
            alias = field.get("validation_alias")
            if alias is not None and not isinstance(alias, str):
                raise TierUnavailable("a path or a choice of aliases")
            if alias is None or config.get("validate_by_alias") is False:
                keys: tuple[str, ...] = (name,)
            else:
                keys = (alias, name) if by_name else (alias,)
            fields.append((keys, self._build(field["schema"])))
        return _from_attributes(core_schema["cls"], fields)


def _from_attributes(model: Any, fields: list[tuple[tuple[str, ...], ReadValue]]) -> ReadValue:
    resolvers = upstream.resolvers_of(model)
    kept: dict[type, frozenset[str]] = {dict: frozenset(key for keys, _ in fields for key in keys)}
    kept[dict] -= frozenset(resolvers)

    def read_value(value: Any, context: Any, reads: Reads) -> dict[str, Any]:
        getter = upstream.DjangoGetter(value, model, context)
        kind = type(value)
        direct = kept.get(kind)
        if direct is None:
            if len(kept) > _KINDS:
                raise TierUnavailable("too many classes to remember")
            direct = kept[kind] = frozenset(
                key
                for keys, _ in fields
                for key in keys
                if key not in resolvers and is_kept(kind, key)
            )
        held = value if kind is dict else value.__dict__ if direct else {}
        found = {}
        for keys, below in fields:
            for key in keys:
                attribute = held.get(key, MISSING) if key in direct else MISSING
                if type(attribute) not in SCALARS:
                    known = reads.get((id(value), key)) if reads else None
                    if known:
                        attribute = upstream.convert_result(getter, known.pop(0))
                    else:
                        attribute = getattr(getter, key, MISSING)
                    if attribute is MISSING:
                        continue
                    if type(attribute) not in SCALARS:
                        attribute = below(attribute, context, reads)
                found[key] = attribute
                break
        return found

    return read_value


def _as_it_is(value: Any, context: Any, reads: Reads) -> Any:
    return value


def _unless_none(below: ReadValue) -> ReadValue:
    return lambda value, context, reads: None if value is None else below(value, context, reads)


def _each(below: ReadValue) -> ReadValue:
    def read_value(values: Any, context: Any, reads: Reads) -> list[Any]:
        if type(values) not in {list, tuple}:
            raise TierUnavailable("not a list")
        return [below(value, context, reads) for value in values]

    return read_value


def _each_value(below: ReadValue) -> ReadValue:
    def read_value(values: Any, context: Any, reads: Reads) -> dict[str, Any]:
        if type(values) is not dict:
            raise TierUnavailable("not a dict")
        return {key: below(value, context, reads) for key, value in values.items()}

    return read_value


def _holds_models(core_schema: Any) -> bool:
    """Tell whether a core schema contains a model, or a reference that may be one."""
    return next(models_in(core_schema), None) is not None or "definition-ref" in repr(core_schema)
