"""Sign in, and the customer's own data."""

from django.contrib.auth import authenticate
from django.http import HttpRequest

from django_matt import ControllerBase, PatchDict, api_controller, http_get, http_patch, http_post
from django_matt.errors.exceptions import NotAuthenticated, NotFound
from store.models import Customer
from store.schemas import Credentials, CustomerIn, CustomerOut, Token
from store.security import TokenAuth, issue_token
from store.services.catalog import change


def find_customer(request: HttpRequest) -> Customer:
    """Return the customer who calls; the staff are none."""
    customer = Customer.objects.filter(user=request.user).first()
    if customer is None:
        raise NotFound("You are no customer.", code="no_customer")
    return customer


@api_controller("/auth", tags=["account"])
class AuthController(ControllerBase):
    """Tokens and the customer's own data."""

    @http_post("/login", response=Token, auth=None)
    def login(self, request: HttpRequest, credentials: Credentials) -> dict[str, str]:
        """Sign in: give the token in ``Authorization: Bearer …``."""
        user = authenticate(request, **credentials.dict())
        if user is None:
            raise NotAuthenticated("The user name or the password is wrong.")
        return {"token": issue_token(user)}

    @http_get("/me", response=CustomerOut, auth=TokenAuth())
    def me(self, request: HttpRequest) -> Customer:
        """Show who you are."""
        return find_customer(request)

    @http_patch("/me", response=CustomerOut, auth=TokenAuth())
    def change_me(self, request: HttpRequest, changes: PatchDict[CustomerIn]) -> Customer:
        """Change your name or birthday; anything else in the body is ignored."""
        customer = find_customer(request)
        change(customer, changes)
        return customer
