"""Django's admin with the look of Unfold: dashboards, custom pages, actions with a form, import and export, its own policy.

Its extra is ``admin``. Add ``"django_matt.contrib.admin"`` and ``"unfold"`` to ``INSTALLED_APPS``, above ``"django.contrib.admin"``.
"""
