"""Which format answers, over HTTP."""

import csv
import io
import json
import re
import sys
import timeit
from contextlib import suppress

import msgspec
import pytest
import yaml
from defusedxml import ElementTree
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from django_matt import SSE, MattAPI, Query, Schema
from django_matt.errors.exceptions import MissingExtra, NotAcceptable
from django_matt.formats import Format, FormatSet, formats, route_formats
from django_matt.installation import install_line

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


class Shout(Format):
    name = "shout"
    media_type = "text/x-shout"
    can_load = False

    def dump(self, data):
        return json.dumps(data).upper().encode()


def chosen(accept: str | None, offered: FormatSet | None = None, query: str = "") -> str:
    request = HttpRequest()
    request.META["QUERY_STRING"] = query
    request.GET = request.GET.__class__(query)
    if accept is not None:
        request.META["HTTP_ACCEPT"] = accept
    return (offered or FormatSet()).select(request).name


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/problem+json", "json"),
        ("application/problem+json;q=0, application/json", "json"),
        ("APPLICATION/JSON", "json"),
        ("application/*", "json"),
        ("text/*", "csv"),
        ("text/xml", "xml"),
        ("application/xml, application/json", "json"),
        ("application/json;q=0.5, application/xml;q=0.9", "xml"),
        ("application/json;q=0.5,application/yaml;q=0.501", "yaml"),
        ("text/csv, */*", "csv"),
        ("*/*, application/json;q=0", "msgpack"),
        ("*/*;q=0.1, application/json;q=0, application/vnd.msgpack;q=0", "yaml"),
        ("application/*;q=0.2, application/xml;q=0.1, text/csv;q=0.15", "json"),
        ("application/json;indent=4", "json"),
        ("application/json; charset=utf-8", "json"),
        ("application/json;charset=utf-16, text/csv;q=0.1", "csv"),
        ('application/json;x="a,text/csv;q=1";q=0.1, application/xml;q=0.2', "xml"),
        (CHROME, "json"),
        ("text/html, application/xml;q=0.9", "xml"),
        ("application/yaml ; Q=0.9 , text/csv;q = 0.1", "yaml"),
    ],
)
def test_accept_is_read_as_rfc_9110_says(accept, name):
    assert chosen(accept) == name


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=0.000",
        "*/*;q=0, text/plain",
        "application/json;charset=utf-16, a/b",
    ],
)
def test_what_excludes_everything_is_refused(accept):
    with pytest.raises(NotAcceptable) as caught:
        chosen(accept)
    assert "application/json" in caught.value.members["offered"]


@pytest.mark.parametrize(
    "accept",
    ["nonsense", ",,,;;;", '"', "*/json", "a/b/c", "application/json;q=2", "\xff\xfe/\x00"],
)
def test_a_header_with_no_media_range_counts_as_absent(accept):
    assert chosen(accept) == "json"


@pytest.mark.parametrize(
    "accept",
    [
        "," * 1_000_000,
        "a/b," * 250_000,
        '"' * 1_000_000,
        '"\\' * 500_000,
        "a/b;" + "x=1;" * 250_000,
        "application/json;q=" + "0" * 1_000_000,
        "a" * 1_000_000,
    ],
)
def test_a_hostile_header_is_answered_at_once(accept):
    def ask():
        with suppress(NotAcceptable):
            chosen(accept)

    assert min(timeit.repeat(ask, number=1, repeat=3)) < 0.05


def test_hostile_headers_fill_no_memory():
    offered = FormatSet()
    for n in range(1_000):
        chosen(f"text/csv;n={n}" + "x" * 3_000, offered)
    assert offered._chosen.cache_info().currsize == 0


def test_the_common_headers_cost_less_than_a_microsecond():
    offered = FormatSet()
    for accept in (None, "*/*", "application/json"):
        request = HttpRequest()
        request.META["QUERY_STRING"] = ""
        if accept is not None:
            request.META["HTTP_ACCEPT"] = accept
        best = (
            min(timeit.repeat(lambda r=request: offered.select(r), number=10_000, repeat=5))
            / 10_000
        )
        # Four times the target: the machine may be busy.
        assert best < 4e-6


