"""Each known mistake, made for real where it can be, and the sentence that says how to fix it."""

import asyncio

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import AppRegistryNotReady, DisallowedHost
from django.db import connection
from django.template.loader import get_template
from ninja import Form, Schema
from ninja.errors import ConfigError
from ninja.pagination import paginate as ninja_paginate
from ninja.security import django_auth

from django_matt import MattAPI, api_controller, http_get
from django_matt.errors.exceptions import MissingExtra, NotFound
from django_matt.errors.tracebacks.hints import find_hint, hint
from django_matt.installation import install_line


@pytest.fixture
def hint_of(serve, settings):
    """Return the hint that a route's failure gives over HTTP in DEBUG."""
    settings.DEBUG = True

    def run(view, **options):
        api = MattAPI()
        api.get("/it", **options)(view)
        answer = serve(api).get("/api/it")
        assert answer.status_code == 500
        return answer.json()["hint"]

    return run


class Item(Schema):
    name: str
    price: int


def test_a_response_that_does_not_fit_names_view_and_field(hint_of):
    def view(request):
        return [{"name": "a", "price": 1}, {"name": "b", "price": "dear"}]

    assert hint_of(view, response=list[Item]).startswith("Fix what `view` returns for `price`, or")


def test_a_response_that_lacks_a_field_names_it(hint_of):
    assert "for `price`" in hint_of(lambda request: {"name": "a"}, response=Item)


def test_a_schema_built_wrongly_inside_the_view_is_not_the_clients_mistake(hint_of):
    assert "Your own code built Item with a wrong price" in hint_of(
        lambda request: Item(name="a", price="x")  # type: ignore[arg-type]
    )


def test_the_orm_in_an_async_route(hint_of):
    async def view(request):
        return list(Group.objects.all())

    assert "async route" in hint_of(view)


@pytest.mark.django_db(transaction=True)
def test_a_lazy_relation_in_an_async_route(hint_of):
    async def view(request):
        permission = await Permission.objects.afirst()
        return permission.content_type.model

    assert "select_related()" in hint_of(view)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "words"),
    [("SELECT * FROM nowhere", "migrate"), ("SELECT nowt FROM auth_group", "makemigrations")],
)
def test_a_missing_table_or_column(hint_of, sql, words):
    def view(request):
        with connection.cursor() as cursor:
            cursor.execute(sql)

    assert words in hint_of(view)


@pytest.mark.django_db
def test_an_empty_one_to_one(hint_of):
    class RelatedObjectDoesNotExist(User.DoesNotExist, AttributeError):  # type: ignore[valid-type]
        pass

    def view(request):
        raise RelatedObjectDoesNotExist

    assert "one-to-one" in hint_of(view)


def test_a_model_of_an_app_that_is_not_installed(hint_of):
    def view(request):
        from django.db import models

        type("Lost", (models.Model,), {"__module__": "warehouse.models"})

    assert 'Add "warehouse" to INSTALLED_APPS' in hint_of(view)


def test_a_row_that_does_not_exist(hint_of, db):
    assert "get_object_or_404()" in hint_of(lambda request: Group.objects.get(pk=1))


def test_more_rows_than_one(hint_of, db):
    Group.objects.bulk_create([Group(name="a"), Group(name="b")])
    assert "more than one row" in hint_of(lambda request: Group.objects.get())


def test_a_queryset_without_a_response_schema(hint_of, db):
    assert "add response=list[Item]" in hint_of(lambda request: Group.objects.all())


def test_an_object_that_json_does_not_have(hint_of):
    assert "how to write a Group" in hint_of(lambda request: Group(name="a"))


def test_a_page_schema_under_ninja_s_paginate():
    api = MattAPI()
    with pytest.raises(ConfigError) as raised:
        api.get("/it", response=Item)(ninja_paginate(lambda request: []))
    assert "response=list[Item]" in (find_hint(raised.value) or "")


class Filters(Schema):
    name: str


@pytest.fixture
def refused(serve, settings):
    """Return ``refused(send)``: the hint of a request that the API of these mistakes refuses."""
    settings.DEBUG = True
    api = MattAPI(problem_details=True)

    @api.get("/search")
    def search(request, filters: Filters):
        return {}

    @api.post("/json")
    def json(request, data: Filters):
        return {}

    @api.post("/form")
    def form(request, data: Form[Filters]):
        return {}

    @api.get("/closed/")
    def closed(request):
        return {}

    @api.post("/session", auth=django_auth)
    def session(request):
        return {}

    client = serve(api)
    client.handler.enforce_csrf_checks = True

    def run(send):
        answer = send(client)
        assert 400 <= answer.status_code < 500
        return answer.json().get("hint")

    return run


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("send", "words"),
    [
        (lambda client: client.get("/api/search?name=x"), "write filters: Query[…]"),
        (lambda client: client.post("/api/json", {"name": "x"}), "The route reads JSON"),
        (
            lambda client: client.post("/api/form", {"name": "x"}, content_type="application/json"),
            "The route reads a form",
        ),
        (lambda client: client.get("/api/json/"), "at /api/json, without a slash"),
        (lambda client: client.post("/api/session"), "in the header `X-CSRFToken`"),
        (lambda client: client.get("/api/nothing"), None),
        (lambda client: client.post("/api/json", {}, content_type="application/json"), None),
    ],
)
def test_a_mistake_in_a_request(refused, send, words):
    found = refused(send)
    assert words in found if words else found is None


