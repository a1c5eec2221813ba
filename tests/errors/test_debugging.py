"""DEBUG over HTTP: the problem document, the page, the panel in the terminal."""

import io
import json
import logging
import re
import sys
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.db.models import CharField, Model
from ninja.security import HttpBearer, django_auth
from pydantic import BaseModel

from django_matt import MattAPI, ModelSchema, Schema, paginate, tier
from django_matt.errors.tracebacks.terminal import show_in_terminal
from tests.project.models import Tag

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class LoginIn(Schema):
    user: str
    password: str


@pytest.fixture
def client(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.post("/login")
    def login(request, data: LoginIn, token: str = ""):
        raise ValueError("<script>alert(1)</script>")

    @api.get("/fails")
    async def fails(request):
        raise ExceptionGroup("<b>two</b>", [KeyError("one"), ValueError("two")])

    return serve(api)


def _login(client, **headers):
    return client.post(
        "/api/login?token=hush1&page=2",
        {"user": "ann", "password": "hush2"},
        content_type="application/json",
        headers={"Authorization": "Bearer hush3", "Cookie": "sessionid=hush4", "X-Plain": "seen"}
        | headers,
    )


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/json, text/html;q=0.9", ""]
)
def test_a_program_gets_a_problem_document_with_the_traceback(client, accept):
    answer = _login(client, Accept=accept)
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["exception"] == "ValueError: <script>alert(1)</script>"
    assert problem["traceback"]["frames"][-1]["function"].endswith("login")
    assert problem["request"]["method"] == "POST"
    assert "hint" in problem


def test_the_requests_secrets_are_hidden(client):
    shown = _login(client).json()["request"]
    assert shown["query"] == {"token": "********", "page": "['2']"}
    assert shown["body"] == "{'user': 'ann', 'password': ********}"
    assert shown["headers"]["X-Plain"] == "seen"
    for accept in ("*/*", BROWSER):
        text = _login(client, Accept=accept).content.decode()
        assert not re.search("hush[1-4]", text)


def test_a_browser_gets_a_page_that_a_strict_policy_allows(client):
    answer = _login(client, Accept=BROWSER)
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    assert not re.search(r'(?:src|href)="(?!/api/_matt/|#|vscode:)', text)
    for address in set(re.findall(r'(?:src|href)="(/api/_matt/[^"]+)"', text)):
        assert client.get(address).status_code == 200
    assert answer["X-Request-ID"] in text
    assert "Accept" in answer["Vary"]


def test_an_async_route_has_the_page_too(client):
    text = client.get("/api/fails", headers={"Accept": BROWSER}).content.decode()
    assert "&lt;b&gt;two&lt;/b&gt;" in text
    assert text.count("In the group") >= 2


class ShownTag(ModelSchema):
    class Meta:
        model = Tag
        fields = ["name"]


class NamedTag(Schema):
    name: str


@pytest.mark.django_db
@pytest.mark.parametrize("is_async", [False, True])
def test_the_tier_its_query_and_what_closes_a_faster_one_are_shown(serve, settings, is_async):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/rows", response=list[ShownTag])
    def rows(request):
        raise LookupError

    @api.get("/chosen", response=list[ShownTag])
    @tier("instances")
    async def chosen(request):
        raise LookupError

    @api.get("/plain")
    async def plain(request):
        raise LookupError

    client = serve(api)
    get = async_to_sync(client.async_client.get) if is_async else client.get

    def both(path):
        page = get(path, headers={"Accept": BROWSER}).content.decode()
        return get(path).json()["plan"], page

    (found,), page = both("/api/rows")
    assert (found["tier"], found["reason"]) == ("rows", None)
    assert found["schema"].endswith("ShownTag]")
    assert '"project_tag"."name"' in found["queries"][0]
    assert "directly from the database rows" in page
    assert "Why not faster" not in page
    assert "&quot;project_tag&quot;.&quot;name&quot;" in page
    (found,), page = both("/api/chosen")
    assert found["tier"] == "instances"
    assert "Why not faster: closed by @tier(&quot;instances&quot;) on the route" in page
    (found,), page = both("/api/plain")
    assert found["tier"].startswith("no response schema")
    assert "No response schema: the view&#x27;s return value" in page


