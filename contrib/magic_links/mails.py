"""Writes the mail with the link and the code, and sends it after the transaction."""

import logging
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.mail import EmailMultiAlternatives
from django.db import connections
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.views.decorators.debug import sensitive_variables

from django_matt.contrib.magic_links.digests import show_code
from django_matt.contrib.magic_links.settings import MagicLinksSettings

__all__ = ["Mail", "page_url", "write_mail"]

logger = logging.getLogger(__name__)


def page_url(request: HttpRequest, options: MagicLinksSettings) -> str | None:
    """Return the absolute URL that the link opens; ``None`` if the pages of this app are not included."""
    if options.URL:
        return options.URL
    try:
        return request.build_absolute_uri(reverse("matt_magic_links:link"))
    except NoReverseMatch:
        return None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is written, and whether it shall be sent from another thread."""

    recipient: str | None
    subject: str
    text: str
    html: str
    in_thread: bool

    def send(self) -> None:
        """Send it; log an error instead of raising it, because every address gets the same response."""
        if self.in_thread:
            # If unknown addresses get no mail, the response must not wait for the mail server.
            threading.Thread(target=self._send_and_close, name="matt-magic-links-mail").start()
        else:
            self._send()

    def _send_and_close(self) -> None:
        try:
            self._send()
        finally:
            connections.close_all()

    def _send(self) -> None:
        if self.recipient is None:
            return
        message = EmailMultiAlternatives(
            self.subject,
            self.text,
            to=[self.recipient],
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(self.html, "text/html")
        try:
            message.send()
        except Exception as error:  # noqa: BLE001 - a mail server may fail in any way
            # Without the traceback and the message of the error, which may name the recipient.
            logger.error("A sign-in mail could not be sent: %s.", type(error).__name__)


@sensitive_variables()
def write_mail(
    request: HttpRequest,
    options: MagicLinksSettings,
    *,
    typed: str,
    recipient: tuple[Any, str] | None,
    token: str,
    code: str,
) -> Mail:
    """Write the mail in the language of the request.

    ``recipient`` is the user and the stored address. If it is ``None``, the mail to the address ``typed`` only says that
    it has no account.
    """
    page = page_url(request, options)
    name = "mail" if recipient else "unknown"
    user, address = recipient or (None, typed)
    context = {
        "email": address,
        "host": urlsplit(page).netloc if page else request.get_host(),
        "minutes": options.LIFETIME // 60 or 1,
        "user": user,
        "sign_up_url": options.SIGN_UP_URL,
        "link": f"{page}#{token}" if recipient and page else None,
        "code": show_code(code) if recipient else None,
    }
    subject, text, html = (
        render_to_string(f"matt_magic_links/{name}{end}", context, request)
        for end in ("_subject.txt", ".txt", ".html")
    )
    silent = recipient is None and options.UNKNOWN == "nothing"
    return Mail(
        recipient=None if silent else address,
        subject=options.SUBJECT_PREFIX + " ".join(subject.split()),
        text=text,
        html=html,
        in_thread=options.UNKNOWN == "nothing",
    )
