"""A cache of responses: ``@cached`` on a route, and no response that is older than a write which was answered before.

It needs no extra. Add ``"django_matt.contrib.caching"`` to ``INSTALLED_APPS`` and put ``@cached(seconds=300)`` on a route.
"""

from django_matt.contrib.caching.decorators import cached
from django_matt.contrib.caching.writes import invalidate

__all__ = ["cached", "invalidate"]
