"""The Django app."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """The user model and its admin."""

    name = "users"
