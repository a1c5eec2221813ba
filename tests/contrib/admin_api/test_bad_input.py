"""What is refused, and that nothing is saved then."""

import json
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import got_request_exception
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.test import Client

from django_matt import MattAPI

from .conftest import Caller
from .test_operations import make_site

BASE = "/api/admin-api/store"


@pytest.fixture
def call(store: Any, users: Any, rows: Any, mount: Any) -> Caller:
    mount(make_site(store))
    return Caller(users.root, BASE)


def errors_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {".".join(map(str, each["loc"])): each["type"] for each in answer.json()["detail"]}


@pytest.mark.parametrize(
    "key", ["..%2F1", "%2e%2e", "x", "1_", "_5F", "99999999999999999999999", "1%27", "é"]
)
def test_a_key_of_no_object_is_a_404(call: Caller, key: str):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/history"), ("GET", "/deletion")):
        assert call(method, f"/product/{key}{path}").status_code == 404
    assert call("PATCH", f"/product/{key}", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("key", ["a_5Fb", "a_b", "docs/about", "a b", "_2F", "a?b#c", "é", "a:b"])
def test_a_key_is_what_it_is_and_not_what_admin_urls_make_of_it(call: Caller, store: Any, key: str):
    from urllib.parse import quote

    store.Page.objects.create(pk=key, text="this one")
    store.Page.objects.create(pk="a" if key != "a" else "b")
    path = f"/page/{quote(key, safe='')}"
    assert call("GET", path).json()["text"] == "this one"
    assert call("PATCH", path, {"text": "changed"}).json()["object"]["text"] == "changed"
    assert call("GET", f"{path}/history").json()["count"] == 1
    assert call("DELETE", path).status_code == 200
    assert not store.Page.objects.filter(pk=key).exists()


def test_unknown_and_read_only_fields_are_refused(store: Any, users: Any, rows: Any, mount: Any):
    mount(make_site(store, readonly_fields=["stock", "shout"]))
    product = Caller(users.root, f"{BASE}/product")
    key = rows.products[0].pk
    body = {
        "stock": 5,
        "shout": "x",
        "id": 7,
        "nonsense": 1,
        "reviews": [{"id": 10**6}, {"oops": 1}],
        "name": "New",
    }
    assert errors_of(product("PATCH", f"/{key}", body)) == {
        "body.stock": "read_only",
        "body.shout": "read_only",
        "body.id": "read_only",
        "body.nonsense": "unknown_field",
        "body.reviews.0.id": "unknown_row",
        "body.reviews.1.oops": "unknown_field",
    }
    assert product("GET", f"/{key}").json()["name"] == "Arc"


def test_values_of_the_wrong_kind_are_refused_by_name(call: Caller, rows: Any, store: Any):
    body = {
        "name": ["a"],
        "is_active": "perhaps",
        "category": {"id": {"a": 1}},
        "labels": "red",
        "price": True,
        "picture": "x.png",
        "reviews": {"id": 1},
    }
    found = errors_of(call("PATCH", f"/product/{rows.products[0].pk}", body))
    assert set(found) == {
        "body.name",
        "body.is_active",
        "body.category",
        "body.price",
        "body.picture",
        "body.reviews",
    }
    assert found["body.picture"] == "file_in_json"
    assert set(errors_of(call("PATCH", f"/product/{rows.products[0].pk}", {"labels": "red"}))) == {
        "body.labels"
    }
    assert call("PATCH", f"/product/{rows.products[0].pk}", [1]).status_code == 422
    assert call("PATCH", f"/product/{rows.products[0].pk}", "{").status_code in (400, 422)


def test_errors_of_rows_have_their_place_in_the_body(call: Caller, rows: Any):
    first, second = (each.pk for each in rows.reviews)
    body = {
        "reviews": [
            {"stars": 1},
            {"id": second, "stars": "x"},
            {"id": first, "text": "t" * 81},
            {"stars": "y"},
        ]
    }
    assert set(errors_of(call("PATCH", f"/product/{rows.products[0].pk}", body))) == {
        "body.reviews.1.stars",
        "body.reviews.2.text",
        "body.reviews.3.stars",
    }


def test_a_row_that_says_nothing_is_refused_and_not_lost(call: Caller, rows: Any):
    path = f"/product/{rows.products[0].pk}"
    found = errors_of(call("PATCH", path, {"name": "New", "reviews": [{"stars": 3}]}))
    assert found == {"body.reviews.0": "untouched"}
    assert call("GET", path).json()["name"] == "Arc"


def test_lookups_and_columns_are_those_of_the_admin(call: Caller):
    for query in (
        "category__products__price=1",
        "password=x",
        "o=secret",
        "o=-",
        "category__id__exact=x",
        "price__gt=x",
    ):
        assert call("GET", f"/product?{query}").status_code == 400, query
    assert call("GET", "/product?page=2").status_code == 404
    assert call("GET", "/product?page=0").status_code == 422
    assert call("GET", "/product?page_size=100000").status_code == 422


def test_an_action_of_another_model_or_of_nobody_is_a_404(
    store: Any, users: Any, rows: Any, mount: Any
):
    ran = []

    @admin.action(permissions=["delete"])
    def wipe(modeladmin, request, queryset):
        ran.append(queryset.count())

    site = make_site(store, actions=[wipe])
    mount(site)
    body = {"ids": [rows.products[0].pk]}
    assert (
        Caller(users.root, BASE)(
            "POST", "/category/actions/wipe", {"ids": [rows.lamps.pk]}
        ).status_code
        == 404
    )
    assert Caller(users.viewer, BASE)("POST", "/product/actions/wipe", body).status_code == 404
    assert ran == []
    assert Caller(users.staff, BASE)("POST", "/product/actions/wipe", body).status_code == 200
    assert ran == [1]


def test_rows_of_an_action_must_be_there_and_not_too_many(
    store: Any, users: Any, rows: Any, mount: Any, settings: Any
):
    settings.MATT_ADMIN_API = {"MAX_ROWS": 2}
    mount(make_site(store))
    product = Caller(users.root, f"{BASE}/product")
    first = rows.products[0].pk
    for body, code in (
        ({}, "no_rows"),
        ({"ids": [first], "all": True}, "no_rows"),
        ({"ids": [first, 10**6]}, "unknown_rows"),
        ({"ids": ["x"]}, "unknown_rows"),
        ({"all": True, "confirm": True}, "too_many_rows"),
    ):
        answer = product("POST", "/actions/delete_selected", body)
        assert answer.status_code == 422, body
        problem = product(
            "POST", "/actions/delete_selected", body, Accept="application/problem+json"
        ).json()
        assert problem["code"] == code
    data = {"ids": [first], "data": {"select_across": "1"}}
    assert product("POST", "/actions/delete_selected", data).status_code == 422
    assert (
        product(
            "POST", "/actions/delete_selected?q=Cap", {"all": True, "confirm": True}
        ).status_code
        == 200
    )
    assert sorted(store.Product.objects.values_list("name", flat=True)) == ["Arc", "Bow"]
    assert product("GET", "?format=csv").status_code == 200
    store.Product.objects.create(name="D", price=1, category=rows.lamps)
    assert product("GET", "?format=csv").status_code == 422


def test_an_action_that_asks_on_a_page_is_a_409_and_saves_nothing(
    store: Any, users: Any, rows: Any, mount: Any
):
    def rename(modeladmin, request, queryset):
        queryset.update(name="changed")
        if request.POST.get("apply"):
            return None
        return TemplateResponse(request, "admin/base_site.html", {})

    def leave(modeladmin, request, queryset):
        return HttpResponseRedirect("/elsewhere/")

    def export(modeladmin, request, queryset):
        return HttpResponse("a,b", headers={"Content-Disposition": "attachment; filename=x.csv"})

    mount(make_site(store, actions=[rename, leave, export]))
    product = Caller(users.root, f"{BASE}/product")
    body = {"ids": [rows.products[0].pk]}
    answer = product("POST", "/actions/rename", body, Accept="application/problem+json")
    assert answer.status_code == 409
    assert answer.json()["needs"] == "page"
    assert answer.json()["url"] == "/admin/store/product/"
    assert not store.Product.objects.filter(name="changed").exists()
    assert product("POST", "/actions/rename", body | {"data": {"apply": "1"}}).status_code == 200
    assert store.Product.objects.filter(name="changed").count() == 1
    assert product("POST", "/actions/leave", body).json()["location"] == "/elsewhere/"
    assert product("POST", "/actions/export", body).content == b"a,b"
    refused = product(
        "POST", "/actions/delete_selected", body, Accept="application/problem+json"
    ).json()
    assert refused["needs"] == "confirmation"
    assert refused["deletion"]["counts"]["products"] == 1


def test_what_is_protected_is_not_deleted(call: Caller, rows: Any, store: Any):
    path = f"/category/{rows.lamps.pk}"
    assert call("GET", f"{path}/deletion").json()["protected"]
    answer = call("DELETE", path, Accept="application/problem+json")
    assert answer.status_code == 409
    assert len(answer.json()["protected"]) == 2
    body = {"ids": [rows.lamps.pk], "confirm": True}
    assert call("POST", "/category/actions/delete_selected", body).status_code == 409
    assert store.Category.objects.count() == 2


def test_an_admin_that_raises_is_a_500_that_error_trackers_see(
    store: Any, users: Any, rows: Any, mount: Any
):
    def save_model(self, request, obj, form, change):
        admin.ModelAdmin.save_model(self, request, obj, form, change)
        raise ZeroDivisionError

    heard = []

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    mount(make_site(store, save_model=save_model))
    got_request_exception.connect(hear)
    try:
        answer = Caller(users.root, f"{BASE}/product")(
            "PATCH", f"/{rows.products[0].pk}", {"name": "New"}
        )
    finally:
        got_request_exception.disconnect(hear)
    assert answer.status_code == 500
    assert len(heard) == 1
    assert not store.Product.objects.filter(name="New").exists()


def test_who_loses_the_permission_between_read_and_write_does_not_write(
    store: Any, users: Any, rows: Any, mount: Any
):
    mount(make_site(store))
    product, key = Caller(users.staff, f"{BASE}/product"), rows.products[0].pk
    etag = product("GET", f"/{key}").headers["ETag"]
    users.staff.user_permissions.clear()
    answer = product("PATCH", f"/{key}", {"name": "New"}, **{"If-Match": etag})
    assert answer.status_code == 403
    assert not store.Product.objects.filter(name="New").exists()


def test_a_form_with_files_is_multipart(
    call: Caller, rows: Any, store: Any, settings: Any, tmp_path: Any
):
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    body = {
        "name": "Dot",
        "price": "1",
        "category": rows.lamps.pk,
        "is_active": "false",
        "labels": [rows.red.pk, rows.blue.pk],
        "data": '{"a": 1}',
        "reviews": json.dumps([{"stars": 2}]),
        "picture": SimpleUploadedFile("dot.png", b"png"),
    }
    answer = call.client.post(f"{BASE}/product", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["object"]
    assert made["picture"]["url"].startswith("/media/pictures/dot")
    assert made["data"] == {"a": 1}
    assert made["is_active"] is False
    assert len(made["labels"]) == 2
    assert made["reviews"][0]["stars"] == 2
    cleared = call("PATCH", f"/product/{made['id']}", {"picture": None})
    assert cleared.json()["object"]["picture"] is None
    stray = {**body, "picture": "", "shout": SimpleUploadedFile("x", b"x")}
    assert call.client.post(f"{BASE}/product", stray).status_code == 422


def test_nobody_and_strangers_see_nothing(store: Any, users: Any, rows: Any, mount: Any):
    mount(make_site(store))
    nobody, stranger = Caller(None, BASE), Caller(users.stranger, BASE)
    key = rows.products[0].pk
    for method, path, body in (
        ("GET", "/product", None),
        ("GET", f"/product/{key}", None),
        ("POST", "/product", {"name": "x"}),
        ("PATCH", f"/product/{key}", {"name": "x"}),
        ("DELETE", f"/product/{key}", None),
        ("GET", "/product/schema", None),
        ("GET", "/product/autocomplete/category", None),
        ("POST", "/product/actions/delete_selected", {"ids": [key]}),
        ("GET", f"/product/{key}/history", None),
    ):
        assert nobody(method, path, body).status_code == 401, path
        assert stranger(method, path, body).status_code == 403, path
    assert Caller(None)("GET").status_code == 401
    assert Caller(users.stranger)("GET").status_code == 403


def test_a_session_needs_a_csrf_token(store: Any, users: Any, rows: Any, mount: Any):
    mount(make_site(store))
    client = Client(enforce_csrf_checks=True)
    client.force_login(users.root)
    path = f"{BASE}/product/{rows.products[0].pk}"
    body: Any = {"data": '{"name": "New"}', "content_type": "application/json"}
    assert client.patch(path, **body).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    assert client.patch(path, **body, headers={"X-CSRFToken": "a" * 32}).status_code == 200


def test_a_token_of_the_api_needs_none(store: Any, users: Any, rows: Any, mount: Any):
    from django_matt.authentication import BearerAuthenticator

    class Token(BearerAuthenticator):
        def authenticate(self, request, credentials):
            return User.objects.filter(username=credentials.value).first()

    mount(make_site(store), MattAPI(auth=Token()))
    client = Client(enforce_csrf_checks=True)
    path = f"{BASE}/product/{rows.products[0].pk}"
    for name, status in (("root", 200), ("stranger", 403), ("x", 401)):
        answer = client.patch(
            path,
            '{"name": "New"}',
            content_type="application/json",
            headers={"Authorization": f"Bearer {name}"},
        )
        assert answer.status_code == status, name
    from django.contrib.admin.models import LogEntry

    assert [each.user.username for each in LogEntry.objects.all()] == ["root"]


def test_two_sites_have_their_own_operations_and_rules(
    store: Any, users: Any, rows: Any, mount: Any
):
    class Partners(admin.AdminSite):
        def has_permission(self, request):
            return request.user.username == "stranger"

    site, partners = make_site(store), Partners(name="partners")
    partners.register(
        store.Product,
        type(
            "A", (admin.ModelAdmin,), {"has_view_permission": lambda self, request, obj=None: True}
        ),
    )
    api = MattAPI()
    from django_matt.contrib.admin_api.controllers import add_admin

    add_admin(api, partners, path="/partners", prefix="partners")
    mount(site, api)
    by = {name: Caller(getattr(users, name), "/api") for name in ("root", "stranger")}
    key = rows.products[0].pk
    assert by["stranger"]("GET", f"/partners/store/product/{key}").status_code == 200
    assert by["root"]("GET", f"/partners/store/product/{key}").status_code == 403
    assert by["root"]("GET", f"/admin-api/store/product/{key}").status_code == 200
    assert by["root"]("GET", "/partners/store/category").status_code == 404
    ids = {
        each["operationId"]
        for item in api.get_openapi_schema()["paths"].values()
        for each in item.values()
    }
    assert {
        "partners_store_product_list",
        "admin_store_product_list",
        "admin_store_category_create",
    } <= ids


def test_rows_below_a_new_object_whose_key_is_made_in_python(store: Any, users: Any, mount: Any):
    class CommentInline(admin.StackedInline):
        model = store.Comment

    site = admin.AdminSite(name="admin")
    site.register(store.Ticket, type("T", (admin.ModelAdmin,), {"inlines": [CommentInline]}))
    mount(site)
    ticket = Caller(users.root, f"{BASE}/ticket")
    answer = ticket("POST", "", {"title": "a", "comment_set": [{"text": "b"}]})
    assert answer.status_code == 201, answer.content
    made = answer.json()["object"]
    assert [each["text"] for each in made["comment_set"]] == ["b"]
    changed = ticket(
        "PATCH",
        f"/{made['id']}",
        {"comment_set": [{"id": made["comment_set"][0]["id"], "text": "c"}]},
    )
    assert [each["text"] for each in changed.json()["object"]["comment_set"]] == ["c"]
    assert ticket("GET", "/x").status_code == 404
