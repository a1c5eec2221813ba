"""``manage.py matt_inspect``: the size and the indexes of each table, and what is wrong with them.

It needs no extra. Add ``"django_matt.contrib.inspection"`` to ``INSTALLED_APPS``. With ``rich`` installed, the output has colours.
"""
