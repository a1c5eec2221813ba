"""Writes source that you own: ``manage.py matt_generate`` for the code around a model, ``manage.py startapp`` for whole apps.

Add ``"django_matt.contrib.generators"`` to ``INSTALLED_APPS``. It needs no extra.
"""