def test_a_route_without_a_model_is_described_without_one(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it", response=list[NamedTag])
    def it(request):
        raise LookupError

    page = serve(api).get("/api/it", headers={"Accept": BROWSER}).content.decode()
    card = page.partition('id="plan"')[2].partition("</section>")[0]
    assert "Any other result is written from the objects that the view returns." in card
    assert "Why not faster" not in card
    assert "matt_plan" not in card


@pytest.mark.django_db
def test_the_plan_is_of_the_model_that_the_route_last_returned(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it", response=list[NamedTag])
    def it(request, fail: bool = False):
        if fail:
            raise LookupError
        return Tag.objects.all()

    client = serve(api)
    assert client.get("/api/it?fail=1").json()["plan"][0]["tier"] == "rows or instances"
    assert client.get("/api/it").status_code == 200
    assert client.get("/api/it?fail=1").json()["plan"][0]["tier"] == "rows"


def test_a_plan_that_cannot_be_described_hides_no_error(serve, settings, monkeypatch):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it", response=list[ShownTag])
    def it(request):
        raise LookupError

    def away(*args, **kwargs):
        raise OSError("the database is away")

    monkeypatch.setattr(Tag._default_manager, "all", away)
    problem = serve(api).get("/api/it").json()
    assert problem["exception"] == "LookupError"
    (plan,) = problem["plan"]
    assert plan["tier"] == "rows"
    assert "fails: OSError: the database is away" in plan["unknown"]


def test_outside_debug_nothing_of_a_plan_is_told(serve):
    api = MattAPI()

    @api.get("/it", response=list[ShownTag])
    def it(request):
        raise LookupError

    assert "plan" not in serve(api).get("/api/it").json()


def test_the_page_comes_even_where_templates_are_broken(client, settings, tmp_path):
    (tmp_path / "matt").mkdir()
    (tmp_path / "matt" / "error.html").write_text("{{ broken|no_such_filter }}")
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    ]
    assert "matt.css" in _login(client, Accept=BROWSER).content.decode()


def test_an_error_that_cannot_be_explained_is_still_answered(client, monkeypatch):
    def fail(*args):
        raise RuntimeError("the explanation failed")

    monkeypatch.setattr("django_matt.errors.tracebacks.explanations.explain", fail)
    answer = _login(client)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "traceback" not in answer.json()


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"x" * 10_000])
def test_an_odd_body_does_not_break_the_explanation(serve, settings, body):
    settings.DEBUG = True
    api = MattAPI()

    @api.post("/it")
    def it(request):
        assert request.body
        raise ValueError

    answer = serve(api).post("/api/it", body, content_type="application/json")
    assert "traceback" in answer.json()


