"""What each type of TypeScript becomes."""

import ast
import datetime
import enum
from typing import Any

import pytest
from pydantic import ValidationError

from .pulls import Project, schema_of

pytestmark = pytest.mark.once


def body(source: str, name: str) -> str:
    """Return the lines of a class or alias."""
    for node in ast.parse(source).body:
        found = getattr(node, "name", None) or (
            node.targets[0].id if isinstance(node, ast.Assign) else None
        )
        if found == name:
            return ast.get_source_segment(source, node) or ""
    raise AssertionError(f"{name} is not in\n{source}")


@pytest.mark.parametrize(
    ("typescript", "python"),
    [
        ("string", "str"),
        ("number", "float"),
        ("boolean", "bool"),
        ("bigint", "int"),
        ("any", "Any"),
        ("unknown", "Any"),
        ("object", "dict[str, Any]"),
        ("{}", "dict[str, Any]"),
        ("Date", "datetime.datetime"),
        ("URL", "AnyUrl"),
        ("string[]", "list[str]"),
        ("readonly string[]", "list[str]"),
        ("ReadonlyArray<number[]>", "list[list[float]]"),
        ("[string, number]", "tuple[str, float]"),
        ("[x: string, y: number]", "tuple[str, float]"),
        ("[string, number?]", "tuple[str] | tuple[str, float]"),
        ("[...string[]]", "list[str]"),
        ("Record<string, number>", "dict[str, float]"),
        ("Record<number, string>", "dict[int, str]"),
        ("{ [key: string]: boolean }", "dict[str, bool]"),
        ("{ [key in 'a' | 'b']?: number }", 'dict[Literal["a", "b"], float]'),
        ("string | null", "str | None"),
        ("null | string", "str | None"),
        ("string | number | null", "str | float | None"),
        ("'a' | 'b'", 'Literal["a", "b"]'),
        ("'a' | \"it's\" | null", 'Literal["a", "it\'s"] | None'),
        ("1 | -2 | 0x10", "Literal[1, -2, 16]"),
        ("1.5 | 2", "Literal[2] | float"),
        ("true", "Literal[True]"),
        ("true | false", "bool"),
        ("'a' | number", 'Literal["a"] | float'),
        ("(string | null)[]", "list[str | None]"),
        ("NonNullable<string | null>", "str"),
        ("Exclude<'a' | 'b' | 'c', 'b'>", 'Literal["a", "c"]'),
        ("Extract<'a' | 'b' | 'c', 'b'>", 'Literal["b"]'),
        ("string & { __brand: 'Sku' }", "str"),
        ("string | undefined", "str | None = None"),
        ("Partial<Record<string, number>>", "dict[str, float]"),
        ("Readonly<string[]>", "list[str]"),
    ],
)
def test_a_type_becomes_its_equal(project: Project, typescript: str, python: str):
    source = project.python(f"interface Row {{ cell: {typescript} }}")
    assert body(source, "Row") == f"class Row(Schema):\n    cell: {python}"


@pytest.mark.parametrize(
    ("member", "python"),
    [
        ("a: string", "a: str"),
        ("a?: string", "a: str | None = None"),
        ("a: string | null", "a: str | None"),
        ("a?: string | null", "a: str | None = None"),
        ("readonly a: string", "a: str"),
        ("'content-type': string", 'content_type: str = Field(alias="content-type")'),
        ("categoryId: number", 'category_id: float = Field(alias="categoryId")'),
        ("class: string", 'class_: str = Field(alias="class")'),
        ("_id?: string", 'id: str | None = Field(default=None, alias="_id")'),
        ("__proto__: string", 'proto: str = Field(alias="__proto__")'),
        ("json: string", 'json_: str = Field(alias="json")'),
        ("list: string[]", 'list_: list[str] = Field(alias="list")'),
        ("größe: number", "größe: float"),
        ("'2nd': string", 'field_2nd: str = Field(alias="2nd")'),
        ("'😀': string", 'field: str = Field(alias="😀")'),
        ("1: string", 'field_1: str = Field(alias="1")'),
    ],
)
def test_a_member_keeps_its_name_for_json(project: Project, member: str, python: str):
    lines = body(project.python(f"interface Row {{ {member} }}"), "Row").splitlines()
    assert lines[-1] == f"    {python}"
    if "alias=" in python:
        assert (
            lines[1]
            == "    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)"
        )


