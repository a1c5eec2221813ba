"""WebSockets of an API, as an ASGI server would open them; tests/e2e/test_sockets.py does so with real servers."""

import asyncio
import logging
import threading
from types import ModuleType

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import include, path, reverse
from ninja.errors import ConfigError
from ninja.security import APIKeyQuery, HttpBearer, django_auth

from django_matt import MattAPI
from django_matt.asgi import MattASGIHandler
from django_matt.authentication import AnyOf, BearerAuthenticator, SessionAuthenticator


class Opened:
    """One connection, with what the application has sent to it."""

    def __init__(self):
        self.inbox = asyncio.Queue()
        self.sent = []
        self.news = asyncio.Event()

    async def send(self, message):
        self.sent.append(message)
        self.news.set()

    def says(self, text):
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def leaves(self, code=1001):
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": code})

    async def hears(self, count):
        """Wait until the application has sent ``count`` messages."""
        while len(self.sent) < count:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)
        return self.sent

    @property
    def refusal(self):
        """The status, the headers and the body of a refused handshake."""
        start, body = self.sent
        assert start["type"] == "websocket.http.response.start"
        assert body["type"] == "websocket.http.response.body"
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, body["body"].decode()

    @property
    def text(self):
        return [message.get("text") for message in self.sent if "text" in message]


def scope_of(path, headers=None, extensions=("websocket.http.response",), **more):
    url, _, query = path.partition("?")
    found = {"host": "testserver", **(headers or {})}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": url,
        "raw_path": url.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in found.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "subprotocols": [],
        "extensions": {key: {} for key in extensions},
        **more,
    }


@pytest.fixture
def talk(serve):
    """Return ``talk(api, path, *texts, **scope)``: connect, say each text, leave, and return what came back."""

    def run(api, path, *texts, stays=False, prefix="api/", urls=None, **scope):
        if api is not None:
            serve(api, prefix)
        application = MattASGIHandler()

        async def connect():
            opened = Opened()
            opened.inbox.put_nowait({"type": "websocket.connect"})
            for text in texts:
                opened.says(text)
            if not stays:
                opened.leaves()
            await asyncio.wait_for(
                application(scope_of(path, **scope), opened.inbox.get, opened.send), 20
            )
            return opened

        try:
            return asyncio.run(connect())
        finally:
            application.threads.close()

    return run


