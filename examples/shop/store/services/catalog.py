"""Products and categories: select, create, change, picture."""

from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Avg, Count, Model, QuerySet
from django.db.transaction import atomic

from django_matt.errors.exceptions import UnprocessableContent
from store.models import Category, Product
from store.services.images import check_image

__all__ = ["change", "create_product", "select_products", "set_image", "set_stock"]

MAX_LEVELS = 500


def select_products() -> QuerySet[Product]:
    """Return what is for sale, with the category and the figures that a product's page shows."""
    return (
        Product.objects.filter(is_active=True)
        .select_related("category")
        .annotate(rating=Avg("reviews__rating"), reviews_count=Count("reviews"))
        # Django drops a model's own ordering where it groups; without one, pages overlap.
        .order_by("name", "id")
    )


def check_category(values: Mapping[str, Any]) -> None:
    """Say plainly that a category is missing: a broken foreign key would surface at the commit only."""
    if "category_id" in values and not Category.objects.filter(pk=values["category_id"]).exists():
        raise UnprocessableContent("This category does not exist.", code="no_category")


@atomic
def create_product(values: Mapping[str, Any]) -> Product:
    """Create a product; raise ``IntegrityError`` where its sku or its name is taken."""
    check_category(values)
    return Product.objects.create(**values)


@atomic
def change(row: Model, changes: Mapping[str, Any]) -> None:
    """Save the given fields only, so that two who change different fields do not undo each other."""
    for name, value in changes.items():
        if value is None and not row._meta.get_field(name).null:
            raise UnprocessableContent(f"{name} cannot be null.", code="null")
    check_category(changes)
    for name, value in changes.items():
        setattr(row, name, value)
    if changes:
        row.save(update_fields=[row._meta.get_field(name).name for name in changes])


def set_image(product: Product, upload: UploadedFile) -> None:
    """Check a picture and keep it instead of the one before."""
    name = f"image.{check_image(upload)}"
    before = product.image.name
    product.image.save(name, upload, save=False)
    product.save(update_fields=["image"])
    if before and before != product.image.name and not before.startswith("products/demo-"):
        product.image.storage.delete(before)


@atomic
def set_stock(levels: Mapping[str, int]) -> None:
    """Set the stock of products by their sku; raise ``UnprocessableContent`` if one is unknown."""
    if len(levels) > MAX_LEVELS:
        raise UnprocessableContent(f"At most {MAX_LEVELS} products at once.", code="too_many")
    products = {
        row.sku: row
        for row in Product.objects.select_for_update().filter(sku__in=levels).order_by("id")
    }
    if missing := sorted(set(levels) - set(products)):
        raise UnprocessableContent(f"The product {missing[0]} does not exist.", code="no_product")
    for sku, stock in levels.items():
        products[sku].stock = stock
    Product.objects.bulk_update(products.values(), ["stock"], batch_size=100)