@pytest.mark.parametrize(
    ("comment", "member", "python"),
    [
        (
            "@minLength 2 \n * @maxLength 5",
            "a: string",
            "a: str = Field(min_length=2, max_length=5)",
        ),
        ("@pattern ^[a-z]+$", "a: string", 'a: str = Field(pattern="^[a-z]+$")'),
        ("@minimum 0\n * @maximum 10", "a: number", "a: float = Field(ge=0, le=10)"),
        (
            "@exclusiveMinimum 0\n * @exclusiveMaximum 1.5",
            "a: number",
            "a: float = Field(gt=0, lt=1.5)",
        ),
        ("@asType integer", "a: number", "a: int"),
        ("@format int64", "a: number", "a: int"),
        ("@multipleOf 5\n * @type {integer}", "a: number", "a: int = Field(multiple_of=5)"),
        ("@format email", "a: string", "a: EmailStr"),
        ("@format uuid", "a: string", "a: UUID"),
        ("@format date", "a: string", "a: datetime.date"),
        ("@format date-time", "a: string | null", "a: datetime.datetime | None"),
        ("@format time", "a: string", "a: datetime.time"),
        ("@format duration", "a: string", "a: datetime.timedelta"),
        ("@format uri", "a: string", "a: AnyUrl"),
        ("@format ipv4", "a: string", "a: IPv4Address"),
        ("@format decimal", "a: string", "a: Decimal"),
        (
            "@format decimal\n * @minimum 0\n * @default 1.50",
            "a: string",
            'a: Decimal = Field(default=Decimal("1.50"), ge=0)',
        ),
        ("@format phone", "a: string", 'a: str = Field(json_schema_extra={"format": "phone"})'),
        ("@minItems 1", "a: string[]", "a: list[str] = Field(min_length=1)"),
        ("@uniqueItems true", "a: string[]", "a: set[str]"),
        (
            "@maxProperties 9",
            "a: Record<string, string>",
            "a: dict[str, str] = Field(max_length=9)",
        ),
        ("@default 3", "a?: number", "a: float = 3"),
        ('@default "x"', "a?: string", 'a: str = "x"'),
        ("@default x", "a?: string", 'a: str = "x"'),
        ("@default 'x'", "a: 'x' | 'y'", 'a: Literal["x", "y"] = "x"'),
        ("@default true", "a?: boolean", "a: bool = True"),
        ("@default null", "a?: string | null", "a: str | None = None"),
        ("@default []", "a?: string[]", "a: list[str] = Field(default=[])"),
        ("@default {}", "a?: Record<string, string>", "a: dict[str, str] = Field(default={})"),
        ("The name.", "a: string", 'a: str = Field(description="The name.")'),
        (
            "The name.\n * @see other",
            "a: string",
            'a: str = Field(description="The name.\\n@see other")',
        ),
        ("@deprecated", "a: string", "a: str = Field(deprecated=True)"),
        (
            "@deprecated Use b.",
            "a: string",
            'a: str = Field(description="Deprecated: Use b.", deprecated=True)',
        ),
        ('@example "x"', "a: string", 'a: str = Field(examples=["x"])'),
    ],
)
def test_a_comment_becomes_constraints(project: Project, comment: str, member: str, python: str):
    source = project.python(f"interface Row {{\n/**\n * {comment}\n */\n{member}\n}}")
    assert f"    {python}" in body(source, "Row").splitlines()
    project.module()


