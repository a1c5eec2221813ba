"""Whatever the rows, the schema, the tier and the way of returning: a response has all of the tenant's and nothing else."""

import itertools
import json
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Prefetch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Schema
from ninja.pagination import LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate

from django_matt import tier
from tests.scopes.models import Label, Note, Publisher, Shelf, Tenant, Volume, Writer
from tests.scopes.tenants import tenants_api

pytestmark = pytest.mark.django_db
TIERS = ["rows", "instances", "pydantic"]


class GraphNamed(Schema):
    name: str


class GraphText(Schema):
    text: str


class GraphWriter(Schema):
    name: str
    publisher: GraphNamed | None


class GraphTitled(Schema):
    title: str


class GraphShelf(Schema):
    name: str
    volumes: list[GraphTitled]


FIELDS = {
    "writer": GraphWriter,
    "editor": GraphWriter | None,
    "shelf": GraphShelf | None,
    "labels": list[GraphNamed],
    "notes": list[GraphText],
}
SHAPES = [
    shape
    for count in (0, 1, 2, 5)
    for shape in itertools.combinations(FIELDS, count)
    if count != 2 or "labels" in shape
]
SCHEMAS = {
    shape: type("Graph" + "".join(shape).title(), (GraphTitled,), {"__annotations__": {name: FIELDS[name] for name in shape}})
    for shape in SHAPES
}  # fmt: skip
OUTSIDE = Volume.objects.order_by("id")
LABELS = Label.objects.order_by("id")
JOINED = ("editor__publisher", "shelf")
WAYS = {
    "managed": lambda: Volume.objects.order_by("id"),
    "outside": OUTSIDE.all,
    "loaded": lambda: list(Volume.objects.order_by("id")),
    "joined": lambda: OUTSIDE.select_related(*JOINED),
    "prefetched": lambda: OUTSIDE.prefetch_related("notes", Prefetch("labels", LABELS.all())),
    "joined and loaded": lambda: list(Volume.objects.order_by("id").select_related(*JOINED)),
    "either": lambda: OUTSIDE.filter(title__contains="1") | OUTSIDE.exclude(title__contains="1"),
    "chosen": lambda: OUTSIDE.filter(tenant__in=Tenant.objects.all()).distinct(),
    "sliced": lambda: OUTSIDE[:100],
    "wrapped": lambda: [*Volume.objects.order_by("id")[:1], *Volume.objects.order_by("id")[1:]],
    "paged": OUTSIDE.all,
}

few = st.integers(0, 2)
maybe = st.none() | few
tenants = st.integers(0, 1)
volumes = st.tuples(tenants, few, maybe, maybe, st.sets(few), st.booleans())
graphs = st.fixed_dictionaries(
    {
        "publishers": st.lists(tenants, min_size=3, max_size=3),
        "labels": st.lists(tenants, min_size=3, max_size=3),
        "writers": st.lists(st.tuples(tenants, maybe), min_size=3, max_size=3),
        "volumes": st.lists(volumes, max_size=5),
        "shape": st.sampled_from(SHAPES),
        "tier": st.sampled_from(TIERS),
        "way": st.sampled_from([*WAYS]),
        "tenant": tenants,
    }
)
NAMES = ("red", "blue")


def write(graph):
    """Write a graph, whose rows refer to those of any tenant."""
    owners = [Tenant.objects.create(name=name) for name in NAMES]
    shelves = [Shelf.objects.create(name=f"shelf {n}") for n in range(3)]

    def make(model, tenant, number, **more):
        return model.objects.create(tenant=owners[tenant], name=f"{NAMES[tenant]} {number}", **more)

    def pick(found, number):
        return None if number is None else found[number]

    publishers = [make(Publisher, owner, n) for n, owner in enumerate(graph["publishers"])]
    labels = [make(Label, owner, n) for n, owner in enumerate(graph["labels"])]
    writers = [
        make(Writer, owner, n, publisher=pick(publishers, publisher))
        for n, (owner, publisher) in enumerate(graph["writers"])
    ]
    for number, (owner, writer, editor, shelf, chosen, noted) in enumerate(graph["volumes"]):
        volume = Volume.objects.create(
            tenant=owners[owner],
            title=f"{NAMES[owner]} {number}",
            writer=writers[writer],
            editor=pick(writers, editor),
            shelf=pick(shelves, shelf),
        )
        volume.labels.set([labels[n] for n in chosen])
        if noted:
            Note.objects.create(volume=volume, text=volume.title)


