"""Authenticators and ``AnyOf``: one suite for sync and async routes."""

import asyncio
import re
import threading
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import AsyncClient, Client
from ninja import Schema
from ninja.errors import AuthenticationError, ConfigError
from ninja.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HttpBasicAuth, HttpBearer
from ninja_extra import ControllerBase, NinjaExtraAPI, api_controller, http_get
from ninja_extra.permissions import IsAuthenticated

from django_matt import MattAPI
from django_matt.authentication import (
    AnyOf,
    APIKeyAuthenticator,
    Authenticator,
    BearerAuthenticator,
    InsufficientScope,
    InvalidCredentials,
    SessionAuthenticator,
)

BEARER = {"type": "http", "scheme": "bearer"}
WRONG = 'Bearer realm="api", error="invalid_token"'


@pytest.fixture(params=["sync", "async"])
def ask(request, serve):
    """Return ``ask(auth, method="get", **headers)``: one request to a route with that authentication."""

    def call(auth, method="get", path="/api/who", cookies=None, api=None, enforce=False, **headers):
        made = api or MattAPI()

        def answer(request):
            user = getattr(request, "user", None)
            return {
                "auth": str(request.auth),
                "user": str(user),
                "auser": str(async_to_sync(request.auser)()) if hasattr(request, "auser") else "",
                "thread": threading.get_ident(),
            }

        if request.param == "sync":

            def view(request):
                return answer(request)
        else:

            async def view(request):
                auser = str(await request.auser()) if hasattr(request, "auser") else ""
                return {"auth": str(request.auth), "user": str(request.user), "auser": auser}

        made.api_operation(["GET", "POST"], "/who", auth=auth)(view)
        serve(made)
        if request.param == "sync":
            client = Client(raise_request_exception=False, enforce_csrf_checks=enforce)
            client.cookies.load(cookies or {})
            return getattr(client, method)(path, headers=headers)
        caller = AsyncClient(raise_request_exception=False, enforce_csrf_checks=enforce)
        caller.cookies.load(cookies or {})
        return async_to_sync(getattr(caller, method))(path, headers=headers)

    call.mode = request.param
    return call


class Token(BearerAuthenticator):
    """Tokens ``name`` or ``name:scope,scope``."""

    def authenticate(self, request, credentials):
        name, _, scopes = credentials.value.partition(":")
        if name == "expired":
            raise InvalidCredentials("The token has expired.")
        if name == "wrong":
            return None
        return Principal(name, scopes.split(","))


class Principal(SimpleNamespace):
    def __init__(self, name, scopes=()):
        super().__init__(name=name, scopes=scopes)

    def __str__(self):
        return self.name


class Key(APIKeyAuthenticator):
    def authenticate(self, request, credentials):
        return {"good": "key"}.get(credentials.value)


class Both(Token):
    async def aauthenticate(self, request, credentials):
        await asyncio.sleep(0)
        return Principal(f"async {credentials.value}")


class OnlyAsync(BearerAuthenticator):
    async def aauthenticate(self, request, credentials):
        await asyncio.sleep(0)
        return credentials.value == "good"