def test_constraints_refuse_what_does_not_fit(project: Project):
    found = project.of(
        """
        interface Row {
            /** @minLength 3 */ sku: string;
            /** @minimum 0 */ stock?: number;
            kind: "a" | "b";
            /** @format date-time */ made: string;
        }
        """
    )
    good = {"sku": "abc", "kind": "a", "made": "2026-01-31T10:00:00Z"}
    assert found.Row(**good).made.tzinfo is not None
    for wrong in ({"sku": "a"}, {"stock": -1}, {"kind": "c"}, {"made": "soon"}):
        with pytest.raises(ValidationError):
            found.Row(**{**good, **wrong})


def test_optional_may_be_left_out_and_nullable_may_not(project: Project):
    found = project.of("interface Row { optional?: string; nullable: string | null }")
    assert found.Row(nullable=None).optional is None
    with pytest.raises(ValidationError, match="nullable"):
        found.Row(optional="x")


def test_a_type_alias_keeps_its_name_and_its_constraints(project: Project):
    source = project.python(
        """
        /**
         * What is printed on the box.
         * @minLength 3
         */
        type Sku = string;
        type Skus = Sku[];
        interface Row { sku: Sku; more: Skus }
        """
    )
    assert "# What is printed on the box.\nSku = Annotated[str, Field(min_length=3)]\n" in source
    assert body(source, "Skus") == "Skus = list[Sku]"
    assert "    more: Skus" in source
    with pytest.raises(ValidationError):
        project.module().Row(sku="abc", more=["a"])


def test_a_recursive_alias_is_one_in_python(project: Project):
    found = project.of(
        "type Json = string | number | boolean | null | Json[] | { [key: string]: Json };"
    )
    assert "$ref" in str(schema_of(found.Json))


def test_enums_become_enums(project: Project):
    found = project.of(
        """
        /** How far it is. */
        enum Status { Open = "open", InTransit = 'in-transit' }
        const enum Level { Low, High = 10, Higher }
        enum Mixed { A = 1, B = "b" }
        const Color = { Red: "red", "light blue": "#9cf" } as const;
        type Color = (typeof Color)[keyof typeof Color];
        const SIZES = ["s", "m"] as const;
        type Size = (typeof SIZES)[number];
        interface Row {
            /** @default open */ status?: Status;
            level: Level; color: Color; size: Size; mixed: Mixed;
            only: Status.Open;
        }
        """
    )
    assert [each.value for each in found.Status] == ["open", "in-transit"]
    assert found.Status.IN_TRANSIT == "in-transit"
    assert issubclass(found.Status, enum.StrEnum)
    assert {each.name: each.value for each in found.Level} == {"LOW": 0, "HIGH": 10, "HIGHER": 11}
    assert found.Color.LIGHT_BLUE == "#9cf"
    assert found.Row.model_fields["status"].default is found.Status.OPEN
    assert schema_of(found.Row)["properties"]["size"] == {"enum": ["s", "m"], "type": "string"}
    assert schema_of(found.Row)["properties"]["only"] == {"const": "open", "type": "string"}


def test_a_union_of_objects_with_a_tag_is_discriminated(project: Project):
    found = project.of(
        """
        interface Circle { kind: "circle"; radius: number }
        interface Square { kind: "square" | "box"; side: number }
        type Shape = Circle | Square;
        interface Drawing { shape: Shape; other: Circle | Square | null; inline: { t: "a" } | { t: "b"; x: number } }
        """
    )
    assert schema_of(found.Shape)["discriminator"]["mapping"].keys() == {"circle", "square", "box"}
    drawing = found.Drawing(shape={"kind": "box", "side": 1}, other=None, inline={"t": "a"})
    assert isinstance(drawing.shape, found.Square)
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        found.Drawing(shape={"kind": "line"}, other=None, inline={"t": "a"})


