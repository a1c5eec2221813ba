"""What changed between two OpenAPI 3.1 documents, and what it means for clients.

``compare(base, revision)`` returns the changes. The other modules show, store and send them.
"""

from django_matt.contrib.typescript.changes.documents import compare
from django_matt.contrib.typescript.changes.rules import Change

__all__ = ["Change", "compare"]
