"""Messages about changes: a mail, or a POST to a webhook."""

import json
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.core.exceptions import ValidationError
from django.core.mail import mail_admins, send_mail
from django.core.validators import validate_email

from django_matt.contrib.typescript.changes.reports import Report
from django_matt.contrib.typescript.errors import TypesError

__all__ = ["TIMEOUT", "check_target", "notify"]

TIMEOUT: Final = 10.0
"""Seconds that a webhook may take."""


class _NoRedirects(HTTPRedirectHandler):
    """Redirects are errors: the report would be sent to an address that nobody chose."""

    def redirect_request(  # noqa: PLR0917 - the signature of the standard library
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Return no request."""


def check_target(target: str) -> None:
    """Raise ``TypesError`` if a target is not ``admins``, an e-mail address, or an address of HTTP."""
    if target == "admins":
        return
    if "://" in target:
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise TypesError(
                f"--notify {_shown(target)}: an address of HTTP without a user is needed."
            )
        return
    try:
        validate_email(target)
    except ValidationError:
        raise TypesError(
            f"--notify {target}: name admins (the setting ADMINS), an e-mail address, or the address of a webhook."
        ) from None


def notify(target: str, report: Report) -> None:
    """Send a report; raise ``TypesError`` if it cannot be delivered.

    A webhook gets the report as JSON in a POST. It must answer with 2xx within ``TIMEOUT``; redirects are not followed.
    """
    if "://" in target:
        _post(target, report)
        return
    subject = " ".join(f"{report.title} {report.version}: {report.headline}".split())
    try:
        if target == "admins":
            mail_admins(subject, report.as_text())
        else:
            send_mail(subject, report.as_text(), None, [target])
    except OSError as error:  # smtplib's errors too
        raise TypesError(f"The mail to {target} could not be sent: {error}") from None


def _post(target: str, report: Report) -> None:
    request = Request(  # noqa: S310 - check_target allows HTTP only
        target,
        data=json.dumps(report.as_dict()).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "django-matt"},
        method="POST",
    )
    try:
        with build_opener(_NoRedirects).open(request, timeout=TIMEOUT):
            pass
    except HTTPError as error:
        said = (
            "with a redirect, which is not followed"
            if error.code in range(300, 400)
            else "and not with 2xx"
        )
        raise TypesError(
            f"The webhook {_shown(target)} answered with {error.code}, {said}."
        ) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise TypesError(f"The webhook {_shown(target)} cannot be reached: {reason}") from None


def _shown(target: str) -> str:
    """Return the address of a webhook without its path, which is often a secret."""
    parts = urlsplit(target)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
