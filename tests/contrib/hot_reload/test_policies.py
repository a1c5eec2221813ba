"""A policy gets room for our addresses and loses nothing."""

import pytest

from django_matt.contrib.hot_reload.csp import allow, nonce_of

MORE = {"script-src": ["h/r.js"], "connect-src": ["ws://h/r"], "frame-src": ["h/f"]}


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("img-src 'none'", "img-src 'none'"),
        (
            "default-src 'self'",
            "default-src 'self'; script-src 'self' h/r.js; connect-src 'self' ws://h/r; frame-src 'self' h/f",
        ),
        (
            "default-src 'NONE'; child-src x.test",
            "default-src 'NONE'; child-src x.test; script-src h/r.js; connect-src ws://h/r; frame-src x.test h/f",
        ),
        (
            "script-src a.test; script-src-elem b.test; script-src c.test",
            "script-src a.test; script-src-elem b.test h/r.js",
        ),
        ("frame-src;;", "frame-src h/f"),
        (
            "upgrade-insecure-requests; connect-src *",
            "upgrade-insecure-requests; connect-src * ws://h/r",
        ),
        ("", ""),
    ],
)
def test_only_directives_that_would_refuse_are_widened(policy, allowed):
    assert allow(policy, MORE) == allowed


def test_the_nonce_of_the_scripts_is_found():
    policy = "default-src 'nonce-other'; script-src 'strict-dynamic' 'nonce-aGk+/w=='"
    assert nonce_of(policy) == "aGk+/w=="
    assert nonce_of("style-src 'nonce-x'; script-src 'self'") == ""
