"""The admin, the API, and one error format for what neither answers."""

{% if cookiecutter.__debug_toolbar -%}
from django.apps import apps
{% endif -%}
from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path
{%- if not cookiecutter.__spa or (cookiecutter.__magic_link and not cookiecutter.__password and not cookiecutter.__passkey) %}
from django.views.generic import RedirectView
{%- endif %}
from django_matt.errors.views import handler400, handler403, handler404, handler500

from config.api import api
{%- if cookiecutter.__htmx %}
from config.pages import pages
{%- endif %}

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
{%- if not cookiecutter.__spa %}
    path("", RedirectView.as_view(url="{{ '/items' if cookiecutter.__htmx else '/api/docs' }}")),
{%- endif %}
    path("admin/", admin.site.urls),
    path("api/", api.urls),
{%- if cookiecutter.__magic_link %}
    path("sign-in/", include("django_matt.contrib.magic_links.urls")),
{%- if not cookiecutter.__password and not cookiecutter.__passkey %}
    # Nobody has a password: the page for sign-in is that of the link.
    path(
        "accounts/login/",
        RedirectView.as_view(pattern_name="matt_magic_links:request", query_string=True),
    ),
{%- endif %}
{%- endif %}
{%- if cookiecutter.__sign_in %}
    path("", include("django_matt.contrib.accounts.urls")),
{%- endif %}
    # Uploaded files, while DEBUG is on.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
if settings.DEBUG:
    urlpatterns += [path("inspect/", include("django_matt.contrib.inspection.urls"))]
{%- if cookiecutter.__debug_toolbar %}
if apps.is_installed("debug_toolbar"):
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns += debug_toolbar_urls()
{%- endif %}
{%- if cookiecutter.__htmx %}
urlpatterns += [path("", pages.urls)]
{%- endif %}
{%- if cookiecutter.__spa %}
# Last, because it matches every URL that the front end may show.
urlpatterns += [path("", include("django_matt.contrib.spa.urls"))]
{%- endif %}
