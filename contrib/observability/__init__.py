"""What the requests of your API cost: metrics for Prometheus, traces, advice, and a page of the last requests.

Extra: ``observability``; also ``otel`` for traces, and ``profile`` for flame graphs. Add
``"django_matt.contrib.observability"`` to ``INSTALLED_APPS``, and ``path("", include("django_matt.contrib.observability.urls"))``
to your URLs.
"""
