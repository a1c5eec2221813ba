"""What the type checkers make of ``MattAPI`` and the names beside it; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Any, assert_type

from django.http import HttpRequest
from ninja_extra import NinjaExtraAPI

from django_matt import (
    ControllerBase,
    MattAPI,
    ModelSchema,
    Router,
    Schema,
    Status,
    api_controller,
    http_get,
    http_post,
)

api = MattAPI(
    title="Shop",
    version="2.0.0",
    docs_url=None,
    csrf=True,
    problem_details=True,
    default_router=Router(),
)
assert_type(api, MattAPI)
assert_type(api.title, str)
assert_type(api.problem_details, bool)


def takes_their_class(given: NinjaExtraAPI) -> None:
    """Whoever asks for a NinjaExtraAPI is content with ours."""


takes_their_class(api)

MattAPI(problem_details="yes")  # type: ignore[arg-type]
MattAPI("Shop")  # type: ignore[call-arg]


class Thing(Schema):
    """A name and a size."""

    name: str
    size: int = 1


assert_type(Thing(name="box").size, int)
assert_type(issubclass(ModelSchema, Schema), bool)


@api.get("/things", response=list[Thing])
def things(request: HttpRequest) -> list[Thing]:
    """List things."""
    return []


@api.post("/things")
def make(request: HttpRequest, thing: Thing) -> Status[Thing]:
    """Make one."""
    return Status(201, thing)


@api_controller("/boxes", tags=["boxes"])
class Boxes(ControllerBase):
    """Boxes over HTTP."""

    @http_get("/{int:number}", response=Thing)
    def one(self, number: int) -> Thing:
        """Return one."""
        return Thing(name="box", size=number)

    @http_post("")
    def make(self, thing: Thing) -> Thing:
        """Make one."""
        return thing


api.register_controllers(Boxes)


def routed(found: dict[str, Any]) -> None:
    """A plain function stays what it is."""


assert_type(routed({}), None)
