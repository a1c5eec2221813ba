"""Idempotency keys: a client may repeat a write whose answer it has lost, and it is carried out once.

It needs no extra. Add ``"django_matt.contrib.idempotency"`` to ``INSTALLED_APPS``, run ``migrate``, and put
``@idempotent()`` on a route.
"""
