"""One mail has a link and a code, and each signs in once; the numbers are those of the properties of sign-in."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_matt.contrib.magic_links.models import MagicLink
from tests.sign_in.magic_links.conftest import PAGE, REDEEM, ROUTE, newest_mail

REFUSED = "The link or the code is wrong, has been used, or has expired. Request a new one."

pytestmark = [
    pytest.mark.usefixtures("ada"),
    pytest.mark.parametrize("make_browser", ["sync", "async"], indirect=True),
]


def test_the_link_signs_in_the_browser_that_requested_it(browser):
    mailed = browser.ask(next="/books")
    response = browser.redeem(token=mailed.token)
    assert response.json() == {
        "signed_in": True,
        "pending": None,
        "next": "/books",
        "tokens": None,
        "session_token": None,
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert browser.me() == "ada@example.com"


@pytest.mark.parametrize("written", [str, str.lower, lambda code: f" {code.replace('-', ' ')} "])
def test_the_code_signs_in_the_browser_that_requested_it(browser, written):
    mailed = browser.ask()
    assert browser.redeem(code=written(mailed.code)).status_code == 200
    assert browser.me() == "ada@example.com"


def test_1_a_browser_needs_a_csrf_token(make_browser):
    browser = make_browser(enforce_csrf_checks=True)
    assert browser.post(ROUTE, {"email": "ada@example.com"}).status_code == 403
    assert browser.redeem(token="x").status_code == 403
    assert browser.submit(PAGE, token="x").status_code == 403
    page = browser.get("/sign-in/email")
    header = {"X-CSRFToken": page.cookies["csrftoken"].value}
    assert browser.post(ROUTE, {"email": "ada@example.com"}, headers=header).status_code == 202
    answer = browser.post(REDEEM, {"token": newest_mail().token}, headers=header)
    assert answer.status_code == 200


def test_2_the_session_key_changes(browser):
    mailed = browser.ask()
    browser.client.force_login(get_user_model().objects.create_user("bob"))
    before = browser.client.cookies["sessionid"].value
    browser.redeem(token=mailed.token)
    assert browser.client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def refusals(browser, other):
    """Yield the response to each link and code that must not sign in."""
    mailed = browser.ask()
    browser.redeem(token=mailed.token)
    yield "used", browser.redeem(token=mailed.token)
    yield "used, the code", browser.redeem(token=mailed.token, code=mailed.code)
    yield "used, elsewhere", other.redeem(token=mailed.token)
    older, newer = browser.ask(), browser.ask()
    yield "superseded", browser.redeem(token=older.token, code=older.code)
    yield "superseded, elsewhere", other.redeem(token=older.token)
    yield "a wrong code", browser.redeem(code="222222")
    MagicLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    yield "expired", browser.redeem(token=newer.token)
    yield "expired, the code", browser.redeem(code=newer.code)
    mailed = browser.ask()
    get_user_model().objects.update(is_active=False)
    yield "deactivated", browser.redeem(token=mailed.token)
    yield "deactivated, elsewhere", other.redeem(token=mailed.token)
    get_user_model().objects.update(is_active=True)
    mailed = browser.ask()
    get_user_model().objects.update(email="new@example.com")
    apps.get_model("account", "EmailAddress").objects.all().delete()
    yield "not the address of the account any more", browser.redeem(code=mailed.code)
    yield "unknown", browser.redeem(token="x" * 43)
    yield "unknown, elsewhere", other.redeem(token="x" * 43)
    yield "a code without binding", other.redeem(code=mailed.code)


def test_4_reuse_expiry_and_all_other_refusals_are_the_same_error(browser, other):
    for why, response in refusals(browser, other):
        assert response.status_code == 400, why
        assert response.json() == {"detail": REFUSED}, why
        browser.client.logout()
    assert other.me() is None


def test_4_a_failed_login_does_not_use_the_link_up(browser, monkeypatch):
    mailed = browser.ask()

    def fail(*args, **kwargs):
        raise RuntimeError("the session's database is away")

    with monkeypatch.context() as patched:
        patched.setattr("django_matt.sign_in.complete_login", fail)
        assert browser.redeem(token=mailed.token).status_code == 500
    assert browser.redeem(token=mailed.token).status_code == 200


def test_5_reading_the_page_never_uses_the_link_up(browser, other):
    mailed = browser.ask()
    for reader in (browser, other):
        for method in ("get", "head", "options"):
            reader.send(method, PAGE)
            reader.send(method, f"{PAGE}?token={mailed.token}")
    assert MagicLink.objects.get().consumed_at is None
    assert browser.redeem(token=mailed.token).status_code == 200


def test_5_and_6_another_browser_is_asked_for_the_code(browser, other):
    mailed = browser.ask(next="/books")
    for _ in range(10):
        response = other.redeem(token=mailed.token)
        assert response.status_code == 409
        assert mailed.token not in response.content.decode()
        page = other.submit(PAGE, token=mailed.token, code="")
        assert page.status_code == 409
        assert "a…@example.com" in page.content.decode()
    problem = other.post(
        REDEEM, {"token": mailed.token}, headers={"Accept": "application/problem+json"}
    ).json()
    assert (problem["code"], problem["email"]) == ("code_needed", "a…@example.com")
    assert other.me() is None
    assert MagicLink.objects.get().consumed_at is None
    assert other.redeem(token=mailed.token, code=mailed.code).json()["next"] == "/books"
    assert other.me() == "ada@example.com"


def test_6_the_cookie_alone_signs_nobody_in(browser):
    browser.ask()
    assert browser.redeem().status_code == 422
    assert browser.submit(PAGE, token="", code="").status_code == 400
    assert browser.me() is None


def test_6_the_cookie_of_another_request_does_not_bind(browser, other):
    mailed = browser.ask()
    get_user_model().objects.create_user("eve", "eve@example.com")
    other.ask("eve@example.com")
    assert other.redeem(token=mailed.token).status_code == 409
    assert other.redeem(code=mailed.code).status_code == 400


def test_7_after_the_last_attempt_the_right_code_fails_and_the_link_works(browser):
    mailed = browser.ask()
    for _ in range(5):
        assert browser.redeem(code="222222").status_code == 400
    assert browser.redeem(code=mailed.code).status_code == 400
    assert browser.redeem(token=mailed.token).status_code == 200


def test_8_every_address_gets_the_same_response_for_the_same_work(
    browser,
):
    get_user_model().objects.create_user("bob", "bob@example.com", is_active=False)
    get_user_model().objects.create_user("nil", "nil@example.com").set_unusable_password()
    for name in ("one", "two"):
        get_user_model().objects.create_user(name, "two@example.com")
    seen = set()
    for email in ("ada@", "bob@", "nil@", "two@", "nobody@"):
        mail.outbox.clear()
        rows = MagicLink.objects.count()
        with CaptureQueriesContext(connection) as queries:
            response = browser.post(ROUTE, {"email": email + "example.com"})
        cookie = response.cookies["matt_sign_in"]
        assert MagicLink.objects.count() == rows + 1
        seen.add(
            (
                response.status_code,
                response.content,
                len(cookie.value),
                len(mail.outbox),
                len(queries),
                *(f"{name}: {value}" for name, value in response.headers.items()),
            )
        )
    assert len(seen) == 1


def test_8_only_an_account_that_may_sign_in_gets_a_link(browser, settings):
    settings.MATT_MAGIC_LINKS = {
        **settings.MATT_MAGIC_LINKS,
        "SIGN_UP_URL": "https://example.com/sign-up",
    }
    get_user_model().objects.create_user("bob", "bob@example.com", is_active=False)
    for email in ("bob@example.com", "nobody@example.com"):
        mailed = browser.ask(email)
        assert (mailed.to, mailed.token, mailed.code) == (email, "", "")
        assert "https://example.com/sign-up" in mail.outbox[-1].body


def test_an_address_is_found_in_any_case_and_the_mail_goes_to_the_stored_one(browser):
    assert browser.ask("ADA@Example.COM").to == "ada@example.com"
    assert browser.redeem(token=newest_mail().token).status_code == 200


def test_of_several_accounts_the_one_with_the_same_case_signs_in(browser):
    user = get_user_model().objects.create_user("Ada", "Ada@example.com")
    assert browser.ask("ADA@example.com").token == ""
    browser.redeem(token=browser.ask("Ada@example.com").token)
    assert browser.client.session["_auth_user_id"] == str(user.pk)


def test_an_address_that_only_looks_the_same_gets_no_link(browser):
    get_user_model().objects.create_user("mike", "mike@example.org")
    response = browser.post(ROUTE, {"email": "m\u0131ke@example.org"})
    assert response.status_code in {202, 422}
    assert not [each for each in mail.outbox if "#" in each.body]


def test_a_verified_address_of_allauth_signs_in(browser, ada):
    addresses = apps.get_model("account", "EmailAddress").objects
    addresses.create(user=ada, email="work@example.com", verified=True)
    addresses.create(user=ada, email="eve@example.com", verified=False)
    assert browser.ask("eve@example.com").token == ""
    assert browser.redeem(token=browser.ask("work@example.com").token).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https://evil.example/",
        "http://testserver@evil.example/",
        "http://evil@testserver/",
        "ftp://testserver/",
        "/\x00",
        "/\ud800",
        "\n//evil.example",
    ],
)
def test_18_next_is_refused_for_foreign_hosts(browser, url):
    response = browser.post(ROUTE, {"email": "ada@example.com", "next": url})
    assert response.status_code in {400, 422}
    assert not mail.outbox
    browser.submit("/sign-in/email", email="ada@example.com", next=url.replace("\ud800", "//"))
    response = browser.submit(PAGE, token=newest_mail().token)
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/profile/")


def test_18_next_may_be_a_path_or_a_host_of_the_settings(browser, settings):
    settings.MATT_MAGIC_LINKS = {**settings.MATT_MAGIC_LINKS, "NEXT_HOSTS": ("app.example.com",)}
    for url in ("/a@b?c=d", "http://testserver/x", "https://app.example.com/y"):
        browser.ask(next=url)
        assert browser.submit(PAGE, token=newest_mail().token).headers["Location"] == url


def test_23_secrets_are_neither_stored_nor_logged_nor_sent_back(browser, other, caplog):
    caplog.set_level("DEBUG")
    mailed = browser.ask()
    binding = browser.client.cookies["matt_sign_in"].value
    responses = [
        other.redeem(token=mailed.token),
        other.redeem(token=mailed.token, code="222222"),
        browser.redeem(token=mailed.token),
        browser.redeem(token=mailed.token),
        browser.redeem(token=mailed.token, code=mailed.code * 9),
        browser.submit(PAGE, token=mailed.token, code=mailed.code),
    ]
    secrets = (mailed.token, mailed.code, mailed.code.replace("-", ""), binding)
    rows = str(list(MagicLink.objects.values()))
    api = [r.content.decode() for r in responses[:5]]
    for secret in secrets:
        for text in (rows, caplog.text, *api):
            assert secret not in text
    assert mailed.code not in responses[5].content.decode()
    assert "ada@example.com" not in caplog.text + rows


def test_23_a_failing_mail_server_changes_nothing_for_the_client_and_is_logged_without_secrets(
    browser, monkeypatch, caplog
):
    def fail(self, *args):
        raise OSError(f"550 refused {self.to} {self.body}")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    assert browser.post(ROUTE, {"email": "ada@example.com"}).status_code == 202
    assert "A sign-in mail could not be sent: OSError." in caplog.text
    assert "ada@example.com" not in caplog.text
    assert "#" not in caplog.text


def test_23_the_pages_are_not_cached_framed_or_named_to_other_sites(browser):
    for url in ("/sign-in/email", PAGE):
        headers = browser.get(url).headers
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_the_pages_sign_in_without_javascript(browser):
    page = browser.submit("/sign-in/email", email="ada@example.com", next="/books")
    assert "ada@example.com" in page.content.decode()
    response = browser.submit(PAGE, code=newest_mail().code)
    assert response.headers["Location"] == "/books"
    assert browser.me() == "ada@example.com"


def test_the_mail_has_both_parts_in_the_language_of_the_request(browser, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    browser.post(ROUTE, {"email": "ada@example.com"}, headers={"Accept-Language": "de"})
    message, mailed = mail.outbox[-1], newest_mail()
    assert message.from_email == "sign-in@example.com"
    assert message.subject == "Sign in to testserver"
    (html, kind), *_ = message.alternatives
    assert kind == "text/html"
    assert '<html lang="de">' in html
    assert f'href="http://testserver/sign-in/link#{mailed.token}"' in html
    assert mailed.code in html


def test_the_link_can_open_the_page_of_a_front_end(browser, settings):
    settings.MATT_MAGIC_LINKS = {"URL": "https://app.example.com/enter"}
    browser.post(ROUTE, {"email": "ada@example.com"})
    assert "https://app.example.com/enter#" in mail.outbox[-1].body


def test_a_second_factor_stays_pending(browser, settings, monkeypatch):
    from django_matt.sign_in import LoginOutcome

    monkeypatch.setattr(
        "django_matt.sign_in.complete_login",
        lambda request, user, **_: LoginOutcome(user=user, pending="mfa_authenticate"),
    )
    settings.MATT_MAGIC_LINKS = {**settings.MATT_MAGIC_LINKS, "PENDING_URL": "/second-factor"}
    answer = browser.redeem(token=browser.ask().token).json()
    assert (answer["signed_in"], answer["pending"]) == (False, "mfa_authenticate")
    response = browser.submit(PAGE, token=browser.ask().token)
    assert response.headers["Location"] == "/second-factor"
    assert browser.me() is None


def test_the_cookie_is_only_for_this_host_and_not_for_scripts(browser, settings):
    settings.SESSION_COOKIE_SECURE = True
    response = browser.post(ROUTE, {"email": "ada@example.com"})
    cookie = response.cookies["__Host-matt_sign_in"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")
    assert cookie["max-age"] == 600
