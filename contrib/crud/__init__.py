"""Writes lists of validated bodies to the database: all rows, or none and an error for each row that is refused.

It needs no extra. Add ``"django_matt.contrib.crud"`` to ``INSTALLED_APPS``, and call the functions of
``django_matt.contrib.crud.services`` in your views.
"""
