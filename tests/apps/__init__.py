"""Ten small apps, one for each kind that `django_matt.contrib` will have, built on public names alone.

Two of them are older: HTML is ``tests/html``, and the scopes of the tenants are those of ``tests/scopes/tenants.py``.
``test_public_names.py`` reads their imports.
"""