def test_interfaces_inherit_and_intersections_are_one_class(project: Project):
    found = project.of(
        """
        interface Timed { created: Date; note?: string }
        interface Named { name: string }
        interface Order extends Timed, Named { note: string }
        type Line = Named & { quantity: number };
        """
    )
    assert issubclass(found.Order, found.Timed)
    assert set(found.Order.model_fields) == {"created", "note", "name"}
    assert found.Order.model_fields["note"].is_required()
    assert issubclass(found.Line, found.Named)


def test_utility_types_of_objects_are_resolved(project: Project):
    found = project.of(
        """
        interface Order { id: number; note?: string; lines: string[] }
        type Patch = Partial<Omit<Order, "id">>;
        type Whole = Required<Order>;
        type Key = Pick<Order, "id" | "lines">;
        type Frozen = Readonly<Order>;
        type Names = Record<"a" | "b", number>;
        type Lines = Order["lines"];
        type Keys = keyof Order;
        interface Holder { part: Pick<Order, "id">; some: Partial<Record<"x", string>> }
        """
    )
    required = {
        name: [key for key, each in getattr(found, name).model_fields.items() if each.is_required()]
        for name in ("Patch", "Whole", "Key", "Frozen", "Names")
    }
    assert required == {
        "Patch": [],
        "Whole": ["id", "note", "lines"],
        "Key": ["id", "lines"],
        "Frozen": ["id", "lines"],
        "Names": ["a", "b"],
    }
    assert set(found.Patch.model_fields) == {"note", "lines"}
    assert schema_of(found.Lines) == {"type": "array", "items": {"type": "string"}}
    assert schema_of(found.Keys) == {"enum": ["id", "note", "lines"], "type": "string"}
    assert set(found.HolderPart.model_fields) == {"id"}


def test_generics_are_generic(project: Project):
    found = project.of(
        """
        interface Page<T, M extends Meta = Meta> { items: T[]; meta: M; wrapped: { first: T | null } }
        interface Meta { count: number }
        interface Order { id: number }
        type OrderPage = Page<Order>;
        type Maybe<T> = T | null;
        interface Holder { page: OrderPage; maybe: Maybe<string>; numbers: Page<number> }
        interface Tree<T> { value: T; children: Tree<T>[] }
        interface Numbers extends Page<number> { total: number }
        """
    )
    holder = found.Holder(
        page={"items": [{"id": 1}], "meta": {"count": 1}, "wrapped": {"first": None}},
        maybe=None,
        numbers={"items": [1], "meta": {"count": 1}, "wrapped": {"first": 2}},
    )
    assert isinstance(holder.page.items[0], found.Order)
    with pytest.raises(ValidationError):
        found.Page[int, found.Meta](items=["x"], meta={"count": 1}, wrapped={"first": None})
    tree = found.Tree[int](value=1, children=[{"value": 2, "children": []}])
    assert tree.children[0].value == 2
    assert found.Numbers(items=[1], meta={"count": 1}, wrapped={"first": None}, total=1).total == 1


def test_further_keys_are_typed(project: Project):
    found = project.of("interface Row { id: number; [key: string]: number }")
    assert found.Row(id=1, more=2).model_dump() == {"id": 1, "more": 2}
    with pytest.raises(ValidationError):
        found.Row(id=1, more="x")


def test_types_that_refer_to_each_other_in_any_order_can_be_built(project: Project):
    found = project.of(
        """
        interface Order { customer: Customer; lines: Lines; parent?: Order }
        type Lines = Line[];
        interface Line { order: Order | null; product: Product }
        interface Special extends Product { price: number }
        interface Product { name: string }
        interface Customer { orders: Order[] }
        """
    )
    order = found.Order(customer={"orders": []}, lines=[{"order": None, "product": {"name": "x"}}])
    assert order.lines[0].product.name == "x"
    assert issubclass(found.Special, found.Product)


