"""``manage.py runserver`` under ASGI. The browser reloads your pages when you edit a file, and shows every error.

It needs the extra ``hot-reload``. Change two settings, both only in development. Put
``"django_matt.contrib.hot_reload"`` above ``"django.contrib.staticfiles"`` in ``INSTALLED_APPS``, and
``"django_matt.contrib.hot_reload.middleware.HotReloadMiddleware"`` first in ``MIDDLEWARE``.
"""
