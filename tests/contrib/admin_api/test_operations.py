"""Each operation, as its page says."""

from typing import Any

import pytest
from django.contrib import admin

from .conftest import Caller


def make_site(store: Any, **options: Any) -> Any:
    class ReviewInline(admin.TabularInline):
        model = store.Review

    defaults: dict[str, Any] = {
        "list_display": ["name", "price", "category", "shout"],
        "search_fields": ["name"],
        "list_filter": ["category", "kind"],
        "inlines": [ReviewInline],
        "shout": lambda self, obj: obj.name.upper(),
    }
    site = admin.AdminSite(name="admin")
    site.register(store.Product, type("ProductAdmin", (admin.ModelAdmin,), defaults | options))
    site.register(store.Category)
    site.register(store.Page)
    return site


@pytest.fixture
def product(store: Any, users: Any, rows: Any, mount: Any) -> Caller:
    mount(make_site(store))
    return Caller(users.root, "/api/admin-api/store/product")


@pytest.fixture(params=["wsgi", "asgi"])
def either(request: Any, store: Any, users: Any, rows: Any, mount: Any) -> Caller:
    mount(make_site(store))
    path = "/api/admin-api/store/product"
    return Caller(users.root, path, asynchronous=request.param == "asgi")


def test_a_list_has_the_columns_of_the_admin(either: Caller, rows: Any):
    product = either
    answer = product("GET", "?q=a&o=-price")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["count"] == 2
    assert found["pages"] == 1
    assert found["items"][0] == {
        "id": rows.products[0].pk,
        "__str__": "Arc",
        "name": "Arc",
        "price": "10.50",
        "category": {"id": rows.lamps.pk, "label": "Lamps"},
        "shout": "ARC",
    }


