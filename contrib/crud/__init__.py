"""Lists of validated bodies into the database, all rows or none, with an error for each row that is refused.

It needs no extra. Add ``"django_matt.contrib.crud"`` to ``INSTALLED_APPS`` and call
``django_matt.contrib.crud.services`` from a route.
"""
