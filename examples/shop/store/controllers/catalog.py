"""Categories and products."""

from collections.abc import AsyncIterator
from typing import Any

from django.db.models import QuerySet

from django_matt import (
    JSONL,
    ControllerBase,
    File,
    LimitOffsetPagination,
    NinjaPaginationResponseSchema,
    Ordering,
    PageNumberPaginationExtra,
    PaginatedResponseSchema,
    PatchDict,
    Query,
    Searching,
    Status,
    UploadedFile,
    api_controller,
    http_delete,
    http_get,
    http_patch,
    http_post,
    http_put,
    ordering,
    paginate,
    permissions,
    searching,
)
from store.models import Category, Product
from store.schemas import (
    CategoryIn,
    CategoryOut,
    ProductDetail,
    ProductFilter,
    ProductIn,
    ProductOut,
    StockLevel,
    StockRow,
)
from store.security import TokenAuth
from store.services.catalog import change, create_product, select_products, set_image, set_stock
from store.services.reports import iterate_stock, select_stock

STAFF: dict[str, Any] = {"auth": TokenAuth(), "permissions": [permissions.IsAdminUser]}
"""Options of a route for the staff only."""


@api_controller("/categories", tags=["catalog"])
class CategoryController(ControllerBase):
    """Categories of products."""

    @http_get("", response=list[CategoryOut])
    def list_categories(self) -> QuerySet[Category]:
        """List all categories. Send ``Accept: text/csv`` to get them as a table."""
        return Category.objects.all()

    @http_post("", response={201: CategoryOut}, **STAFF)
    def create_category(self, data: CategoryIn) -> Status:
        """Create a category."""
        return Status(201, Category.objects.create(**data.dict()))

    @http_get("/{int:category_id}", response=CategoryOut)
    def get_category(self, category_id: int) -> Category:
        """Return one category."""
        return self.get_object_or_exception(Category, pk=category_id)

    @http_patch("/{int:category_id}", response=CategoryOut, **STAFF)
    def change_category(self, category_id: int, changes: PatchDict[CategoryIn]) -> Category:
        """Change the fields that the body contains."""
        category = self.get_object_or_exception(Category, pk=category_id)
        change(category, changes)
        return category

    @http_delete("/{int:category_id}", response={204: None}, **STAFF)
    def delete_category(self, category_id: int) -> Status:
        """Delete an empty category. One that has products is a conflict."""
        self.get_object_or_exception(Category, pk=category_id).delete()
        return Status(204, None)


@api_controller("/products", tags=["catalog"])
class ProductController(ControllerBase):
    """Products for sale."""

    @http_get("", response=PaginatedResponseSchema[ProductOut])
    @paginate(PageNumberPaginationExtra, page_size=20, max_page_size=100)
    @ordering(Ordering, ordering_fields=["name", "price", "created"])
    @searching(Searching, search_fields=["name", "description", "=sku"])
    def list_products(self, filters: Query[ProductFilter]) -> QuerySet[Product]:
        """List products by page number. You can search, sort and filter them."""
        return filters.filter(select_products())

    @http_get("/feed", response=NinjaPaginationResponseSchema[ProductOut])
    @paginate(LimitOffsetPagination)
    @ordering(Ordering, ordering_fields=["created"])
    @searching(Searching, search_fields=["$name"])
    def feed_products(self) -> QuerySet[Product]:
        """List products by limit and offset. ``search`` is a regular expression on the name."""
        return select_products()

    @http_get("/export", response=JSONL[StockRow])
    async def export_products(self) -> AsyncIterator[dict[str, Any]]:
        """Stream all products, one line per product."""
        async for row in iterate_stock():
            yield row

    @http_post("", response={201: ProductDetail}, **STAFF)
    def create_product(self, data: ProductIn) -> Status:
        """Create a product."""
        product = create_product(data.dict())
        return Status(201, self._find(product.pk))

    @http_put("/stock", response=list[StockRow], **STAFF)
    def count_stock(self, data: list[StockLevel]) -> QuerySet[Product, dict[str, Any]]:
        """Set the stock of several products: all of them or none."""
        set_stock({row.sku: row.stock for row in data})
        return select_stock().filter(sku__in=[row.sku for row in data])

    @http_get("/{int:product_id}", response=ProductDetail)
    def get_product(self, product_id: int) -> Product:
        """Return one product with its rating."""
        return self._find(product_id)

    @http_put("/{int:product_id}", response=ProductDetail, **STAFF)
    def replace_product(self, product_id: int, data: ProductIn) -> Product:
        """Replace a product."""
        change(self._find(product_id), data.dict())
        return self._find(product_id)

    @http_patch("/{int:product_id}", response=ProductDetail, **STAFF)
    def change_product(self, product_id: int, changes: PatchDict[ProductIn]) -> Product:
        """Change the fields that the body contains."""
        change(self._find(product_id), changes)
        return self._find(product_id)

    @http_delete("/{int:product_id}", response={204: None}, **STAFF)
    def delete_product(self, product_id: int) -> Status:
        """Delete a product that nobody has ordered."""
        self._find(product_id).delete()
        return Status(204, None)

    @http_post("/{int:product_id}/image", response=ProductDetail, **STAFF)
    def upload_image(self, product_id: int, image: File[UploadedFile]) -> Product:
        """Upload a picture: PNG, JPEG, WebP or GIF, up to 1 MB."""
        set_image(self._find(product_id), image)
        return self._find(product_id)

    @http_put("/{int:product_id}/listing", response=ProductDetail, **STAFF)
    def replace_listing(
        self, product_id: int, data: ProductIn, image: File[UploadedFile]
    ) -> Product:
        """Replace a product and its picture in one multipart request: ``data`` is JSON, ``image`` is the file."""
        product = self._find(product_id)
        change(product, data.dict())
        set_image(product, image)
        return self._find(product_id)

    @http_patch("/{int:product_id}/listing", response=ProductDetail, **STAFF)
    def change_listing(
        self,
        product_id: int,
        data: PatchDict[ProductIn],
        image: File[UploadedFile | None] = None,
    ) -> Product:
        """Change some fields, the picture, or both, in one multipart request."""
        product = self._find(product_id)
        change(product, data)
        if image is not None:
            set_image(product, image)
        return self._find(product_id)

    def _find(self, product_id: int) -> Product:
        return self.get_object_or_exception(select_products(), pk=product_id)
