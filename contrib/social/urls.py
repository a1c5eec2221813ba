"""The URLs of the provider, with allauth's paths and names. allauth includes them in its own URLs."""

from allauth.socialaccount import app_settings
from django.urls import include, path

from django_matt.contrib.social import openid

__all__ = ["urlpatterns"]

_prefix = app_settings.OPENID_CONNECT_URL_PREFIX

urlpatterns = [
    path(
        f"{_prefix}/" if _prefix else "",
        include(
            [
                path("<provider_id>/login/", openid.login, name="openid_connect_login"),
                path(
                    "<provider_id>/login/callback/", openid.callback, name="openid_connect_callback"
                ),
            ]
        ),
    )
]