class TestCredentials:
    def test_right_ones_are_request_auth(self, ask):
        answer = ask(Token(), authorization="Bearer ada")
        assert (answer.status_code, answer.json()["auth"]) == (200, "ada")

    def test_the_scheme_is_read_in_any_case(self, ask):
        assert ask(Token(), authorization="bEARER  ada ").json()["auth"] == "ada"

    def test_none_are_a_401_that_asks_for_them(self, ask):
        answer = ask(Token())
        assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'

    @pytest.mark.parametrize(
        ("token", "detail"),
        [
            ("wrong", "The credentials are wrong, or no longer valid."),
            ("expired", "The token has expired."),
        ],
    )
    def test_wrong_ones_are_a_401_that_says_so(self, ask, token, detail):
        answer = ask(Token(), authorization=f"Bearer {token}", accept="application/problem+json")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, WRONG)
        assert (answer.json()["detail"], answer.json()["code"]) == (detail, "invalid_token")

    @pytest.mark.parametrize(
        "value",
        [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,Bearer b",
            "Bearer t\xf6ken",
            "Bearer \x00",
            "Bearer ada\xa0",
            "Bearer \x1fada",
            "Bearer a\tb",
            "Bearer " + "x" * 16_385,
            "Bearer wrong",
        ],
        ids=repr,
    )
    def test_malformed_ones_are_a_401(self, ask, value):
        value = "Bearer wrong" if value == "Bearer a,Bearer b" else value
        answer = ask(Token(), authorization=value)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, WRONG)

    @pytest.mark.parametrize(
        "value", ["", " ", "Basic YTpi", "bearerada", "ada", "\x00", "\xff" * 9000, "Digest " * 900]
    )
    def test_those_of_other_schemes_are_none(self, ask, value):
        answer = ask(Token(), authorization=value)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_a_key_has_no_challenge(self, ask):
        answer = ask(Key(), **{"x-api-key": "bad"})
        assert (answer.status_code, answer.has_header("WWW-Authenticate")) == (401, False)
        assert ask(Key(), **{"x-api-key": "good"}).json()["auth"] == "key"

    def test_a_projects_own_handler_answers_wrong_ones(self, ask):
        api = MattAPI()

        @api.exception_handler(AuthenticationError)
        def mine(request, exc):
            return api.create_response(request, {"mine": str(exc)}, status=401)

        answer = ask(Token(), api=api, authorization="Bearer expired")
        assert answer.json() == {"mine": "The token has expired."}
        assert answer["WWW-Authenticate"] == WRONG

    def test_what_a_method_raises_is_a_fault(self, ask):
        class Broken(BearerAuthenticator):
            def authenticate(self, request, credentials):
                raise ValueError("cannot be decoded")

        assert ask(Broken(), authorization="Bearer ada").status_code == 500


class TestMethods:
    def test_a_route_takes_the_method_of_its_kind(self, ask):
        expected = "async ada" if ask.mode == "async" else "ada"
        assert ask(Both(), authorization="Bearer ada").json()["auth"] == expected

    def test_one_async_method_serves_sync_routes(self, ask):
        assert ask(OnlyAsync(), authorization="Bearer good").status_code == 200
        assert ask(OnlyAsync(), authorization="Bearer bad").status_code == 401

    def test_a_subclass_that_overrides_one_hides_the_inherited_other(self, ask):
        class Stricter(Both):
            def authenticate(self, request, credentials):
                return None

        class StricterLater(Both):
            async def aauthenticate(self, request, credentials):
                return None

        assert ask(Stricter(), authorization="Bearer ada").status_code == 401
        assert ask(StricterLater(), authorization="Bearer ada").status_code == 401

    @pytest.mark.parametrize("is_blocking", [True, False])
    def test_a_sync_method_runs_in_the_loop_where_it_does_not_block(self, serve, is_blocking):
        seen = []

        class Mine(Token):
            def authenticate(self, request, credentials):
                seen.append(threading.get_ident())
                return "ada"

        Mine.is_blocking = is_blocking
        assert _in_loop(serve, Mine(), seen) is not is_blocking

    def test_a_blocking_method_may_ask_the_database(self, ask, transactional_db):
        User.objects.create(username="ada")

        class Mine(BearerAuthenticator):
            def authenticate(self, request, credentials):
                return User.objects.filter(username=credentials.value).first()

        answer = ask(Mine(), authorization="Bearer ada")
        assert [answer.json()[name] for name in ("auth", "user", "auser")] == ["ada"] * 3
        assert ask(Mine(), authorization="Bearer bob").status_code == 401

    @pytest.mark.parametrize("is_blocking", [None, False])
    def test_ninjas_classes_and_functions_may_say_that_they_do_not_block(self, serve, is_blocking):
        seen = []

        class Mine(HttpBearer):
            def authenticate(self, request, token):
                seen.append(threading.get_ident())
                return token

        auth = Mine()
        if is_blocking is not None:
            auth.is_blocking = is_blocking
        assert _in_loop(serve, auth, seen) is (is_blocking is False)

    def test_ninja_extra_takes_them_too(self, serve):
        api = NinjaExtraAPI(urls_namespace="theirs", auth=[AnyOf(Both(), Key())])

        @api.get("/sync")
        def sync(request):
            return str(request.auth)

        @api.get("/async")
        async def later(request):
            return str(request.auth)

        client = serve(api)
        for path in ("/api/sync", "/api/async"):
            headers = {"authorization": "Bearer ada"}
            assert client.get(path, headers=headers).json() == "ada"
            assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401


def _in_loop(serve, auth, seen):
    api = MattAPI()

    @api.get("/thread", auth=auth)
    async def thread(request):
        return threading.get_ident()

    serve(api)

    async def get():
        # Without a thread-sensitive context of its own, the loop's thread is the only one.
        client = AsyncClient()
        return await client.get("/api/thread", headers={"authorization": "Bearer ada"})

    answer = asyncio.run(get())
    assert answer.status_code == 200
    return seen == [answer.json()]


