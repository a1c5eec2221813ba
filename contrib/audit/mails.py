"""The mail to a user who signed in with a new device."""

import logging

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from django_matt.contrib.audit.models import SecurityEvent

__all__ = ["send_new_device_mail"]

logger = logging.getLogger(__name__)


def send_new_device_mail(event: SecurityEvent) -> None:
    """Send the mail, from the templates ``matt_audit/new_device.…``. A failure is logged.

    The templates get the ``user`` and the ``event``.
    """
    email = getattr(event.user, event.user.get_email_field_name(), "")
    if not email:
        return
    context = {"user": event.user, "event": event}
    subject = " ".join(render_to_string("matt_audit/new_device.subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject, render_to_string("matt_audit/new_device.txt", context), to=[email]
    )
    mail.attach_alternative(render_to_string("matt_audit/new_device.html", context), "text/html")
    try:
        mail.send()
    except Exception:  # a mail server that is down must not fail a login that has happened
        logger.exception("The mail about a new device of the user %s was not sent.", event.user_key)
