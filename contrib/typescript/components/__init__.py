"""Components of a front end as source: what ``manage.py matt_generate form|table|page … --to react|svelte`` writes.

``resources`` finds the operations that a name means, ``fields`` says how each field is shown, read and sent, and ``sources``
makes the files of the templates in ``react/``, ``svelte/`` and ``shared/``.
"""
