"""The routes of a model from the names of its fields, and bulk writes: all rows, or none and an error for each refused row.

It needs no extra. Add ``"django_matt.contrib.crud"`` to ``INSTALLED_APPS``. ``CrudController`` is in
``django_matt.contrib.crud.controllers``; for views of your own, call the functions of ``django_matt.contrib.crud.services``.
"""
