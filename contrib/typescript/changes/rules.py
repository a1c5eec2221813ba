"""The rules: which id and severity a change has. Ids and severities are those of oasdiff, where it has them.

A rule of a schema is written without the part of the document that it applies to: ``became-nullable`` is
``request-body-became-nullable``, ``response-property-became-nullable`` and so on. oasdiff has no rule for some of these
combinations; they get the same name and the severity that follows from the direction.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

__all__ = ["OURS", "SEVERITIES", "UNCLASSIFIED", "Change", "Severity", "severity_of"]

Severity = Literal["error", "warning", "info"]

UNCLASSIFIED: Final = "unclassified"
"""The id of a difference that no rule explains. It fails like a breaking change."""

E: Final = "error"
W: Final = "warning"
I: Final = "info"  # noqa: E741 - a column of a table


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference between two documents."""

    operations: tuple[str, ...]
    """The operations that it is about: ``GET /api/books``; empty for the document itself."""
    place: str
    """Where: ``query parameter page``, ``response 200: title``, or ``BookOut/title`` in a component."""
    id: str
    """The id of the rule, such as ``response-property-became-optional``."""
    severity: Severity
    """``error`` breaks clients, ``warning`` may break some, ``info`` breaks none."""
    text: str
    """What happened, without the place: ``became optional``."""

    def as_dict(self) -> dict[str, Any]:
        """Return the change for JSON."""
        return asdict(self)


SEVERITIES: Final[dict[str, Severity]] = {
    # ---- paths and operations ----
    "api-path-removed-before-sunset": E,
    "api-path-removed-with-deprecation": I,
    "api-path-removed-without-deprecation": E,
    "api-path-sunset-parse": E,
    "api-removed-before-sunset": E,
    "api-removed-with-deprecation": I,
    "api-removed-without-deprecation": E,
    "endpoint-added": I,
    "endpoint-deprecated": I,
    "endpoint-deprecated-with-sunset": I,
    "endpoint-reactivated": I,
    "api-deprecated-sunset-parse": E,
    "api-sunset-date-too-small": E,
    "api-sunset-date-changed-too-small": E,
    "sunset-deleted": E,
    "api-operation-id-added": I,
    "api-operation-id-removed": I,
    "api-tag-added": I,
    "api-tag-removed": I,
    "api-version-decreased": I,
    "webhook-added": I,
    "webhook-removed": E,
    # ---- security ----
    "api-global-security-added": I,
    "api-global-security-removed": I,
    "api-security-added": I,
    "api-security-removed": I,
    "api-security-scope-added": I,
    "api-security-scope-removed": I,
    "api-security-component-added": I,
    "api-security-component-removed": I,
    "api-security-component-type-changed": I,
    # ---- parameters ----
    "new-request-path-parameter": E,
    "new-required-request-parameter": E,
    "new-optional-request-parameter": I,
    "request-parameter-removed": W,
    "request-parameter-removed-with-deprecation": I,
    "request-parameter-became-required": E,
    "request-parameter-became-optional": I,
    "request-parameter-deprecated": I,
    "request-parameter-reactivated": I,
    # ---- bodies ----
    "request-body-added-required": E,
    "request-body-added-optional": I,
    "request-body-removed": E,
    "request-body-became-required": E,
    "request-body-became-optional": I,
    "request-body-media-type-added": I,
    "request-body-media-type-removed": E,
    "request-body-media-type-schema-added": E,
    "request-body-media-type-schema-removed": I,
    # ---- responses ----
    "response-success-status-added": I,
    "response-success-status-removed": E,
    "response-non-success-status-added": I,
    "response-non-success-status-removed": I,
    "response-media-type-added": I,
    "response-media-type-removed": E,
    "response-body-media-type-schema-added": I,
    "response-body-media-type-schema-removed": W,
    "response-header-added": I,
    "response-header-became-optional": E,
    "required-response-header-removed": E,
    "optional-response-header-removed": W,
    # ---- properties ----
    "new-required-request-property": E,
    "new-required-request-property-with-default": E,
    "new-optional-request-property": I,
    "request-property-removed": W,
    "request-property-became-required": E,
    "request-property-became-required-with-default": E,
    "request-property-became-optional": I,
    "response-required-property-added": I,
    "response-optional-property-added": I,
    "response-required-property-removed": E,
    "response-optional-property-removed": W,
    "response-property-became-optional": E,
    "response-property-became-required": I,
    "response-mediatype-enum-value-removed": I,
    # ---- exceptions to the rules of schemas below ----
    "request-parameter-default-value-added": E,
    "request-parameter-default-value-changed": E,
    "request-parameter-default-value-removed": E,
    "request-parameter-property-type-changed": W,
    # ---- components ----
    "api-schema-removed": I,
}
"""The severities of rules that belong to one part of a document."""

