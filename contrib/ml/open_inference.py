"""The routes of the Open Inference Protocol, version 2, in JSON and with binary tensors, as KServe, Triton and others have them.

https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

import json
import logging
from typing import Annotated, Any, Self

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router, Schema
from ninja.operation import Operation
from ninja.responses import Status
from pydantic import Field, ValidationError

from django_matt import __version__
from django_matt.contrib.ml import services
from django_matt.contrib.ml.binaries import HEADER, split_body
from django_matt.contrib.ml.errors import ModelUnavailable, UnknownModel
from django_matt.contrib.ml.fleets import current_fleet
from django_matt.contrib.ml.hooks import name_version, refuse_by_path
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.settings import MLSettings
from django_matt.contrib.ml.tensors import (
    Column,
    NotATensor,
    Tensor,
    TensorError,
    columns_of,
    describe,
    move_behind,
    read_items,
    write_tensors,
)
from django_matt.decorators import get_metadata, set_metadata
from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent
from django_matt.formats.bodies import read_body
from django_matt.formats.replaced_bodies import replace_body
from django_matt.hooks import Call, OperationHook
from django_matt.serialization.encoders import encoder

__all__ = ["make_open_inference_router"]

logger = logging.getLogger(__name__)

_BINARY = "_matt_ml_binary"
"""The attribute of a request with what is behind its JSON."""

Name = Annotated[str, Field(max_length=100)]


class RequestedOutput(Schema):
    """A tensor that the client wants; without any, it gets all."""

    name: str = Field(max_length=200)
    parameters: dict[str, Any] | None = None


class InferenceRequest(Schema):
    """A request: each tensor has one field of all items, whose number is axis 0."""

    id: str | None = Field(default=None, max_length=200)
    parameters: dict[str, Any] | None = None
    inputs: list[Tensor] = Field(max_length=100)
    outputs: list[RequestedOutput] | None = Field(default=None, max_length=100)


class OutputTensor(Schema):
    """A tensor of the answer, with flat data; its bytes follow the JSON if the client asked for that."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class InferenceResponse(Schema):
    """The answers to all items."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class TensorMetadata(Schema):
    """A tensor that a model takes or returns; -1 is any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Schema):
    """What a model takes and returns, and its loaded versions."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(Schema):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class Live(Schema):
    """The process answers."""

    live: bool


class Ready(Schema):
    """Whether a model, or all of them, answers requests."""

    name: str | None = None
    ready: bool


class ErrorHook(OperationHook):
    """Adds the member ``error`` of the protocol to errors in JSON."""

    order = -200
    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route of the protocol."""
        return cls() if get_metadata("open_inference", operation.view_func) else None

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Say what is wrong as the protocol does, beside what the API says."""
        if (
            response.status_code < 400
            or not isinstance(response, HttpResponse)
            or "json" not in response.headers.get("Content-Type", "")
        ):
            return None
        body = json.loads(response.content)
        if isinstance(body, dict) and "error" not in body and "detail" in body:
            response.content = json.dumps({**body, "error": _sentence(body["detail"])}).encode()
        return None


class BinaryHook(OperationHook):
    """Takes the binary tensors off a request, so that its body is JSON."""

    order = -50
    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route that reads tensors."""
        return cls() if get_metadata("binary_tensors", operation.view_func) else None

    def received(self, call: Call) -> HttpResponseBase | None:
        """Split the body, and keep what is behind the JSON; raise ``BinaryError`` for a length that does not fit."""
        request = call.request
        length = request.headers.get(HEADER)
        if length is not None:
            text, binary = split_body(length, read_body(request))
            replace_body(request, text)
            request.META["CONTENT_TYPE"] = "application/json"
            request.__dict__[_BINARY] = binary
        return None


def _sentence(detail: Any) -> str:
    if not isinstance(detail, list):
        return str(detail)
    parts = [each for each in detail if isinstance(each, dict)]
    return "; ".join(
        f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg', '')}" for each in parts
    )


