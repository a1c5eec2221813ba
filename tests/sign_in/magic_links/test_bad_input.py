"""Whatever a client sends, the response is a 4xx."""

import json

import pytest

from tests.sign_in.magic_links.conftest import PAGE, REDEEM, ROUTE

pytestmark = pytest.mark.usefixtures("ada")

VALUES = [
    None,
    0,
    True,
    [],
    {},
    "",
    " ",
    "\x00",
    "\ud800",
    "a" * 100_000,
    "ada",
    "ada@",
    "ada@example.com\nBcc: eve@example.com",
    "\x00@example.com",
    "\ud800@example.com",
    "ada@\ud800.com",
    "<ada@example.com>",
    "ada@example.com,eve@example.com",
    ["ada@example.com"],
]


@pytest.mark.parametrize("field", ["email", "next", "client"])
def test_a_request_with_a_bad_value(browser, field):
    for value in VALUES:
        if field == "next" and value == "":
            continue
        response = browser.post(ROUTE, {"email": "ada@example.com", field: value})
        assert 400 <= response.status_code < 500, (value, response.content)


@pytest.mark.parametrize("field", ["token", "code", "binding", "client"])
def test_a_redemption_with_a_bad_value(browser, field):
    for value in VALUES:
        response = browser.post(REDEEM, {"token": "x", field: value})
        assert 400 <= response.status_code < 500, (value, response.content)


@pytest.mark.parametrize("url", [ROUTE, REDEEM])
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "1", '"x"', "[" * 20_000, '{"email": ' * 5_000, "\xff", '{"a": NaN}'],
)
def test_a_broken_body(browser, url, body):
    response = browser.send("post", url, body, content_type="application/json")
    assert 400 <= response.status_code < 500
    assert json.loads(response.content)["detail"]


def test_the_pages_refuse_bad_fields(browser):
    for value in VALUES:
        text = str(value).encode("utf-8", "replace").decode()
        assert browser.submit("/sign-in/email", email=text).status_code in {200, 422}
        assert browser.submit(PAGE, token=text, code=text).status_code == 400
    assert browser.send("put", PAGE).status_code == 405


def test_a_cookie_that_is_no_binding(browser):
    for value in ("", "x" * 5_000, "é", "%00"):
        browser.client.cookies["matt_sign_in"] = value
        assert browser.redeem(code="222222").status_code == 400


def test_the_routes_are_in_a_valid_openapi_document(browser):
    from openapi_spec_validator import OpenAPIV31SpecValidator

    document = browser.get("/api/openapi.json").json()
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())
    routes = document["paths"]
    assert {"202", "403", "422", "429"} <= set(routes[ROUTE]["post"]["responses"])
    assert {"200", "400", "403", "409", "422"} <= set(routes[REDEEM]["post"]["responses"])
