"""The page, the API, the accounts, and what password managers ask for."""

from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from config.api import api
from django_matt.errors.views import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    # It shows who is signed in, so no cache keeps it.
    path("", never_cache(TemplateView.as_view(template_name="home.html")), name="home"),
    path("api/", api.urls),
    path("sign-in/", include("django_matt.contrib.magic_links.urls")),
    path("", include("django_matt.contrib.accounts.urls")),
    path("", include("django_matt.contrib.password_managers.urls")),
]
