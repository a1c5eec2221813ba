"""``Remote``: a model on another server that supports the Open Inference Protocol, such as Triton, KServe or Django Matt."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from django_matt.contrib.ml.binaries import HEADER, BinaryError, split_body
from django_matt.contrib.ml.errors import DeadlineExceeded, RemoteFailed
from django_matt.contrib.ml.tensors import (
    Tensor,
    TensorError,
    columns_of,
    move_behind,
    read_items,
    write_tensors,
)
from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent

__all__ = ["Remote"]

O = TypeVar("O", bound=BaseModel)  # noqa: E741 - an output

_MOST = 100_000_000
_TENSORS = TypeAdapter(list[Tensor])


class Remote(Generic[O]):
    """The client of one model. Create it in ``load``, and let ``predict`` call it: batches, limits and routes stay.

    >>> class Sentiment(Served):
    ...     def load(self, device):
    ...         self.remote = Remote("http://triton:8000/v2", "sentiment", self.Input, self.Output)
    ...
    ...     def predict(self, items):
    ...         return self.remote.infer(items)

    ``url`` is the path of the protocol, with ``/v2``. The fields of the schemas are the tensors of the same name.
    ``datatypes`` are those that the server uses for a field if it is not the usual one: ``{"features": "FP32"}``. ``headers``
    are sent with each request, such as an API key. ``timeout`` is in seconds. With ``binary``, tensors are sent and asked for as bytes,
    which is faster than JSON; Triton and Django Matt support it, and ``GET /v2`` of a server lists it as ``binary_tensor_data``.
    """

    def __init__(
        self,
        url: str,
        model: str,
        input_schema: type[BaseModel],
        output_schema: type[O],
        *,
        version: str | None = None,
        timeout: float = 2.0,
        headers: Mapping[str, str] | None = None,
        datatypes: Mapping[str, str] | None = None,
        binary: bool = False,
    ) -> None:
        """Connect to nothing yet; raise ``NotATensor`` for a schema that has no tensors, and ``ImportError`` without httpx."""
        try:
            import httpx
        except ImportError as error:
            raise ImportError("httpx is not installed: pip install httpx") from error
        self._inputs, self._outputs = columns_of(input_schema), columns_of(output_schema)
        self._schema = output_schema
        self._binary = binary
        self._datatypes = dict(datatypes or {})
        self._base = f"{url.rstrip('/')}/models/{model}"
        if version is not None:
            self._base += f"/versions/{version}"
        self._client = httpx.Client(timeout=timeout, headers=headers)

    def infer(self, items: Sequence[BaseModel]) -> list[O]:
        """Return the answers to items, by one request.

        Raises ``ServiceUnavailable`` if the server cannot be reached or has too much to do, ``DeadlineExceeded`` if it is too slow,
        ``UnprocessableContent`` if it refuses an item, and ``RemoteFailed`` for any other answer.
        """
        tensors = write_tensors([each.model_dump(mode="json") for each in items], self._inputs)
        for each in tensors:
            each["datatype"] = self._datatypes.get(each["name"], each["datatype"])
        body, headers = self._write(tensors)
        try:
            head, behind = self._send(body, headers)
            found = _TENSORS.validate_python(head["outputs"])
            named = {column.name for column in self._outputs}
            kept = [each for each in found if each.name in named or each.binary_size is not None]
            rows = read_items(kept, self._outputs, _MOST, behind)
            answers = [self._schema.model_validate(row) for row in rows]
        except (KeyError, TypeError, TensorError, BinaryError, ValidationError) as error:
            raise RemoteFailed from error
        if len(answers) != len(items):
            raise RemoteFailed
        return answers

    def is_ready(self) -> bool:
        """Tell whether the server answers that the model is ready."""
        import httpx

        try:
            return bool(self._client.get(f"{self._base}/ready").status_code == 200)
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _write(self, tensors: list[dict[str, Any]]) -> tuple[bytes, dict[str, str]]:
        """Return the body of a request and its headers."""
        body: dict[str, Any] = {"inputs": tensors}
        behind = b""
        if self._binary:
            try:
                behind = move_behind(tensors, {each["name"] for each in tensors})
            except ValueError as error:
                raise UnprocessableContent(str(error)) from error
            wanted = {"binary_data": True}
            body["outputs"] = [{"name": each.name, "parameters": wanted} for each in self._outputs]
        text = json.dumps(body).encode()
        if not self._binary:
            return text, {"Content-Type": "application/json"}
        headers = {"Content-Type": "application/octet-stream", HEADER: str(len(text))}
        return text + behind, headers

    def _send(self, body: bytes, headers: dict[str, str]) -> tuple[Any, bytes]:
        """Return the JSON of the answer, and the bytes behind it."""
        import httpx

        try:
            response = self._client.post(f"{self._base}/infer", content=body, headers=headers)
        except httpx.ConnectError as error:
            raise ServiceUnavailable("The inference server cannot be reached.") from error
        except httpx.TimeoutException as error:
            raise DeadlineExceeded from error
        except httpx.HTTPError as error:
            raise RemoteFailed from error
        if response.status_code in (400, 422):
            raise UnprocessableContent("The inference server has refused the request.")
        if response.status_code in (429, 503):
            seconds = response.headers.get("Retry-After", "1")
            raise ServiceUnavailable(headers={"Retry-After": seconds if seconds.isdigit() else "1"})
        if response.status_code == 504:
            raise DeadlineExceeded
        if response.status_code != 200:
            raise RemoteFailed
        text, behind = response.content, b""
        length = response.headers.get(HEADER)
        try:
            if length is not None:
                text, behind = split_body(length, text)
            return json.loads(text), behind
        except (BinaryError, ValueError) as error:
            raise RemoteFailed from error