def make_open_inference_router(options: MLSettings) -> Router:
    """Return the routes. Those about health have no authentication; the others have that of the API."""
    router = Router(tags=["open inference"])

    def add(path: str, method: str, schema: Any, name: str, view: Any, **more: Any) -> None:
        marked = set_metadata("open_inference", True, hook=ErrorHook)(view)
        marked = transaction.non_atomic_requests(marked)
        register = router.get if method == "GET" else router.post
        register(
            path, response=schema, operation_id=f"open_inference_{name}", exclude_none=True, **more
        )(marked)

    def add_infer(path: str, name: str, view: Any) -> None:
        marked = set_metadata("binary_tensors", True, hook=BinaryHook)(refuse_by_path()(view))
        add(path, "POST", InferenceResponse, name, marked)

    for path, method, schema, name, view in (
        ("", "GET", ServerMetadata, "server", show_server),
        ("/models/{model}", "GET", ModelMetadata, "model", show_model),
        ("/models/{model}/versions/{version}", "GET", ModelMetadata, "version", show_version),
    ):
        add(path, method, schema, name, view)
    free: dict[str, Any] = {"auth": None, "throttle": []}
    both = {200: Ready, 503: Ready}
    add("/health/live", "GET", Live, "live", show_live, **free)
    add("/health/ready", "GET", both, "ready", show_ready, **free)
    add("/models/{model}/ready", "GET", both, "model_ready", show_model_ready)
    add(
        "/models/{model}/versions/{version}/ready", "GET", both, "version_ready", show_version_ready
    )
    views = _async_views(options) if options.ASYNC else _sync_views(options)
    add_infer("/models/{model}/infer", "infer", views[0])
    add_infer("/models/{model}/versions/{version}/infer", "version_infer", views[1])
    return router


# ---- what there is --------------------------------------------------------------------------------------------------


def show_live(request: HttpRequest) -> Any:
    """Show that the process answers."""
    return {"live": True}


def show_ready(request: HttpRequest) -> Any:
    """Show whether all models answer requests; otherwise the response is a 503."""
    try:
        current_fleet().check()
    except Exception:
        # Without a lifespan, this loads the models.
        logger.exception("A model is not ready.")
        return Status(503, {"ready": False})
    return {"ready": True}


def show_server(request: HttpRequest) -> Any:
    """Show what the server is."""
    return {"name": "django-matt", "version": __version__, "extensions": ["binary_tensor_data"]}


def show_model(request: HttpRequest, model: Name) -> Any:
    """Show what a model takes and returns."""
    return _metadata(model)


def show_version(request: HttpRequest, model: Name, version: Name) -> Any:
    """Show what a version takes and returns, which is the same for all of them."""
    current_fleet().find(model).choose(version)
    return _metadata(model)


def show_model_ready(request: HttpRequest, model: Name) -> Any:
    """Show whether a model answers requests."""
    return _ready(model, None)


def show_version_ready(request: HttpRequest, model: Name, version: Name) -> Any:
    """Show whether a version answers requests."""
    return _ready(model, version)


def _ready(model: str, version: str | None) -> Any:
    try:
        found = current_fleet().find(model)
        if version is None:
            found.check()
        elif found.choose(version).batcher.problem is not None:
            raise ModelUnavailable
    except ServiceUnavailable:
        return Status(503, {"name": model, "ready": False})
    return {"name": model, "ready": True}


def _metadata(model: str) -> dict[str, Any]:
    found = current_fleet().find(model)
    inputs, outputs = _columns(found.kind)
    return {
        "name": model,
        "versions": found.versions,
        "platform": "django-matt",
        "inputs": [*describe(inputs)],
        "outputs": [*describe(outputs)],
    }


# ---- inference ------------------------------------------------------------------------------------------------------


def _sync_views(options: MLSettings) -> tuple[Any, Any]:
    def infer(request: HttpRequest, model: Name, body: InferenceRequest) -> Any:
        """Predict all items of the tensors, by one version."""
        kind, items = _read(request, model, body, options)
        return _write(kind, body, request, *services.infer_all(model, items))

    def infer_version(
        request: HttpRequest,
        model: Name,
        version: Name,
        body: InferenceRequest,
    ) -> Any:
        """Predict all items of the tensors, by a version that the client names."""
        kind, items = _read(request, model, body, options)
        return _write(kind, body, request, *services.infer_all(model, items, version))

    return infer, infer_version


