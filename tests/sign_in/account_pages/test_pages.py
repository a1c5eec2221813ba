"""Every page by itself: it exists, it has no faults (see ``Visitor``), and it helps people and password managers."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.forms import ChangeEmailForm
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string

from django_matt.contrib.accounts.pages.checks import check_pages
from django_matt.contrib.accounts.pages.devices import describe_device
from tests.sign_in.account_pages.conftest import PASSWORD, Visitor
from tests.sign_in.account_pages.markup import faults_of, read

pytestmark = pytest.mark.django_db
Pages = Callable[..., Visitor]
EMAIL = "ada@example.com"

ENTRANCES = [
    "login/",
    "signup/",
    "signup/passkey/",
    "login/code/",
    "password/reset/",
    "password/reset/done/",
    "inactive/",
    "3rdparty/login/cancelled/",
    "3rdparty/login/error/",
]
MANAGED = [
    "",
    "email/",
    "password/change/",
    "2fa/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "2fa/totp/activate/",
    "sessions/",
    "3rdparty/",
    "logout/",
    "reauthenticate/",
    "reauthenticate/code/",
]


def signed_in(visitor: Visitor, password: str | None = PASSWORD) -> Any:
    user = get_user_model().objects.create_user("ada", EMAIL, password)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    if password:
        visitor.post("/accounts/login/", {"login": EMAIL, "password": password})
    else:
        visitor.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return user


def html_of(visitor: Visitor, page: str) -> str:
    response = visitor.get(f"/accounts/{page}", follow=True)
    assert response.status_code in {200, 401}, page
    return str(response.content.decode())


def inputs(html: str) -> dict[str, dict[str, str]]:
    return {attrs["name"]: attrs for tag, attrs in read(html) if tag == "input" and "name" in attrs}


@pytest.mark.parametrize("codes", [False, True])
def test_every_page_for_visitors_is_shown(pages: Pages, codes: bool):
    visitor = pages(codes=codes)
    for page in ENTRANCES:
        if visitor.get(f"/accounts/{page}").status_code != 404:
            html_of(visitor, page)


def test_every_page_for_users_is_shown(pages: Pages):
    visitor = pages()
    signed_in(visitor)
    for page in MANAGED:
        html_of(visitor, page)


def test_the_page_of_a_project_with_one_address_per_user_has_no_faults(pages: Pages, rf: Any):
    visitor = pages()
    user = signed_in(visitor)
    request = rf.get("/accounts/email/")
    request.user = user
    address = EmailAddress(user=user, email="new@example.com")
    context = {
        "emailaddresses": [address],
        "current_emailaddress": user.emailaddress_set.get(),
        "new_emailaddress": address,
        "form": ChangeEmailForm({"email": "?"}),
    }
    html = render_to_string("account/email_change.html", context, request)
    assert faults_of(html) == []
    assert "new@example.com" in html


def test_a_project_without_pages_has_none_of_them(pages: Pages):
    visitor = pages(HEADLESS_ONLY=True)
    for page in (*ENTRANCES, *MANAGED, "profile/"):
        assert visitor.get(f"/accounts/{page}").status_code == 404, page


def test_a_user_without_a_password_sets_one(pages: Pages):
    visitor = pages()
    signed_in(visitor, password=None)
    assert "/accounts/password/set/" in html_of(visitor, "")
    assert inputs(html_of(visitor, "password/set/"))["password1"]["autocomplete"] == "new-password"


def test_who_has_nothing_to_prove_it_with_is_asked_to_sign_in_again(pages: Pages):
    visitor = pages(
        ACCOUNT_ADAPTER="django_matt.contrib.accounts.adapters.AccountAdapter",
        ACCOUNT_REAUTHENTICATION_METHODS=("password", "mfa"),
    )
    signed_in(visitor, password=None)
    shown = visitor.get("/accounts/2fa/webauthn/add/")
    html = shown.content.decode()
    assert shown.status_code == 403
    assert faults_of(html) == []
    assert "sign in again" in html
    assert "no-store" in shown["Cache-Control"]
    back = inputs(html)["next"]["value"]
    assert back == "/accounts/login/?next=/accounts/2fa/webauthn/add/"
    left = visitor.post("/accounts/logout/", {"next": back})
    assert left["Location"] == back


def test_who_removes_their_only_way_in_is_told(pages: Pages):
    visitor = pages()
    user = signed_in(visitor, password=None)
    session = visitor.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [
        {"method": "mfa", "type": "webauthn", "at": time.time(), "reauthenticated": True}
    ]
    session.save()
    made = [
        Authenticator.objects.create(user=user, type="webauthn", data={"name": name})
        for name in ("Laptop", "Phone")
    ]
    page = f"2fa/webauthn/keys/{made[0].pk}/remove/"
    assert "only way" not in html_of(visitor, page)
    made[1].delete()
    assert "only way" in html_of(visitor, page)
    user.socialaccount_set.create(provider="example", uid="1")
    assert "only way" not in html_of(visitor, page)


def test_the_pages_of_an_account_ask_visitors_to_sign_in(pages: Pages):
    visitor = pages()
    for page in MANAGED:
        response = visitor.get(f"/accounts/{page}")
        assert response.status_code == 302, page
        assert response["Location"].startswith(("/accounts/login/", "/")), page


def test_the_root_links_to_every_page(pages: Pages):
    visitor = pages()
    signed_in(visitor)
    links = {attrs.get("href") for tag, attrs in read(html_of(visitor, "")) if tag == "a"}
    for page in ("email/", "password/change/", "2fa/", "2fa/webauthn/", "sessions/", "3rdparty/"):
        assert f"/accounts/{page}" in links
    assert visitor.get("/accounts/profile/")["Location"] == "/accounts/"


def test_password_managers_know_what_each_field_is(pages: Pages):
    visitor = pages(codes=True)
    login = inputs(html_of(visitor, "login/"))
    assert login["login"]["autocomplete"] == "username webauthn"
    assert login["password"]["autocomplete"] == "current-password"
    signup = inputs(html_of(visitor, "signup/"))
    assert signup["email"]["autocomplete"] == "username"
    assert signup["password1"]["autocomplete"] == "new-password"
    signed_in(visitor)
    for page in ("password/change/", "reauthenticate/"):
        names = [
            a["value"]
            for _, a in read(html_of(visitor, page))
            if a.get("autocomplete") == "username"
        ]
        assert names == [EMAIL], f"whose password it is: {page}"


def test_an_error_belongs_to_its_field_and_has_the_focus(pages: Pages):
    visitor = pages()
    shown = visitor.post("/accounts/signup/", {"email": "nobody", "password1": "x"})
    found = inputs(shown.content.decode())
    assert found["email"]["aria-invalid"] == "true"
    assert found["email"]["aria-describedby"] == "id_email_error"
    assert "autofocus" in found["email"]


def test_an_error_of_the_whole_form_is_an_alert_with_the_focus(pages: Pages):
    visitor = pages()
    shown = visitor.post("/accounts/login/", {"login": EMAIL, "password": "guessed"})
    alerts = [
        a for _, a in read(shown.content.decode()) if a.get("role") == "alert" and "autofocus" in a
    ]
    assert len(alerts) == 1
    assert not any("autofocus" in attrs for attrs in inputs(shown.content.decode()).values())


def test_only_passkeys_need_a_script(pages: Pages):
    visitor = pages()
    html = html_of(visitor, "login/")
    hidden = [a for tag, a in read(html) if tag == "button" and "hidden" in a]
    assert [a["id"] for a in hidden] == ["passkey_login"]
    assert {a["src"] for tag, a in read(html) if tag == "script"} == {"/static/matt/passkeys.js"}
    signed_in(visitor)
    again = {"password": PASSWORD, "next": "/accounts/2fa/webauthn/add/"}
    visitor.post("/accounts/reauthenticate/", again)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
    visitor.defaults["HTTP_USER_AGENT"] = agent
    html = html_of(visitor, "2fa/webauthn/add/")
    assert "<noscript>" in html
    assert inputs(html)["name"]["value"] == "Firefox, Linux"
    assert "checked" in inputs(html)["passwordless"]


def test_a_honeypot_has_no_inline_style(pages: Pages):
    visitor = pages(ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD="website")
    html = html_of(visitor, "signup/")
    assert "visually-hidden" in html
    assert inputs(html)["website"]["tabindex"] == "-1"


def test_the_form_that_leads_to_a_provider_may_leave_the_site(pages: Pages):
    app = {
        "provider_id": "example",
        "name": "Example",
        "client_id": "pages",
        "settings": {"server_url": "https://example.com"},
    }
    visitor = pages(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": [app]}})
    assert "/oidc/example/login/" in html_of(visitor, "login/")
    to_provider = visitor.get("/accounts/oidc/example/login/")
    assert "form-action" not in to_provider["Content-Security-Policy"]
    assert "form-action 'self'" in visitor.get("/accounts/login/")["Content-Security-Policy"]


def test_a_policy_of_the_project_is_not_replaced(
    pages: Pages, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    class Policy:
        def __init__(self, get_response: Any) -> None:
            self.get_response = get_response

        def __call__(self, request: Any) -> Any:
            response = self.get_response(request)
            response.headers.setdefault(
                "Content-Security-Policy", "default-src 'self' cdn.example.com"
            )
            return response

    Policy.__module__ = "csp.middleware"
    visitor = pages()
    monkeypatch.setattr(f"{__name__}.Policy", Policy, raising=False)
    settings.MIDDLEWARE = [f"{__name__}.Policy", *settings.MIDDLEWARE]
    assert "cdn.example.com" in visitor.get("/accounts/login/")["Content-Security-Policy"]


def test_the_words_are_those_of_the_visitors_language(pages: Pages, settings: Any):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    visitor = pages()
    html = visitor.get("/accounts/login/", headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in html
    assert "Passwort" in html
    arabic = visitor.get("/accounts/login/", headers={"Accept-Language": "ar"}).content.decode()
    assert 'dir="rtl"' in arabic


def test_a_project_replaces_a_template(pages: Pages, settings: Any, tmp_path: Any):
    (tmp_path / "account").mkdir()
    (tmp_path / "account" / "brand.html").write_text('<a class="brand" href="/">Lamps</a>')
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert ">Lamps</a>" in html_of(pages(), "login/")


def test_a_wrong_order_of_the_apps_is_reported(pages: Pages, settings: Any):
    pages()
    assert check_pages() == []
    ours = "django_matt.contrib.accounts"
    settings.INSTALLED_APPS = [*(app for app in settings.INSTALLED_APPS if app != ours), ours]
    (found,) = check_pages()
    assert (found.id, "before" in str(found.hint)) == ("matt_accounts.W101", True)


def test_a_project_without_the_pages_may_have_any_order(settings: Any):
    ours = "django_matt.contrib.accounts"
    settings.INSTALLED_APPS = [*(app for app in settings.INSTALLED_APPS if app != ours), ours]
    assert check_pages() == []


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox, Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140", "Chrome, iPhone"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1",
            "Safari, macOS",
        ),
        ("curl/8.0", "curl/8.0"),
        ("<script>" * 20, ("<script>" * 20)[:60]),
        ("", ""),
    ],
)
def test_a_device_has_a_name(user_agent: str, name: str):
    assert describe_device(user_agent) == name


def test_the_faults_of_a_page_are_found():
    page = '<html><title></title><main><h1></h1><input id="a" style="x"><img src="https://e.com">'
    assert len(faults_of(page)) == 4
