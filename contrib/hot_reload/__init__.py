"""``manage.py runserver`` under ASGI, with a browser that follows every edit and shows every error.

Install ``django-matt[hot-reload]``, put ``"django_matt.contrib.hot_reload"`` above ``"django.contrib.staticfiles"`` in
``INSTALLED_APPS``, and ``"django_matt.contrib.hot_reload.middleware.HotReloadMiddleware"`` first in ``MIDDLEWARE``, both
in development only.
"""