def _async_views(options: MLSettings) -> tuple[Any, Any]:
    async def infer(request: HttpRequest, model: Name, body: InferenceRequest) -> Any:
        """Predict all items of the tensors, by one version."""
        kind, items = _read(request, model, body, options)
        return _write(kind, body, request, *await services.ainfer_all(model, items))

    async def infer_version(
        request: HttpRequest,
        model: Name,
        version: Name,
        body: InferenceRequest,
    ) -> Any:
        """Predict all items of the tensors, by a version that the client names."""
        kind, items = _read(request, model, body, options)
        return _write(kind, body, request, *await services.ainfer_all(model, items, version))

    return infer, infer_version


def _columns(kind: type[Served]) -> tuple[list[Column], list[Column]]:
    try:
        return columns_of(kind.Input), columns_of(kind.Output)
    except NotATensor as reason:
        raise UnprocessableContent(
            f"The model {kind.name} cannot be used by this protocol: {reason}.", code="not_tensors"
        ) from None


def _read(
    request: HttpRequest, model: str, body: InferenceRequest, options: MLSettings
) -> tuple[type[Served], list[Any]]:
    """Return the class and the items of a request; raise ``UnknownModel``, or ``UnprocessableContent`` with the place."""
    kind = current_fleet().classes.get(model)
    if kind is None or kind.predict is Served.predict:
        raise UnknownModel
    inputs, outputs = _columns(kind)
    unknown = {each.name for each in body.outputs or ()} - {each.name for each in outputs}
    if unknown:
        raise _invalid(f"The model does not return {', '.join(sorted(unknown))}.", "outputs")
    try:
        binary = request.__dict__.get(_BINARY, b"")
        rows = read_items(
            body.inputs, inputs, options.MAX_ELEMENTS, binary, most_items=options.MAX_ITEMS
        )
    except TensorError as error:
        raise _invalid(str(error), "inputs", *error.place) from None
    items = []
    for number, row in enumerate(rows):
        try:
            items.append(kind.Input.model_validate(row))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise _invalid(f"Item {number}, {where}: {first['msg']}", "inputs") from None
    return kind, items


def _invalid(message: str, *place: str | int) -> UnprocessableContent:
    where = "/".join(map(str, place))
    return UnprocessableContent(f"{where}: {message}", code="invalid_tensor")


def _write(
    kind: type[Served],
    body: InferenceRequest,
    request: HttpRequest,
    answers: list[Any],
    version: str,
) -> Any:
    name_version(request, version)
    _, columns = _columns(kind)
    wanted = {each.name for each in body.outputs or ()}
    chosen = [each for each in columns if not wanted or each.name in wanted]
    outputs = write_tensors([_dump(kind, each) for each in answers], chosen)
    made = {
        "model_name": kind.name,
        "model_version": version,
        "id": body.id,
        "outputs": outputs,
    }
    behind = _asked_binary(body, chosen)
    if not behind:
        return made
    binary = move_behind(outputs, behind)
    text = encoder.dumps({key: value for key, value in made.items() if value is not None})
    response = HttpResponse(text + binary, content_type="application/octet-stream")
    response.headers[HEADER] = str(len(text))
    return response


def _asked_binary(body: InferenceRequest, columns: list[Column]) -> set[str]:
    """Return the names of the outputs whose bytes should follow the JSON: those that ask for it, or all if the request asks."""
    usual = (body.parameters or {}).get("binary_data_output") is True
    asked = {
        each.name: (each.parameters or {}).get("binary_data", usual) for each in body.outputs or ()
    }
    return {each.name for each in columns if asked.get(each.name, usual) is True}


def _dump(kind: type[Served], answer: Any) -> dict[str, Any]:
    made = answer if isinstance(answer, kind.Output) else kind.Output.model_validate(answer)
    return made.model_dump(mode="json")
