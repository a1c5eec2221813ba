"""Looks at a database: ``manage.py matt_inspect`` at its tables and indexes, ``manage.py matt_migrations`` at what migrations lock.

It needs no extra. Add ``"django_matt.contrib.inspection"`` to ``INSTALLED_APPS``.
"""
