"""HTML as a format of an app: one operation as JSON, as a page and as a fragment; errors as pages."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from ninja.pagination import paginate

from django_matt import MattAPI, Schema, Status
from django_matt.contrib.conditional import conditional
from django_matt.errors.exceptions import Conflict
from django_matt.formats import Format, formats, register_format, unregister_format

pytestmark = pytest.mark.django_db(transaction=True)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = {"accept": BROWSER}
FRAGMENT = {"accept": "text/html, */*", "hx-request": "true"}


class GroupOut(Schema):
    name: str


@pytest.fixture(autouse=True)
def html_app(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.html"]
    Group.objects.bulk_create([Group(name="<editors>"), Group(name="makers")])
    yield
    unregister_format("html")


@pytest.fixture(params=["sync", "async"])
def client(request, serve):
    """An API whose routes also answer in HTML, in sync and in async views."""
    api = MattAPI()

    def groups(request):
        return Group.objects.order_by("name")

    def group(request, response: HttpResponse, name: str, status: int = 200):
        response["X-Own"] = "own"
        response.set_cookie("seen", name)
        if name == "taken":
            raise Conflict("It is <taken>.", code="taken")
        return Status(status, {"name": name})

    def create(request, name: str):
        Group.objects.create(name=name)
        return {"name": name}

    if request.param == "async":
        sync_groups, sync_group, sync_create = groups, group, create

        async def groups(request):  # type: ignore[no-redef]
            return sync_groups(request)

        async def group(request, response: HttpResponse, name: str, status: int = 200):  # type: ignore[no-redef]
            return sync_group(request, response, name, status)

        async def create(request, name: str):  # type: ignore[no-redef]
            from asgiref.sync import sync_to_async

            return await sync_to_async(sync_create)(request, name)

    add = formats(also=["html"])
    api.get("/groups", response=list[GroupOut])(add(groups))
    api.get("/group/{name}", response={200: GroupOut, 202: GroupOut})(add(group))
    api.post("/only", response=GroupOut)(formats("json", "html")(create))

    @api.get("/pages", response=list[GroupOut])
    @paginate
    @formats(also=["html"])
    def pages(request):
        return Group.objects.order_by("name")

    @api.get("/plain")
    def plain(request):
        return {"a": 1}

    return serve(api)


JSON_GROUPS = [{"name": "<editors>"}, {"name": "makers"}]


def test_one_operation_answers_as_json_as_a_page_and_as_a_fragment(client):
    answer = client.get("/api/groups")
    assert (answer.json(), answer["Vary"]) == (JSON_GROUPS, "Accept, HX-Request")
    page = client.get("/api/groups", headers=PAGE)
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert "<li>&lt;editors&gt;</li><li>makers</li>" in page.text
    assert page["Vary"] == "Accept, HX-Request"
    fragment = client.get("/api/groups", headers=FRAGMENT)
    assert fragment.text.startswith("<ul><li>&lt;editors&gt;")
    assert fragment["Vary"] == "Accept, HX-Request"
    assert client.get("/api/groups?format=html").text == page.text
    assert client.get("/api/groups", headers={"accept": "text/csv"}).text.startswith("name\r\n")


def test_a_route_that_did_not_ask_for_it_has_no_html(client):
    assert client.get("/api/plain", headers=PAGE).json() == {"a": 1}
    assert client.get("/api/plain", headers={"accept": "text/html"}).status_code == 406


def test_the_format_sees_the_view_s_own_result_its_data_and_its_status(client):
    answer = client.get("/api/group/<b>?status=202", headers=PAGE)
    assert answer.status_code == 202
    assert answer.text == "<h1>&lt;b&gt;</h1><p>&lt;b&gt;, 202</p>\n"


def test_what_the_view_set_on_its_response_stays(client):
    for headers in ({}, PAGE):
        answer = client.get("/api/group/a", headers=headers)
        assert (answer["X-Own"], answer.cookies["seen"].value) == ("own", "a")


def test_a_page_of_rows_reaches_the_format_as_instances(client):
    answer = client.get("/api/pages?limit=1", headers=FRAGMENT)
    first = Group.objects.get(name="<editors>")
    assert answer.text.strip() == f"<p>2</p><ul><li>{first.pk} &lt;editors&gt;</li></ul>"
    assert client.get("/api/pages?limit=1").json() == {"items": JSON_GROUPS[:1], "count": 2}


def test_errors_of_the_route_are_pages_and_fragments(client):
    page = client.get("/api/group/taken", headers=PAGE)
    assert (page.status_code, page["Content-Type"]) == (409, "text/html; charset=utf-8")
    assert page.text.startswith("<!doctype html><title>Conflict</title><h1>409</h1>")
    assert "<p>It is &lt;taken&gt;.</p>" in page.text
    assert page["Vary"] == "Accept, HX-Request"
    assert page["X-Request-ID"]
    fragment = client.get("/api/group/taken", headers=FRAGMENT)
    assert fragment.text.startswith("<h1>409</h1>")
    assert client.get("/api/group/taken").json() == {"detail": "It is <taken>."}
    problem = {"accept": "text/html, application/problem+json"}
    assert (
        client.get("/api/group/taken", headers=problem)["Content-Type"]
        == "application/problem+json"
    )


def test_validation_errors_are_pages_too(client):
    answer = client.post("/api/only", headers=PAGE)
    assert answer.status_code == 422
    assert "<h1>422</h1>" in answer.text
    made = client.post("/api/only?name=new", headers={"accept": "application/json"})
    assert made.json() == {"name": "new"}


def test_every_error_of_an_api_that_names_the_format_is_a_page(serve):
    api = MattAPI(formats=["json", "html"])

    @api.get("/fail")
    def fail(request):
        raise LookupError("secret")

    client = serve(api)
    for path, status in (("/api/none", 404), ("/api/fail", 500)):
        answer = client.get(path, headers=PAGE)
        assert answer.status_code == status
        assert f"<h1>{status}</h1>" in answer.text
        assert "secret" not in answer.text
    assert client.post("/api/fail", headers=PAGE)["Allow"] == "GET, HEAD"
    assert "<h1>405</h1>" in client.post("/api/fail", headers=PAGE).text


def test_the_settings_know_the_name(serve, settings):
    settings.MATT = {"FORMATS": ["json", "html"]}
    assert MattAPI().formats.names == ("json", "html")


def test_a_format_that_fails_to_answer_an_error_leaves_it_to_us(serve, monkeypatch, caplog):
    from tests.html.formats import HTML

    monkeypatch.setattr(HTML, "render_error", lambda *_: 1 / 0)
    answer = serve(MattAPI(formats=["json", "html"])).get("/api/none", headers=PAGE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "The format 'html' could not render an error" in caplog.text


def test_an_error_that_the_format_does_not_answer_is_json(serve):
    class Text(Format):
        name = "text"
        media_type = "text/plain"

        def render(self, result: Any, context: Any) -> str:
            return str(result)

    api = MattAPI(formats=["json", Text()])

    @api.get("/one")
    def one(request, fails: bool = False):
        if fails:
            raise Conflict("no")
        return {"a": 1}

    @api.get("/own")
    def own(request):
        return api.create_response(request, {"own": True}, status=200)

    client = serve(api)
    text = {"accept": "text/plain"}
    assert client.get("/api/one", headers=text).text == "{'a': 1}"
    assert client.get("/api/one?fails=1", headers=text).json() == {"detail": "no"}
    assert client.get("/api/own", headers=text).json() == {"own": True}
    body = client.post("/api/one", b"x", content_type="text/plain")
    assert body.status_code == 405


def test_the_etag_tells_the_fragment_from_the_page_and_from_json(serve):
    api = MattAPI()

    @api.get("/group", response=GroupOut)
    @conditional(etag=lambda request: "v1")
    @formats(also=["html"])
    def group(request):
        return {"name": "a"}

    @api.put("/group", response=GroupOut)
    @conditional(etag=lambda request: "v1")
    @formats(also=["html"])
    def change(request):
        return {"name": "b"}

    client = serve(api)
    tags = [client.get("/api/group", headers=each)["ETag"] for each in ({}, PAGE, FRAGMENT)]
    assert len(set(tags)) == 3
    known = client.get("/api/group", headers={**FRAGMENT, "if-none-match": tags[2]})
    assert (known.status_code, known["Vary"]) == (304, "Accept, HX-Request")
    assert client.get("/api/group", headers={**PAGE, "if-none-match": tags[2]}).status_code == 200
    for tag in tags:
        assert client.put("/api/group", headers={"if-match": tag}).status_code == 200
    assert client.put("/api/group", headers={"if-match": '"v2"'}).status_code == 412


def test_the_document_describes_it_as_the_format_says(client):
    document = client.get("/api/openapi.json").json()
    content = document["paths"]["/api/groups"]["get"]["responses"]["200"]["content"]
    assert content["text/html"] == {"schema": {"type": "string"}}
    assert content["application/json"]["schema"]["type"] == "array"
    # Nobody named the formats that every API has.
    assert set(content) == {"application/json", "text/html"}
    plain = document["paths"]["/api/plain"]["get"]["responses"]["200"]
    assert "text/html" not in plain.get("content", {})
    errors = document["components"]["responses"]["NotFound"]["content"]
    assert errors["text/html"] == {"schema": {"type": "string"}}


def test_a_name_is_registered_once_and_as_the_class_says():
    class Other(Format):
        name = "html"
        media_type = "text/html"

    register_format("html", "tests.html.formats.HTML")
    for name in ("html", "json", "form"):
        with pytest.raises(ImproperlyConfigured, match="already registered"):
            register_format(name, Other)
    with pytest.raises(ImproperlyConfigured, match="registered as 'page', but its name is 'html'"):
        register_format("page", Other)
    unregister_format("html")
    with pytest.raises(ImproperlyConfigured, match="There is no format 'html'"):
        MattAPI(formats=["html"])
    register_format("html", Other)
    assert MattAPI(formats=["json", "html"]).formats.names == ("json", "html")
