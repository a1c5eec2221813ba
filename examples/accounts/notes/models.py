"""A note."""

from django.conf import settings
from django.db import models

__all__ = ["Note"]


class Note(models.Model):
    """A text that only its owner can read."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.CharField(max_length=500)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        """Return the text."""
        return self.text
