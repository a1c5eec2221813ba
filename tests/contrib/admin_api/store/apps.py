"""A shop whose tables are made by the tests that need them."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "tests.contrib.admin_api.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
