"""Writes ``react.ts``: options and hooks of TanStack Query for each operation, with keys that changes invalidate."""

from collections.abc import Iterator

from django_matt.contrib.typescript.clients import Endpoint, endpoints_of, runtime
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import literal

__all__ = ["emit"]


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``react.ts`` if it is wanted. It needs ``@tanstack/react-query`` 5."""
    if not options.REACT:
        return {}
    endpoints = [each for each in endpoints_of(document) if not each.stream]
    names = "".join(f"  {each.name},\n" for each in sorted(endpoints, key=lambda each: each.name))
    imports = f'import {{\n{names}}} from "./api";\nimport type {{ operations }} from "./schema";\n'
    static = runtime("react")
    hooks = [part for each in endpoints for part in _hooks(each)]
    if not hooks:
        return {"react.ts": static}
    return {"react.ts": "\n".join([imports + static, *hooks])}


def _hooks(endpoint: Endpoint) -> Iterator[str]:
    name, kind = endpoint.name, endpoint.type
    hook = f"use{name[:1].upper()}{name[1:]}"
    key = literal([endpoint.group, endpoint.verb])
    if endpoint.operation.method != "get":
        yield (
            f"export const {hook} = (extra: Extra<{kind}> = {{}}) =>\n"
            f"  useChange<{kind}>({name}, {literal(endpoint.group)}, extra);\n"
        )
        return
    yield f"export const {name}Query = /* @__PURE__ */ toQuery<{kind}>({key}, {name});\n"
    yield (f"export const {hook} = (...args: Args<{kind}>) => useQuery({name}Query(...args));\n")
    if endpoint.paging:
        rows = literal(endpoint.paging.rows)
        made = f"toPages<{kind}, {rows}>({key}, {name}, {literal(endpoint.paging.kind)}, {rows})"
        yield f"export const {name}PagesQuery = /* @__PURE__ */ {made};\n"