class Refused(Exception):
    """The response needs an object that the request may not read."""


def expected(graph):
    """Return what the tenant of a graph's request may read of it, by its plain data."""
    tenant, shape = graph["tenant"], graph["shape"]

    def named(kind, number):
        return (
            {"name": f"{NAMES[graph[kind][number]]} {number}"}
            if graph[kind][number] == tenant
            else None
        )

    def writer_of(number):
        if number is None or graph["writers"][number][0] != tenant:
            return None
        publisher = graph["writers"][number][1]
        shown = None if publisher is None else named("publishers", publisher)
        return {"name": f"{NAMES[tenant]} {number}", "publisher": shown}

    def needed(found):
        if found is None:
            raise Refused
        return found

    mine = [(n, each) for n, each in enumerate(graph["volumes"]) if each[0] == tenant]
    if graph["way"] == "joined and loaded":
        # What the view has joined itself cannot be taken out of its instances.
        for _, (_, _, editor, _, _, _) in mine:
            if editor is not None:
                needed(writer_of(editor))
                publisher = graph["writers"][editor][1]
                needed(True if publisher is None else named("publishers", publisher))
    rows = []
    for number, (_, writer, editor, shelf, labels, noted) in mine:
        row: dict[str, Any] = {"title": f"{NAMES[tenant]} {number}"}
        if "writer" in shape:
            row["writer"] = needed(writer_of(writer))
        if "editor" in shape:
            row["editor"] = writer_of(editor)
        if "shelf" in shape:
            inside = [{"title": f"{NAMES[tenant]} {n}"} for n, each in mine if each[3] == shelf]
            row["shelf"] = None if shelf is None else {"name": f"shelf {shelf}", "volumes": inside}
        if "labels" in shape:
            row["labels"] = [found for n in sorted(labels) if (found := named("labels", n))]
        if "notes" in shape:
            row["notes"] = [{"text": row["title"]}] if noted else []
        rows.append(row)
    return rows


def in_order(rows):
    for row in rows:
        row.get("labels", []).sort(key=lambda label: label["name"])
        if row.get("shelf"):
            row["shelf"]["volumes"].sort(key=lambda volume: volume["title"])
    return sorted(rows, key=lambda row: row["title"])


@pytest.fixture
def client(serve):
    api = tenants_api()
    for (shape, schema), level, (way, source) in itertools.product(
        SCHEMAS.items(), TIERS, WAYS.items()
    ):
        view = returning(source)
        if way == "paged":
            view = ninja_paginate(LimitOffsetPagination)(view)
        path = "/".join(("", "-".join(shape) or "title", level, way.replace(" ", "-")))
        api.get(path, response=list[schema])(  # type: ignore[valid-type]
            tier(level)(view)
        )
    return serve(api)


def returning(source):
    def view(request):
        return source()

    return view


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs)
def test_a_response_has_what_the_request_may_read_and_nothing_else(client, graph):
    name, other = NAMES[graph["tenant"]], NAMES[1 - graph["tenant"]]
    path = "/".join(
        ("/api", "-".join(graph["shape"]) or "title", graph["tier"], graph["way"].replace(" ", "-"))
    )
    with transaction.atomic():
        write(graph)
        response = client.get(path, headers={"X-Tenant": name})
        text = response.content.decode()
        transaction.set_rollback(True)
    assert other not in text
    try:
        rows = expected(graph)
    except Refused:
        assert response.status_code == 500
        return
    assert response.status_code == 200, text
    found = json.loads(text)
    if graph["way"] == "paged":
        assert found["count"] == len(rows)
        found = found["items"]
    assert in_order(found) == in_order(rows)
