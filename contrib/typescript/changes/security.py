"""Changes of authentication: of what an operation asks for, and of the schemes themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from django_matt.contrib.typescript.changes.canonical import canonical

__all__ = ["compare_requirements", "compare_schemes"]

Requirement = Mapping[str, list[str]]
Rule = tuple[str, str]


def compare_schemes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Rule]:
    """Compare ``components.securitySchemes``."""
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield "api-security-component-removed", f"{name} was removed"
        elif name not in before:
            yield "api-security-component-added", f"{name} was added"
        elif before[name].get("type") != after[name].get("type"):
            types = f"from {before[name].get('type')} to {after[name].get('type')}"
            yield "api-security-component-type-changed", f"the type of {name} changed {types}"
        elif canonical(before[name]) != canonical(after[name]):
            yield "api-security-component-changed", f"{name} changed"


def compare_requirements(
    before: list[Requirement],
    after: list[Requirement],
    schemes: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Iterator[Rule]:
    """Compare what two operations ask for: each list is a choice, and an empty list asks for nothing.

    oasdiff reports each difference as harmless. It is not if a client that satisfied the old list does not satisfy the new
    one: ``api-security-tightened``. A scheme that only has another name is the same scheme.
    """
    old, new = _by_names(before), _by_names(after)
    for names in sorted(old.keys() - new.keys()):
        yield "api-security-removed", f"{' and '.join(names)} is no longer accepted"
    for names in sorted(new.keys() - old.keys()):
        yield "api-security-added", f"{' and '.join(names)} is accepted"
    for names in sorted(old.keys() & new.keys()):
        for name in names:
            was, now = set(old[names][name]), set(new[names][name])
            for scope in sorted(was - now):
                yield "api-security-scope-removed", f"{name} no longer needs the scope {scope}"
            for scope in sorted(now - was):
                yield "api-security-scope-added", f"{name} needs the scope {scope}"
    offers = [_defined(each, schemes[1]) for each in after or [{}]]
    for each in before or [{}]:
        having = _defined(each, schemes[0])
        if not any(_satisfies(having, asked) for asked in offers):
            having_names = " and ".join(sorted(each)) or "no credentials"
            yield "api-security-tightened", f"requests with {having_names} are refused now"


def _by_names(requirements: list[Requirement]) -> dict[tuple[str, ...], Requirement]:
    return {tuple(sorted(each)): each for each in requirements if each}


def _defined(requirement: Requirement, schemes: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, scopes in requirement.items():
        scheme = schemes.get(name)
        shown = (
            {k: v for k, v in scheme.items() if k != "description"}
            if isinstance(scheme, Mapping)
            else name
        )
        found.setdefault(canonical(shown), set()).update(scopes)
    return found


def _satisfies(having: Mapping[str, set[str]], asked: Mapping[str, set[str]]) -> bool:
    return all(name in having and scopes <= having[name] for name, scopes in asked.items())
