"""The user model: an e-mail address instead of a username."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from users.managers import UserManager


class User(AbstractUser):
    """Someone who signs in with an e-mail address and a password."""

    username = None  # type: ignore[assignment] # Django's field, which this model does not have
    email = models.EmailField(_("email address"), unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc,assignment] # Django's manager asks for a username

    class Meta(AbstractUser.Meta):
        # The manager and forms write addresses in lower case; the database makes sure that nothing else does otherwise.
        constraints = (
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="users_user_email_lower_case"
            ),
        )
