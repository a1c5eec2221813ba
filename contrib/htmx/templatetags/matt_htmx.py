"""``{% matt_htmx %}``: what the head of a page needs."""

import re
from typing import Any
from urllib.parse import unquote

from django import template
from django.conf import settings
from django.http import QueryDict
from django.middleware.csrf import get_token
from django.template import Context

from django_matt.contrib.htmx.settings import get_settings

__all__ = ["matt_field", "matt_file", "matt_htmx", "matt_query", "matt_sort"]

register = template.Library()

# Errors are shown too, which htmx 2 leaves out; its style would break a strict policy.
_CONFIG = {
    2: '{"includeIndicatorStyles": false, "allowEval": false, "responseHandling": '
    '[{"code": "204", "swap": false}, {"code": "...", "swap": true}]}',
    4: '{"includeIndicatorCSS": false}',
}


@register.inclusion_tag("matt_htmx/head.html", takes_context=True)
def matt_htmx(context: Context) -> dict[str, Any]:
    """Load htmx, its extensions and the script that sends the CSRF token; put it into ``<head>``."""
    found = get_settings()
    request: Any = context.get("request")
    return {
        "config": _CONFIG[found.VERSION],
        # Without django-htmx's own script for DEBUG: it would replace the page for a 404 that a toast tells.
        "scripts": [
            f"django_htmx/htmx-{found.VERSION}.min.js",
            *(f"django_htmx/ext/hx-{each}-{found.VERSION}.min.js" for each in found.EXTENSIONS),
        ],
        # A deferred htmx 4 may begin before the scripts behind it are there, and then knows no extension.
        "is_deferred": found.VERSION == 2 or not found.EXTENSIONS,
        "token": "" if request is None else get_token(request),
        # As a request names it: HTTP_X_CSRFTOKEN is X-CSRFTOKEN.
        "header": settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"),
        "csp_nonce": context.get("csp_nonce"),
    }


@register.simple_tag(takes_context=True)
def matt_query(context: Context, **changes: Any) -> str:
    """Return the query string of this page with other values: ``{% matt_query ordering="-price" page=None %}``.

    None removes a value.
    """
    request: Any = context.get("request")
    query = QueryDict(mutable=True) if request is None else request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag
def matt_sort(ordering: str, name: str) -> dict[str, str]:
    """Return how a table is sorted by a column, and the ordering that a click on its head asks for."""
    if ordering == name:
        return {"state": "ascending", "next": f"-{name}"}
    return {"state": "descending" if ordering == f"-{name}" else "none", "next": name}


@register.filter
def matt_field(pointer: str) -> str:
    """Return which value an error is about: ``#/query/number`` is ``number:``."""
    _, _, name = pointer.removeprefix("#/").partition("/")
    return f"{name.replace('/', '.')}:" if name else ""


@register.filter
def matt_file(url: Any) -> str:
    """Return the name of a file by its address: ``/media/covers/moon.png?key=…`` is ``moon.png``."""
    path = re.split("[?#]", str(url))[0]
    return unquote(path.rpartition("/")[2])
