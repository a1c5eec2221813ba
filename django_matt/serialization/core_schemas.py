"""Reads a pydantic core schema into the nodes of the encoder, or finds the reason why the encoder cannot serve it.

Everything in a core schema that is not known here gives ``TierUnavailable``. A new pydantic can therefore make a response
slower, but not wrong.
"""

import json
import operator
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Any

from django_matt import upstream
from django_matt.serialization.getters import is_getter

__all__ = ["Reader", "TierUnavailable"]

# Settings of a model that change nothing in what the encoder reads or writes.
_HARMLESS = frozenset(
    {
        "title",
        "from_attributes",
        "frozen",
        "hide_input_in_errors",
        "loc_by_alias",
        "serialize_by_alias",
        "ser_json_bytes",
        "ser_json_inf_nan",
        "ser_json_timedelta",
        "ser_json_temporal",
        "val_json_bytes",
        "validate_by_alias",
        "validate_by_name",
        "populate_by_name",
        "validate_default",
        "validation_error_cause",
    }
)
_SIMPLE = (
    "str",
    "int",
    "float",
    "bool",
    "datetime",
    "decimal",
    "uuid",
    "date",
    "time",
    "timedelta",
    "any",
)
_BOUNDS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
# The keys that a node of each type may have besides its type, a ref and metadata. Any other is unknown.
_WORDS: dict[str, frozenset[str]] = {
    "str": frozenset({"min_length", "max_length"}),
    "int": frozenset(_BOUNDS),
    "float": frozenset({*_BOUNDS, "allow_inf_nan"}),
    "decimal": frozenset({*_BOUNDS, "max_digits", "decimal_places", "allow_inf_nan"}),
    "datetime": frozenset({"microseconds_precision"}),
    "time": frozenset({"microseconds_precision"}),
    "timedelta": frozenset({"microseconds_precision"}),
    "list": frozenset({"items_schema", "min_length", "max_length"}),
    "tuple": frozenset({"items_schema", "variadic_item_index"}),
    "dict": frozenset({"keys_schema", "values_schema", "min_length", "max_length"}),
    "nullable": frozenset({"schema"}),
    "default": frozenset(
        {"schema", "default", "default_factory", "default_factory_takes_data", "copy_default"}
    ),
    "literal": frozenset({"expected"}),
    "enum": frozenset({"cls", "members", "sub_type"}),
    "definition-ref": frozenset({"schema_ref"}),
    "model": frozenset(
        {
            "cls",
            "schema",
            "config",
            "custom_init",
            "root_model",
            "frozen",
            "generic_origin",
            "from_attributes",
        }
    ),
}
_FIELD_WORDS = frozenset(
    {"type", "schema", "validation_alias", "serialization_alias", "frozen", "metadata"}
)


class TierUnavailable(Exception):  # noqa: N818 - an answer, not an error
    """A tier cannot answer this schema, model or queryset; the message says where and why."""