def test_a_template_that_does_not_exist(hint_of):
    assert "nothing.html" in hint_of(lambda request: get_template("nothing.html"))


def test_a_module_that_is_not_installed(hint_of):
    def view(request):
        import no_such_module_anywhere  # type: ignore[import-not-found]

        return no_such_module_anywhere

    assert "no_such_module_anywhere" in hint_of(view)


def test_a_decorator_without_wraps(hint_of):
    def view(request):
        def needs(a):
            return a

        return needs()  # type: ignore[call-arg]

    assert "functools.wraps" in hint_of(view)


def test_a_coroutine_that_nobody_awaited(hint_of):
    def view(request):
        coroutine = asyncio.sleep(0)
        try:
            return len(coroutine)  # type: ignore[arg-type]
        finally:
            coroutine.close()

    assert "await" in hint_of(view)


def test_a_status_that_the_route_does_not_declare(hint_of):
    from django_matt import Status

    assert "add 201" in hint_of(lambda request: Status(201, {}), response={200: Item})


def test_a_circular_import(hint_of, tmp_path, monkeypatch):
    (tmp_path / "ring_a.py").write_text("from ring_b import b\na = 1\n")
    (tmp_path / "ring_b.py").write_text("from ring_a import a\nb = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def view(request):
        import ring_a  # type: ignore[import-not-found]

        return ring_a

    assert "import each other" in hint_of(view)


@pytest.mark.parametrize(
    ("exc", "words"),
    [
        (MissingExtra("msgspec", "formats"), install_line("formats")),
        (AppRegistryNotReady("Apps aren't loaded yet."), "django.setup()"),
        (LookupError("No installed app with label 'shop'."), 'label is "shop"'),
        (
            RuntimeError("Please add 'ninja_extra' to INSTALLED_APPS"),
            'Add "ninja_extra" to INSTALLED_APPS',
        ),
    ],
)
def test_a_mistake_of_the_setup(exc, words):
    assert words in (find_hint(exc) or "")


def test_a_refused_host_names_the_setting(serve, settings):
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["testserver"]
    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise DisallowedHost("Invalid HTTP_HOST header: 'evil.example'.")

    answer = serve(api).get("/api/it", headers={"Accept": "application/problem+json"})
    assert answer.json()["hint"] == "Add 'evil.example' to ALLOWED_HOSTS if the host is yours."


def test_a_controller_that_nobody_registered(serve, settings):
    settings.DEBUG = True

    @api_controller("/forgotten-things")
    class ForgottenController:
        @http_get("/")
        def all(self):
            return []

    api = MattAPI()

    @api.get("/forgotten-things/{n}")
    def it(request, n: int):
        # What the routing layer raises for an URL that nothing answers.
        error = NotFound()
        error.routing = True
        raise error

    answer = serve(api).get("/api/forgotten-things/1")
    assert "register_controllers(ForgottenController)" in answer.json()["hint"]
    api2 = MattAPI(urls_namespace="second")
    api2.register_controllers(ForgottenController)
    error = NotFound()
    error.routing = True
    request = type("Request", (), {"path": "/api/forgotten-things/1"})()
    assert find_hint(error, request, api2) is None


def test_with_debug_off_no_hint_is_given(serve):
    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise DisallowedHost("Invalid HTTP_HOST header: 'evil.example'.")

    answer = serve(api).get("/api/it", headers={"Accept": "application/problem+json"})
    assert "hint" not in answer.json()


def test_a_hint_is_found_through_causes_and_groups():
    outer = ValueError("outer")
    outer.__cause__ = ExceptionGroup("g", [KeyError(1), MissingExtra("x", "formats")])
    assert install_line("formats") in (find_hint(outer) or "")


def test_an_error_that_nobody_knows_has_no_hint():
    assert find_hint(ValueError("who knows")) is None


def test_a_project_adds_its_own_hint(monkeypatch):
    monkeypatch.setattr("django_matt.errors.tracebacks.hints._HINTS", [])

    @hint
    def tea(exc, request, api):
        return "Put the kettle on." if "tea" in str(exc) else None

    @hint
    def broken(exc, request, api):
        raise RuntimeError

    assert find_hint(ValueError("tea")) == "Put the kettle on."
    assert find_hint(ValueError("coffee")) is None
