"""A single-page app that Vite builds, served by Django: its page, the strict policy, and `manage.py matt_spa`.

Its extra is ``spa``. Add ``"django_matt.contrib.spa"`` to ``INSTALLED_APPS``.
"""
