"""Rate limits: per user, key, tenant, address or anything else, counted in memory, in Redis or in the database.

Memory and the database need no extra; Redis needs ``rate-limits``. Add ``"django_matt.contrib.rate_limits"`` to
``INSTALLED_APPS`` and put ``@rate_limit("10/minute")`` on a route. To limit sign-in, also add
``"django_matt.contrib.rate_limits.middleware.SignInLimits"`` to ``MIDDLEWARE``.
"""
