"""What an API says of itself: the OpenAPI document, and the page that shows it."""

from django_matt.openapi.contributions import OpenAPIPart
from django_matt.openapi.documents import MattOpenAPISchema
from django_matt.openapi.pages import MattDocs

__all__ = ["MattDocs", "MattOpenAPISchema", "OpenAPIPart"]
