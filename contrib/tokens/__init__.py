"""Access and refresh tokens after any login: one row per login, rotation with reuse detection, a key ring, ``TokenAuth``.

Install the extra ``tokens`` and add ``"django_matt.contrib.tokens"`` to ``INSTALLED_APPS``.
"""
