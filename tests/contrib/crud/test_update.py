"""Changes of many objects: only what was sent, only what is in scope, all or none."""

import datetime

import pytest
from django.db import connection
from django.db.models import Count
from ninja import Schema

from django_matt import MattAPI
from django_matt.contrib.crud.errors import RowsRefused
from django_matt.contrib.crud.services import bulk_update
from tests.contrib.crud.conftest import refusals
from tests.project.models import Author, Edition, Everything, Keyed, Seat, Tag


@pytest.fixture
def editions(served):
    return [
        Edition.objects.create(isbn=f"i{n}", title=f"t{n}", pages=n + 1, author=served.author)
        for n in range(5)
    ]


def test_only_what_was_sent_is_changed(served, editions):
    first, second = editions[:2]
    answer = served.patch(
        [{"id": second.pk, "title": "New"}, {"id": first.pk, "pageCount": None, "notes": [1]}]
    )
    assert answer.status_code == 200
    assert [(e["isbn"], e["title"], e["pages"]) for e in answer.json()] == [
        ("i1", "New", 2),
        ("i0", "t0", None),
    ]
    stored = Edition.objects.order_by("id").values_list("isbn", "title", "pages", "notes")
    assert list(stored[:3]) == [
        ("i0", "t0", None, [1]),
        ("i1", "New", 2, None),
        ("i2", "t2", 3, None),
    ]


def test_auto_now_is_set_on_what_was_changed_alone(served, editions):
    long_ago = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    Edition.objects.update(changed=long_ago)
    first, second = editions[:2]
    assert served.patch([{"id": first.pk, "title": "New"}, {"id": second.pk}]).status_code == 200
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.changed.year > 2000
    assert second.changed == long_ago


def test_a_hundred_rows_need_no_query_a_row(served, django_assert_max_num_queries):
    made = Edition.objects.bulk_create(
        [Edition(isbn=f"i{n}", title=f"t{n}", author=served.author) for n in range(100)]
    )
    rows = [{"id": e.pk, "pageCount": 3, "author_id": served.author.pk} for e in made]
    with django_assert_max_num_queries(12):
        assert served.patch(rows).status_code == 200
    assert Edition.objects.filter(pages=3).count() == 100


def test_what_is_out_of_scope_is_as_unknown_as_what_does_not_exist(served, editions):
    foreign = Edition.objects.create(isbn="f", title="f", author=Author.objects.create(name="Eve"))
    answer = served.patch(
        [{"id": editions[0].pk, "title": "New"}, {"id": foreign.pk, "title": "x"}, {"id": 4711}]
    )
    assert answer.status_code == 404
    assert refusals(answer) == [
        (["body", "editions", 1, "id"], "not_found"),
        (["body", "editions", 2, "id"], "not_found"),
    ]
    assert {error["msg"] for error in answer.json()["detail"]} == {"There is no such object."}
    assert not Edition.objects.filter(title__in=["New", "x"]).exists()


@pytest.mark.parametrize("key", [0, -1, 2**63 - 1, -(2**63)])
def test_an_odd_key_is_not_found(served, editions, key):
    assert served.patch([{"id": key, "title": "x"}]).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "kind", "name"),
    [
        ({"isbn": "i0"}, 409, "unique", "isbn"),
        ({"title": "t1"}, 409, "unique", None),
        ({"pageCount": 0}, 422, "check", "pageCount"),
        ({"isbn": None}, 422, "not_null", "isbn"),
        ({"author_id": 4711}, 409, "foreign_key", "author_id"),
        ({"pageCount": 2**63 - 1}, 422, "unstorable_value", "pageCount"),
        ({"title": "t" * 21}, 422, "string_too_long", "title"),
    ],
    ids=["unique", "unique together", "check", "null", "reference", "integer", "long"],
)
def test_a_refused_row_is_named_and_no_row_is_changed(served, editions, change, status, kind, name):
    if kind == "unstorable_value" and connection.vendor == "sqlite":
        pytest.skip("SQLite stores any integer")
    rows = [{"id": e.pk, "notes": "new"} for e in editions]
    rows[3] |= change
    answer = served.patch(rows)
    assert answer.status_code == status
    assert refusals(answer) == [(["body", "editions", 3, *([name] if name else [])], kind)]
    assert not Edition.objects.filter(notes__isnull=False).exists()


def test_one_object_twice_is_refused(served, editions):
    answer = served.patch([{"id": editions[0].pk}, {"id": editions[1].pk}, {"id": editions[0].pk}])
    assert answer.status_code == 422
    assert refusals(answer) == [(["body", "editions", 2, "id"], "duplicate_key")]
    assert "index 0" in answer.json()["detail"][0]["msg"]


def test_a_value_that_an_earlier_row_gives_up_may_be_taken(served, editions):
    first, second = editions[:2]
    assert (
        served.patch(
            [{"id": first.pk, "isbn": "free"}, {"id": second.pk, "isbn": "i0"}]
        ).status_code
        == 200
    )
    assert Edition.objects.get(isbn="i0") == second


def test_two_rows_cannot_swap_a_unique_value(served, editions):
    first, second = editions[:2]
    answer = served.patch([{"id": first.pk, "isbn": "i1"}, {"id": second.pk, "isbn": "i0"}])
    assert answer.status_code == 409
    assert set(Edition.objects.values_list("isbn", flat=True)) == {f"i{n}" for n in range(5)}


