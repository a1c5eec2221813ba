"""What PostgreSQL can do for an API: ranges and arrays in schemas, filters, time limits, COPY, locks, plans and partitions.

It needs the extra ``postgres``. Add ``"django.contrib.postgres"`` and ``"django_matt.contrib.postgres"`` to
``INSTALLED_APPS``.
"""
