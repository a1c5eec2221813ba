"""The models of an ``AdminSite`` as operations of your API: what the HTML admin shows, refuses, saves and logs, as JSON.

It needs no extra. Add ``"django_matt.contrib.admin_api"`` to ``INSTALLED_APPS``. For a second site, call ``add_admin`` of
``django_matt.contrib.admin_api.controllers``.
"""
