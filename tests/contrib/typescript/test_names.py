"""Names in TypeScript."""

from types import SimpleNamespace

import pytest

from django_matt.contrib.typescript.names import (
    Names,
    camel,
    component_names,
    identifier,
    name_operations,
    pascal,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Item-Input", "ItemInput"),
        ("Größe", "Größe"),
        ("3d model", "_3dModel"),
        ("注文", "注文"),
        ("$x", "$x"),
        ("²", "_"),
        ("", "_"),
    ],
)
def test_an_identifier_keeps_letters_of_every_script(text, name):
    assert identifier(text) == name


@pytest.mark.parametrize(
    ("text", "in_camel", "in_pascal"),
    [
        ("order_line", "orderLine", "OrderLine"),
        ("OrderLine", "orderLine", "OrderLine"),
        ("order-line", "orderLine", "OrderLine"),
        ("HTTPLog", "httpLog", "HTTPLog"),
        ("ID", "id", "ID"),
        ("ID2", "id2", "ID2"),
        ("über_uns", "überUns", "ÜberUns"),
    ],
)
def test_words_are_joined(text, in_camel, in_pascal):
    assert (camel(text), pascal(text)) == (in_camel, in_pascal)


def test_names_that_differ_by_case_alone_get_a_number():
    names = Names()
    assert [names.add(each) for each in ("Item", "item", "ITEM", "class")] == [
        "Item",
        "item2",
        "ITEM3",
        "class2",
    ]


def test_components_get_readable_names_that_do_not_hide_ours():
    wanted = {
        "Item-Input": "ItemInput",
        "Item-Output": "Item",
        "Both": "Both",
        "Both-Output": "BothOutput",
        "shop__schemas__Order": "ShopSchemasOrder",
        "Page_int_": "PageInt",
        "paths": "paths2",
        "Record": "Record3",
        "Record2": "Record2",
        "string": "string2",
    }
    found = component_names(wanted)
    # A name that needs no change comes first: Record2 keeps its own, and Record gets the next number.
    assert found == wanted


def route(name, controller=None, methods=("GET",)):
    cls = type(controller, (), {}) if controller else None
    return SimpleNamespace(name=name, controller=cls, methods=methods)


def named(*operations, prefix="/api/"):
    return [".".join(name) for name in name_operations(operations, prefix)]


def test_a_verb_leaves_out_the_noun_of_its_group():
    controller = type("OrderLineController", (), {})
    found = [
        (
            "get",
            "/api/order-lines",
            {},
            SimpleNamespace(name=name, controller=controller, methods=()),
        )
        for name in ("list_order_lines", "create_order_line", "cancel", "list_order_lines_by_day")
    ]
    assert named(*found) == [
        "orderLines.list",
        "orderLines.create",
        "orderLines.cancel",
        "orderLines.listByDay",
    ]


def test_a_group_is_named_after_the_controller_the_tag_or_the_path():
    assert named(
        ("get", "/api/auth/me", {"tags": ["account"]}, route("me", "AuthController")),
        ("get", "/api/oops", {"tags": ["errors"]}, route("oops", "MistakeController")),
        ("get", "/api/users", {"tags": ["The users"]}, route("list_users")),
        ("get", "/api/health/live", {}, route("live")),
        ("get", "/api/{id}", {}, None),
    ) == ["auth.me", "mistake.oops", "theUsers.listUsers", "health.live", "root.getApiId"]


def test_verbs_that_would_be_the_same_keep_all_of_their_words():
    found = [("get", "/api/users", {}, route(name)) for name in ("list_user", "list_users", "list")]
    assert named(*found) == ["users.listUser", "users.listUsers", "users.list"]


def test_each_method_of_one_function_has_a_verb():
    both = route("change", methods=("PUT", "PATCH"))
    assert named(("put", "/api/notes", {}, both), ("patch", "/api/notes", {}, both)) == [
        "notes.changePut",
        "notes.changePatch",
    ]


def test_two_controllers_of_one_name_are_two_groups_and_a_keyword_is_no_group():
    assert named(
        ("get", "/api/v1/items", {}, route("list", "ItemController")),
        ("get", "/api/v2/items", {}, route("list", "ItemController")),
        ("delete", "/api/class", {}, route("delete")),
    ) == ["items.list", "items2.list", "class2.delete"]
