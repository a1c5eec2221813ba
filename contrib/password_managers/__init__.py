"""The addresses below ``/.well-known/`` that password managers, browsers, agents and OAuth clients read.

It needs no extra. Add ``"django_matt.contrib.password_managers"`` to ``INSTALLED_APPS``, and
``path("", include("django_matt.contrib.password_managers.urls"))`` to the project's URLs.
"""