class TestScopes:
    def test_those_that_are_granted_suffice(self, ask):
        auth = Token(scopes=["books:read", "books:write"])
        headers = {"authorization": "Bearer ada:books:write,books:read,more"}
        assert ask(auth, **headers).status_code == 200

    def test_a_missing_one_is_a_403_that_names_it(self, ask):
        answer = ask(
            Token(scopes=["books:read", "books:write"]),
            authorization="Bearer ada:books:read",
            accept="application/problem+json",
        )
        assert answer.status_code == 403
        assert answer["WWW-Authenticate"] == (
            'Bearer realm="api", scope="books:read books:write", error="insufficient_scope"'
        )
        assert answer.json()["code"] == "insufficient_scope"
        assert answer.json()["detail"].endswith("scope: books:read books:write.")

    def test_no_credentials_are_told_which_scope_they_need(self, ask):
        answer = ask(Token(scopes=["books:read"]))
        assert answer["WWW-Authenticate"] == 'Bearer realm="api", scope="books:read"'

    def test_a_view_may_ask_for_one_more(self, serve):
        api = MattAPI(auth=Token())

        @api.get("/delete")
        def delete(request):
            raise InsufficientScope(scopes=["admin"])

        answer = serve(api).get("/api/delete", headers={"authorization": "Bearer ada"})
        assert answer.status_code == 403


class TestUser:
    def test_a_principal_of_no_user_is_not_the_sessions_user(self, ask, transactional_db):
        cookies = _sign_in("bob")
        answer = ask(Token(), cookies=cookies, authorization="Bearer ada")
        assert [answer.json()[name] for name in ("auth", "user", "auser")] == [
            "ada",
            *["AnonymousUser"] * 2,
        ]

    def test_it_is_the_user_of_the_principal(self, ask):
        class Mine(BearerAuthenticator):
            is_blocking = False

            def authenticate(self, request, credentials):
                return SimpleNamespace(user=User(username="eve"))

        assert ask(Mine(), authorization="Bearer x").json()["user"] == "eve"

    def test_permissions_see_it(self, serve):
        class Mine(BearerAuthenticator):
            def authenticate(self, request, credentials):
                return User(username="eve") if credentials.value == "eve" else AnonymousUser()

        @api_controller("/c", auth=Mine(), permissions=[IsAuthenticated])
        class C(ControllerBase):
            @http_get("/sync")
            def sync(self):
                return str(self.context.request.user)

            @http_get("/async")
            async def later(self):
                return str(self.context.request.user)

        api = MattAPI()
        api.register_controllers(C)
        client = serve(api)
        for path in ("/api/c/sync", "/api/c/async"):
            assert client.get(path, headers={"authorization": "Bearer eve"}).json() == "eve"
            assert client.get(path, headers={"authorization": "Bearer x"}).status_code == 403


def _sign_in(name):
    client = Client()
    client.force_login(User.objects.get_or_create(username=name)[0])
    return {"sessionid": client.cookies["sessionid"].value}


class TestSession:
    def test_its_user_is_signed_in(self, ask, transactional_db):
        answer = ask(SessionAuthenticator(), cookies=_sign_in("bob"))
        assert answer.json()["auth"] == answer.json()["user"] == "bob"

    def test_a_change_needs_a_csrf_token(self, ask, transactional_db):
        cookies, token = _sign_in("bob"), "a" * 32
        auth = SessionAuthenticator()
        assert ask(auth, "post", cookies=cookies, enforce=True).status_code == 403
        cookies["csrftoken"] = token
        headers = {"x-csrftoken": token}
        assert ask(auth, "post", cookies=cookies, enforce=True, **headers).status_code == 200
        assert ask(auth, "post", enforce=True).status_code == 401

    def test_a_form_with_files_reaches_the_routes_that_read_forms_and_no_others(
        self, serve, transactional_db
    ):
        # Django's CSRF check reads it, and keeps the fields without the bytes.
        class Name(Schema):
            name: str

        def echo(request, data: Name):
            return data.name

        auth, client = SessionAuthenticator(), Client(enforce_csrf_checks=True)
        client.cookies.load({**_sign_in("bob"), "csrftoken": "a" * 32})
        for formats, expected in ((None, 400), (["json", "form"], 200)):
            api = MattAPI(auth=auth, formats=formats)
            api.post("/echo")(echo)
            serve(api)
            answer = client.post("/api/echo", {"name": "Zoë"}, headers={"x-csrftoken": "a" * 32})
            assert answer.status_code == expected, answer.content

    def test_a_session_of_nobody_is_no_credential(self, ask, transactional_db):
        for auth in ([SessionAuthenticator(), Token()], AnyOf(SessionAuthenticator(), Token())):
            answer = ask(auth, cookies={"sessionid": "x" * 32}, authorization="Bearer ada")
            assert answer.json()["auth"] == "ada"
            answer = ask(auth, cookies={"sessionid": "x" * 32})
            assert (answer.status_code, answer.json()["detail"]) == (401, "Unauthorized")


