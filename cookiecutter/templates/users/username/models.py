"""The user model: Django's own, in a table of this project, so that you can add fields."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Someone who signs in with a username and a password."""