class Optional(Schema):
    id: int | None = None
    title: str = ""


def test_a_row_without_a_key_is_refused(serve, db):
    api = MattAPI()

    @api.patch("/editions")
    def update(request, editions: list[Optional]):
        bulk_update(Edition.objects.all(), editions)

    answer = serve(api).patch("/api/editions", [{"title": "a"}], content_type="application/json")
    assert answer.status_code == 422
    assert refusals(answer) == [(["body", "editions", 0, "id"], "missing")]


def test_a_key_that_cannot_be_read_is_named(db):
    with pytest.raises(RowsRefused) as refused:
        bulk_update(Keyed.objects.all(), [{"key": "no uuid", "note": "a"}, {"key": [1]}])
    errors = [(error.index, error.status, error.code, error.name) for error in refused.value.errors]
    assert errors == [(0, 422, "invalid", "key"), (1, 422, "invalid", "key")]


def test_a_key_of_several_columns_is_the_project_s_fault(db):
    with pytest.raises(TypeError, match=r"Seat\.pk has several columns"):
        bulk_update(Seat.objects.all(), [{"row": 1, "number": 1, "name": "a"}])


def test_a_unique_field_may_be_the_key(served, editions):
    changed = bulk_update(
        Edition.objects.all(), [{"isbn": "i2", "title": "x"}, {"isbn": "i0"}], key="isbn"
    )
    assert [e.isbn for e in changed] == ["i2", "i0"]
    assert Edition.objects.get(title="x").isbn == "i2"


def test_a_key_that_is_no_integer_is_read_by_its_field(db):
    made = Keyed.objects.create(note="a")
    bulk_update(Keyed.objects.all(), [{"key": str(made.pk), "note": None}])
    made.refresh_from_db()
    assert made.note is None


def test_values_are_set_whatever_the_row_says(served, editions):
    row = {"id": editions[0].pk, "title": "x", "keeper": None}
    bulk_update(Edition.objects.all(), [row], values={"keeper": served.author})
    assert Edition.objects.get(keeper=served.author) == editions[0]


@pytest.mark.parametrize(
    "scope",
    [
        lambda: Edition.objects.filter(tags__name="a").distinct(),
        lambda: Edition.objects.annotate(n=Count("tags")).filter(n__gt=0),
        lambda: Edition.objects.select_related("keeper").order_by("-title"),
        lambda: Edition.objects.only("isbn"),
        lambda: Edition.objects.filter(keeper__boss__isnull=True),
    ],
    ids=["distinct", "grouped", "joined", "deferred", "outer join"],
)
def test_any_queryset_can_be_the_scope(served, editions, scope, django_assert_max_num_queries):
    for edition in editions[:2]:
        edition.tags.add(Tag.objects.create(name="a"))
    rows = [{"id": e.pk, "title": f"new{e.pk}"} for e in editions[:2]]
    with django_assert_max_num_queries(8):
        assert [e.title for e in bulk_update(scope(), rows)] == [row["title"] for row in rows]


def test_a_scope_that_merges_rows_still_hides_the_others(served, editions):
    editions[0].tags.add(Tag.objects.create(name="a"))
    scope = Edition.objects.filter(tags__name="a").distinct()
    with pytest.raises(RowsRefused) as refused:
        bulk_update(scope, [{"id": e.pk, "title": "x"} for e in editions[:2]])
    assert [error.index for error in refused.value.errors] == [1]


def test_each_type_of_column_is_changed_as_save_would_change_it(db):
    names = [
        f.name
        for f in Everything._meta.concrete_fields
        if not f.primary_key and not f.name.startswith("author")
    ]
    source = Everything(
        big=2**62, binary=b"\0\1", boolean=True, maybe=True, float=0.1, document=None, char="é"
    )
    values = {name: getattr(source, name) for name in names}
    values["document"] = {"a": None}
    saved, changed = Everything.objects.create(), Everything.objects.create()
    for name, value in values.items():
        setattr(saved, name, value)
    saved.save()
    bulk_update(Everything.objects.all(), [{"id": changed.pk, **values}])
    first, second = Everything.objects.filter(pk__in=[saved.pk, changed.pk]).values(*names)
    assert {k: bytes(v) if k == "binary" else v for k, v in first.items()} == {
        k: bytes(v) if k == "binary" else v for k, v in second.items()
    }


def test_none_in_a_json_column_is_null_as_save_makes_it(served, editions):
    Edition.objects.update(notes={"a": 1})
    bulk_update(Edition.objects.all(), [{"id": editions[0].pk, "notes": None}])
    assert Edition.objects.filter(notes__isnull=True).get() == editions[0]


@pytest.mark.parametrize(
    ("row", "key", "error"),
    [
        ({"id": 1, "tags": []}, "pk", TypeError),
        ({"id": 1, "isbn": "x"}, "isbn", TypeError),
        ({"title": "x"}, "title", ValueError),
    ],
    ids=["many-to-many", "new primary key", "a key that is not unique"],
)
def test_rows_that_do_not_fit_the_model_are_the_project_s_fault(db, row, key, error):
    with pytest.raises(error):
        bulk_update(Edition.objects.all(), [row], key=key)
