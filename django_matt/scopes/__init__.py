"""Scopes: what a request may read of a model, which its queries and its response obey.

An app registers a scope with ``api.add_scope(Model, narrow)`` (``docs/scopes.md``). An API without a scope imports none of this.
"""

from django_matt.scopes.current import OutOfScope, entered, narrowed, unscoped
from django_matt.scopes.keys import KeyOf
from django_matt.scopes.registry import Narrow

__all__ = ["KeyOf", "Narrow", "OutOfScope", "entered", "narrowed", "unscoped"]
