"""allauth's views behind the guard: whatever is sent, the answer is a 4xx in the format of our errors."""

import json
from collections import Counter
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from django_matt.contrib.accounts.guards import list_routes
from tests.sign_in.accounts.conftest import PASSWORD, Caller, activate_totp, make_user, mount

pytestmark = pytest.mark.django_db

DEEP = b'{"email":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WEBAUTHN = {
    "type": "public-key",
    "id": "AAAA",
    "rawId": "AAAA",
    "clientExtensionResults": {},
    "response": {
        "clientDataJSON": "e30",
        "attestationObject": "oA",
        "authenticatorData": "AAAA",
        "signature": "AAAA",
        "userHandle": "////",
    },
}
HOSTILE: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    DEEP[:90_000],
    b'{"a":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    json.dumps({"email": "\ud800@example.com", "password": "\ud800", "code": "\ud800"}).encode(),
    json.dumps({"email": "a\0@example.com", "password": "\0", "key": "\0"}).encode(),
    json.dumps({name: {"a": [1]} for name in ("email", "password", "code", "credential")}).encode(),
    json.dumps({name: [None] for name in ("email", "password", "code", "sessions", "id")}).encode(),
    json.dumps(dict.fromkeys(("email", "code", "id", "name", "credential"), 10**30)).encode(),
    json.dumps({"sessions": [10**30, -1, "x", None], "authenticators": [10**30, {}]}).encode(),
    json.dumps({"credential": WEBAUTHN, "name": "x", "email": "b@example.com"}).encode(),
    json.dumps({"credential": {**WEBAUTHN, "response": "text"}, "name": []}).encode(),
    json.dumps({"credential": {**WEBAUTHN, "response": {"clientDataJSON": 1}}}).encode(),
    json.dumps({"credential": {"response": [], "id": {}, "rawId": 1}, "trust": []}).encode(),
    json.dumps({"credential": "[" * 50_000}).encode(),
    json.dumps({"provider": {"a": 1}, "token": [], "process": 1, "account": {}}).encode(),
    json.dumps({"provider": "x", "token": {"client_id": 1}, "process": "login"}).encode(),
]


def routes_of(kind: str) -> list[tuple[str, str]]:
    return [
        (method.upper(), route.removeprefix(f"{kind}/v1/"))
        for route, methods in list_routes().items()
        if route.startswith(kind)
        for method in sorted(methods)
    ]


@pytest.mark.parametrize("signed_in", [False, True], ids=["signed out", "signed in"])
def test_no_hostile_body_is_a_fault_of_the_server(
    caller: Caller, project: Any, signed_in: bool, caplog: Any
):
    project.ACCOUNT_RATE_LIMITS = False
    project.MFA_PASSKEY_LOGIN_ENABLED = project.MFA_PASSKEY_SIGNUP_ENABLED = True
    project.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    mount(project)
    user = make_user()
    seen: Counter[int] = Counter()
    for method, route in routes_of(caller.kind):
        if signed_in:
            caller.client.force_login(user)
            caller.token = caller.client.cookies["sessionid"].value
        for body in HOSTILE:
            answer = caller(method, route, body)
            assert answer.status_code < 500, (method, route, body[:100], caplog.text[-2_000:])
            seen[answer.status_code] += 1
    assert sum(seen.values()) >= 969
    if signed_in:
        assert seen[400] > seen[401] + seen[409] + seen[410] + seen[429]


PENDING = {
    "auth/login": [
        "auth/2fa/authenticate",
        "auth/webauthn/authenticate",
        "auth/2fa/reauthenticate",
    ],
    "auth/signup": ["auth/email/verify", "account/email", "auth/email/verify/resend"],
    "auth/code/request": ["auth/code/confirm"],
    "auth/password/request": ["auth/password/reset"],
    "auth/webauthn/signup": ["auth/email/verify", "auth/webauthn/signup"],
}


@pytest.mark.parametrize("begin", PENDING)
def test_no_hostile_body_is_a_fault_while_a_flow_is_pending(
    caller: Caller, project: Any, begin: str, caplog: Any
):
    project.ACCOUNT_RATE_LIMITS = False
    project.MFA_PASSKEY_LOGIN_ENABLED = project.MFA_PASSKEY_SIGNUP_ENABLED = True
    project.ACCOUNT_LOGIN_BY_CODE_ENABLED = project.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
    mount(project)
    user = make_user()
    activate_totp(user)
    email = "new@example.com" if "signup" in begin else user.email
    served = set(routes_of(caller.kind))
    for route in PENDING[begin]:
        for method in ("POST", "PUT"):
            for body in HOSTILE[-5:]:
                if (method, route) not in served:
                    continue
                caller.forget()
                begun = caller("POST", begin, {"email": email, "password": PASSWORD})
                assert begun.status_code == 401
                answer = caller(method, route, body)
                assert answer.status_code < 500, (method, route, body[:100], caplog.text[-2_000:])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=\xff"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 2_000)),
        ("application/x-www-form-urlencoded; charset=none", b"provider=%00&callback_url=%ed%a0%80"),
        (
            "application/x-www-form-urlencoded",
            b"provider=openid_connect&process=login&callback_url=//[",
        ),
    ],
)
def test_no_hostile_form_is_a_fault_of_the_server(
    project: Any, content_type: str, body: bytes, caplog: Any
):
    answer = Caller("browser")("POST", "auth/provider/redirect", body, content_type=content_type)
    assert answer.status_code < 500, caplog.text[-2_000:]


