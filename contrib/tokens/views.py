"""The public keys as a plain Django view, for the root of the site."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from django_matt.contrib.tokens.controllers import KEYS_MAX_AGE
from django_matt.contrib.tokens.keys import key_set

__all__ = ["jwks"]


@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """Return the JSON Web Key Set: ``path(".well-known/jwks.json", jwks)`` in your URLconf."""
    return JsonResponse(key_set(), headers={"Cache-Control": f"public, max-age={KEYS_MAX_AGE}"})
