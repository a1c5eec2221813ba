"""The URLs of the pages: ``path("accounts/", include("django_matt.contrib.accounts.pages.urls"))``."""

from allauth import app_settings
from allauth.urls import urlpatterns as allauth_urls
from django.apps import apps
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from django_matt.contrib.accounts.pages.responses import protect
from django_matt.contrib.accounts.pages.views import end_session, home

_ours: list[URLPattern | URLResolver] = []
if not app_settings.HEADLESS_ONLY:
    _ours += [
        path("", home, name="account_home"),
        # Where Django redirects after sign-in, if the project does not set LOGIN_REDIRECT_URL.
        path("profile/", RedirectView.as_view(pattern_name="account_home")),
    ]
if _ours and apps.is_installed("allauth.usersessions"):
    _ours.append(path("sessions/<int:pk>/end/", end_session, name="account_end_session"))

urlpatterns: list[URLPattern | URLResolver] = protect([*_ours, *allauth_urls])