class Granted(BearerAuthenticator):
    """The scopes of a principal as it happens to keep them."""

    kept = {"string": "books:read write", "none": None, "list": ["w", "read"]}

    def authenticate(self, request, credentials):
        return Principal(credentials.value, self.kept[credentials.value])


class TestKeptScopes:
    @pytest.mark.parametrize(
        ("token", "scopes", "status"),
        [
            ("string", ["write"], 200),
            ("string", ["books:read", "write"], 200),
            ("string", ["w"], 403),  # a letter of a word is no scope
            ("string", ["read"], 403),
            ("none", ["w"], 403),
            ("none", [], 200),
            ("list", ["w"], 200),
        ],
    )
    def test_each_word_is_one(self, ask, token, scopes, status):
        answer = ask(Granted(scopes=scopes), authorization=f"Bearer {token}")
        assert answer.status_code == status


class Remembered(Authenticator):
    """A project's own cookie, or a token."""

    security_schemes = {"token": BEARER, "seat": {"type": "apiKey", "in": "cookie", "name": "seat"}}

    def authenticate(self, request, credentials):
        return {"good": credentials.scheme}.get(credentials.value)


class RememberedTwin(Remembered):
    async def aauthenticate(self, request, credentials):
        await asyncio.sleep(0)
        return self.authenticate(request, credentials)


class NotChecked(Remembered):
    csrf = False


class TestCookie:
    @pytest.mark.parametrize("wrap", [lambda auth: auth, AnyOf], ids=["alone", "AnyOf"])
    @pytest.mark.parametrize("cls", [Remembered, RememberedTwin])
    def test_a_change_needs_a_csrf_token(self, ask, transactional_db, settings, cls, wrap):
        auth, cookies = wrap(cls()), {"seat": "good"}
        assert ask(auth, cookies=cookies, enforce=True).json()["auth"] == "seat"
        refused = ask(auth, "post", cookies=cookies, enforce=True)
        assert (refused.status_code, refused.json()["detail"]) == (403, "CSRF check Failed")
        assert ask(auth, "post", cookies={"seat": "bad"}, enforce=True).status_code == 401
        assert ask(auth, "post", enforce=True, authorization="Bearer good").status_code == 200
        cookies["csrftoken"] = token = "a" * 32
        assert ask(auth, "post", cookies=cookies, enforce=True, **{"x-csrftoken": token}).json()
        settings.CSRF_USE_SESSIONS = True
        cookies = {"seat": "good", **_sign_in("bob")}
        assert ask(auth, "post", cookies=cookies, enforce=True).status_code == 403

    def test_a_class_may_go_without(self, ask):
        assert ask(NotChecked(), "post", cookies={"seat": "good"}, enforce=True).status_code == 200

    def test_the_document_says_so(self, serve):
        api = MattAPI()
        api.post("/seat", auth=Remembered())(lambda request: None)
        api.post("/free", auth=NotChecked())(lambda request: None)
        paths = serve(api).get("/api/openapi.json").json()["paths"]
        assert "403" in paths["/api/seat"]["post"]["responses"]
        assert "403" not in paths["/api/free"]["post"]["responses"]

    @pytest.mark.parametrize("auth", [Remembered(), SessionAuthenticator()])
    def test_an_empty_one_is_none(self, ask, auth):
        cookies = {"seat": "", "sessionid": ""}
        assert ask(auth, cookies=cookies).json()["detail"] == "Unauthorized"
        answer = ask([auth, Token()], cookies=cookies, authorization="Bearer good")
        assert answer.status_code == 200


class NinjaBearer(HttpBearer):
    def authenticate(self, request, token):
        return token if token != "wrong" else None


class NinjaBasic(HttpBasicAuth):
    def authenticate(self, request, username, password):
        return username if password == "secret" else None


