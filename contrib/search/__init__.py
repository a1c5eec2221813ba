"""Search by words and by meaning, in the database that you have: an index beside a model, and its results as querysets.

Words need no extra; vectors need the extra ``vectors``. Add ``"django_matt.contrib.search"`` to ``INSTALLED_APPS``, declare a
``SearchIndex``, and add the operation ``AddSearchIndex`` to a migration.
"""
