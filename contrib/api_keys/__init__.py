"""API keys: ``ApiKeyAuth``, and routes with which users and organizations create, rotate and revoke their keys.

It needs no extra. Add ``"django_matt.contrib.api_keys"`` to ``INSTALLED_APPS``, and run ``migrate``.
"""
