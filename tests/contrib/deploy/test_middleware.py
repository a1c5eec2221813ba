"""Health checks of load balancers that name an address, and what else names one."""

import asyncio
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_matt.contrib.deploy.middleware import ProbeHostMiddleware

HOST = "shop.example.com"


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*.example.org", HOST]


def host_of(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.META.get("HTTP_HOST", ""))


async def async_host_of(request: HttpRequest) -> HttpResponse:
    return host_of(request)


@pytest.mark.parametrize(
    ("method", "path", "host", "seen"),
    [
        ("get", "/api/health/ready", "10.0.0.7:8000", HOST),
        ("head", "/health/live", "10.0.0.7", HOST),
        ("get", "/api/health/ready", "[fd00::7]:8000", HOST),
        ("get", "/api/health/ready", HOST, HOST),
        ("get", "/api/health/ready", "evil.example.net", "evil.example.net"),
        ("get", "/api/items", "10.0.0.7:8000", "10.0.0.7:8000"),
        ("post", "/api/health/ready", "10.0.0.7:8000", "10.0.0.7:8000"),
        ("get", "/api/health/ready", "10.0.0.7.evil.net", "10.0.0.7.evil.net"),
    ],
)
def test_only_a_health_check_that_names_an_address_is_changed(
    method: str, path: str, host: str, seen: str
) -> None:
    request = getattr(RequestFactory(), method)(path, headers={"host": host})
    assert ProbeHostMiddleware(host_of)(request).content.decode() == seen
    request = getattr(RequestFactory(), method)(path, headers={"host": host})
    answer: Any = ProbeHostMiddleware(async_host_of)(request)
    assert asyncio.run(answer).content.decode() == seen


def test_nothing_is_changed_without_a_name(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory().get("/api/health/ready", headers={"host": "10.0.0.7"})
    assert ProbeHostMiddleware(host_of)(request).content == b"10.0.0.7"
