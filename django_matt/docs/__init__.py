"""What an API says of itself: the OpenAPI document, and the page that shows it."""

from django_matt.docs.openapi import MattOpenAPISchema
from django_matt.docs.pages import MattDocs

__all__ = ["MattDocs", "MattOpenAPISchema"]