class NinjaCookie(APIKeyCookie):
    param_name = "key"

    def authenticate(self, request, key):
        return {"good": "cookie"}.get(key or "")


class NinjaQuery(APIKeyQuery):
    def authenticate(self, request, key):
        return {"good": "query"}.get(key or "")


class TestAnyOf:
    @pytest.mark.parametrize("bearer", [Token, NinjaBearer])
    @pytest.mark.parametrize("container", [AnyOf, lambda *each: list(each)], ids=["AnyOf", "list"])
    def test_a_good_bearer_needs_no_csrf_token(self, ask, transactional_db, bearer, container):
        if container is not AnyOf and bearer is NinjaBearer:
            pytest.skip("a list of Ninja's classes stays as it is in Ninja")
        auth = container(bearer(), SessionAuthenticator())
        cookies = _sign_in("bob")
        answer = ask(auth, "post", cookies=cookies, enforce=True, authorization="Bearer ada")
        assert answer.json()["auth"] == "ada"

    @pytest.mark.parametrize("bearer", [Token, NinjaBearer])
    def test_a_wrong_bearer_is_not_the_sessions_user(self, ask, transactional_db, bearer):
        for auth in (
            AnyOf(bearer(), SessionAuthenticator()),
            AnyOf(SessionAuthenticator(), bearer()),
        ):
            answer = ask(auth, cookies=_sign_in("bob"), authorization="Bearer wrong")
            assert answer.status_code == 401
            assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_without_a_bearer_the_session_decides(self, ask, transactional_db):
        auth = AnyOf(Token(), SessionAuthenticator())
        assert ask(auth, cookies=_sign_in("bob")).json()["user"] == "bob"
        assert ask(auth, "post", cookies=_sign_in("bob"), enforce=True).status_code == 403

    def test_nothing_is_a_401_with_every_challenge(self, ask):
        answer = ask(AnyOf(Token(scopes=["a"]), NinjaBasic(), NinjaCookie(), Key()))
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == (
            'Bearer realm="api", scope="a", Basic realm="api", charset="UTF-8"'
        )

    def test_it_takes_ninjas_classes(self, ask):
        auth = AnyOf(NinjaBasic(), NinjaCookie(), NinjaQuery())
        basic = {"authorization": "Basic YWRhOnNlY3JldA=="}
        assert ask(auth, **basic).json()["auth"] == "ada"
        assert ask(auth, path="/api/who?key=good").json()["auth"] == "query"
        assert ask(auth, cookies={"key": "good"}).json()["auth"] == "cookie"
        assert ask(auth, path="/api/who?key=bad", cookies={"key": "good"}).status_code == 401
        for wrong in ("Basic", "Basic \xff", "Basic YWRhOng=", "Basic ////"):
            answer = ask(auth, cookies={"key": "good"}, authorization=wrong)
            assert answer.status_code == 401
            assert answer["WWW-Authenticate"] == 'Basic realm="api", charset="UTF-8"'

    def test_what_has_no_scheme_cannot_be_one_of_them(self):
        with pytest.raises(ConfigError, match="cannot tell whether"):
            AnyOf(Token(), lambda request: True)

    def test_none_at_all_is_a_mistake(self):
        with pytest.raises(ConfigError, match="at least one"):
            AnyOf()


class Several(Authenticator):
    """An app's tokens, of which a client has one or the other, and a client certificate."""

    security_schemes = {
        "appToken": {"type": "apiKey", "in": "header", "name": "X-App-Token"},
        "accessToken": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "https://id.example/authorize",
                    "tokenUrl": "https://id.example/token",
                    "scopes": {"books:read": "Read books."},
                }
            },
        },
        "certificate": {"type": "mutualTLS"},
    }
    scopes = ("books:read",)
    realm = "books"

    def authenticate(self, request, credentials):
        return Principal(str(credentials), ["books:read"])

    def security_requirements(self):
        token, access, _ = super().security_requirements()
        return [token, {**access, "certificate": []}]


