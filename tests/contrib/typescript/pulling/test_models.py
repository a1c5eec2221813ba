"""Drafts of Django models, and the migration that Django makes of them."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.projects import SmallProject, make_project

from .pulls import Project

SHOP = """
/** What somebody bought. */
export interface Order {
    id: number;
    /** @maxLength 20 @minLength 3 */
    sku: string;
    customer: Customer;
    customerId: number;
    billing?: Customer | null;
    tags: Tag[];
    status: Status;
    /** @default "low" */
    priority?: "low" | "high";
    /** @format decimal
     * @maxDigits 10
     * @decimalPlaces 2
     * @minimum 0 */
    total: string;
    note?: string;
    remark: string | null;
    address: { street: string };
    prices: number[];
    paid: boolean;
    created: Date;
    /** @asType integer
     * @minimum 0 */
    stock: number;
}
export interface Customer {
    /** @format uuid */
    id: string;
    /** @format email
     * @unique */
    email: string;
    friends: Customer[];
}
export interface Tag { name: string; check: string; orders: Order[] }
export interface Line extends Tag { order: Order; class: string }
export enum Status { Open = "open", Closed = "closed" }
export interface Page<T> { items: T[] }
"""
MODELS = '''\
"""Models of types.ts."""

from uuid import uuid4

from django.core.validators import MinLengthValidator, MinValueValidator
from django.db import models


class Status(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"
'''


def models_of(project: Project, text: str) -> list[str]:
    result = project.pull(text, "--models")
    assert result.code == 0, result.err
    return [line.strip() for line in project.models.read_text().splitlines()]


@pytest.mark.once
@pytest.mark.parametrize(
    ("member", "line"),
    [
        ("/** @maxLength 20 */ a: string", "a = models.CharField(max_length=20)"),
        ("a: string", "a = models.TextField()"),
        ("a?: string", 'a = models.TextField(blank=True, default="")'),
        ("a: string | null", "a = models.TextField(null=True, blank=True)"),
        ("a: number", "a = models.FloatField()"),
        ("a?: number", "a = models.FloatField(blank=True, null=True)"),
        ("/** @asType integer */ a: number", "a = models.IntegerField()"),
        ("/** @format int64 */ a: number", "a = models.BigIntegerField()"),
        ("/** @format int32\n * @minimum 0 */ a: number", "a = models.PositiveIntegerField()"),
        (
            "/** @asType integer\n * @maximum 3000000000 */ a: number",
            "a = models.BigIntegerField(validators=[MaxValueValidator(3000000000)])",
        ),
        (
            "/** @asType integer\n * @exclusiveMinimum 0 */ a: number",
            "a = models.IntegerField(validators=[MinValueValidator(1)])",
        ),
        ("/** @default 1 */ a: number", "a = models.FloatField(default=1)"),
        ("a: boolean", "a = models.BooleanField()"),
        ("a: Date", "a = models.DateTimeField()"),
        ("/** @format date */ a: string", "a = models.DateField()"),
        ("/** @format uuid */ a: string", "a = models.UUIDField()"),
        ("/** @format email */ a: string", "a = models.EmailField()"),
        ("/** @format uri */ a: string", "a = models.URLField()"),
        (
            "/** @format decimal\n * @maxDigits 9\n * @decimalPlaces 3 */ a: string",
            "a = models.DecimalField(max_digits=9, decimal_places=3)",
        ),
        ("a: 'x' | 'yy'", 'a = models.CharField(max_length=2, choices=[("x", "x"), ("yy", "yy")])'),
        ("a: 1 | 2", 'a = models.IntegerField(choices=[(1, "1"), (2, "2")])'),
        ("a: string[]", "a = models.JSONField(default=list, blank=True)"),
        ("a: Record<string, string>", "a = models.JSONField(default=dict, blank=True)"),
        ("a: { b: string }", "a = models.JSONField(blank=True)"),
        (
            "/** @pattern ^a$ */ a: string",
            'a = models.TextField(validators=[RegexValidator("^a$")])',
        ),
        ("/** The name. */ a: string", 'a = models.TextField(help_text="The name.")'),
        (
            "a: Row | null",
            'a = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)',
        ),
        ("a: Row[]", 'a = models.ManyToManyField("self", blank=True)'),
        ("delete: string", "delete_field = models.TextField()"),
        ("class: string", "class_field = models.TextField()"),
        ("a__b: string", "a_b = models.TextField()"),
    ],
)
def test_a_property_becomes_a_field(project: Project, member: str, line: str):
    lines = models_of(project, f"interface Row {{ {member} }}")
    whole = " ".join(lines).replace("( ", "(").replace(" )", ")").replace(",)", ")")
    assert line in whole


@pytest.mark.once
def test_a_list_of_what_refers_back_is_the_other_side(project: Project):
    result = project.pull(
        "interface Customer { orders: Order[] } interface Order { customer: Customer; tags: Tag[] } interface Tag { posts: Order[] }",
        "--models",
    )
    assert result.err.splitlines() == [
        "types.ts:1:22: orders is the other side of Order.customer",
        "types.ts:1:108: posts is the other side of Order.tags",
    ]
    text = " ".join(project.models.read_text().split())
    assert (
        'models.ForeignKey( "Customer", on_delete=models.PROTECT, related_name="orders" )' in text
    )
    assert 'models.ManyToManyField("Tag", blank=True, related_name="posts")' in text


@pytest.mark.once
def test_models_of_somebody_else_are_not_replaced(project: Project):
    project.models.write_text("class Order:\n    pass\n")
    result = project.pull("interface Order { a: string }", "--models")
    assert result.code == 1
    assert "Order is in shop/models.py already" in result.out
    assert not project.schemas.exists()


@pytest.fixture
def shop(tmp_path: Path) -> SmallProject:
    made = make_project(tmp_path)
    made.write("notes/__init__.py", "")
    made.write("notes/models.py", "")
    for path in (made.folder / "notes" / "migrations").glob("0*.py"):
        path.unlink()
    settings = made.folder / "config" / "settings.py"
    settings.write_text(
        settings.read_text().replace('"notes",', '"django_matt.contrib.typescript", "notes",')
    )
    made.write("types.ts", SHOP)
    return made


def run(shop: SmallProject, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return shop.manage(*arguments)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_models_and_their_migration_are_what_django_can_use(shop: SmallProject):
    done = run(shop, "matt_types", "pull", "types.ts", "--to", "notes/schemas.py", "--models")
    assert done.returncode == 0, done.stderr
    assert "Wrote notes/schemas.py" in done.stdout
    assert "+ Create model Order" in done.stdout
    assert "Page is generic: there is no model of it" in done.stderr
    text = (shop.folder / "notes" / "models.py").read_text()
    assert text.startswith(MODELS)
    for command in (("check",), ("makemigrations", "--check", "--dry-run"), ("migrate",)):
        done = run(shop, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run(
        shop,
        "shell",
        "--command",
        "from notes.models import *; from notes.schemas import Tag as T\n"
        "c = Customer.objects.create(email='a@example.com')\n"
        "o = Order.objects.create(sku='abc', customer=c, status=Status.OPEN, total='1.50', address={}, paid=True,"
        " created='2026-01-31T10:00:00Z', stock=1)\n"
        "print(o.priority, o.remark, c.pk.version, o.tags.count())",
    )
    assert done.stdout.splitlines()[-1] == "low None 4 0", done.stderr


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_migration_that_needs_an_answer_leaves_everything_as_it_was(shop: SmallProject):
    shop.write("types.ts", "interface Row { a: number }")
    command = ("matt_types", "pull", "types.ts", "--to", "notes/schemas.py", "--models")
    assert run(shop, *command).returncode == 0
    names = ("notes/schemas.py", "notes/models.py", ".matt-types.json")
    before = [(shop.folder / name).read_text() for name in names]
    shop.write("types.ts", "interface Row { a: number; b: number }")
    done = run(shop, *command)
    assert done.returncode == 1
    assert "Nothing was written, because makemigrations failed" in done.stderr
    assert [(shop.folder / name).read_text() for name in names] == before
