"""A user who has an address and no username."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class Person(AbstractBaseUser):
    mailbox = models.EmailField(unique=True)
    is_active: Any = models.BooleanField(default=True)

    USERNAME_FIELD = "mailbox"
    EMAIL_FIELD = "mailbox"
