"""The pages that allauth does not have: the root of the account, and the end of one session."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from django_matt.sign_in import record_security_event

__all__ = ["end_session", "home"]


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show links to every page about the account."""
    return render(request, "account/home.html")


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign the user out of one session: of this one, or of another device."""
    # Here, as these models raise if their app is not installed.
    from allauth.usersessions.internal.flows.sessions import end_sessions
    from allauth.usersessions.models import UserSession

    user: Any = request.user
    session = get_object_or_404(UserSession, pk=pk, user_id=user.pk)
    is_other = not session.is_current()
    end_sessions(request, [session])
    if is_other:  # the end of this one is a logout, which is recorded where it happens
        record_security_event("signed_out", request=request, user=user, device=session.user_agent)
    if request.user.is_authenticated:
        get_adapter().add_message(request, messages.INFO, "usersessions/messages/session_ended.txt")
        return redirect("usersessions_list")
    return redirect("account_login")
