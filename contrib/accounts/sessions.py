"""The sessions of a user: how many there may be, and how they end."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from django_matt.contrib.accounts.settings import get_settings
from django_matt.sign_in import revoke_tokens

__all__ = ["end_sessions", "note_login", "revoke"]


def note_login(request: HttpRequest, user: Any) -> None:
    """Record the session of a login, and end the oldest ones above the limit.

    It replaces what allauth does here, which takes three queries for each open session. The user's row is locked, so
    logins at the same time cannot exceed the limit together.
    """
    most = get_settings().MAX_SESSIONS
    with transaction.atomic():
        get_user_model()._base_manager.select_for_update(no_key=True).filter(pk=user.pk).first()
        before = list(
            UserSession.objects.filter(user_id=user.pk)
            .exclude(session_key=request.session.session_key or "")
            .order_by("-last_seen_at", "-pk")
        )
        UserSession.objects.create_from_request(request, user=user)
        if most is not None:
            end_sessions(before[most - 1 :])


def end_sessions(ended: list[UserSession]) -> None:
    """End sessions: they are deleted where Django stores them, and from the list of the user's sessions."""
    if ended:
        _delete([each.session_key for each in ended])
        UserSession.objects.filter(pk__in=[each.pk for each in ended]).delete()


def _delete(keys: list[str]) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if settings.SESSION_ENGINE == "django.contrib.sessions.backends.db":
        store.get_model_class().objects.filter(session_key__in=keys).delete()
    else:
        for key in keys:
            store(key).delete(key)


def revoke(user: Any) -> tuple[int, int]:
    """End every session and every token of a user; return how many sessions and how many families of tokens.

    Sessions that allauth did not record, such as those of the admin, are found if sessions are stored in the database.
    It reads all of them, so it takes seconds if there are many.
    """
    with transaction.atomic():
        ended = list(UserSession.objects.filter(user_id=user.pk))
        others = set(_find_sessions(user)) - {each.session_key for each in ended}
        end_sessions(ended)
        _delete(sorted(others))
        families = revoke_tokens(user)
    return len(ended) + len(others), families


def _find_sessions(user: Any) -> Iterator[str]:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(store, DatabaseStore):
        return
    model = store.get_model_class()
    for session in model.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            yield session.session_key
