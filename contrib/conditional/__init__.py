"""Conditional requests: ``ETag``, ``Last-Modified``, 304 for reads, 412 and 428 for writes, by one decorator.

It needs no extra. Add ``"django_matt.contrib.conditional"`` to ``INSTALLED_APPS`` and put ``@conditional`` on a route.
"""

from django_matt.contrib.conditional.conditions import check_preconditions, conditional

__all__ = ["check_preconditions", "conditional"]
