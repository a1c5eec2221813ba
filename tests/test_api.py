"""MattAPI over HTTP."""

from django_matt import MattAPI, Router, Status, api_controller, http_get


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
