"""Adds our script to the Content-Security-Policy of a page, and allows nothing else."""

import re

__all__ = ["allow", "nonce_of"]


_FALLBACKS = {"frame-src": ("child-src",), "script-src-elem": ("script-src",)}


def allow(policy: str, sources: dict[str, list[str]]) -> str:
    """Return ``policy`` with the sources added to each directive that would refuse them.

    A directive that the policy lacks is added with the sources that it falls back to (CSP 3, 6.8.3), so that nothing
    but ``sources`` becomes possible.

    >>> allow("default-src 'none'; script-src 'self'", {"script-src": ["a.test/r.js"], "frame-src": ["a.test/f"]})
    "default-src 'none'; script-src 'self' a.test/r.js; frame-src a.test/f"
    """
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, _, value = part.strip().partition(" ")
        if name:
            directives.setdefault(name.lower(), value.split())
    wanted = dict(sources)
    if "script-src-elem" in directives and "script-src" in wanted:
        # For script elements, browsers use this directive instead of script-src.
        wanted["script-src-elem"] = wanted.pop("script-src")
    for name, more in wanted.items():
        for candidate in (name, *_FALLBACKS.get(name, ()), "default-src"):
            if candidate in directives:
                kept = [given for given in directives[candidate] if given.lower() != "'none'"]
                directives[name] = [*kept, *more]
                break
    return "; ".join(" ".join([name, *values]) for name, values in directives.items())


def nonce_of(policy: str) -> str:
    """Return the nonce of the page's scripts; empty if there is none. Under ``'strict-dynamic'`` a script needs it."""
    found = re.search(r"script-src[^;]*'nonce-([A-Za-z0-9+/_=-]+)'", policy)
    return found[1] if found else ""
