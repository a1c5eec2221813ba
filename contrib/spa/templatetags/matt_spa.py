"""``{% front %}``: the elements that load the front end, for a template of your own."""

from django import template
from django.utils.safestring import SafeString

from django_matt.contrib.spa.assets import render_tags

__all__ = ["front", "register"]

register = template.Library()


@register.simple_tag
def front() -> SafeString:
    """Return the ``<script>`` and ``<link>`` elements; raise ``NotBuiltError`` without a build and a development server."""
    return render_tags()
