"""Demo data: the same every time, added where it is missing, nothing overwritten."""

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.text import slugify
from PIL import Image, ImageDraw

from store.models import Category, Customer, Order, Product, Review
from store.services.orders import place_order

__all__ = ["PASSWORD", "Step", "plan_demo"]

PASSWORD = "demo-demo"
SEED = 2026
SHELVES = {
    "Chairs": "#8d5524",
    "Tables": "#5b7553",
    "Lamps": "#e0a526",
    "Racks": "#3d5a80",
    "Rugs": "#9b2226",
    "Cups": "#6a4c93",
    "Clocks": "#457b9d",
    "Baskets": "#bc8a5f",
}
WOODS = ["Oak", "Ash", "Beech", "Walnut", "Pine", "Cherry", "Maple", "Elm"]
STYLES = ["plain", "tall", "round", "low", "folding", "small", "wide"]
FIRST = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Tony", "Radia", "Ken", "Frances"]
LAST = ["Lovelace", "Hopper", "Turing", "Liskov"]
WORDS = ["Sturdy", "Well made", "Smaller than it looks", "As described", "A fine thing", "Wobbles"]


@dataclass(frozen=True)
class Step:
    """One part of the work: ``run`` yields once for every row it has looked after."""

    label: str
    total: int
    run: Callable[[], Iterator[None]]


def plan_demo(products: int = 200) -> list[Step]:
    """Return the steps; each can be repeated and adds only what is missing."""
    customers = len(FIRST) * len(LAST)
    return [
        Step("categories", len(SHELVES), add_categories),
        Step("products", products, lambda: add_products(products)),
        Step("customers", customers + 1, add_customers),
        Step("orders", customers * 3, add_orders),
        Step("reviews", customers * 10, add_reviews),
    ]


def add_categories() -> Iterator[None]:
    """Add the shelves."""
    for name in SHELVES:
        Category.objects.bulk_create(
            [Category(name=name, slug=slugify(name))], ignore_conflicts=True
        )
        yield


def add_products(count: int) -> Iterator[None]:
    """Add ``count`` products with a picture each."""
    dice = random.Random(SEED)
    shelves = list(
        Category.objects.filter(slug__in=[slugify(name) for name in SHELVES]).order_by("slug")
    )
    for number in range(count):
        shelf = shelves[number % len(shelves)]
        style, wood = dice.choice(STYLES), dice.choice(WOODS)
        price = Decimal(dice.randrange(500, 50_000)) / 100
        row = Product(
            category=shelf,
            sku=f"demo-{number:04}",
            name=f"{wood} {shelf.name.lower().removesuffix('s')}, {style} (no. {number})",
            description=f"A {style} piece of {wood.lower()} for every room.",
            price=price,
            purchase_price=(price * Decimal("0.6")).quantize(Decimal("0.01")),
            stock=dice.choice([0, 1, 3, 500, 1_000]),
            weight=round(dice.uniform(0.1, 30), 2),
            attributes={"wood": wood, "style": style},
        )
        row.image.name = f"products/demo-{number:04}.png"
        if not default_storage.exists(row.image.name):
            picture = draw_picture(SHELVES.get(shelf.name, "#777777"), number)
            default_storage.save(row.image.name, ContentFile(picture))
        Product.objects.bulk_create([row], ignore_conflicts=True)
        yield


def add_customers() -> Iterator[None]:
    """Add the customers and one member of the staff, all with ``PASSWORD``."""
    # One hash for all: hashing is slow on purpose, and forty times the same is only slow.
    password = make_password(PASSWORD)
    User.objects.get_or_create(username="staff", defaults={"password": password, "is_staff": True})
    yield
    for last in LAST:
        for first in FIRST:
            name = first.lower() if last == LAST[0] else f"{first}-{last}".lower()
            user, _ = User.objects.get_or_create(username=name, defaults={"password": password})
            Customer.objects.get_or_create(
                user=user, defaults={"name": f"{first} {last}", "email": f"{name}@example.org"}
            )
            yield


def add_orders() -> Iterator[None]:
    """Let every customer of the demo buy three times, as a client would."""
    dice = random.Random(SEED)
    ids = list(
        Product.objects.filter(sku__startswith="demo-", stock__gt=100).values_list("id", flat=True)
    )
    for customer in demo_customers():
        for number in range(3):
            lines = [(pk, dice.randint(1, 3)) for pk in dice.sample(ids, min(len(ids), 3))]
            note = f"Demo order {number + 1}"
            if not Order.objects.filter(customer=customer, note=note).exists():
                place_order(customer, lines, note)
            yield


def add_reviews() -> Iterator[None]:
    """Let every customer of the demo review ten products."""
    dice = random.Random(SEED)
    ids = list(
        Product.objects.filter(sku__startswith="demo-").order_by("sku").values_list("id", flat=True)
    )
    for customer in demo_customers():
        for pk in dice.sample(ids, min(len(ids), 10)):
            review = Review(
                product_id=pk, customer=customer, rating=dice.randint(1, 5), text=dice.choice(WORDS)
            )
            Review.objects.bulk_create([review], ignore_conflicts=True)
            yield
        for _ in range(10 - min(len(ids), 10)):
            yield


def demo_customers() -> list[Customer]:
    """Return the customers that the demo made, in a fixed order."""
    return list(Customer.objects.filter(email__endswith="@example.org").order_by("email")[:40])


def draw_picture(colour: str, number: int) -> bytes:
    """Draw 64 by 64 pixels: a rectangle and a line that moves with ``number``."""
    image = Image.new("RGB", (64, 64), colour)
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 55, 55), outline="white", width=2)
    draw.line((8, 8 + number % 48, 55, 55 - number % 48), fill="white", width=3)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