def test_the_query_parameter_wins_over_accept():
    assert chosen("application/json", query="format=csv") == "csv"
    assert chosen(None, query="a=1&format=xml&b=2") == "xml"
    assert chosen(None, query="reformat=xml") == "json"
    with pytest.raises(NotAcceptable):
        chosen(None, query="format=docx")


def test_a_route_may_have_a_format_parameter_of_its_own():
    offered = FormatSet()
    assert chosen("text/csv", offered.without_parameter(), "format=docx") == "csv"
    assert chosen(None, FormatSet(format_parameter="as"), "format=docx&as=yaml") == "yaml"


def test_formats_of_lists_are_not_offered_for_values():
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = "text/csv"
    with pytest.raises(NotAcceptable):
        FormatSet().select(request, rows=False)
    with pytest.raises(NotAcceptable):
        FormatSet(["csv"]).select(request, rows=False)
    assert FormatSet().media_types(rows=False)[-1] == "application/xml"


def test_every_format_answers_with_the_same_data(serve, api):
    client = serve(api)
    want = client.get("/api/rows").json()
    got = client.get("/api/rows", headers={"accept": "application/vnd.msgpack"})
    assert got["Content-Type"] == "application/vnd.msgpack"
    assert msgspec.msgpack.decode(got.content) == want
    got = client.get("/api/rows", headers={"accept": "application/yaml"})
    assert got["Content-Type"] == "application/yaml; charset=utf-8"
    assert yaml.safe_load(got.content) == want
    got = client.get("/api/rows", headers={"accept": "text/xml"})
    assert got["Content-Type"] == "application/xml; charset=utf-8"
    assert [e.findtext("name") for e in ElementTree.fromstring(got.content)] == ["Ada", "=Bob"]
    for url in ("/api/rows", "/api/page"):
        got = client.get(url, {"format": "csv"})
        assert got["Content-Type"] == "text/csv; charset=utf-8"
        read = list(csv.DictReader(io.StringIO(got.content.decode())))
        assert read == [{"id": "1", "name": "Ada"}, {"id": "2", "name": "'=Bob"}]


def test_caches_are_told_only_where_there_is_a_choice(serve, api):
    assert serve(api).get("/api/one")["Vary"] == "Accept"
    single = MattAPI(formats=["json"])
    single.get("/one")(lambda request: {})
    assert not serve(single).get("/api/one").has_header("Vary")


def test_vary_keeps_what_is_there():
    response = HttpResponse()
    response["Vary"] = "Cookie"
    FormatSet().vary(response)
    assert response["Vary"] == "Cookie, Accept"


def test_nothing_acceptable_is_406_that_names_what_is_offered(serve, api):
    client = serve(api)
    got = client.get("/api/one", headers={"accept": "image/png"})
    assert got.status_code == 406
    assert "application/yaml" in got.content.decode()
    assert client.get("/api/one", headers={"accept": "text/csv"}).status_code == 406
    assert client.get("/api/one?format=docx").status_code == 406


def test_what_was_written_is_answered_even_if_the_client_accepts_nothing(serve, api):
    written = []

    @api.post("/loose")
    def loose(request):
        written.append("loose")
        return {"id": 3}

    @api.post("/declared", response=dict[str, int])
    def declared(request):
        written.append("declared")
        return {"id": 3}

    client = serve(api)
    got = client.post("/api/loose", headers={"accept": "image/png"})
    assert (got.status_code, got.json()) == (200, {"id": 3})
    # Where the answer is declared, the client is refused before anything is written.
    assert client.post("/api/declared", headers={"accept": "image/png"}).status_code == 406
    assert written == ["loose"]


