"""Webhooks by the Standard Webhooks specification: logged events are sent to endpoints of others, and those of others are received.

Add ``"django_matt.contrib.webhooks"`` to ``INSTALLED_APPS``, run ``migrate``, and start ``manage.py matt_webhooks send``. Sending
needs an event log, such as ``django_matt.contrib.events``, and the extra ``webhooks``.
"""
