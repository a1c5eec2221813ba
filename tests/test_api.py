"""MattAPI over HTTP."""

import pytest
from ninja_extra import NinjaExtraAPI
from ninja_extra.constants import API_CONTROLLER_INSTANCE, NINJA_EXTRA_API_CONTROLLER_REGISTERED_KEY
from ninja_extra.reflect import reflect

from django_matt import ControllerBase, MattAPI, Router, Status, api_controller, http_get


def test_a_function_and_a_controller_answer(serve):
    api = MattAPI()

    @api.get("/hello")
    def hello(request, name: str = "world"):
        return {"hello": name}

    @api_controller("/things")
    class Things:
        @http_get("/{int:n}")
        def one(self, n: int):
            return {"n": n}

    api.register_controllers(Things)
    client = serve(api)
    assert client.get("/api/hello?name=x").json() == {"hello": "x"}
    assert client.get("/api/things/7").json() == {"n": 7}


def test_status_as_a_return_type_names_the_response(serve):
    router = Router()

    @router.get("/made")
    def made(request) -> Status[dict]:
        return Status(200, {"a": 1})

    assert serve(MattAPI(default_router=router)).get("/api/made").json() == {"a": 1}


def test_an_option_of_a_newer_ninja_reaches_ninja():
    said = []
    for kind in (NinjaExtraAPI, MattAPI):
        with pytest.raises(TypeError) as caught:
            kind(of_a_newer_ninja=True)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("NinjaAPI.__init__()")


def test_a_controller_is_registered_on_an_api_with_the_id_of_one_that_is_gone(serve):
    @api_controller("/pens")
    class Pens(ControllerBase):
        @http_get("")
        def pens(self):
            return ["blue"]

    api = MattAPI()
    # What Ninja Extra still knows of an API that had this id() before.
    instance = reflect.get_metadata(API_CONTROLLER_INSTANCE, Pens)
    reflect.define_metadata(NINJA_EXTRA_API_CONTROLLER_REGISTERED_KEY, {id(api)}, instance)
    api.register_controllers(Pens)
    api.register_controllers(Pens)
    assert serve(api).get("/api/pens").json() == ["blue"]
