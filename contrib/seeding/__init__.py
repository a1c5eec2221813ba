"""``manage.py matt_seed``: fills the tables of any models with data for development and tests.

It needs no extra. Add ``"django_matt.contrib.seeding"`` to ``INSTALLED_APPS``. With ``rich`` installed, the command shows its
progress.
"""