def test_what_is_no_json_object_is_refused_in_the_error_format(caller: Caller):
    for body in (b"{", b"[]", DEEP[:90_000]):
        answer = caller("POST", "auth/login", body)
        assert answer.status_code == 400
        assert "detail" in answer.json()
    assert caller("POST", "auth/login", DEEP).status_code == 413


def test_a_form_with_files_is_refused_in_the_error_format(caller: Caller):
    make_user()
    caller.sign_in()
    body = encode_multipart(BOUNDARY, {"password": PASSWORD})
    answer = caller("POST", "auth/reauthenticate", body, content_type=MULTIPART_CONTENT)
    assert answer.status_code == 400
    assert "detail" in answer.json()


def test_a_wrong_method_is_a_405_with_the_allowed_ones(caller: Caller):
    answer = caller("PUT", "auth/login", {})
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert "POST" in answer["Allow"]
    assert "GET" not in answer["Allow"]


def test_head_and_options_are_answered(caller: Caller):
    assert caller("HEAD", "config").status_code == 200
    answer = caller("OPTIONS", "auth/login")
    assert (answer.status_code, answer["Allow"]) == (200, "POST, OPTIONS")


@pytest.mark.parametrize("path", ["/_allauth/none", "/_allauth/browser/v1/auth/none", "/_allauth/"])
def test_an_unknown_path_is_a_404_in_the_error_format(project: Any, path: str):
    answer = Caller("app").client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_phone_numbers_are_not_found_without_an_adapter_for_them(caller: Caller):
    make_user()
    caller.sign_in()
    assert caller("GET", "account/phone").status_code == 404


def test_routes_that_the_settings_turn_off_are_not_found(caller: Caller, project: Any):
    assert caller("POST", "auth/code/confirm", {}).status_code == 404
    assert caller("POST", "auth/reauthenticate/code/request", {}).status_code == 404
    assert caller("POST", "tokens/refresh", {}).status_code == 404
    project.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    mount(project)
    assert caller("POST", "auth/code/confirm", {}).status_code == 409


def test_property_1_a_login_of_a_browser_without_a_csrf_token_is_refused(project: Any):
    make_user()
    answer = Caller("browser")(
        "POST",
        "auth/login",
        {"email": "ada@example.com", "password": PASSWORD},
        headers={"x-csrftoken": "x" * 32},
    )
    assert answer.status_code == 403
    assert answer.json()["detail"] == "CSRF check failed."
    assert "sessionid" not in answer.cookies


def test_they_answer_under_asgi(project: Any):
    make_user()
    client = AsyncClient(raise_request_exception=False)
    data = {"email": "ada@example.com", "password": PASSWORD}
    send = async_to_sync(client.post)
    answer = send("/_allauth/app/v1/auth/login", data, content_type="application/json")
    assert answer.status_code == 200
    answer = send("/_allauth/app/v1/auth/login", b"[", content_type="application/json")
    assert answer.status_code == 400
    headers = {"x-session-token": "ended"}
    answer = async_to_sync(client.get)("/_allauth/app/v1/auth/session", headers=headers)
    assert answer.status_code == 410


def test_too_many_requests_say_when_to_try_again(caller: Caller, project: Any):
    project.ACCOUNT_RATE_LIMITS = {"login": "2/h/ip", "signup": "1/d/ip"}
    for _ in range(2):
        assert caller.sign_in().status_code == 400
    answer = caller.sign_in()
    assert answer.status_code == 429
    assert 3_000 < int(answer["Retry-After"]) <= 3_600


def test_property_8_known_unknown_and_inactive_accounts_look_the_same(caller: Caller):
    make_user()
    make_user("off@example.com", is_active=False)
    seen: dict[str, set[Any]] = {"login": set(), "reset": set(), "signup": set()}
    for email in ("ada@example.com", "off@example.com", "eve@example.com"):
        caller.forget()
        answer = caller.sign_in(email, "wrong-password")
        seen["login"].add((answer.status_code, len(answer.content)))
        answer = caller("POST", "auth/password/request", {"email": email})
        seen["reset"].add((answer.status_code, len(answer.content)))
        answer = caller("POST", "auth/signup", {"email": email, "password": PASSWORD})
        body = json.loads(answer.content)
        # The token of the session has a length of its own; it is there for each of them.
        body.get("meta", {}).pop("session_token", None)
        seen["signup"].add((answer.status_code, json.dumps(body)))
    assert {name: len(answers) for name, answers in seen.items()} == dict.fromkeys(seen, 1)
    assert {status for status, _ in seen["signup"]} == {401}


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "https://evil.example/",
        "http:///evil.example",
        " https://evil.example",
        "//[evil.example",
    ],
)
def test_property_18_a_redirect_to_another_site_is_refused(project: Any, url: str):
    project.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "corp",
                    "name": "Corp",
                    "client_id": "x",
                    "secret": "y",
                    "settings": {"server_url": "http://127.0.0.1:9/"},
                }
            ]
        }
    }
    caller = Caller("browser")
    answer = caller(
        "POST",
        "auth/provider/redirect",
        f"provider=corp&process=login&callback_url={url}".encode(),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code in (302, 400, 401, 403)
    assert "evil" not in answer.get("Location", "").partition("?")[0]
    assert answer.get("Location", "/").startswith(("/", "http://testserver/"))
    make_user()
    token = caller.client.cookies["csrftoken"].value
    form = {"login": "ada@example.com", "password": PASSWORD, "next": url}
    login = caller.client.post("/accounts/login/", form, headers={"x-csrftoken": token})
    assert (login.status_code, login["Location"]) == (302, "/accounts/profile/")
    login = caller.client.get("/accounts/login/", {"next": url})
    assert (login.status_code, login["Location"]) == (302, "/accounts/profile/")