def test_a_route_keeps_a_format_parameter_of_its_own(serve, api):
    class Wanted(Schema):
        format: str = "short"

    @api.get("/plain")
    def plain(request, format: str = "short"):  # noqa: A002
        return {"format": format}

    @api.get("/grouped")
    def grouped(request, wanted: Query[Wanted]):
        return {"format": wanted.format}

    @api.get("/aliased")
    def aliased(request, kind: str = Query("short", alias="format")):
        return {"format": kind}

    client = serve(api)
    for url in ("/api/plain", "/api/grouped", "/api/aliased"):
        assert client.get(f"{url}?format=xml").json() == {"format": "xml"}
        got = client.get(f"{url}?format=long", headers={"accept": "application/yaml"})
        assert got.content == b"format: long\n"


def test_a_stream_needs_no_format(serve, api):
    @api.post("/events", response=SSE[dict[str, int]])
    def events(request):
        yield {"n": 1}

    got = serve(api).post("/api/events", headers={"accept": "text/event-stream"})
    assert (got.status_code, got["Content-Type"]) == (200, "text/event-stream")


def test_an_error_is_answered_even_if_the_client_accepts_nothing(serve, api):
    @api.get("/gone")
    def gone(request):
        raise NotAcceptable("no")

    for accept in ("image/png", "text/csv"):
        got = serve(api).get("/api/gone", headers={"accept": accept})
        assert (got.status_code, got["Content-Type"].split(";")[0]) == (406, "application/json")


async def _async_get(client, url, accept):
    return await client.async_client.get(url, headers={"accept": accept})


def test_an_async_view_negotiates_too(serve, api):
    from asgiref.sync import async_to_sync

    got = async_to_sync(_async_get)(serve(api), "/api/aone", "application/yaml")
    assert yaml.safe_load(got.content) == {"id": 1}


def test_a_content_type_that_the_view_sets_stays(serve, api):
    @api.get("/own")
    def own(request, response: HttpResponse):
        response["Content-Type"] = "application/geo+json"
        return {}

    assert serve(api).get("/api/own")["Content-Type"] == "application/geo+json"


def test_a_format_of_the_users_own_is_offered(serve):
    api = MattAPI(formats=["json", Shout()])
    api.get("/x")(lambda request: {"a": "b"})
    client = serve(api)
    got = client.get("/api/x", headers={"accept": "text/x-shout"})
    assert got.content == b'{"A": "B"}'
    assert client.get("/api/x?format=xml").status_code == 406


def test_the_first_format_is_the_default(serve):
    api = MattAPI(formats=["yaml", "json"])
    api.get("/x")(lambda request: {"a": [1]})
    assert serve(api).get("/api/x").content == b"a:\n- 1\n"


def test_the_setting_names_the_default_set(settings):
    settings.MATT = {"FORMATS": ("csv", "json")}
    assert FormatSet().names == ("csv", "json")


def test_a_renderer_of_the_users_own_decides_alone(serve):
    from ninja.renderers import BaseRenderer

    class Plain(BaseRenderer):
        media_type = "text/plain"

        def render(self, request, data, *, response_status):
            return str(data)

    api = MattAPI(renderer=Plain())
    api.get("/x")(lambda request: 7)
    got = serve(api).get("/api/x", headers={"accept": "application/xml"})
    assert (got.content, got["Content-Type"]) == (b"7", "text/plain; charset=utf-8")


def test_a_missing_library_is_left_out_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert "yaml" not in FormatSet().names
    with pytest.raises(MissingExtra, match=re.escape(install_line("formats"))):
        FormatSet(["json", "yaml"])


@pytest.mark.parametrize("wrong", [["docx"], [], ["json", "json"]])
def test_a_wrong_set_is_a_configuration_error(wrong):
    with pytest.raises(ImproperlyConfigured):
        FormatSet(wrong)


def test_a_route_chooses_its_formats():
    from functools import wraps

    @formats("json", "csv")
    def view(request): ...

    @wraps(view)
    def wrapped(request): ...

    del wrapped.__dict__["_matt_formats"]
    assert route_formats(wrapped).names == ("json", "csv")
    assert route_formats(lambda request: None) is None
