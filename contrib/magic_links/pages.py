"""The pages: ask for a link, and sign in by it. They work without JavaScript, by the code."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from django_matt.contrib.magic_links.bindings import binding_of, forget_binding, remember_binding
from django_matt.contrib.magic_links.errors import LinkRefused, OtherBrowser, TooManyLinks
from django_matt.contrib.magic_links.recipients import check_email
from django_matt.contrib.magic_links.services import is_safe, redeem_link, request_link
from django_matt.contrib.magic_links.settings import get_settings

__all__ = ["link_page", "request_page"]

View = Callable[[HttpRequest], HttpResponse]


class EmailForm(forms.Form):
    """The address that the link is sent to."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username email", "autofocus": True}),
    )

    def clean_email(self) -> str:
        """Check the address as the route of the API does."""
        try:
            return check_email(self.cleaned_data["email"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class RedeemForm(forms.Form):
    """The token of the link, which the script writes, and the code, which people write."""

    token = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "required": True,
            }
        ),
    )


def _page(view: View) -> View:
    """Decorate a page: no cache keeps it, no frame shows it, no other site learns its URL, its forms need a CSRF token."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        response = view(request)
        # Not "no-referrer": browsers then send "Origin: null" with the form, which Django's CSRF check refuses.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    decorators: tuple[Callable[[Any], Any], ...] = (
        sensitive_post_parameters(),
        csrf_protect,
        xframe_options_deny,
        never_cache,
        require_http_methods(["GET", "HEAD", "POST"]),
        login_not_required,
    )
    page: Any = answer
    for decorate in decorators:
        page = decorate(page)
    return cast("View", page)


@_page
def request_page(request: HttpRequest) -> HttpResponse:
    """Ask for an address; then send the link, and ask for the code."""
    data = request.POST if request.method == "POST" else request.GET
    next_url = data.get("next", "")[:500]
    if not is_safe(request, next_url):
        next_url = ""
    form = EmailForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "next": next_url}
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "matt_magic_links/request.html", context, status=status)
    email = form.cleaned_data["email"]
    try:
        binding = request_link(request, email, next_url=next_url)
    except TooManyLinks as error:
        form.add_error(None, str(error.detail))
        response = render(request, "matt_magic_links/request.html", context, status=429)
        for name, value in error.headers.items():
            response.headers[name] = value
        return response
    context = {
        "form": RedeemForm(),
        "sent_to": email,
        "minutes": get_settings().LIFETIME // 60 or 1,
    }
    response = render(request, "matt_magic_links/link.html", context)
    remember_binding(request, response, binding)
    return response


@_page
@sensitive_variables()
def link_page(request: HttpRequest) -> HttpResponse:
    """Show the form for the code. The script of the page writes the token after ``#`` into it, and sends it.

    A GET never uses a link up, because it does not contain the token. A POST without the cookie of the browser that
    requested the link does not either, unless it has the code too.
    """
    if request.method != "POST":
        return render(request, "matt_magic_links/link.html", {"form": RedeemForm()})
    form = RedeemForm(request.POST)
    sent = form.cleaned_data if form.is_valid() else {}
    token, code = sent.get("token", ""), sent.get("code", "")
    try:
        redeemed = redeem_link(request, token=token, code=code, binding=binding_of(request))
    except (LinkRefused, OtherBrowser) as error:
        context = {
            "form": RedeemForm(initial={"token": token}),
            "error": error,
            "email": error.members.get("email"),
        }
        return render(request, "matt_magic_links/link.html", context, status=error.status_code)
    target = settings.LOGIN_REDIRECT_URL
    if not redeemed.outcome.signed_in:
        target = get_settings().PENDING_URL or _page_of(str(redeemed.outcome.pending))
    elif redeemed.next and is_safe(request, redeemed.next):
        target = redeemed.next
    response = redirect(resolve_url(target))
    forget_binding(request, response)
    return response


def _page_of(pending: str) -> str:
    """Return the page of the next step, if its URL has the name of the step, as those of allauth have."""
    try:
        return reverse(pending)
    except NoReverseMatch:
        return str(settings.LOGIN_URL)
