"""What a person fills in: a schema described as a form, for HTML, for the admin's API and for front ends."""

from django_matt.forms.descriptions import FieldDescription, FormDescription, Relation
from django_matt.forms.schemas import describe

__all__ = ["FieldDescription", "FormDescription", "Relation", "describe"]
