"""A project with the store's admin API, for a front end that runs in Node."""

import os
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        BASE_DIR=Path(os.environ["SITE_FOLDER"]),
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.admin_api",
            "django_matt.contrib.typescript",
            "tests.contrib.admin_api.store",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(os.environ["SITE_FOLDER"], "site.sqlite3")),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            }
        },
    )
    django.setup()

from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import path

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application
from django_matt.authentication import BearerAuthenticator
from tests.contrib.admin_api.store.models import Category, Product, Review


class ReviewInline(admin.TabularInline):
    model = Review


class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "category"]
    search_fields = ["name"]
    list_filter = ["category"]
    readonly_fields = ["note"]
    inlines = [ReviewInline]


admin.site.register(Product, ProductAdmin)
admin.site.register(Category)


class Token(BearerAuthenticator):
    def authenticate(self, request: Any, credentials: Any) -> Any:
        return User.objects.filter(username=credentials.value).first()


api = MattAPI(auth=Token())
urlpatterns = [path("admin/", admin.site.urls), path("api/", api.urls)]
application = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
