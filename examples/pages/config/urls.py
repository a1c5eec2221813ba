"""The pages, which are the API, the admin, and Django's own sign-in."""

from books.api import api
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.generic import RedirectView

urlpatterns = [
    path("sign-in/", LoginView.as_view(template_name="books/sign_in.html"), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("admin/", admin.site.urls),
    path("home", RedirectView.as_view(url="/books")),
    path("", api.urls),
]