def test_an_object_is_created_read_changed_and_deleted(either: Caller, rows: Any, store: Any):
    product = either
    body = {
        "name": "Dot",
        "price": "7.00",
        "category": rows.lamps.pk,
        "labels": [rows.red.pk, rows.blue.pk],
        "made": "2026-01-02T03:04:05Z",
        "day": "2026-01-02",
        "data": {"a": [1]},
        "is_active": False,
        "reviews": [{"stars": 4, "text": "good"}],
    }
    answer = product("POST", "", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["object"]
    assert made["reviews"][0]["stars"] == 4
    assert made["labels"] == [
        {"id": rows.blue.pk, "label": "blue"},
        {"id": rows.red.pk, "label": "red"},
    ]
    assert made["made"] == "2026-01-02T03:04:05Z"
    assert made["is_active"] is False
    assert answer.json()["messages"][0]["text"] == "The product “Dot” was added successfully."
    assert answer.headers["Location"] == f"/api/admin-api/store/product/{made['id']}"
    read = product("GET", f"/{made['id']}")
    assert read.json() == made
    assert read.headers["ETag"] == answer.headers["ETag"]
    changed = product(
        "PATCH",
        f"/{made['id']}",
        {"price": 8, "reviews": [{"id": made["reviews"][0]["id"], "delete": True}, {"stars": 1}]},
        **{"If-Match": read.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.content
    assert changed.json()["object"]["price"] == "8.00"
    assert [each["stars"] for each in changed.json()["object"]["reviews"]] == [1]
    assert changed.json()["object"]["made"] == made["made"]
    assert changed.json()["object"]["labels"] == made["labels"]
    assert (
        product("PATCH", f"/{made['id']}", {"price": 9}, **{"If-Match": '"x"'}).status_code == 412
    )
    would = product("GET", f"/{made['id']}/deletion").json()
    assert would["is_allowed"]
    assert would["counts"]["reviews"] == 1
    assert [each["depth"] for each in would["objects"]][:2] == [0, 1]
    gone = product("DELETE", f"/{made['id']}")
    assert gone.status_code == 200, gone.content
    assert not store.Product.objects.filter(pk=made["id"]).exists()
    assert product("GET", f"/{made['id']}").status_code == 404


def test_an_index_has_the_models_that_the_user_may_see(product: Caller, users: Any):
    found = Caller(users.viewer)("GET").json()
    assert [each["label"] for each in found["apps"]] == ["store"]
    models = {each["model"]: each for each in found["apps"][0]["models"]}
    assert sorted(models) == ["store.category", "store.page", "store.product"]
    assert models["store.product"] == {
        "model": "store.product",
        "name": "product",
        "name_plural": "Products",
        "path": "/admin-api/store/product",
        "operations": "admin_store_product",
        "permissions": {"add": False, "change": False, "delete": False, "view": True},
    }
    users.viewer.user_permissions.clear()
    assert Caller(users.viewer)("GET").json()["apps"] == []
    assert Caller(users.viewer)("GET", "/store/product").status_code == 403


def test_a_form_is_described_as_this_user_gets_it(product: Caller, users: Any, rows: Any):
    found = product("GET", "/schema").json()
    fields = found["schema"]["properties"]
    assert found["schema"]["required"] == ["name", "price", "category"]
    assert fields["kind"]["enum"] == ["lamp", "chair"]
    assert fields["kind"]["x-labels"] == ["A lamp", "A chair"]
    assert fields["made"]["format"] == "date-time"
    assert fields["name"]["maxLength"] == 40
    assert found["initial"]["stock"] == 0
    assert found["initial"]["is_active"] is True
    assert found["inlines"][0]["name"] == "reviews"
    assert found["inlines"][0]["schema"]["properties"]["stars"]["type"] == "integer"
    assert [each["name"] for each in found["list"]["columns"]] == [
        "name",
        "price",
        "category",
        "shout",
    ]
    assert found["list"]["filters"][1]["parameters"] == ["kind__exact", "kind__isnull"]
    assert {"label": "A chair", "query": {"kind__exact": "chair"}} in found["list"]["filters"][1][
        "choices"
    ]
    assert found["actions"] == [
        {"name": "delete_selected", "description": "Delete selected products"}
    ]
    stored = product("GET", f"/schema?id={rows.products[0].pk}").json()
    assert stored["initial"]["name"] == "Arc"
    seen = Caller(users.viewer, "/api/admin-api/store/product")(
        "GET", f"/schema?id={rows.products[0].pk}"
    ).json()
    assert seen["schema"]["properties"] == {}
    assert "name" in seen["read_only"]
    assert seen["actions"] == []


def test_a_list_is_exported_as_csv(product: Caller, rows: Any):
    for answer in (
        product("GET", "?format=csv&o=name&q=a"),
        product("GET", "?o=name&q=a", Accept="text/csv"),
    ):
        assert answer.headers["Content-Disposition"] == 'attachment; filename="product.csv"'
        first, second = rows.products[0].pk, rows.products[2].pk
        assert answer.content.decode().splitlines() == [
            "id,name,price,category,shout",
            f"{first},Arc,10.50,Lamps,ARC",
            f"{second},Cap,5.25,Chairs,CAP",
        ]


def test_pages_have_the_size_that_is_asked_for(product: Caller):
    found = [product("GET", f"?page_size=2&page={page}&o=name").json() for page in (1, 2)]
    assert [[each["name"] for each in page["items"]] for page in found] == [["Arc", "Bow"], ["Cap"]]
    assert [(page["count"], page["pages"], page["page"]) for page in found] == [
        (3, 2, 1),
        (3, 2, 2),
    ]


def test_fields_find_their_options(product: Caller, store: Any, users: Any, rows: Any, mount: Any):
    lamps = {"id": rows.lamps.pk, "label": "Lamps"}
    assert product("GET", "/autocomplete/category?q=LAM").json() == {
        "items": [lamps],
        "more": False,
    }
    assert len(product("GET", "/autocomplete/labels").json()["items"]) == 2
    assert product("GET", "/autocomplete/kind?q=chair").json()["items"] == [
        {"id": "chair", "label": "A chair"}
    ]
    assert product("GET", "/autocomplete/name").status_code == 404
    assert product("GET", "/autocomplete/reviews.product").status_code == 404
    assert product("GET", "/autocomplete/nothing.product").status_code == 404
    site = make_site(store, autocomplete_fields=["category"])
    site.unregister(store.Category)
    site.register(store.Category, type("C", (admin.ModelAdmin,), {"search_fields": ["name"]}))
    mount(site)
    found = product("GET", "/autocomplete/category?q=lam").json()
    assert found == {"items": [{"id": str(rows.lamps.pk), "label": "Lamps"}], "more": False}


def test_history_says_who_did_what(product: Caller, rows: Any):
    path = f"/{rows.products[0].pk}"
    product("PATCH", path, {"stock": 4, "reviews": [{"id": rows.reviews[0].pk, "stars": 2}]})
    found = product("GET", f"{path}/history").json()
    assert found["count"] == 1
    entry = found["items"][0]
    assert (entry["user"], entry["action"]) == ("root", "change")
    assert entry["text"] == "Changed Stock. Changed Stars for review “2 stars”."


def test_a_list_of_fifty_needs_eight_queries_at_most(
    product: Caller, store: Any, users: Any, rows: Any, django_assert_max_num_queries: Any
):
    store.Product.objects.bulk_create(
        store.Product(name=f"P{n}", price=n, category=rows.lamps) for n in range(50)
    )
    for user in (users.root, users.staff):
        call = Caller(user, "/api/admin-api/store/product")
        call("GET", "?page_size=50")
        with django_assert_max_num_queries(8):
            assert len(call("GET", "?page_size=50&q=P").json()["items"]) == 50


def test_the_document_has_the_types_of_the_forms(store: Any, users: Any, mount: Any):
    api = mount(make_site(store, readonly_fields=["stock"]))
    document = api.get_openapi_schema()
    schemas = document["components"]["schemas"]
    sent = schemas["AdminStoreProductIn"]
    assert sent["required"] == ["name", "price", "category"]
    assert sent["properties"]["kind"]["enum"] == ["lamp", "chair"]
    assert sent["properties"]["reviews"]["items"]["properties"]["stars"]["type"] == "integer"
    assert "stock" not in sent["properties"]
    assert sent["additionalProperties"] is False
    shown = schemas["AdminStoreProductOut"]
    assert shown["properties"]["stock"]["type"] == "integer"
    assert shown["properties"]["price"] == {"type": "string", "format": "decimal"}
    assert "required" not in schemas["AdminStoreProductChange"]
    path = document["paths"]["/api/admin-api/store/product"]
    assert path["get"]["operationId"] == "admin_store_product_list"
    assert {each["name"] for each in path["get"]["parameters"]} >= {
        "q",
        "o",
        "page",
        "category__id__exact",
        "kind__exact",
    }


def test_the_users_admin_hides_hashes_and_takes_two_passwords(store: Any, users: Any, mount: Any):
    from django.contrib.auth.admin import UserAdmin
    from django.contrib.auth.models import Permission, User

    site = admin.AdminSite(name="admin")
    listed = {"list_display": ["username", "password"]}
    site.register(User, type("Users", (UserAdmin,), listed))
    mount(site)
    call = Caller(users.root, "/api/admin-api/auth/user")
    word = "correct horse battery"
    answer = call("POST", "", {"username": "ada", "password1": word, "password2": word})
    assert answer.status_code == 201, answer.content
    made = answer.json()["object"]
    assert User.objects.get(username="ada").check_password(word)
    assert "password" not in made
    assert "password1" not in made
    assert call("PATCH", f"/{made['id']}", {"password": "x"}).status_code == 422
    changed = call("PATCH", f"/{made['id']}", {"first_name": "Ada"})
    assert changed.json()["object"]["first_name"] == "Ada"
    assert User.objects.get(username="ada").check_password(word)
    assert "password" not in call("GET", f"/schema?id={made['id']}").json()["initial"]
    users.viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    for user in (users.root, users.viewer):
        caller = Caller(user, "/api/admin-api/auth/user")
        for path in ("", f"/{made['id']}", "?format=csv", f"/schema?id={made['id']}"):
            answer = caller("GET", path)
            assert answer.status_code == 200
            assert b"$" not in answer.content.replace(b"$ref", b""), (user, path)


def test_a_site_without_pages_works(store: Any, users: Any, rows: Any, serve: Any):
    from django_matt import MattAPI
    from django_matt.contrib.admin_api.controllers import add_admin

    api = MattAPI()
    add_admin(api, make_site(store))
    serve(api)
    call, key = Caller(users.root), rows.products[0].pk
    assert call("GET").json()["apps"][0]["label"] == "store"
    for path in ("", f"/{key}", f"/{key}/deletion", f"/{key}/history", "/schema"):
        assert call("GET", f"/store/product{path}").status_code == 200, path
    body = {"name": "New", "price": 1, "category": rows.lamps.pk}
    made = call("POST", "/store/product", body)
    assert made.status_code == 201
    assert call("PATCH", f"/store/product/{key}", {"stock": 3}).status_code == 200
    ids = {"ids": [made.json()["object"]["id"]], "confirm": True}
    assert call("POST", "/store/product/actions/delete_selected", ids).status_code == 200
    assert call("DELETE", f"/store/product/{key}").status_code == 200
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/history"), ("GET", "/deletion")):
        assert call(method, f"/store/product/{key}{path}").status_code == 404