class Reader:
    """Reads the core schema of one response into nodes of an encoder."""

    def __init__(
        self, encoder: ModuleType, *, by_alias: bool, skip_none: bool, skip_unset: bool
    ) -> None:
        """Take the encoder module whose nodes to make, and the export options."""
        self.encoder = encoder
        self.by_alias = by_alias
        self.skip_none = skip_none
        self.skip_unset = skip_unset
        self.renames = False
        self._known: dict[str, Any] = {}
        self._nodes: dict[str, Any] = {}

    def read_response(self, core_schema: Mapping[str, Any]) -> Any:
        """Return the node for the response inside Ninja's wrapper model, or raise ``TierUnavailable``."""
        if core_schema["type"] == "definitions":
            self._known.update({known["ref"]: known for known in core_schema["definitions"]})
            core_schema = core_schema["schema"]
        if not is_getter(core_schema) or core_schema["schema"]["type"] != "model":
            raise TierUnavailable("response: not the wrapper that Ninja makes")
        return self.read(core_schema["schema"]["schema"]["fields"]["response"]["schema"])

    def read(self, core_schema: Mapping[str, Any], path: str = "response") -> Any:
        """Return the node for a core schema, or raise ``TierUnavailable``. ``path`` is the place that a message names."""
        kind = core_schema["type"]
        if kind == "definitions":
            self._known.update({known["ref"]: known for known in core_schema["definitions"]})
            return self.read(core_schema["schema"], path)
        ref = core_schema.get("ref")
        if ref in self._nodes:
            return self._nodes[ref].copy()
        if ref is not None:
            self._known[ref] = core_schema
        if is_getter(core_schema):
            return self._model(core_schema["schema"], path, ref, getter=True)
        if kind.startswith("function-"):
            return self._function(core_schema, path)
        if kind in _SIMPLE or kind in _WORDS:
            self._only(core_schema, _WORDS.get(kind, frozenset()), path)
        if kind in _SIMPLE:
            return self._simple(kind, core_schema)
        read: Callable[[Mapping[str, Any], str], Any] | None = getattr(
            self, "_" + kind.replace("-", "_"), None
        )
        if read is None or kind not in _WORDS:
            raise TierUnavailable(f"{path}: {_article(kind)} needs pydantic")
        return read(core_schema, path)

    @staticmethod
    def _only(core_schema: Mapping[str, Any], words: frozenset[str], path: str) -> None:
        if "serialization" in core_schema:
            raise TierUnavailable(
                f"{path}: a serializer is called for each value; without it, the encoder can write the response"
            )
        more = {
            word
            for word in set(core_schema) - words - {"type", "ref", "metadata"}
            if core_schema[word]
        }
        if more:
            raise TierUnavailable(
                f"{path}: {', '.join(sorted(more))} of a {core_schema['type']} needs pydantic"
            )

    def _node(self, kind: str, name: str) -> Any:
        return self.encoder.Node(kind, name)

    def _simple(self, kind: str, core_schema: Mapping[str, Any]) -> Any:
        node = self._node(kind, kind)
        node.nullable = kind == "any"
        node.shortest = core_schema.get("min_length") or 0
        longest = core_schema.get("max_length", core_schema.get("max_digits"))
        node.longest = -1 if longest is None else longest
        places = core_schema.get("decimal_places")
        node.places = -1 if places is None else places
        node.finite = core_schema.get("allow_inf_nan") is False
        # A partial passes the limit first, so `value >= limit` is asked as `limit <= value`.
        mirrored = {"ge": operator.le, "gt": operator.lt, "le": operator.ge, "lt": operator.gt}
        node.bounds = tuple(
            partial(mirrored[word], core_schema[word])
            for word in _BOUNDS
            if core_schema.get(word) is not None
        )
        return node

    def _function(self, core_schema: Mapping[str, Any], path: str) -> Any:
        function = core_schema["function"]["function"]
        if upstream.is_max_length(function) or getattr(function, "is_written_as_read", False):
            return self.read(core_schema["schema"], path)  # it leaves responses alone
        if upstream.is_list_of_page(function) and core_schema["type"] == "function-before":
            return self.read(core_schema["schema"], path)  # list() of what the encoder reads anyway
        if upstream.is_any_object(function):
            return self._simple("any", {})
        if upstream.is_m2m_key(function):
            return self._node("link", "key of a related object")
        if upstream.is_ip_address(function):
            return self._node("ip", "address")
        name = getattr(function, "__qualname__", repr(function))
        raise TierUnavailable(
            f"{path}: the validator {name} ({core_schema['type']}) is called for each value"
        )

    def _nullable(self, core_schema: Mapping[str, Any], path: str) -> Any:
        node = self.read(core_schema["schema"], path).copy()
        node.nullable = True
        return node

    def _default(self, core_schema: Mapping[str, Any], path: str) -> Any:
        return self.read(core_schema["schema"], path)

    def _list(self, core_schema: Mapping[str, Any], path: str) -> Any:
        node = self._simple("list", core_schema)
        node.item = self.read(core_schema.get("items_schema", {"type": "any"}), path + "[]")
        return node

    def _tuple(self, core_schema: Mapping[str, Any], path: str) -> Any:
        if core_schema.get("variadic_item_index") != 0 or len(core_schema["items_schema"]) != 1:
            raise TierUnavailable(f"{path}: a tuple of a fixed shape needs pydantic")
        node = self._node("list", "tuple")
        node.item = self.read(core_schema["items_schema"][0], path + "[]")
        return node

    def _dict(self, core_schema: Mapping[str, Any], path: str) -> Any:
        keys = core_schema.get("keys_schema", {"type": "any"})
        if set(keys) - {"type", "metadata"} or keys["type"] not in {"any", "str"}:
            raise TierUnavailable(f"{path}: keys other than plain strings need pydantic")
        node = self._simple("dict", core_schema)
        node.item = self.read(core_schema.get("values_schema", {"type": "any"}), path + "{}")
        return node

    def _literal(self, core_schema: Mapping[str, Any], path: str) -> Any:
        node = self._node("choice", "literal")
        for value in core_schema["expected"]:
            if type(value) not in {str, int, bool}:
                raise TierUnavailable(f"{path}: a literal of {type(value).__name__} needs pydantic")
            node.raw_members[type(value), value] = value
        return node

    def _enum(self, core_schema: Mapping[str, Any], path: str) -> Any:
        kind: type[Enum] = core_schema["cls"]
        if not (issubclass(kind, (str, int)) or kind.__str__ is Enum.__str__):
            raise TierUnavailable(f"{path}: {kind.__name__} converts itself to a string")
        if "_missing_" in {
            name for base in kind.__mro__ if base is not Enum for name in vars(base)
        } and not (issubclass(kind, int) and kind.__module__ == "enum"):
            raise TierUnavailable(f"{path}: {kind.__name__} looks up missing members itself")
        node = self._node("choice", kind.__name__)
        node.model = kind
        for member in core_schema["members"]:
            text = json.loads(self.encoder.dumps(member))
            node.members[member] = text
            if type(member.value) in {str, int}:
                node.raw_members[type(member.value), member.value] = text
        return node

    def _definition_ref(self, core_schema: Mapping[str, Any], path: str) -> Any:
        ref = core_schema["schema_ref"]
        if ref in self._nodes:
            return self._nodes[ref].copy()
        return self.read(self._known[ref], path).copy()

    def _model(
        self,
        core_schema: Mapping[str, Any],
        path: str,
        ref: str | None = None,
        getter: bool = False,
    ) -> Any:
        name = core_schema["cls"].__name__ if "cls" in core_schema else core_schema["type"]
        if core_schema["type"] != "model":
            raise TierUnavailable(
                f"{path}: a validator of the whole {name} is called for each value"
            )
        self._only(core_schema, _WORDS["model"], path)
        config = core_schema.get("config", {})
        more = {word for word in set(config) - _HARMLESS if config[word] not in {None, False}}
        more -= (
            {"extra_fields_behavior"} if config.get("extra_fields_behavior") == "ignore" else set()
        )
        if more:
            raise TierUnavailable(
                f"{path}: the setting {', '.join(sorted(more))} of {name} needs pydantic"
            )
        fields = core_schema["schema"]
        if fields["type"] != "model-fields" or not fields["fields"]:
            raise TierUnavailable(
                f"{path}: a validator of the whole {name} is called for each value"
            )
        if fields.get("computed_fields"):
            computed = ", ".join(field["property_name"] for field in fields["computed_fields"])
            raise TierUnavailable(
                f"{path}: {computed} of {name} is computed from the validated instance"
            )
        if fields.get("extras_schema") or fields.get("extra_behavior", "ignore") != "ignore":
            raise TierUnavailable(f"{path}: {name} keeps or forbids extra values")
        resolvers = set(upstream.resolvers_of(core_schema["cls"])) if getter else set()
        node = self._node("model", name)
        node.model = core_schema["cls"]
        node.getter = getter
        node.skip_none = self.skip_none
        node.skip_unset = self.skip_unset
        known = ref or core_schema.get("ref")
        if known is not None:
            self._nodes[known] = node
        by_name = bool(config.get("validate_by_name") or config.get("populate_by_name"))
        by_alias = config.get("validate_by_alias") is not False
        for label, field in fields["fields"].items():
            node.fields.append(
                self._field(
                    label,
                    field,
                    f"{path}.{label}",
                    getter=getter,
                    by_alias=by_alias,
                    by_name=by_name,
                )
            )
        if not (self.skip_none or self.skip_unset):
            node.blank.update((field.wire, None) for field in node.fields)
        keys = {key for field in node.fields for key in (field.key, field.other)}
        if resolvers & keys:
            raise TierUnavailable(
                f"{path}: resolve_{min(resolvers & keys)} of {name} is called for each value"
            )
        return node

    def _field(
        self,
        name: str,
        core_field: Mapping[str, Any],
        path: str,
        *,
        getter: bool,
        by_alias: bool,
        by_name: bool,
    ) -> Any:
        more = {word for word in set(core_field) - _FIELD_WORDS if core_field[word]}
        if more:
            raise TierUnavailable(f"{path}: {', '.join(sorted(more))} needs pydantic")
        alias = core_field.get("validation_alias") if by_alias else None
        if alias is not None and (not isinstance(alias, str) or (getter and "." in alias)):
            raise TierUnavailable(f"{path}: a path or a choice of aliases is looked up by Ninja")
        if alias is not None and alias != name:
            self.renames = True
            if not getter:
                raise TierUnavailable(
                    f"{path}: an alias of a plain pydantic model is looked up by pydantic"
                )
        core_schema = core_field["schema"]
        node = self.read(core_schema, path)
        key = alias or name
        wire = core_field.get("serialization_alias") if self.by_alias else None
        default = self._default_of(core_schema, node)
        other = name if by_name and key != name else ""
        return self.encoder.Field(name, key, wire or name, node, default, other=other)

    def _default_of(self, core_schema: Mapping[str, Any], node: Any) -> Any:
        if core_schema["type"] != "default" or "default" not in core_schema:
            return self.encoder.MISSING
        default = core_schema["default"]
        kinds = self.encoder.KINDS
        is_scalar = default is None or (
            type(default) in {str, int, float, bool}
            and node.kind in {kinds["str"], kinds["int"], kinds["float"], kinds["bool"]}
        )
        return (
            default
            if is_scalar or (type(default) in {list, dict} and not default)
            else self.encoder.MISSING
        )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
