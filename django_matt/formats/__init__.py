"""The formats that bodies come and go in: one module each, and the negotiation between them."""

from django_matt.formats.negotiation import FormatSet, formats, route_formats
from django_matt.formats.protocol import Format

__all__ = ["Format", "FormatSet", "formats", "route_formats"]