def test_comments_of_types_become_docstrings(project: Project):
    source = project.python('/** An order.\n *\n * Say "yes". */\ninterface Order { id: number }\n')
    assert '"""An order.\n\n    Say "yes".\n    """' in body(source, "Order")
    assert project.module().Order.__doc__.startswith("An order.")


def test_a_deprecated_type_is_deprecated_in_its_schema(project: Project):
    found = project.of(
        "/** Old. @deprecated */\n/** @deprecated Use New. */ interface Old { a: string }"
    )
    assert found.Old.model_json_schema()["deprecated"] is True


def test_names_that_python_needs_get_an_underscore(project: Project):
    found = project.of(
        "interface Schema { Field: Field; Any: None } interface Field { a: string } interface None { b: string }"
    )
    assert {"Schema_", "Field_", "None_"} <= set(vars(found))
    assert found.Schema_(Field={"a": "x"}, Any={"b": "y"}).any.b == "y"


def test_field_names_that_are_the_same_in_python_get_a_number(project: Project):
    found = project.of("interface Row { userId: string; user_id: number; UserID: boolean }")
    assert list(found.Row.model_fields) == ["user_id_2", "user_id", "user_id_3"]
    row = found.Row.model_validate({"userId": "a", "user_id": 1, "UserID": True})
    assert row.model_dump(by_alias=True) == {"userId": "a", "user_id": 1.0, "UserID": True}


def test_types_that_differ_in_case_stay_apart(project: Project):
    found = project.of("interface Order { a: order } interface order { b: string }")
    assert found.Order(a={"b": "x"}).a.b == "x"


def test_classes_become_schemas_and_interfaces_merge(project: Project):
    result = project.pull(
        """
        export declare class Point { readonly x: number; private y: number; static origin: Point; length(): number }
        interface Box { a: string }
        interface Box { b: string }
        """
    )
    assert result.code == 0
    assert [line.split(": ", 1)[1] for line in result.err.splitlines()] == [
        "a member that is not public: not carried over",
        "a member that is not public: not carried over",
        "a method: not carried over",
    ]
    found = project.module()
    assert set(found.Point.model_fields) == {"x"}
    assert set(found.Box.model_fields) == {"a", "b"}


def test_imports_of_the_same_folder_are_followed(project: Project):
    project.write(
        "export interface Money { amount: string }\nexport interface Unused { a: string }\n",
        "money.ts",
    )
    project.write("export * from './deep';\nexport type { Id as Key } from './ids';", "all.ts")
    project.write(
        "export interface Deep { money: Money }\nimport { Money } from './money.js';", "deep.ts"
    )
    project.write("export type Id = string;", "ids.ts")
    found = project.of(
        """
        import type { Money as Price } from "./money";
        import { Deep, Key } from "./all";
        interface Order { total: Price; deep: Deep; key: Key }
        """
    )
    assert (
        found.Order(
            total={"amount": "1"}, deep={"money": {"amount": "2"}}, key="k"
        ).deep.money.amount
        == "2"
    )
    assert not hasattr(found, "Unused")


def test_other_imports_are_reported(project: Project):
    result = project.pull(
        """import { z } from "zod";
import * as all from "./all";
import { Far } from "../far";
interface Order { a: z; b: Far; c: all.Thing }
"""
    )
    assert result.code == 0
    assert result.err.splitlines() == [
        "types.ts:1:1: 'zod' is not followed: only files of this folder are",
        "types.ts:2:8: a namespace import is not followed: import its types by name",
        "types.ts:3:1: '../far' is not followed: only files of this folder are",
        "types.ts:4:22: z is not declared here: any value is accepted",
        "types.ts:4:28: Far is not declared here: any value is accepted",
        "types.ts:4:36: all is not declared here: not carried over, any value is accepted",
    ]


