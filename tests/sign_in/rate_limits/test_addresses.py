"""Property 21: ``X-Forwarded-For`` changes whom a limit counts only as far as trusted proxies wrote it."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import RequestFactory

from django_matt.addresses import client_address
from django_matt.contrib.rate_limits.addresses import address_bucket
from django_matt.contrib.rate_limits.limits import rate_limit
from tests.sign_in.rate_limits.conftest import Limited

PEER = "198.51.100.7"


def request(forwarded: str | None = None, peer: str = PEER) -> Any:
    more: Any = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=peer, **more)


def test_without_proxies_property_21_no_header_changes_the_bucket(limited: Limited):
    limited.add(rate_limit("2/hour", by="address"))
    sent = [
        {
            "X-Forwarded-For": f"203.0.113.{number}",
            "X-Real-IP": f"203.0.113.{number}",
            "Forwarded": "for=1.2.3.4",
        }
        for number in range(3)
    ]
    statuses = [limited.get(headers=headers).status_code for headers in sent]
    assert statuses == [200, 200, 429]


def test_another_address_has_a_bucket_of_its_own(limited: Limited):
    limited.add(rate_limit("1/hour", by="address"))
    assert limited.statuses(2) == [200, 429]
    assert limited.statuses(1, REMOTE_ADDR="203.0.113.9") == [200]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.1", PEER),
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6,203.0.113.1:4711", "203.0.113.1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, None, PEER),
        (1, "", PEER),
        (1, "unknown", PEER),
        (2, "203.0.113.1, 10.0.0.1", "203.0.113.1"),
        (2, "6.6.6.6, 203.0.113.1, 10.0.0.1", "203.0.113.1"),
        (2, "203.0.113.1", PEER),
        (["198.51.100.0/24"], "203.0.113.1", "203.0.113.1"),
        (["198.51.100.0/24"], "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (["198.51.100.0/24", "10.0.0.0/8"], "6.6.6.6, 203.0.113.1, 10.1.2.3", "203.0.113.1"),
        (["198.51.100.0/24"], "6.6.6.6, garbage", PEER),
        (["10.0.0.0/8"], "203.0.113.1", PEER),
        (["198.51.100.7"], None, PEER),
        (["198.51.100.7"], "198.51.100.7", PEER),
    ],
)
def test_the_last_address_that_a_trusted_proxy_wrote_is_the_client(
    settings: Any, proxies: Any, forwarded: str | None, address: str
):
    settings.MATT = {"TRUSTED_PROXIES": proxies}
    assert client_address(request(forwarded)) == address


def test_the_proxy_at_a_unix_socket_has_no_address(settings: Any):
    assert address_bucket(request(None, "")) == ""
    settings.MATT = {"TRUSTED_PROXIES": ["10.0.0.0/8"]}
    assert client_address(request("203.0.113.1", "")) == "203.0.113.1"
    settings.MATT = {"TRUSTED_PROXIES": 1}
    assert client_address(request("203.0.113.1", "")) == "203.0.113.1"


def test_an_ipv6_client_is_its_prefix(settings: Any):
    first, second = (request(None, f"2001:db8:1:2::{end}") for end in (1, "ffff"))
    assert address_bucket(first) == address_bucket(second) == "2001:db8:1:2::/64"
    assert address_bucket(request(None, "2001:db8:1:3::1")) != address_bucket(first)
    settings.MATT_RATE_LIMITS = {"IPV6_PREFIX": 48}
    assert address_bucket(first) == "2001:db8:1::/48"


def test_an_ipv4_address_written_as_ipv6_is_the_same_client():
    assert address_bucket(request(None, "::ffff:203.0.113.1")) == "203.0.113.1"


def test_an_app_that_reads_addresses_makes_a_library_that_trusts_others_a_warning(settings: Any):
    assert [each for each in run_checks() if each.id == "matt.W010"] == []
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    [warning] = [each for each in run_checks() if each.id == "matt.W010"]
    assert "ALLAUTH_TRUSTED_PROXY_COUNT is 1" in warning.msg
    settings.MATT = {"TRUSTED_PROXIES": 1}
    assert [each for each in run_checks() if each.id == "matt.W010"] == []
