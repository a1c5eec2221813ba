"""The formats of request and response bodies, one module each, and their negotiation."""

from django_matt.formats.negotiation import FormatSet, formats, route_formats
from django_matt.formats.protocol import Format, RenderContext
from django_matt.formats.registry import register_format, unregister_format

__all__ = [
    "Format",
    "FormatSet",
    "RenderContext",
    "formats",
    "register_format",
    "route_formats",
    "unregister_format",
]
