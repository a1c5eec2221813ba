"""Events: published in the transaction that causes them, delivered to consumers until they succeed.

It needs no extra. Add ``"django_matt.contrib.events"`` to ``INSTALLED_APPS``, run ``migrate``, and start
``manage.py matt_events work``.
"""
