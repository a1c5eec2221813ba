"""DEBUG over HTTP: the problem document, the page, the panel in the terminal."""

import io
import json
import re
import sys

import pytest
from asgiref.sync import async_to_sync

from django_matt import MattAPI, ModelSchema, Schema, tier
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
    assert '<span class="tag">rows</span>' in page
    assert "&quot;project_tag&quot;.&quot;name&quot;" in page
    (found,), page = both("/api/chosen")
    assert found["tier"] == "instances"
    assert "Not faster: closed by @tier(&quot;instances&quot;) on the route" in page
    (found,), page = both("/api/plain")
    assert found["tier"].startswith("no response schema")
    assert "No response schema: what the view returns" in page


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
