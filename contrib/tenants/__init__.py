"""Organizations, their members and invitations, the organization of each request, and models whose rows belong to one.

It needs no extra. Add ``"django_matt.contrib.tenants"`` to ``INSTALLED_APPS``; its models have migrations.
"""
