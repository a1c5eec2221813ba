"""How many mails an address gets, and how many links a client requests."""

from io import StringIO
from itertools import count

import pytest
from django.core import mail
from django.core.management import call_command

from django_matt.contrib.magic_links.models import MagicLink, MagicLinkLimit
from tests.sign_in.magic_links.conftest import ROUTE

pytestmark = pytest.mark.usefixtures("ada")


@pytest.fixture
def limits(settings, project):
    def limit(**options):
        settings.MATT_MAGIC_LINKS = {
            "RECIPIENT_LIMIT": (2, 900),
            "CLIENT_LIMIT": (5, 900),
            **options,
        }

    limit()
    return limit


def request(browser, email="ada@example.com", **options):
    return browser.post(ROUTE, {"email": email}, **options)


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_recipient_gets_so_many_mails(browser, other, limits, email):
    statuses = [request(each, email).status_code for each in (browser, other, browser)]
    assert statuses == [202, 202, 429]
    refused = request(browser, email.upper())
    assert 0 < int(refused.headers["Retry-After"]) <= 450
    assert len(mail.outbox) == 2
    assert request(browser, "eve@example.com").status_code == 202


def test_a_client_requests_so_many_links(browser, limits):
    for number in range(5):
        assert request(browser, f"user{number}@example.com").status_code == 202
    assert request(browser, "user9@example.com").status_code == 429
    page = browser.submit("/sign-in/email", email="user9@example.com")
    assert (page.status_code, "Retry-After" in page.headers) == (429, True)


def test_21_x_forwarded_for_counts_only_behind_configured_proxies(browser, limits, settings):
    numbers = count()

    def statuses(addresses):
        return [
            request(
                browser, f"user{next(numbers)}@example.com", headers={"X-Forwarded-For": address}
            ).status_code
            for address in addresses
        ]

    addresses = [f"10.1.0.{number}, 10.2.0.{number}" for number in range(6)]
    assert statuses(addresses) == [202] * 5 + [429]
    settings.MATT = {"TRUSTED_PROXIES": 1}
    assert statuses(addresses) == [202] * 6
    # What the client itself writes to the left of the proxy's entry changes nothing.
    assert statuses([f"1.1.1.{n}, 10.9.0.1" for n in range(6)]) == [202] * 5 + [429]


def test_an_ipv6_client_is_its_network(rf):
    from django_matt.contrib.magic_links.limits import client_of

    def client(address):
        return client_of(rf.get("/", REMOTE_ADDR=address))

    assert client("2001:db8::1") == client("2001:db8::ffff:1") == "2001:db8::/64"
    assert client("2001:db8:0:1::1") == "2001:db8:0:1::/64"
    assert client("::ffff:10.0.0.1") == client("10.0.0.1") == "10.0.0.1"
    assert client("") == ""


def test_the_command_deletes_what_has_expired(browser, limits, settings):
    request(browser)
    MagicLink.objects.update(expires_at="2020-01-01T00:00Z")
    request(browser, "eve@example.com")
    MagicLinkLimit.objects.filter(pk=MagicLinkLimit.objects.first().pk).update(full_at=0)

    def run(*arguments):
        call_command("matt_magic_links", "prune", *arguments, stdout=(out := StringIO()))
        return out.getvalue()

    assert run("--dry-run") == "2 rows would be deleted.\n"
    assert run() == "2 rows were deleted.\n"
    assert (MagicLink.objects.count(), MagicLinkLimit.objects.count()) == (1, 2)


def test_unknown_addresses_may_get_nothing(browser, limits, settings):
    limits(UNKNOWN="nothing")
    import threading

    assert request(browser, "nobody@example.com").status_code == 202
    assert request(browser).status_code == 202
    for thread in threading.enumerate():
        if thread.name == "matt-magic-links-mail":
            thread.join()
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]
