"""Ends logins when their session ends, when a password is changed, and when a user is deactivated."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from django_matt.contrib.tokens.endings import end_families, end_sessions
from django_matt.contrib.tokens.services import session_key_of

__all__ = ["connect"]


def connect(user_session: type[Model] | None) -> None:
    """Connect the receivers. ``user_session`` is allauth's model of sessions, if it is installed."""
    user_logged_out.connect(_on_logout, dispatch_uid="matt_tokens")
    post_save.connect(_on_save, sender=get_user_model(), dispatch_uid="matt_tokens")
    if user_session is not None:
        post_delete.connect(_on_session_deleted, sender=user_session, dispatch_uid="matt_tokens")


def _on_logout(request: Any = None, **_: Any) -> None:
    """End the login of a session. Django sends the signal before it deletes the session."""
    end_sessions([session_key_of(request)])


def _on_session_deleted(instance: Any, **_: Any) -> None:
    end_sessions([instance.session_key])


def _on_save(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """End the logins of a user who is inactive, or whose ``set_password()`` was called.

    Changes by other paths, such as ``QuerySet.update()``, are noticed when the login is looked up.
    """
    if created or raw:
        return
    # Django sets `_password` in set_password(), and clears it after this signal.
    if not instance.is_active or getattr(instance, "_password", None) is not None:
        end_families(instance)
