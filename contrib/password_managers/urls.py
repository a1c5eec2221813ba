"""The URLs, for the root of the project: ``path("", include("django_matt.contrib.password_managers.urls"))``."""

from django.urls import include, path

from django_matt.contrib.password_managers import views

_KNOWN = [
    path("change-password", views.change_password, name="matt_change_password"),
    path("passkey-endpoints", views.passkey_endpoints, name="matt_passkey_endpoints"),
    path("webauthn", views.webauthn, name="matt_related_origins"),
    path("oauth-protected-resource", views.protected_resource, name="matt_protected_resource"),
    path("oauth-protected-resource/<path:path>", views.protected_resource),
    # Before a catch-all route of the project could answer it with 200.
    path("resource-that-should-not-exist-whose-status-code-should-not-be-200", views.missing),
]
urlpatterns = [path(".well-known/", include(_KNOWN))]
