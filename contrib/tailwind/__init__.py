"""Tailwind without Node: ``manage.py matt_tailwind`` builds the stylesheet, ``class_names`` merges classes that conflict.

Its extra is ``tailwind``. Add ``"django_matt.contrib.tailwind"`` to ``INSTALLED_APPS``.
"""
