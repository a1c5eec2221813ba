"""Staff who sign in as a user: who may, what they see, how they come back, and what is recorded."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from django_matt.contrib.admin import acting
from django_matt.contrib.tokens.models import Family

pytestmark = pytest.mark.django_db
SUPPORT = ("auth.view_user", "auth.change_user", "matt_tokens.impersonate")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob <b>", password="x")


@pytest.fixture
def events(monkeypatch) -> list[tuple[str, str]]:
    """What the apps that record security events hear."""
    from django.apps import apps

    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(
        apps.get_app_config("admin_tests"),
        "record_security_event",
        lambda event: heard.append((event.name, str(event.user))),
        raising=False,
    )
    return heard


def page_of(client: Client, user: User) -> str:
    return client.get(f"/admin/auth/user/{user.pk}/change/").content.decode()


def enter(client: Client, user: User) -> int:
    return client.post(f"/admin/sign-in-as/{user.pk}/").status_code


def test_the_page_of_a_user_has_the_button_for_those_who_may(sign_in, root, bob):
    support = sign_in(*SUPPORT)
    assert "Sign in as bob &lt;b&gt;" in page_of(support, bob)
    assert f'action="/admin/sign-in-as/{bob.pk}/"' in page_of(root, bob)
    assert "Sign in as" not in page_of(sign_in(*SUPPORT[:2]), bob)
    # Not for oneself, nor for others who have rights of their own.
    for other in (support.user, root.user):
        assert "Sign in as" not in page_of(support, other)
        assert "Sign in as" not in page_of(root, other)
    assert "Sign in as" not in support.get("/admin/auth/user/").content.decode()


def test_staff_see_what_the_user_sees_and_come_back(sign_in, bob, events):
    support = sign_in(*SUPPORT)
    assert support.get("/who").content == b"<body><p>ada1</p></body>"
    answer = support.post(f"/admin/sign-in-as/{bob.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    shown = support.get("/who")
    text = shown.content.decode()
    assert "<p>bob &lt;b&gt;</p>" in text
    assert text.startswith('<body><link rel="stylesheet" href="/static/matt_admin/acting.css">')
    assert "ada1, you are signed in as bob &lt;b&gt; until" in text
    assert "no-store" in shown["Cache-Control"]
    assert support.get("/api/me").json() == {"name": "bob <b>", "acting": True}
    # In the admin they stay who they are, under the same banner.
    inside = support.get("/admin/").content.decode()
    assert "you are signed in as bob &lt;b&gt;" in inside
    assert "/admin/auth/user/" in inside
    back = support.post("/admin/stop-acting/")
    assert (back.status_code, back["Location"]) == (302, "/admin/")
    assert support.get("/who").content == b"<body><p>ada1</p></body>"
    assert "signed in as" not in support.get("/admin/").content.decode()
    assert events == [("impersonation_started", "bob <b>"), ("impersonation_ended", "bob <b>")]


def test_async_views_see_the_user_too(sign_in, bob):
    support = sign_in(*SUPPORT)
    enter(support, bob)

    async def ask() -> str:
        client = AsyncClient()
        client.cookies.load({key: morsel.value for key, morsel in support.cookies.items()})
        return (await client.get("/who-async")).content.decode()

    text = async_to_sync(ask)()
    assert "<p>bob &lt;b&gt;</p>" in text
    assert "Be yourself again" in text


def test_nobody_acts_as_staff_or_a_superuser_or_without_the_permission(sign_in, root, bob, events):
    support, other = sign_in(*SUPPORT), sign_in("auth.view_user")
    assert enter(support, other.user) == enter(support, root.user) == enter(root, other.user) == 403
    assert enter(other, bob) == 403
    # Who may not learns not which users there are.
    assert other.post("/admin/sign-in-as/999/").status_code == 403
    assert support.post("/admin/sign-in-as/999/").status_code == 404
    for key in ("x", "9" * 40, "1/2", "%00"):
        assert support.post(f"/admin/sign-in-as/{key}/").status_code == 404
    outside = Client()
    outside.force_login(bob)
    assert outside.post(f"/admin/sign-in-as/{root.user.pk}/").status_code == 302
    assert b"<p>bob" in outside.get("/who").content
    assert (Family.objects.count(), events) == (0, [])


def test_it_needs_a_post_with_a_token(sign_in, bob):
    support = sign_in(*SUPPORT)
    for address in (f"/admin/sign-in-as/{bob.pk}/", "/admin/stop-acting/"):
        assert support.get(address).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = support.cookies
        assert strict.post(address).status_code == 403
    page = strict.get(f"/admin/auth/user/{bob.pk}/change/").content.decode()
    token = page.partition("/admin/sign-in-as/")[2].partition('value="')[2].partition('"')[0]
    sent = {"csrfmiddlewaretoken": token}
    assert strict.post(f"/admin/sign-in-as/{bob.pk}/", sent).status_code == 302
    banner = strict.get("/who").content.decode()
    token = banner.partition('value="')[2].partition('"')[0]
    assert strict.post("/admin/stop-acting/", {"csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize("what", ["time", "permission", "user", "staff", "session", "sign-out"])
def test_it_ends_with_its_time_and_with_every_right_that_it_needs(sign_in, bob, what):
    support = sign_in(*SUPPORT)
    enter(support, bob)
    key = support.session["_matt_acting"]
    if what == "time":
        family = Family.objects.get()
        Family.objects.update(expires_at=family.issued_at)
    elif what == "permission":
        support.user.user_permissions.clear()
    elif what == "user":
        User.objects.filter(pk=bob.pk).update(is_staff=True)
    elif what == "staff":
        User.objects.filter(pk=support.user.pk).update(is_staff=False)
    elif what == "session":
        # The key in the session of somebody else, who has the same rights.
        support = sign_in(*SUPPORT)
        session = support.session
        session["_matt_acting"] = key
        session.save()
    else:
        support.post("/admin/logout/")
        assert b"bob" not in support.get("/who").content
        return
    assert support.get("/who").content == f"<body><p>{support.user}</p></body>".encode()
    assert "_matt_acting" not in support.session


def test_a_page_that_asks_for_no_user_reads_no_session(sign_in, bob, django_assert_num_queries):
    support = sign_in(*SUPPORT)
    enter(support, bob)
    with django_assert_num_queries(0):
        assert support.get("/").content == b"home"


def test_there_is_nothing_without_the_middleware_or_the_app(sign_in, bob, settings, monkeypatch):
    support = sign_in(*SUPPORT)
    before = settings.MIDDLEWARE
    settings.MIDDLEWARE = [each for each in before if "SignInAs" not in each]
    assert "Sign in as" not in page_of(support, bob)
    assert enter(support, bob) == 404
    settings.MIDDLEWARE = before
    # As if no installed app offered it.
    monkeypatch.setattr(acting, "installed", lambda protocol: iter(()))
    assert "Sign in as" not in page_of(support, bob)
    assert enter(support, bob) == 404
    assert b"ada" in support.get("/who").content
