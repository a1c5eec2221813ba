"""``version``: a stale ``If-Match`` is refused while the row is locked; ``soft_delete``: a deleted object stays."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections
from django.db.models import QuerySet

from django_matt import MattAPI, api_controller
from django_matt.contrib.conditional import conditional
from django_matt.contrib.crud.controllers import ALL, AsyncCrudController, CrudController
from tests.project.models import Author, Edition, Owner, Stamped

pytestmark = pytest.mark.django_db

JSON: Any = {"content_type": "application/json"}


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


def served(serve: Any, controller: Any) -> Any:
    api = MattAPI()
    api.register_controllers(api_controller("/things")(controller))
    return serve(api)


def controller_of(base: Any, **attributes: Any) -> Any:
    body = {"fields": ["id", "title", "data", "changed"], "version": "changed", **attributes}
    return type("StampedController", (base,), {"model": Stamped, **body})


@pytest.fixture
def thing(db: None) -> Stamped:
    return Stamped.objects.create(title="a")


def test_the_etag_of_what_was_read_allows_one_change(base: Any, serve: Any, thing: Stamped):
    client = served(serve, controller_of(base))
    place = f"/api/things/{thing.pk}"
    tag = client.get(place).headers["ETag"]
    assert client.get(place, headers={"If-None-Match": tag}).status_code == 304
    options: Any = {**JSON, "headers": {"If-Match": tag}}
    assert client.patch(place, {"title": "b"}, **options).status_code == 200
    stale = client.patch(place, {"title": "c"}, **options)
    assert (stale.status_code, Stamped.objects.get().title) == (412, "b")
    assert client.delete(place, headers={"If-Match": tag}).status_code == 412
    assert client.patch(place, {"title": "d"}, **JSON).status_code == 200
    tag = client.get(place).headers["ETag"]
    assert client.delete(place, headers={"If-Match": tag}).status_code == 204


def test_a_write_without_a_condition_is_refused_if_one_is_required(
    base: Any, serve: Any, thing: Stamped
):
    client = served(serve, controller_of(base, version_required=True))
    place = f"/api/things/{thing.pk}"
    assert client.patch(place, {"title": "b"}, **JSON).status_code == 428
    assert client.delete(place).status_code == 428
    assert Stamped.objects.get().title == "a"
    tag = client.get(place).headers["ETag"]
    assert client.delete(place, headers={"If-Match": tag}).status_code == 204
    described = client.get("/api/openapi.json").json()["paths"]["/api/things/{id}"]
    assert {"412", "428"} <= set(described["patch"]["responses"])


def test_an_integer_is_counted_by_each_change(base: Any, serve: Any):
    author = Author.objects.create(name="Ada")
    edition = Edition.objects.create(isbn="1", title="a", author=author)

    class EditionController(base[Edition]):
        fields = ["id", "title", "volume"]
        version = "volume"

    client = served(serve, EditionController)
    place = f"/api/things/{edition.pk}"
    options: Any = {**JSON, "headers": {"If-Match": client.get(place).headers["ETag"]}}
    assert client.patch(place, {"title": "b"}, **options).json()["volume"] == 2
    assert client.patch(place, {"title": "c"}, **options).status_code == 412
    # Nobody writes the version.
    assert client.patch(place, {"volume": 1}, **JSON).status_code == 422


def test_a_decorated_method_does_the_same(base: Any, serve: Any, thing: Stamped):
    class StampedController(CrudController[Stamped]):
        fields = ["id", "title"]

        @conditional(last_modified="changed")
        def show(self, key: Any) -> Any:
            return super().show(key)

    client = served(serve, StampedController)
    assert client.get(f"/api/things/{thing.pk}").headers["ETag"]


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"version": "title"}, "does not change with its object"),
        ({"version": "", "version_required": True}, "needs the name of a column"),
        ({"version": "id", "verbs": ALL}, "which does not count"),
        ({"soft_delete": "title"}, "a date that may be null"),
        ({"soft_delete": "changed"}, "a date that may be null"),
    ],
)
def test_a_mistake_of_the_class_is_said_when_it_is_defined(attributes: Any, says: str):
    with pytest.raises(TypeError, match=says):
        controller_of(CrudController, **attributes)


def test_without_the_app_it_is_said_which_one_is_needed(monkeypatch: pytest.MonkeyPatch):
    # A copy: what is put back into a dictionary comes last, and apps have an order.
    others = {k: v for k, v in apps.app_configs.items() if k != "matt_conditional"}
    monkeypatch.setattr(apps, "app_configs", others)
    with pytest.raises(TypeError, match="conditional' in INSTALLED_APPS"):
        controller_of(CrudController)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_of_sixteen_changes_with_the_same_etag_one_wins(base: Any, serve: Any):
    thing = Stamped.objects.create(title="a")
    client = served(serve, controller_of(base))
    place = f"/api/things/{thing.pk}"
    tag = client.get(place).headers["ETag"]

    def change(number: int) -> int:
        body = json.dumps({"title": str(number)})
        try:
            answer = client.patch(place, body, **JSON, headers={"If-Match": tag})
            return answer.status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(change, range(16)))
    assert sorted(found) == [200] + [412] * 15
    assert Stamped.objects.get().title == str(found.index(200))


# ---- soft delete ----------------------------------------------------------------------------------------------------


def test_a_deleted_object_stays_with_a_mark_and_is_hidden(base: Any, serve: Any):
    class OwnerController(base[Owner]):
        fields = ["id", "name", "is_gone"]
        soft_delete = "is_gone"
        verbs = [*ALL, "export"]

        def queryset(self) -> Any:
            # Not by the manager of the model, which hides them too.
            return QuerySet(Owner)

    client = served(serve, OwnerController)
    owner, other = (Owner.objects.create(name=name) for name in "ab")
    place = f"/api/things/{owner.pk}"
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    assert client.patch(place, {"name": "c"}, **JSON).status_code == 404
    assert client.delete(place).status_code == 404
    assert client.patch("/api/things/bulk", [{"id": owner.pk}], **JSON).status_code == 404
    assert [each["id"] for each in client.get("/api/things").json()["items"]] == [other.pk]
    assert [each["id"] for each in client.get("/api/things/export").json()] == [other.pk]
    # Clients do not write the mark.
    place = f"/api/things/{other.pk}"
    assert client.patch(place, {"is_gone": True}, **JSON).status_code == 422
