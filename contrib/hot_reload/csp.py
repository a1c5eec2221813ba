"""A page's Content-Security-Policy with room for our script, and for nothing else."""

import re

__all__ = ["allow", "nonce_of"]


_FALLBACKS = {"frame-src": ("child-src",), "script-src-elem": ("script-src",)}


def allow(policy: str, sources: dict[str, list[str]]) -> str:
    """Return ``policy`` with more sources for each directive of ``sources``, where it would refuse them.

    A directive that is missing begins with what it falls back to (CSP 3, 6.8.3): nothing else becomes possible.

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
        # A browser that knows it asks no other for an element.
        wanted["script-src-elem"] = wanted.pop("script-src")
    for name, more in wanted.items():
        for candidate in (name, *_FALLBACKS.get(name, ()), "default-src"):
            if candidate in directives:
                kept = [given for given in directives[candidate] if given.lower() != "'none'"]
                directives[name] = [*kept, *more]
                break
    return "; ".join(" ".join([name, *values]) for name, values in directives.items())


def nonce_of(policy: str) -> str:
    """Return the nonce that scripts of a page carry, the only way in under ``'strict-dynamic'``; empty without one."""
    found = re.search(r"script-src[^;]*'nonce-([A-Za-z0-9+/_=-]+)'", policy)
    return found[1] if found else ""
