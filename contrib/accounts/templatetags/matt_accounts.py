"""Tags of the sign-in pages: inputs that assistive technology and password managers understand."""

from typing import Any

from django import template
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

from django_matt.contrib.accounts.pages.devices import describe_device
from django_matt.contrib.accounts.pages.links import PageLink, account_pages

__all__ = [
    "account_pages_of",
    "all_errors",
    "device",
    "inline_svg",
    "is_last_way_in",
    "render_input",
    "user_name_for",
]

register = template.Library()


@register.simple_tag(name="account_pages")
def account_pages_of(user: Any) -> list[PageLink]:
    """Return the links to the pages about the account of a user."""
    return list(account_pages(user)) if user.is_authenticated else []


@register.filter
def device(user_agent: str) -> str:
    """Return a short name of the browser and system that sent a ``User-Agent``."""
    return describe_device(user_agent)


@register.filter
def is_last_way_in(authenticator: Any) -> bool:
    """Tell whether only a mail for a new password is left to a user without one of their passkeys."""
    user = authenticator.user
    others = user.authenticator_set.filter(type=authenticator.type).exclude(pk=authenticator.pk)
    connected = getattr(user, "socialaccount_set", None)
    return not (
        user.has_usable_password()
        or others.exists()
        or (connected is not None and connected.exists())
    )


@register.filter
def all_errors(form: BaseForm) -> list[str]:
    """Return the errors of a form that belong to no visible field."""
    hidden = [str(error) for field in form.hidden_fields() for error in field.errors]
    return [*map(str, form.non_field_errors()), *hidden]


@register.filter
def user_name_for(form: BaseForm) -> str:
    """Return the name under which a password manager stores the password of a form that does not ask for one.

    It is empty if the form has no password, or a field for the name.
    """
    from allauth.account.utils import user_email, user_username

    user = getattr(form, "user", None)
    if not any(_token_of(field).endswith("-password") for field in form) or not user:
        return ""
    if any(_token_of(field).startswith(("username", "email")) for field in form):
        return ""
    return str(user_email(user) or user_username(user) or "")


@register.simple_tag(takes_context=True)
def render_input(context: Context, field: BoundField, *, focus: bool = False) -> SafeString:
    """Return the input of a field, without a placeholder that repeats its label, and without inline styles."""
    if field.name == "name" and "credential" in field.form.fields and "request" in context:
        # A new passkey is named after the device, and not "Master key".
        agent = context["request"].META.get("HTTP_USER_AGENT", "")
        field.form.initial["name"] = describe_device(agent) or field.form.initial.get("name")
    attrs: dict[str, Any] = {"placeholder": False}
    if "style" in field.field.widget.attrs:  # a trap for bots, which the template hides by a class
        attrs |= {"style": False, "aria-hidden": "true"}
    if token := _token_of(field):
        attrs["autocomplete"] = token
    if token == "one-time-code":  # noqa: S105 - of autocomplete
        attrs |= {"autocapitalize": "off", "spellcheck": "false"}
    if field.name == "passwordless" and not field.form.is_bound:
        attrs["checked"] = (
            True  # what "Add a passkey" is for; without it, the key is only a second factor
        )
    if focus:
        attrs["autofocus"] = True
    return field.as_widget(attrs=attrs)


@register.filter
def inline_svg(document: str) -> SafeString:
    """Return an SVG document for use inside HTML, where an XML declaration is not allowed.

    A ``data:`` URL would need an exception in the Content-Security-Policy. The SVG must be one that your own code has drawn.
    """
    return mark_safe(document[document.index("<svg") :])  # noqa: S308 - drawn by qrcode


def _token_of(field: BoundField) -> str:
    """Return the autocomplete token of a field; see https://www.w3.org/TR/webauthn-3/ for ``webauthn``."""
    names = field.form.fields
    if field.name == "login" and "password" in names:
        return "username webauthn"
    if field.name == "email" and "username" not in names and "password1" in names:
        return "username"  # the address is what the user signs in with
    return str(field.field.widget.attrs.get("autocomplete", ""))