@pytest.mark.parametrize(
    ("typescript", "note"),
    [
        (
            "type A<T> = T extends string ? 1 : 2; interface Row { a: A<string> }",
            "1:13: a conditional type",
        ),
        ("interface Row { a: { [K in keyof Row]: string } }", "1:22: a mapped type"),
        ("interface Row { a: `x-${string}` }", "1:20: a template literal type"),
        ("interface Row { a: (x: string) => void }", "1:20: a function type"),
        ("interface Row { a: string; b(): void; b(x: string): void }", "1:28: a method"),
        ("interface Row { a: string; (x: string): void }", "1:28: a call signature"),
        ("interface Row { a: string; new (x: string): Row }", "1:28: a constructor"),
        ("interface Row { a: Map<string, string> }", "1:20: Map is not declared here"),
        ("interface Row { a: Promise<string> }", "1:20: Promise is not declared here"),
        ("interface Row { a: symbol }", "`symbol`"),
        ("interface Row { a: string } function f(x: string): void;", "1:29: a function"),
        ("interface Row { a: string } namespace N { }", "a namespace"),
        ("interface Row { a: string } const x = 1;", "a variable"),
        ("interface Row { a: typeof x }", "1:20: typeof"),
        ("interface Row { a: import('x').Y }", "an imported type"),
        (
            "interface Row { a: string } enum E { A = f() , B = 'b' }",
            "1:38: an enum member that is computed",
        ),
        ("interface Row { a }", "a has no type"),
        ("interface Row { [Symbol.iterator]: string; a: string }", "a computed name"),
        ("interface Row { /** @minLength 3 */ a: number }", "1:37: @minLength does not apply"),
        ("interface Row { /** @minLength x */ a: string }", "1:37: @minLength x is not a number"),
        (
            "interface Row { /** @pattern (?=a) */ a: string }",
            "1:39: @pattern (?=a) is not a pattern",
        ),
        ("interface Row { /** @default x */ a: number }", "1:35: @default x is not a value"),
        ("interface Row { a: [string, ...number[]] }", "a tuple with `...`"),
        (
            "const X = { a: 1 } as const; interface Row { a: string }",
            "1:7: no type is made of the constant X",
        ),
    ],
)
def test_what_is_not_carried_over_is_reported_with_its_line(
    project: Project, typescript: str, note: str
):
    result = project.pull(typescript)
    assert result.code == 0
    assert any(note in line for line in result.err.splitlines()), result.err
    assert hasattr(project.module(), "Row")


def test_files_of_openapi_typescript_give_their_schemas(project: Project):
    found = project.of(
        """
        export interface paths { "/orders": { get: operations["list"] } }
        export type webhooks = Record<string, never>;
        export interface components {
            schemas: {
                /** An order. */
                Order: { id: number; customer: components["schemas"]["Customer"] };
                Customer: { name: string };
            };
            responses: never;
        }
        export type $defs = Record<string, never>;
        export interface operations { list: { parameters: { query?: never } } }
        """
    )
    assert set(found.Order.model_fields) == {"id", "customer"}
    assert not hasattr(found, "Paths")
    assert found.Order(id=1, customer={"name": "x"}).customer == found.Customer(name="x")


def test_dates_are_read_and_written(project: Project):
    found = project.of("interface Row { at: Date }")
    row = found.Row(at="2026-01-31T10:00:00Z")
    assert row.at == datetime.datetime(2026, 1, 31, 10, tzinfo=datetime.UTC)


def test_a_route_accepts_and_answers_the_names_of_typescript(project: Project, serve: Any):
    from django_matt import MattAPI

    found = project.of("interface Order { categoryId: number; class?: string }")
    api = MattAPI()

    @api.post("/orders", response=found.Order, by_alias=True)
    def create(request: Any, order: found.Order) -> Any:  # type: ignore[name-defined] # made by this test
        return order

    client = serve(api)
    sent = {"categoryId": 1.0, "class": "a"}
    answer = client.post("/api/orders", sent, content_type="application/json")
    assert answer.json() == sent