async def echo(scope, receive, send):
    """Accept, send what comes back, and tell what stands in the scope when asked."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        name = message["text"]
        await send({"type": "websocket.send", "text": str(scope.get(name, name))})


class Token(BearerAuthenticator):
    def authenticate(self, request, credentials):
        return User.objects.filter(username=credentials.value).first()


class Query(APIKeyQuery):
    param_name = "ticket"

    def authenticate(self, request, key):
        return {"good": "ticket"}.get(key or "")


def api_with(consumer=echo, path="/echo", *, auth=None, **options):
    api = MattAPI(**options)
    if auth is None:
        api.add_socket(path, consumer)
    else:
        api.add_socket(path, consumer, auth=auth)
    return api


class TestConnections:
    def test_a_consumer_gets_the_messages_from_the_first_on(self, talk):
        opened = talk(api_with(), "/api/echo", "hello", "again")
        assert opened.sent[0] == {"type": "websocket.accept"}
        assert opened.text == ["hello", "again"]

    def test_a_path_may_have_parameters(self, talk):
        for route in ("rooms/{int:room}/{name}", "/rooms/<int:room>/<name>"):
            opened = talk(api_with(path=route), "/api/rooms/7/x", "url_route", "path")
            assert opened.text == [
                "{'args': (), 'kwargs': {'room': 7, 'name': 'x'}}",
                "/api/rooms/7/x",
            ]
        assert talk(None, "/api/rooms/x/x").refusal[0] == 404

    def test_its_name_can_be_reversed(self, serve):
        api = MattAPI(urls_namespace="named")
        api.add_socket("rooms/{int:room}", echo, name="room")
        serve(api)
        assert reverse("named:room", args=[7]) == "/api/rooms/7"

    def test_one_that_comes_too_late_is_a_mistake(self):
        api = MattAPI()
        _ = api.urls
        with pytest.raises(ConfigError, match="too late"):
            api.add_socket("/late", echo)

    def test_an_api_may_be_mounted_anywhere(self, talk, settings, serve):
        api = api_with()
        serve(MattAPI(urls_namespace="other"))
        urlconf = ModuleType("urlconf_of_sockets")
        urlconf.urlpatterns = [path("a/<int:n>/", include([path("b/", api.urls)]))]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urlconf
        opened = talk(None, "/a/3/b/echo", "url_route")
        assert opened.text == ["{'args': (), 'kwargs': {'n': 3}}"]
        opened = talk(None, "/site/a/3/b/echo", "path", root_path="/site")
        assert opened.text == ["/site/a/3/b/echo"]

    def test_what_a_consumer_leaves_open_is_closed(self, talk):
        async def brief(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})

        opened = talk(api_with(brief), "/api/echo", stays=True)
        assert opened.sent[-1] == {"type": "websocket.close", "code": 1000}

    def test_what_a_consumer_does_not_answer_is_refused(self, talk):
        async def silent(scope, receive, send):
            await receive()

        opened = talk(api_with(silent), "/api/echo", stays=True)
        assert opened.refusal[0] == 403

    def test_a_consumer_may_refuse_by_itself(self, talk):
        async def closing(scope, receive, send):
            await send({"type": "websocket.close", "code": 4000})

        opened = talk(api_with(closing), "/api/echo", stays=True)
        assert opened.sent == [{"type": "websocket.close", "code": 4000}]

    def test_a_client_that_leaves_before_it_has_connected_is_forgotten(self, serve):
        async def never(scope, receive, send):
            raise AssertionError

        serve(api_with(never))
        application = MattASGIHandler()
        opened = Opened()
        opened.leaves()
        asyncio.run(application(scope_of("/api/echo"), opened.inbox.get, opened.send))
        assert opened.sent == []


class TestSynchronousWork:
    def test_a_stop_iteration_does_not_keep_it_waiting(self, talk, caplog):
        class Stopping(Token):
            def authenticate(self, request, credentials):
                return next(iter(()))

        async def stopping(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            await sync_to_async(next)(iter(()))

        headers = {"authorization": "Bearer ada"}
        assert talk(api_with(auth=Stopping()), "/api/echo", headers=headers).refusal[0] == 500
        talk(api_with(stopping), "/api/echo", stays=True)
        assert caplog.text.count("RuntimeError: A function in a thread raised StopIteration") == 2

    @pytest.mark.parametrize(("age", "closed"), [(0, 0), (None, 0), (60, 0), (0.01, 2)])
    def test_its_connection_grows_no_older_than_the_settings_say(
        self, talk, transactional_db, monkeypatch, age, closed
    ):
        monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", age)
        found = []

        def found_close(connection):
            found.append(connection)

        async def counting(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            with monkeypatch.context() as patch:
                patch.setattr(type(connections["default"]), "close", found_close)
                for _ in range(3):
                    await User.objects.acount()
                    await asyncio.sleep(0.02)

        talk(api_with(counting), "/api/echo")
        assert len(found) == closed

    def test_it_runs_in_one_thread_for_all_sockets(self, serve, transactional_db):
        threads = []

        async def counting(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})

            def count():
                threads.append(threading.current_thread().name)
                return User.objects.count()

            for _ in range(2):
                assert await sync_to_async(count)() == 0
            assert await User.objects.acount() == 0
            await receive()

        serve(api_with(counting))
        application = MattASGIHandler()

        async def connect():
            tasks, opened = [], [Opened() for _ in range(5)]
            for each in opened:
                each.inbox.put_nowait({"type": "websocket.connect"})
                asked = application(scope_of("/api/echo"), each.inbox.get, each.send)
                tasks.append(asyncio.create_task(asked))
            for each in opened:
                await each.hears(1)
                each.leaves()
            await asyncio.wait_for(asyncio.gather(*tasks), 20)

        asyncio.run(connect())
        application.threads.close()
        assert len(threads) == 10
        assert len(set(threads)) == 1
        assert threads[0].startswith("matt-streams")


class TestAuthentication:
    def test_the_api_s_own_lets_in(self, talk, transactional_db):
        User.objects.create(username="ada")
        api = MattAPI(auth=Token())
        api.add_socket("/echo", echo)
        headers = {"authorization": "Bearer ada"}
        opened = talk(api, "/api/echo", "auth", "user", headers=headers)
        assert opened.text == ["ada", "ada"]

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"authorization": "Bearer bob"},
            {"authorization": "Bearer b\xf6b"},
            {"authorization": "Bearer " + "x" * 20_000},
            {"authorization": "\x00"},
        ],
        ids=["none", "wrong", "not ASCII", "huge", "NUL"],
    )
    def test_a_refusal_is_the_401_of_a_route(self, talk, transactional_db, headers):
        async def never(scope, receive, send):
            raise AssertionError

        opened = talk(api_with(never, auth=Token()), "/api/echo", headers=headers)
        status, sent, body = opened.refusal
        assert status == 401
        assert sent["www-authenticate"].startswith('Bearer realm="api"')
        assert body.startswith('{"detail":')

    def test_a_server_without_responses_is_told_to_close(self, talk):
        opened = talk(api_with(auth=[Query()]), "/api/echo?ticket=bad", extensions=())
        assert opened.sent == [{"type": "websocket.close", "code": 1008, "reason": "Unauthorized"}]
        opened = talk(None, "/api/echo", extensions=())
        assert opened.sent[0]["reason"] == "Unauthorized"

    def test_ninjas_classes_work(self, talk):
        assert talk(api_with(auth=Query()), "/api/echo?ticket=good", "auth").text == ["ticket"]
        assert talk(None, "/api/echo?ticket=").refusal[0] == 401

        class Async(HttpBearer):
            async def authenticate(self, request, token):
                return token

        opened = talk(
            api_with(auth=Async()), "/api/echo", "auth", headers={"authorization": "Bearer t"}
        )
        assert opened.text == ["t"]

    @pytest.mark.parametrize(
        "auth", [django_auth, AnyOf(Query(), SessionAuthenticator())], ids=["ninja", "ours"]
    )
    def test_a_session_works(self, talk, transactional_db, auth):
        client = Client()
        client.force_login(User.objects.create(username="ada"))
        cookie = {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
        api = api_with(auth=auth)
        opened = talk(api, "/api/echo", "user", "auth", "session", headers=cookie)
        assert opened.text[:2] == ["ada", "ada"]
        assert "SessionStore" in opened.text[2]
        assert talk(None, "/api/echo").refusal[0] == 401

    def test_without_any_the_user_is_known_all_the_same(self, talk, transactional_db):
        client = Client()
        client.force_login(User.objects.create(username="ada"))
        cookie = {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
        assert talk(api_with(), "/api/echo", "user", headers=cookie).text == ["ada"]
        assert talk(None, "/api/echo", "user").text == ["AnonymousUser"]
        api = MattAPI(auth=Token())
        api.add_socket("/open", echo, auth=None)
        assert talk(api, "/api/open", "user").text == ["AnonymousUser"]

    def test_a_user_that_ninjas_class_sets_is_not_the_sessions(self, talk, transactional_db):
        class Setting(Query):
            def authenticate(self, request, key):
                request.user = User(username="eve")
                return key

        client = Client()
        client.force_login(User.objects.create(username="ada"))
        cookie = {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
        opened = talk(api_with(auth=Setting()), "/api/echo?ticket=x", "user", headers=cookie)
        assert opened.text == ["eve"]

    def test_what_a_callback_raises_is_a_500(self, talk, caplog):
        def broken(request):
            raise ValueError("of the callback")

        opened = talk(api_with(auth=broken), "/api/echo")
        assert opened.refusal[0] == 500
        assert "of the callback" in caplog.text


class TestOrigins:
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            (None, None),
            ("http://testserver", None),
            ("https://trusted.example", None),
            ("https://a.wild.example", None),
            ("https://a.wild.example:8443", 403),
            ("https://testserver", 403),
            ("http://trusted.example", 403),
            ("http://testserver:8000", 403),
            ("https://evil.example", 403),
            ("https://evilwild.example", 403),
            ("null", 403),
            ("", 403),
            ("https://[", 403),
            ("https://testserver\x00", 403),
            ("\xff" * 5000, 403),
            ("http://testserver.evil.example", 403),
        ],
    )
    def test_only_pages_of_this_site_or_trusted_ones_may_connect(
        self, talk, settings, origin, status
    ):
        settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example", "https://*.wild.example"]
        headers = {} if origin is None else {"origin": origin}
        opened = talk(api_with(auth=None), "/api/echo", "hello", headers=headers)
        if status is None:
            assert opened.text == ["hello"]
        else:
            assert opened.refusal[0] == status

    def test_over_tls_the_page_must_be_too(self, talk):
        headers = {"origin": "https://testserver"}
        assert talk(api_with(), "/api/echo", "x", headers=headers, scheme="wss").text == ["x"]
        headers = {"origin": "http://testserver"}
        assert talk(None, "/api/echo", headers=headers, scheme="wss").refusal[0] == 403

    def test_an_unknown_host_is_a_400(self, talk, settings):
        settings.ALLOWED_HOSTS = ["testserver"]
        headers = {"host": "evil.example", "origin": "http://evil.example"}
        assert talk(api_with(), "/api/echo", headers=headers).refusal[0] == 400

    def test_a_refusal_is_in_the_errors_form(self, talk):
        headers = {"origin": "https://evil.example", "accept": "application/problem+json"}
        _, sent, body = talk(api_with(), "/api/echo", headers=headers).refusal
        assert sent["content-type"] == "application/problem+json"
        assert '"code": "origin_not_allowed"' in body or '"code":"origin_not_allowed"' in body


class TestOtherAddresses:
    def test_an_unknown_path_is_a_404(self, talk):
        api = api_with()
        for url in ("/api/unknown", "/api/echo/", "/", "/elsewhere", "/api/\xff%00", "//api/echo"):
            assert talk(api if url == "/api/unknown" else None, url).refusal[0] in {301, 404}, url

    def test_a_route_is_no_socket_and_is_not_called(self, talk):
        called = []
        api = api_with()

        @api.get("/route")
        def route(request):
            called.append(1)
            return {}

        assert talk(api, "/api/route").refusal[0] == 404
        assert called == []

    def test_a_route_of_the_same_address_leaves_the_handshake_to_the_socket(self, talk, serve):
        api = api_with(auth=None)

        @api.get("/echo")
        def route(request):
            return {"route": "echo"}

        @api.get("/{name}")
        def named(request, name: str):
            return {"route": name}

        api.add_socket("/chat", echo)
        for url in ("echo", "chat"):
            assert talk(api if url == "echo" else None, f"/api/{url}", "x").text == ["x"]
            assert Client().get(f"/api/{url}").json() == {"route": url}
        assert talk(None, "/api/other").refusal[0] == 404

    def test_a_query_that_is_no_text_is_a_400(self, talk):
        assert talk(api_with(), "/api/echo", query_string=b"\xff").refusal[0] == 400

    @pytest.mark.parametrize("method", ["get", "post", "options"])
    def test_a_plain_request_is_a_426(self, serve, method):
        client = serve(api_with(auth=Token()))
        answer = getattr(client, method)("/api/echo")
        assert (answer.status_code, answer["Upgrade"]) == (426, "websocket")
        assert "WebSocket" in answer.json()["detail"]

    def test_no_document_has_it(self):
        api = api_with()
        assert api.get_openapi_schema(path_prefix="")["paths"] == {}
        assert api.operations(path_prefix="") == []

    def test_a_project_without_sockets_is_as_before(self, talk):
        with pytest.raises(ValueError, match="can only handle ASGI/HTTP"):
            talk(MattAPI(), "/api/echo")


class TestMiddleware:
    def test_it_sees_the_handshake_and_may_refuse_it(self, talk, settings):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.refuse_x"]
        assert talk(api_with(), "/api/echo", "hi").text == ["hi"]
        status, sent, body = talk(None, "/api/echo", headers={"x-refuse": "1"}).refusal
        assert (status, sent["retry-after"], body) == (429, "3", "Slow down.")


def refuse_x(get_response):
    from django.http import HttpResponse

    def middleware(request):
        if "x-refuse" in request.headers:
            return HttpResponse("Slow down.", status=429, headers={"Retry-After": "3"})
        return get_response(request)

    return middleware


class TestFaults:
    @pytest.mark.parametrize("accepts", [True, False])
    def test_what_a_consumer_raises_is_logged_and_closes(self, talk, caplog, accepts):
        async def broken(scope, receive, send):
            await receive()
            if accepts:
                await send({"type": "websocket.accept"})
            raise ValueError("of the consumer")

        with caplog.at_level(logging.ERROR, "django.request"):
            opened = talk(api_with(broken), "/api/echo", stays=True)
        if accepts:
            assert opened.sent[-1] == {"type": "websocket.close", "code": 1011}
        else:
            assert opened.refusal[0] == 500
        (record,) = [each for each in caplog.records if each.name == "django.request"]
        assert record.exc_info is not None
        assert "of the consumer" in str(record.exc_info[1])
        assert record.getMessage() == "Internal Server Error: /api/echo"
        assert record.request.path == "/api/echo"  # type: ignore[attr-defined]

    def test_one_after_the_close_sends_nothing_more(self, talk, caplog):
        async def broken(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4001})
            raise ValueError("too late")

        opened = talk(api_with(broken), "/api/echo", stays=True)
        assert opened.sent[-1] == {"type": "websocket.close", "code": 4001}
        assert "too late" in caplog.text

    @pytest.mark.parametrize("how", ["alone", "in a group", "in a group, with a fault"])
    def test_a_send_to_a_client_that_has_left_is_no_fault(self, serve, caplog, how):
        class Left(OSError):
            pass

        async def push(send):
            while True:
                await send({"type": "websocket.send", "text": "x"})

        async def fail(send):
            with pytest.raises(Left):
                await push(send)
            raise ValueError("of the consumer")

        async def sending(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            if how == "alone":
                await push(send)
            async with asyncio.TaskGroup() as group:
                group.create_task(push(send))
                group.create_task(push(send) if how == "in a group" else fail(send))

        serve(api_with(sending))
        application = MattASGIHandler()

        async def connect():
            opened = Opened()
            opened.inbox.put_nowait({"type": "websocket.connect"})

            async def send(message):
                await asyncio.sleep(0)  # so that two tasks send by turns
                if len(opened.sent) > 3:
                    raise Left
                await opened.send(message)

            await asyncio.wait_for(application(scope_of("/api/echo"), opened.inbox.get, send), 20)

        with caplog.at_level(logging.WARNING):
            asyncio.run(connect())
        application.threads.close()
        assert [record.getMessage() for record in caplog.records] == (
            [] if "fault" not in how else ["Internal Server Error: /api/echo"]
        )

    def test_a_server_that_ends_cancels_the_consumer(self, serve):
        ended = []

        async def waiting(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        serve(api_with(waiting))
        application = MattASGIHandler()

        async def connect():
            opened = Opened()
            opened.inbox.put_nowait({"type": "websocket.connect"})
            task = asyncio.create_task(
                application(scope_of("/api/echo"), opened.inbox.get, opened.send)
            )
            await opened.hears(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(connect())
        application.threads.close()
        assert ended == [True]


def test_an_atomic_project_has_sockets_too(talk, settings, transactional_db):
    from django.db import connections

    database = connections.settings["default"]
    before, database["ATOMIC_REQUESTS"] = database["ATOMIC_REQUESTS"], True
    try:
        assert talk(api_with(), "/api/echo", "hello").text == ["hello"]
    finally:
        database["ATOMIC_REQUESTS"] = before


def test_requests_are_served_beside_sockets(serve):
    api = api_with()

    @api.get("/route")
    def route(request):
        return {"here": True}

    serve(api)
    application = MattASGIHandler()

    async def both():
        opened = Opened()
        opened.inbox.put_nowait({"type": "websocket.connect"})
        task = asyncio.create_task(
            application(scope_of("/api/echo"), opened.inbox.get, opened.send)
        )
        await opened.hears(1)
        sent = []

        async def send(message):
            sent.append(message)

        messages = iter([{"type": "http.request", "body": b""}])

        async def receive():
            for message in messages:
                return message
            return await asyncio.Event().wait()

        scope = scope_of("/api/route") | {"type": "http", "method": "GET", "scheme": "http"}
        await application(scope, receive, send)
        opened.leaves()
        await task
        return sent

    sent = asyncio.run(both())
    application.threads.close()
    assert (sent[0]["status"], sent[1]["body"]) == (200, b'{"here":true}')
