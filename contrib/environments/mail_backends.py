"""The mail backend for Django before 6.1, which has no setting ``MAILERS``."""

from typing import Any

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

__all__ = ["connect"]


def connect(fail_silently: bool = False, **options: Any) -> BaseEmailBackend:
    """Return the backend of ``MAILERS["default"]``; name this function in ``EMAIL_BACKEND``.

    ``options`` are what the caller gives to ``django.core.mail.get_connection``. They win, unless they are None.
    """
    mailer: dict[str, Any] = settings.MAILERS["default"]
    given = {name: value for name, value in options.items() if value is not None}
    backend: BaseEmailBackend = import_string(mailer["BACKEND"])(
        fail_silently=fail_silently, **{**mailer.get("OPTIONS", {}), **given}
    )
    return backend
