"""The audit log of security events: who did what to which account, when and from where; and mails about new devices.

It needs no extra. Add ``"django_matt.contrib.audit"`` to ``INSTALLED_APPS``, and run ``migrate``.
"""
