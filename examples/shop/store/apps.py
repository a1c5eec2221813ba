"""The Django app."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """Categories, products, customers, orders and reviews."""

    name = "store"
