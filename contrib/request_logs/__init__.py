"""One log line and one id for each request, and the ``LOGGING`` setting that writes them.

It needs no extra. Add ``"django_matt.contrib.request_logs"`` to ``INSTALLED_APPS`` and
``"django_matt.contrib.request_logs.middleware.RequestLogMiddleware"`` to ``MIDDLEWARE``, and set ``LOGGING`` to
``logging_config(debug=DEBUG)``. Nothing here reads Django's settings, because ``settings.py`` itself imports it.
"""

from django_matt.contrib.request_logs.configurations import logging_config

__all__ = ["logging_config"]
