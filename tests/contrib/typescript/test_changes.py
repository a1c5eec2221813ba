"""What changed between two documents: oasdiff's ids and severities, and properties of every comparison."""

import copy
import json
import random
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_matt.contrib.typescript.changes import Change, compare
from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.rules import OURS, SEVERITIES, severity_of

from .changes_corpus import (
    BOOK,
    CORPUS,
    TEXT,
    WHOLE,
    Case,
    answered,
    document,
    member,
    operation,
    parameter,
    ref,
    route,
    schemas,
    sent,
)

HERE = Path(__file__).parent
TODAY = date(2026, 11, 29)


def found(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    return {each.id: each.severity for each in compare(before, after, today=TODAY)}


def test_the_corpus_has_sixty_changes_of_published_rules():
    assert len([case for case in CORPUS if not case.ours]) >= 60
    assert len({case.name for case in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("case", CORPUS, ids=[case.name for case in CORPUS])
def test_a_single_change_has_the_published_id_and_severity(case: Case):
    assert found(case.before, case.after) == case.expected


@pytest.mark.parametrize("case", CORPUS, ids=[case.name for case in CORPUS])
def test_a_document_does_not_differ_from_itself(case: Case):
    assert compare(case.after, copy.deepcopy(case.after), today=TODAY) == []


FEW = hypothesis_settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def shuffled(part: Any, chance: random.Random) -> Any:
    if isinstance(part, dict):
        items = list(part.items())
        chance.shuffle(items)
        return {key: shuffled(value, chance) for key, value in items}
    return [shuffled(each, chance) for each in part] if isinstance(part, list) else part


@FEW
@given(st.sampled_from(CORPUS), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(case: Case, chance: random.Random):
    before, after = shuffled(case.before, chance), shuffled(case.after, chance)
    assert compare(before, after, today=TODAY) == compare(case.before, case.after, today=TODAY)
    assert compare(case.after, after, today=TODAY) == []


SCALARS = st.sampled_from(
    [
        TEXT,
        WHOLE,
        {"type": "number", "minimum": 1},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "format": "date"},
        {"anyOf": [TEXT, {"type": "null"}]},
        {"type": ["string", "integer"]},
        {"const": "x"},
        {"type": "boolean", "default": True},
        {"type": "string", "title": "A title", "maxLength": 4},
        {},
        ref("A"),
        ref("B"),
    ]
)
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda properties, required, closed: {
                "type": "object",
                "properties": properties,
                "required": sorted(required & properties.keys()),
                "additionalProperties": closed,
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.sets(st.sampled_from("abc")),
            st.one_of(st.booleans(), inner),
        ),
        st.builds(
            lambda kind, parts: {kind: parts},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=4,
)


def with_components(schema: Any, a: Any, b: Any, send: bool) -> dict[str, Any]:
    return schemas({"A": a, "B": b}, schema, send=send)


DOCUMENTS = st.builds(with_components, SCHEMAS, SCHEMAS, SCHEMAS, st.booleans())


@FEW
@given(DOCUMENTS, DOCUMENTS)
def test_two_documents_differ_if_and_only_if_their_canonical_texts_do(before, after):
    assert bool(compare(before, after, today=TODAY)) == (canonical(before) != canonical(after))


def leaves(part: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        part.items()
        if isinstance(part, dict)
        else enumerate(part)
        if isinstance(part, list)
        else ()
    )
    inner = [place for key, value in items for place in leaves(value, (*at, key))]
    return inner or [at]


@FEW
@given(DOCUMENTS, st.data())
def test_a_changed_leaf_of_a_schema_is_explained_by_a_rule(before, data):
    after = copy.deepcopy(before)
    at = data.draw(st.sampled_from(leaves(before["paths"])))
    parent = after["paths"]
    for key in at[:-1]:
        parent = parent[key]
    if not at or "schema" not in at or at[-1] in {"$ref", "type"} or isinstance(parent, list):
        return
    if isinstance(parent[at[-1]], bool):
        parent[at[-1]] = not parent[at[-1]]
    elif at[-1] in {"title", "format"}:
        parent[at[-1]] = "another"
    else:
        return
    changes = compare(before, after, today=TODAY)
    assert changes
    assert {each.id for each in changes} & {*OURS} <= {*OURS} - {"unclassified"}


def test_every_rule_has_a_severity_and_ours_are_none_of_the_published():
    assert not OURS.keys() & SEVERITIES.keys()
    assert severity_of("response-header-property-max-items-unset") == "error"
    assert severity_of("request-body-nonsense") is None


# ---- directions, references, cycles ----


def node(name_type: dict[str, Any]) -> dict[str, Any]:
    parent = {"anyOf": [ref("Node"), {"type": "null"}]}
    return {
        "type": "object",
        "properties": {
            "name": name_type,
            "parent": parent,
            "nodes": {"type": "array", "items": ref("Node")},
        },
    }


def test_a_recursive_schema_is_compared_once():
    before, after = (schemas({"Node": node(each)}, ref("Node")) for each in (TEXT, WHOLE))
    (change,) = compare(before, after, today=TODAY)
    assert change == Change(
        ("GET /books",),
        "Node/name",
        "response-property-type-changed",
        "error",
        "the type changed from string to integer",
    )


def test_a_component_is_judged_by_the_direction_in_which_it_is_used():
    before = {
        **document(
            {
                "/books": {
                    **sent(ref("Book"))["paths"]["/books"],
                    **answered(ref("Book"))["paths"]["/books"],
                }
            }
        )
    }
    for each, expected in (
        (
            member(TEXT),
            {
                "request-property-became-optional": "info",
                "response-property-became-optional": "error",
            },
        ),
        (member(TEXT, True), {}),
    ):
        pair = [
            {**before, "components": {"schemas": {"Book": schema}}}
            for schema in (member(TEXT, True), each)
        ]
        assert found(*pair) == expected


def test_a_change_of_a_nested_component_is_named_after_it():
    page = {"type": "object", "properties": {"items": {"type": "array", "items": ref("Book")}}}
    before, after = (
        schemas({"Book": member(each), "Page": page}, ref("Page")) for each in (TEXT, WHOLE)
    )
    (change,) = compare(before, after, today=TODAY)
    assert (change.place, change.id) == ("Book/title", "response-property-type-changed")


def test_the_type_of_a_component_is_that_of_the_body_or_of_a_property():
    for schema, rule in (
        (ref("Name"), "response-body-type-changed"),
        (member(ref("Name")), "response-property-type-changed"),
    ):
        before, after = (schemas({"Name": each}, schema) for each in (TEXT, WHOLE))
        assert found(before, after) == {rule: "error"}


def test_two_recursive_schemas_that_refer_to_each_other_end():
    def pair(schema: dict[str, Any]) -> dict[str, Any]:
        return schemas(
            {
                "A": {**member(ref("B")), "title": "A"},
                "B": {"type": "object", "properties": {"a": ref("A"), "x": schema}},
            },
            ref("A"),
        )

    assert found(pair(TEXT), pair(WHOLE)) == {"response-property-type-changed": "error"}


@pytest.mark.parametrize("beside", [{"x-note": 1}, {"maxProperties": 9}])
def test_a_recursive_reference_with_keywords_beside_it_ends(beside):
    def tree(schema: dict[str, Any]) -> dict[str, Any]:
        return schemas(
            {"A": {"type": "object", "properties": {"a": {**ref("A"), **beside}, "x": schema}}},
            ref("A"),
        )

    assert "response-property-type-changed" in found(tree(TEXT), tree(WHOLE))


def test_a_schema_that_is_a_reference_to_itself_ends():
    loop = schemas({"A": ref("A")}, ref("A"))
    assert found(loop, schemas({"A": TEXT}, ref("A")))


def test_the_same_schema_in_place_or_by_reference_breaks_nothing():
    by_reference = schemas({"Book": BOOK}, ref("Book"))
    in_place = {**answered(BOOK), "components": {"schemas": {"Book": BOOK}}}
    assert found(by_reference, in_place) == {"schema-rewritten": "info"}


def test_a_renamed_schema_breaks_nothing():
    before, after = schemas({"Book": BOOK}, ref("Book")), schemas({"BookOut": BOOK}, ref("BookOut"))
    assert found(before, after) == {
        "schema-renamed": "info",
        "api-schema-removed": "info",
        "api-schema-added": "info",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
        (TEXT, {"anyOf": [TEXT]}),
        (TEXT, {"allOf": [TEXT]}),
        ({"type": "string"}, {"type": ["string"]}),
    ],
)
def test_another_spelling_of_a_type_breaks_nothing(before, after):
    assert found(answered(member(before)), answered(member(after))) == {"schema-rewritten": "info"}


def test_a_change_of_a_shared_response_is_found_in_each_operation():
    def shared(schema: Any) -> dict[str, Any]:
        response = {"description": "No", "content": {"application/json": {"schema": schema}}}
        get = operation(responses={"404": {"$ref": "#/components/responses/Missing"}})
        return {
            **document({"/a": {"get": get}, "/b": {"get": get}}),
            "components": {"responses": {"Missing": response}},
        }

    changes = compare(shared(TEXT), shared(WHOLE), today=TODAY)
    assert [(each.operations, each.id) for each in changes if each.operations] == [
        (("GET /a",), "response-body-type-changed"),
        (("GET /b",), "response-body-type-changed"),
    ]


def test_a_global_requirement_holds_for_operations_without_one():
    before = {
        **route(),
        "components": {"securitySchemes": {"Key": {"type": "http", "scheme": "bearer"}}},
    }
    after = {**before, "security": [{"Key": []}]}
    assert found(before, after)["api-security-tightened"] == "error"


def test_a_scheme_with_another_name_is_the_same_scheme():
    pair = [
        {
            **route(security=[{name: []}]),
            "components": {"securitySchemes": {name: {"type": "http", "scheme": "bearer"}}},
        }
        for name in ("Token", "AsyncToken")
    ]
    assert "api-security-tightened" not in found(*pair)


def test_a_parameter_of_the_path_item_counts_for_its_operations():
    before, after = route(), route()
    after["paths"]["/books"]["parameters"] = [
        {"name": "q", "in": "query", "required": True, "schema": TEXT}
    ]
    assert found(before, after) == {"new-required-request-parameter": "error"}


def test_what_clients_do_not_send_breaks_no_request():
    before = sent({"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}}})
    after = sent({"type": "object", "properties": {"id": {"type": "string", "readOnly": True}}})
    assert found(before, after) == {"request-read-only-property-changed": "info"}


def test_documents_without_anything_can_be_compared():
    empty = {"openapi": "3.1.0", "info": {"title": "Books", "version": "1.0.0"}}
    assert compare(empty, {**empty, "paths": {}, "components": {}}, today=TODAY) != []
    assert compare(empty, dict(empty), today=TODAY) == []


def test_true_is_not_one():
    before, after = answered(member({"const": True})), answered(member({"const": 1}))
    assert found(before, after) != {}


def test_two_operations_with_the_same_component_share_a_change():
    def shared(schema: Any) -> dict[str, Any]:
        paths = {
            **answered(ref("Book"))["paths"],
            "/all": answered({"type": "array", "items": ref("Book")})["paths"]["/books"],
        }
        return {**document(paths), "components": {"schemas": {"Book": member(schema)}}}

    (change,) = compare(shared(TEXT), shared(WHOLE), today=TODAY)
    assert change.operations == ("GET /all", "GET /books")
    assert change.place == "Book/title"


def test_a_thousand_operations_with_two_thousand_schemas_are_compared():
    def large(first: dict[str, Any]) -> dict[str, Any]:
        parts = {
            f"S{n}": {"type": "object", "properties": {"next": ref(f"S{n + 1}"), "x": TEXT}}
            for n in range(2_000)
        }
        parts["S2000"] = member(first)
        paths = {
            f"/s{n}": {
                "get": operation(
                    responses={
                        "200": {
                            "description": "OK",
                            "content": {"application/json": {"schema": ref(f"S{n * 2}")}},
                        }
                    }
                )
            }
            for n in range(1_000)
        }
        return {**document(paths), "components": {"schemas": parts}}

    changes = compare(large(TEXT), large(WHOLE), today=TODAY)
    (change,) = changes
    assert (change.place, len(change.operations)) == ("S2000/title", 1_000)


@pytest.mark.parametrize("make", [parameter, sent, answered])
def test_changes_can_be_written_as_json(make):
    changes = compare(make(TEXT), make({"type": "object"}), today=TODAY)
    assert json.loads(json.dumps([each.as_dict() for each in changes]))[0]["severity"] == "error"


def test_the_page_lists_the_rules_of_oasdiff_that_are_missing():
    page = (HERE.parents[2] / "docs/typescript/changes.md").read_text()
    table = page.partition("### Rules of oasdiff that are missing")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    missing = [each for row in rows for each in re.findall(r"`([a-z-]+)`", row[-1])]
    assert len(set(missing)) == len(missing)
    assert [each for each in missing if severity_of(each) and each not in OURS] == []
    assert f"{509 - len(missing)} rules of its 509" in page
