"""A mail backend that prints each mail and also writes it to a file, where you or a test can read the code in it."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.console import EmailBackend as Console
from django.core.mail.backends.filebased import EmailBackend as Files

__all__ = ["PrintAndKeep"]


class PrintAndKeep(BaseEmailBackend):
    """Send every mail to the terminal and to the folder ``MAIL_FOLDER``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make both backends."""
        super().__init__(*args, **kwargs)
        self.backends = [Console(), Files(file_path=settings.MAIL_FOLDER)]

    def send_messages(self, email_messages: list[EmailMessage]) -> int:
        """Give the messages to both backends, and return how many there were."""
        for backend in self.backends:
            backend.send_messages(email_messages)
        return len(email_messages)
