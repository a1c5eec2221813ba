"""Our paths behind a prefix, and who may listen."""

import pytest

from django_matt.contrib.hot_reload.addresses import is_allowed_origin, name_of, prefix_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/__matt__/reload", "reload"),
        ("/shop/__matt__/reload.js", "reload.js"),
        ("/__matt__/", ""),
        ("/__matt__/a/b", None),
        ("/matt/reload", None),
        ("", None),
    ],
)
def test_the_folder_is_found_behind_any_prefix(path, name):
    assert name_of(path) == name


@pytest.mark.parametrize(
    "header",
    ['/"><script>', "//evil.test", "shop", "/a b", "/" + "x" * 200, "/a" * 30, "javascript:/x"],
)
def test_a_strange_forwarded_prefix_is_none(header):
    assert prefix_of("", header) == ""


@pytest.mark.parametrize(
    ("origin", "more", "allowed"),
    [
        ("http://127.0.0.1:8000", {}, True),
        ("http://127.0.0.1:9000", {}, False),
        ("http://evil.test", {}, False),
        ("http://evil.test:8000", {"host": "evil.test:8000"}, False),
        ("http://shop.localhost:8000", {"host": "shop.localhost:8000"}, True),
        ("http://[::1]:8000", {"host": "[::1]:8000"}, True),
        ("https://dev.example.com", {}, True),
        ("https://a.sub.example.com", {}, True),
        ("https://sub.example.com.evil.test", {}, False),
        ("https://localhost", {"x-forwarded-host": "localhost"}, True),
        ("null", {}, False),
        ("", {}, False),
        ("http://[", {}, False),
        ("file:///etc", {}, False),
    ],
)
def test_only_pages_of_this_host_and_trusted_origins_may_listen(origin, more, allowed):
    headers = {"host": "127.0.0.1:8000", "origin": origin, **more}
    trusted = ["https://dev.example.com", "https://*.sub.example.com"]
    assert is_allowed_origin(headers, [], trusted) is allowed


def test_a_host_outside_of_allowed_hosts_may_not_listen():
    headers = {"host": "127.0.0.1", "origin": "http://127.0.0.1"}
    assert is_allowed_origin(headers, ["*"], [])
    assert not is_allowed_origin(headers, ["shop.test"], [])
