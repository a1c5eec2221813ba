"""HTML from the same operations: a page for browsers, a fragment for htmx, JSON for programs.

Extra: ``htmx``. Add ``"django_htmx"``, ``"django_cotton.apps.SimpleAppConfig"`` and ``"django_matt.contrib.htmx"`` to
``INSTALLED_APPS``, and ``"django_matt.contrib.htmx.middleware.HtmxMiddleware"`` to ``MIDDLEWARE``.
"""