def test_a_form_is_shown_without_its_secrets(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.post("/it")
    def it(request):
        assert request.POST
        assert request.body
        raise ValueError

    answer = serve(api).post(
        "/api/it",
        "user=ann&password=hush",
        content_type="application/x-www-form-urlencoded",
    )
    shown = answer.json()["request"]["body"]
    assert "ann" in shown
    assert "hush" not in shown


def test_the_page_shows_the_request(client):
    text = _login(client, Accept=BROWSER).content.decode()
    card = re.sub(r"<[^>]+>|\s+", " ", text.partition('id="request"')[2].partition("</section>")[0])
    for shown in ("POST /api/login", "not loaded: nothing has asked for it", "1 cookie", "page"):
        assert shown in card
    assert "ann" in card


@pytest.mark.django_db
def test_the_user_and_the_cookies_are_shown_without_secrets(serve, settings, django_user_model):
    settings.DEBUG = True
    settings.SESSION_COOKIE_NAME = "visit"
    user = django_user_model.objects.create_user("ann", password="hush")
    api = MattAPI(auth=django_auth)

    @api.get("/it")
    def it(request):
        raise LookupError

    client = serve(api)
    client.force_login(user)
    client.cookies["theme"] = "dark"
    client.cookies["api_token"] = "hush1"
    asked = client.get("/api/it").json()["request"]
    assert asked["user"] == f"User: ann, pk {user.pk}"
    assert asked["cookies"] == {"theme": "'dark'", "api_token": "********", "visit": "********"}
    page = client.get("/api/it", headers={"Accept": BROWSER}).content.decode()
    assert client.cookies["visit"].value not in page
    assert "User: ann" in page


def test_a_token_that_authenticates_is_not_shown_as_the_user(serve, settings, monkeypatch):
    settings.DEBUG = True
    # As a token of REST framework: its text is the secret, and its primary key too.
    monkeypatch.setattr(Tag, "__str__", lambda self: "hush")

    class Bearer(HttpBearer):
        def authenticate(self, request, token):
            return Tag(pk=4711)

    api = MattAPI(auth=Bearer())

    @api.get("/it")
    def it(request):
        raise LookupError

    headers = {"Authorization": "Bearer hush", "Referer": "http://testserver/?token=hush"}
    asked = serve(api).get("/api/it", headers=headers).json()["request"]
    assert asked["user"] == f"not loaded: the request has a {Tag._meta.label}"
    assert asked["headers"]["Referer"] == "http://testserver/"
    assert not {"hush", "4711"} & {*re.findall(r"\w+", json.dumps(asked))}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_response_that_does_not_fit_shows_the_view_and_one_sentence(serve, settings, is_async):
    settings.DEBUG = True
    api = MattAPI()

    if is_async:

        @api.get("/it", response=list[NamedTag])
        async def view(request):
            return [{"name": "a"}, {"name": 2}]
    else:

        @api.get("/it", response=list[NamedTag])
        def view(request):
            return [{"name": "a"}, {"name": 2}]

    client = serve(api)
    problem = client.get("/api/it").json()
    yours = [frame for frame in problem["traceback"]["frames"] if frame["yours"]]
    line = view.__code__.co_firstlineno + 1
    assert [(frame["file"], frame["line"]) for frame in yours] == [(__file__, line)]
    assert yours[0]["note"] == "the view of this route"
    (current,) = [each["text"] for each in yours[0]["source"] if each["current"]]
    assert current.strip().endswith("def view(request):")
    assert problem["exception"] == (
        "ValidationError: The response does not fit its schema: "
        "name of row 1 (the first is 0): Input should be a valid string, got int"
    )
    assert problem["hint"] == (
        "Fix what `view` returns for `name`, or change the response schema of the route."
    )
    page = client.get("/api/it", headers={"Accept": BROWSER}).content.decode()
    shown = re.sub(r"<dd>[^<]*</dd>", "", page.partition('<pre id="as-text"')[0])
    assert shown.count("Input should be a valid string") == 1
    assert f"test_debugging.py:{line}" in shown
    assert "your code" in shown


def test_a_key_that_does_not_fit_steers_no_terminal(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it", response=dict[str, int])
    def it(request):
        return {"\x1b]0;owned\x07": "no number"}

    client = serve(api)
    answer = client.get("/api/it").json()
    assert "\\x1b]0;owned" in answer["exception"]
    assert "\x1b" not in answer["exception"] + answer["hint"]
    assert b"\x1b" not in client.get("/api/it", headers={"Accept": BROWSER}).content


def test_every_place_that_does_not_fit_is_listed_once(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it", response=list[NamedTag])
    def it(request):
        return [{"name": n} for n in range(30)]

    lines = serve(api).get("/api/it").json()["traceback"]["message"].splitlines()
    assert len(lines) == 21
    assert lines[1].startswith("name of row 1 (the first is 0)")
    assert lines[-1] == "and 10 more"


NAMES = ("items", "keys", "values", "get", "count", "0")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_async", [False, True])
def test_the_page_takes_any_name_of_the_users(serve, settings, name, is_async):
    settings.DEBUG = True
    api = MattAPI()
    parameter = name if name.isidentifier() else "items"

    def fail(values):
        items, keys, get, count = [1, 2], "k", {"items": 3}, {"items": settings}
        raise LookupError(items, keys, values, get, count)

    source = f"""
@api.post("/it/{{{parameter}}}")
{"async " if is_async else ""}def it(request, {parameter}: str):
    request.body
    fail({{"items": 1}})
"""
    exec(source, {"api": api, "fail": fail, "__name__": __name__})
    client = serve(api)
    post = async_to_sync(client.async_client.post) if is_async else client.post
    answer = post(
        f"/api/it/in-path?{name}=in-query&{name}=twice",
        {name: "in-body"},
        content_type="application/json",
        headers={"Accept": BROWSER, name: "in-header", "Cookie": f"{name}=in-cookie"},
    )
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode().partition('<pre id="as-text"')[0]
    # A name with "key" in it is sensitive: the exception filter hides its value.
    for shown in (
        ("in-path", "in-query", "in-body", "in-header", "in-cookie") if name != "keys" else ()
    ):
        assert shown in page
    for local in ("items", "keys", "values", "get", "count"):
        assert f"<dt>{local}</dt>" in page


@pytest.mark.django_db(transaction=True)
def test_a_missing_table_of_a_paginated_list_shows_the_page_with_the_hint(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    class LostTag(Model):
        name = CharField(max_length=10)

        class Meta:
            app_label = "project"
            managed = False

    class LostTagOut(ModelSchema):
        class Meta:
            model = LostTag
            fields = ["name"]

    @api.get("/it", response=list[LostTagOut])
    @paginate
    def it(request):
        return LostTag.objects.all()

    try:
        answer = serve(api).get("/api/it", headers={"Accept": BROWSER})
    finally:
        del apps.all_models["project"]["losttag"]
        apps.clear_cache()
    page = answer.content.decode()
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "run `python manage.py migrate`" in page
    assert "test_debugging.py" in page.partition('<pre id="as-text"')[0]


TEMPLATES = [
    path
    for folder in ("django_matt/templates", "contrib")
    for path in (Path(__file__).parents[2] / folder).rglob("*.html")
]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_asks_a_dict_of_the_users_for_its_items(path):
    """A template takes the key before the method, so that a dict with the key ``items`` has no method of that name."""
    assert not re.search(r"\{[{%][^}]*\.(?:items|keys|values)\b", path.read_text())


def test_a_secret_is_not_readable_in_the_source_line(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/it")
    def it(request):
        secret_token = "never shown"
        raise LookupError(len(secret_token))

    client = serve(api)
    for accept in ("*/*", BROWSER):
        text = client.get("/api/it", headers={"Accept": accept}).content.decode()
        assert "secret_token = ********" in text
        assert "never" not in text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_panel_and_the_log_no_second_traceback(client, monkeypatch, caplog):
    monkeypatch.setattr(sys, "stderr", Terminal())
    _login(client)
    printed = sys.stderr.getvalue()
    assert "ValueError" in printed
    assert "POST /api/login" in printed
    assert "raise ValueError" in printed
    assert "hush" not in printed
    record = next(r for r in caplog.records if hasattr(r, "request_id"))
    assert isinstance(record.exc_info[1], ValueError)
    assert record.exc_text == "(the traceback is shown above)"


def test_a_pipe_gets_the_plain_log(client, monkeypatch, caplog):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    _login(client)
    assert sys.stderr.getvalue() == ""
    assert "Traceback" in caplog.text


def test_without_rich_the_log_is_plain(client, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    for name in ("rich", "rich.console", "rich.panel", "rich.text"):
        monkeypatch.setitem(sys.modules, name, None)
    problem = json.loads(_login(client).content)
    assert show_in_terminal(problem) is False


class ListedTag(Schema):
    name: str


class MadeTag(BaseModel):
    name: str


@pytest.mark.django_db
@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
@pytest.mark.parametrize("is_async", [False, True])
def test_no_queryset_is_evaluated_to_describe_an_error(
    serve, settings, django_assert_num_queries, accept, is_async
):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/tags", response=list[ListedTag])
    def tags(request):
        return {"items": Tag.objects.all()}

    client = serve(api)
    get = async_to_sync(client.async_client.get) if is_async else client.get
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger("django.request").addHandler(handler)
    try:
        with django_assert_num_queries(0):
            answer = get("/api/tags", headers={"Accept": accept})
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    said = "The response does not fit its schema: the value: Input should be a valid list, got dict"
    assert answer.status_code == 500
    assert said in answer.content.decode()
    assert f"ValidationError: {said}" in log.getvalue()
    assert "Traceback (most recent call last):" in log.getvalue()


@pytest.mark.django_db
def test_the_error_of_a_schema_that_the_view_makes_evaluates_no_queryset(
    serve, settings, django_assert_num_queries
):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/tag")
    def tag(request):
        return MadeTag(name={"tags": Tag.objects.all()})

    client = serve(api)
    with django_assert_num_queries(0):
        problem = client.get("/api/tag").json()
    assert "Input should be a valid string" in problem["exception"]
    assert "Your own code built MadeTag with a wrong name" in problem["hint"]