class TestSeveralSchemes:
    def test_each_is_found(self, ask):
        for headers, name in (
            ({"x-app-token": "a"}, "appToken"),
            ({"authorization": "Bearer a"}, "accessToken"),
        ):
            answer = ask(Several(), **headers)
            assert answer.json()["auth"] == f"Credentials(scheme='{name}', value='a')"

    def test_the_challenge_has_realm_and_scope(self, ask):
        assert ask(Several())["WWW-Authenticate"] == 'Bearer realm="books", scope="books:read"'

    def test_the_document_has_them_with_their_scopes(self):
        api = MattAPI()
        api.get("/several", auth=Several())(lambda request: {})
        api.get("/any", auth=AnyOf(NinjaBearer(), Token(), SessionAuthenticator()))(lambda r: {})
        api.post("/any", auth=AnyOf(Token(), SessionAuthenticator()))(lambda request: {})
        document = api.get_openapi_schema(path_prefix="")
        several, any_of = document["paths"]["/several"]["get"], document["paths"]["/any"]["get"]
        assert several["security"] == [
            {"appToken": ["books:read"]},
            {"accessToken": ["books:read"], "certificate": []},
        ]
        assert {401, 403} <= set(several["responses"])
        # Ninja's class and ours are one scheme, named by ours.
        assert any_of["security"] == [{"bearer": []}, {"session": []}]
        assert 403 not in any_of["responses"]
        assert 403 in document["paths"]["/any"]["post"]["responses"]
        schemes = document["components"]["securitySchemes"]
        assert schemes == {
            **Several.security_schemes,
            "bearer": BEARER,
            "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        }
        found = {each.path: each.security_schemes for each in api.operations(path_prefix="")}
        assert list(found["/several"]) == ["appToken", "accessToken", "certificate"]
        assert sorted(found["/any"]) == ["bearer", "session"]

    def test_two_of_one_name_are_told_apart(self):
        class Other(Token):
            security_schemes = {"bearer": {**BEARER, "bearerFormat": "JWT"}}

        api = MattAPI()
        api.get("/one", auth=Token())(lambda request: {})
        api.get("/two", auth=Other())(lambda request: {})
        document = api.get_openapi_schema(path_prefix="")
        assert document["paths"]["/two"]["get"]["security"] == [{"bearer2": []}]
        assert document["components"]["securitySchemes"]["bearer2"]["bearerFormat"] == "JWT"


def assert_mistake(serve, api, message):
    client = serve(api)
    with pytest.raises(SystemCheckError, match=r"matt\.E004") as failed:
        call_command("check")
    assert re.search(message, str(failed.value))
    assert client.get("/api/one").status_code == 500


@pytest.mark.django_db  # a check of Django's asks the database whether it has JSON
class TestMistakes:
    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ({"security_schemes": {"a": BEARER}}, r"needs a method authenticate\(\)"),
            ({"authenticate": lambda self, request, credentials: 1}, "needs security_schemes"),
            ({"security_schemes": {"a": {"type": "http"}, "b": BEARER}}, "'a' is not one of"),
            ({"security_schemes": {"a b": BEARER}}, "'a b' is not one of OpenAPI"),
            ({"security_schemes": {"a": {"type": "apiKey"}, "b": BEARER}}, "'a' is not one of"),
            ({"security_schemes": {"a": {"type": "http", "scheme": 1}}, "scopes": "ab"}, "list"),
            ({"security_schemes": {"a": BEARER}, "scopes": ["a b"]}, "list of strings"),
            ({"security_schemes": {"a": BEARER}, "scopes": ['a"']}, "list of strings"),
            ({"security_schemes": {"a": BEARER}, "realm": 'a"b'}, "cannot be a realm"),
            (
                {"security_schemes": {"a": BEARER}, "security_requirements": lambda s: [{"b": []}]},
                "requires a scheme",
            ),
        ],
    )
    def test_one_is_found_by_the_system_check(self, serve, members, message):
        members.setdefault("aauthenticate", Authenticator.aauthenticate)
        if "method" not in message:
            members.setdefault("authenticate", lambda self, request, credentials: 1)
        else:
            del members["aauthenticate"]
        api = MattAPI()
        api.get("/one", auth=type("Mine", (Authenticator,), members)())(lambda request: {})
        assert_mistake(serve, api, message)

    def test_an_async_method_of_the_sync_name_is_one(self, serve):
        class Mine(BearerAuthenticator):
            async def authenticate(self, request, credentials):
                return True

        api = MattAPI()
        api.get("/one", auth=Mine())(lambda request: {})
        assert_mistake(serve, api, "aauthenticate")


def test_a_key_in_a_header_of_ninjas_is_called_as_before(ask):
    class Header(APIKeyHeader):
        param_name = "X-Key"

        def authenticate(self, request, key):
            return key

    assert ask(Header(), **{"x-key": "k"}).json()["auth"] == "k"
    assert ask([Header(), NinjaBearer()], authorization="Bearer b").json()["auth"] == "b"
