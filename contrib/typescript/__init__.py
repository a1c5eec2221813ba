"""TypeScript types and a typed client from your API, changes of the API, and schemas from TypeScript.

Add ``"django_matt.contrib.typescript"`` to ``INSTALLED_APPS`` and run ``manage.py matt_types write``. Reading TypeScript
(``matt_types pull``) needs the extra ``typescript``; everything else needs no extra and no Node.
"""
