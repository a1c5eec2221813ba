"""Adds the dashboard, the navigation and the pages to the default admin site, when Django discovers the admins."""

from django.contrib import admin
from unfold.sites import UnfoldAdminSite

from django_matt.contrib.admin.sites import configure

# With the apps in the wrong order, the default site is not Unfold's yet; a check reports it.
if isinstance(admin.site, UnfoldAdminSite):
    configure(admin.site)