OURS: Final[dict[str, Severity]] = {
    UNCLASSIFIED: E,
    "api-removed-after-sunset": I,
    "api-sunset-changed": I,
    "api-security-tightened": E,
    "request-path-parameter-renamed": W,
    "request-parameter-style-changed": E,
    "request-body-encoding-changed": W,
    "response-header-became-required": I,
    "response-links-changed": I,
    "request-read-only-property-changed": I,
    "response-write-only-property-changed": I,
    "schema-renamed": I,
    "schema-rewritten": I,
    "api-schema-added": I,
    "api-schema-changed": I,
    "api-component-changed": I,
    "api-security-component-changed": I,
    "api-version-changed": I,
    "api-openapi-version-changed": I,
    "api-servers-changed": I,
    "api-tags-changed": I,
    "documentation-changed": I,
    "extension-changed": I,
}
"""Rules that oasdiff does not have."""

_SCHEMAS: Final[dict[str, tuple[Severity, Severity]]] = {
    "became-nullable": (I, E),
    "became-not-nullable": (E, I),
    "type-changed": (E, E),
    "type-generalized": (I, E),
    "type-specialized": (E, I),
    "type-compatible": (I, I),
    "list-of-types-widened": (I, E),
    "list-of-types-narrowed": (E, I),
    "became-enum": (E, I),
    "enum-removed": (I, W),
    "enum-value-added": (I, W),
    "enum-value-removed": (E, I),
    "const-added": (E, I),
    "const-removed": (I, E),
    "const-changed": (E, E),
    "default-value-added": (I, I),
    "default-value-changed": (I, I),
    "default-value-removed": (I, I),
    "pattern-added": (E, I),
    "pattern-changed": (W, I),
    "pattern-generalized": (I, I),
    "pattern-removed": (I, I),
    "any-of-added": (I, I),
    "any-of-removed": (E, I),
    "any-of-widened": (I, E),
    "one-of-added": (I, E),
    "one-of-removed": (E, I),
    "all-of-added": (E, I),
    "all-of-removed": (W, I),
    "wrapped-in-one-of": (E, E),
    "union-kind-changed": (W, I),
    "prefix-items-added": (I, E),
    "prefix-items-removed": (E, I),
    "discriminator-added": (I, I),
    "discriminator-removed": (I, I),
    "discriminator-property-name-changed": (I, I),
    "discriminator-mapping-added": (I, I),
    "discriminator-mapping-changed": (I, I),
    "discriminator-mapping-deleted": (I, I),
    "additional-properties-allowed": (I, W),
    "additional-properties-forbidden": (E, I),
    "unique-items-added": (W, I),
    "unique-items-removed": (I, W),
    "multiple-of-set": (W, I),
    "multiple-of-unset": (I, W),
    "multiple-of-changed": (E, W),
    "deprecated": (I, I),
    "reactivated": (I, I),
    "content-media-type-changed": (E, E),
    "content-encoding-changed": (E, E),
    "dependent-required-added": (E, I),
    "dependent-required-removed": (I, E),
    "dependent-required-changed": (E, E),
}
"""The severities in requests and in responses."""

for _side in ("request", "response"):
    for _kind in ("optional", "required"):
        for _mode in ("read-only", "write-only"):
            SEVERITIES[f"{_side}-{_kind}-property-became-{_mode}"] = I
            SEVERITIES[f"{_side}-{_kind}-property-became-not-{_mode}"] = I
SEVERITIES["response-required-property-became-not-write-only"] = W

for _applicator in (
    "contains",
    "content-schema",
    "dependent-schema",
    "else",
    "if",
    "pattern-property",
    "property-names",
    "then",
    "unevaluated-items",
    "unevaluated-properties",
):
    _SCHEMAS[f"{_applicator}-added"] = (E, I)
    _SCHEMAS[f"{_applicator}-removed"] = (I, E)

for _bound in ("", "exclusive-"):
    _SCHEMAS[f"{_bound}min-increased"] = (E, I)
    _SCHEMAS[f"{_bound}min-decreased"] = (I, E)
    _SCHEMAS[f"{_bound}max-increased"] = (I, E)
    _SCHEMAS[f"{_bound}max-decreased"] = (E, I)
for _bound in ("contains", "items", "length", "properties"):
    _SCHEMAS[f"min-{_bound}-increased"] = (E, I)
    _SCHEMAS[f"min-{_bound}-decreased"] = (I, E)
    _SCHEMAS[f"max-{_bound}-increased"] = (I, E)
    _SCHEMAS[f"max-{_bound}-decreased"] = (E, I)
for _name in [name for name in _SCHEMAS if name.endswith("-increased")]:
    _SCHEMAS[f"{_name.removesuffix('-increased')}-set"] = (W, I)
    _SCHEMAS[f"{_name.removesuffix('-increased')}-unset"] = (I, E)

_SUBJECTS = (
    "request-body-",
    "request-property-",
    "request-parameter-property-",
    "request-parameter-",
    "response-body-",
    "response-property-",
    "response-header-property-",
    "response-header-",
)


def severity_of(rule: str) -> Severity | None:
    """Return the severity of a rule, or None if there is no such rule."""
    found = SEVERITIES.get(rule) or OURS.get(rule)
    if found is not None:
        return found
    for subject in _SUBJECTS:
        if rule.startswith(subject) and rule.removeprefix(subject) in _SCHEMAS:
            both = _SCHEMAS[rule.removeprefix(subject)]
            return both[subject.startswith("response")]
    return None
