"""Reviews, on async routes."""

from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt import (
    ControllerBase,
    LimitOffsetPagination,
    NinjaPaginationResponseSchema,
    Status,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from django_matt.errors.exceptions import NotFound
from store.models import Customer, Product, Review
from store.schemas import ReviewIn, ReviewOut
from store.security import AsyncTokenAuth, IsCustomer


@api_controller("/products/{int:product_id}/reviews", tags=["reviews"])
class ReviewController(ControllerBase):
    """Reviews of a product."""

    @http_get("", response=NinjaPaginationResponseSchema[ReviewOut])
    @paginate(LimitOffsetPagination)
    async def list_reviews(self, product_id: int) -> QuerySet[Review]:
        """List the reviews of a product, newest first."""
        await self._check_product(product_id)
        return Review.objects.filter(product_id=product_id).select_related("customer")

    @http_post("", response={201: ReviewOut}, auth=AsyncTokenAuth(), permissions=[IsCustomer])
    async def create_review(self, request: HttpRequest, product_id: int, data: ReviewIn) -> Status:
        """Review a product. A second review of the same product is a conflict."""
        await self._check_product(product_id)
        customer = await Customer.objects.aget(user=request.user)
        review = await Review.objects.acreate(
            product_id=product_id, customer=customer, **data.dict()
        )
        return Status(201, review)

    async def _check_product(self, product_id: int) -> None:
        if not await Product.objects.filter(pk=product_id, is_active=True).aexists():
            raise NotFound("This product does not exist.")
