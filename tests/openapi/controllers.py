"""Controllers of every kind that Ninja Extra names by itself; the tests of operationIds and of whole documents read it."""

from django.contrib.auth.models import Group
from ninja_extra import ModelConfig, ModelControllerBase, ModelEndpointFactory

from django_matt import ControllerBase, MattAPI, ModelSchema, Schema, api_controller, http_get
from tests.openapi.shop import build as build_shop

__all__ = ["build", "build_second"]


class GroupOut(ModelSchema):
    """A group."""

    class Meta:
        model = Group
        fields = ["id", "name"]


class GroupIn(Schema):
    """A group to make."""

    name: str


@api_controller("/players", tags=["players"])
class PlayersController(ModelControllerBase):
    """All that a model controller makes."""

    model_config = ModelConfig(
        model=Group,
        create_schema=GroupIn,
        update_schema=GroupIn,
        patch_schema=GroupIn,
        retrieve_schema=GroupOut,
    )


@api_controller("/teams/{int:team_id}", tags=["teams"])
class TeamsController(ModelControllerBase):
    """A model controller with a route that is written out."""

    model_config = ModelConfig(model=Group, allowed_routes=[], retrieve_schema=GroupOut)
    read_one = ModelEndpointFactory.find_one(
        path="/{int:id}?kind=str", lookup_param="id", schema_out=GroupOut
    )


class Pinging(ControllerBase):
    """What two controllers inherit."""

    @http_get("/ping", response=int)
    def ping(self):
        """Answer."""
        return 1

    @http_get("/named", response=int, operation_id="chosen_name")
    def named(self):
        """Answer under a name of its own."""
        return 2


@api_controller("/a", tags=["a"])
class AController(Pinging):
    """The first."""


@api_controller("/b", tags=["b"])
class BController(Pinging):
    """The second."""


@api_controller("/c", tags=["c"], use_unique_op_id=False)
class CController(Pinging):
    """The third, without Ninja Extra's digits."""


def build(**options) -> MattAPI:
    """Return the shop of these tests with the controllers."""
    api = build_shop(**options)
    api.register_controllers(
        PlayersController, TeamsController, AController, BController, CController
    )
    return api


def build_second() -> MattAPI:
    """Return another API that has two of the controllers."""
    api = MattAPI(urls_namespace="second")
    api.register_controllers(BController, PlayersController)
    return api
