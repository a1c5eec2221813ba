"""Turns the parameters of a request into the arguments of a view, with the same errors for functions and controllers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pydantic
from django.conf import global_settings, settings
from django.http import HttpRequest
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.operation import Operation
from ninja.parser import Parser
from ninja_extra.operation import Operation as ExtraOperation

from django_matt import upstream
from django_matt.errors.exceptions import BadRequest, UnreadableRequest
from django_matt.formats.bodies import MattParser, load_form, parse_body, read_body
from django_matt.formats.negotiation import FormatSet
from django_matt.limits import bound_pages, collect_guards
from django_matt.serialization.functions import calls_user_code
from django_matt.serialization.inputs import LARGE_BODY, build_validators, find_nul
from django_matt.settings import get_settings
from django_matt.upstream import BodyModel, FileModel, FormModel, MultiPartBodyModel

__all__ = ["Parameters", "body_formats", "collect_errors"]

_JSON = "application/json"

# Ninja refuses a file parameter on PUT and PATCH without a middleware that loads the form before any view runs, and so
# outside every error handler. `load_form` loads it inside the operation: nothing is left for that middleware to do.
upstream.allow_files_of_every_method()

_UPLOAD_HANDLERS = global_settings.FILE_UPLOAD_HANDLERS

Source = Callable[[HttpRequest, dict[str, Any]], Any]


class Parameters:
    """Reads and validates the parameters of an operation."""

    def __init__(self, api: Any, operation: Operation, formats: FormatSet | None) -> None:
        """Compile the readers; ``formats`` are those of request bodies, None if the API has its own parser."""
        self._api = api
        self._response_name = operation.signature.response_arg
        models = (
            operation.signature.models
            if isinstance(operation, ExtraOperation)
            else operation.models
        )
        bounds = bound_pages(operation.view_func)
        self._readers = [_Reader(api, model, formats, bounds) for model in models]
        self._guards = collect_guards(operation.view_func)
        self.reads_nothing = not (models or self._guards or self._response_name)
        self._needs_form = any(
            issubclass(model, FormModel | FileModel | MultiPartBodyModel) for model in models
        )
        self.needs_thread = (
            any(reader.calls_user_code for reader in self._readers)
            or (bool(models) and type(api.parser) not in (MattParser, Parser))
            or (self._needs_form and settings.FILE_UPLOAD_HANDLERS != _UPLOAD_HANDLERS)
        )
        """Whether reading calls the user's functions, which may query the database: then async routes read in a thread."""

    def read(self, request: Any, context: Any) -> dict[str, Any]:
        """Return the view's keyword arguments; raise Ninja's ``ValidationError`` with every error of every source."""
        values: dict[str, Any] = {}
        failed: list[ValidationErrorContext[Any]] = []
        try:
            if self._needs_form:
                load_form(request)
            for reader in self._readers:
                try:
                    values.update(reader.read(request, context.path))
                except pydantic.ValidationError as error:
                    failed.append(ValidationErrorContext(error, reader.model))
        except BadRequest as error:
            raise UnreadableRequest(error) from error
        if failed:
            raise self._api.validation_error_from_error_contexts(failed)
        if self._response_name is not None:
            values[self._response_name] = context.response
        for guard in self._guards:
            guard(request, values)
        return values

    def raw(self, request: Any, path: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each parameter model with the data that the request sent for it; what cannot be read is left out.

        Only errors use it, to name values as the client named them.
        """
        for reader in self._readers:
            try:
                yield reader.model, reader.raw(request, dict(path))
            except Exception:  # noqa: BLE001, S112 - the error that is being answered matters, not this one
                continue


class _Reader:
    """One source of parameters: the path, the query, the headers, the cookies, a form, the files or the body."""

    def __init__(
        self,
        api: Any,
        model: Any,
        formats: FormatSet | None,
        bounds: Mapping[type[Any], Mapping[str, int]],
    ) -> None:
        self.model: Any = model
        self._api = api
        self.read: Callable[[HttpRequest, dict[str, Any]], Any]
        self.calls_user_code = True
        if not upstream.resolves_as_ninja(model):
            self.read = lambda request, path: model.resolve(request, api, path)
            return
        self.calls_user_code = calls_user_code(upstream.core_schema_of(model))
        self._validator, self._large = build_validators(model, bounds)
        if (
            issubclass(model, BodyModel)
            and not issubclass(model, MultiPartBodyModel)
            and formats is not None
        ):
            self._formats = formats
            json = formats.reader(_JSON)
            self._json = json if json is not None and json.can_load else None
            self._single = upstream.single_of(model)
            self.read = self._read_body
        else:
            flat = upstream.flat_names(model) or {}
            self._source: Source = lambda request, path: model.get_request_data(request, api, path)
            self._nested = any(way != (key,) for key, way in flat.items())
            self.read = self._read_text

    def raw(self, request: HttpRequest, path: dict[str, Any]) -> Any:
        """Return the data of the request before validation, by the client's names."""
        if self.read != self._read_body:
            return self.model.get_request_data(request, self._api, path)
        data = parse_body(request, self._formats, self.model) if read_body(request) else {}
        return data if self._single is None else {self._single: data}

    def _read_body(self, request: HttpRequest, path: dict[str, Any]) -> Mapping[str, Any]:
        body = read_body(request)
        if not body:
            return self._validate(self._validator, {}, request)
        meta = request.META
        if (
            meta.get("CONTENT_TYPE") == _JSON
            and self._json is not None
            and "HTTP_CONTENT_ENCODING" not in meta
        ):
            # What nearly every client sends, with none of the questions that parse_body() asks.
            data = self._json.load(body)
        else:
            data = parse_body(request, self._formats, self.model)
        validator = self._large if len(body) >= LARGE_BODY else self._validator
        return self._validate(
            validator, data if self._single is None else {self._single: data}, request
        )

    def _read_text(self, request: HttpRequest, path: dict[str, Any]) -> Mapping[str, Any]:
        data = self._source(request, path)
        if data is None:
            data = {}
        if (found := find_nul(data if isinstance(data, dict) else {})) is not None:
            raise BadRequest(
                f"{upstream.source_of(self.model)} {found[0] if found else ''!r} contains a NUL character"
            )
        # Ninja leaves a parameter that a custom parser made None to its default.
        if self._nested or (isinstance(data, dict) and None in data.values()):
            data = upstream.nest(self.model, data)
        return self._validate(self._validator, data, request)

    def _validate(self, validator: Any, data: Any, request: HttpRequest) -> Mapping[str, Any]:
        values: Mapping[str, Any] = validator.validate_python(
            data, context={"request": request}
        ).__dict__
        return values


def body_formats(api: Any, formats: FormatSet) -> FormatSet | None:
    """Return the formats of request bodies, or None if the project's own parser reads them."""
    return formats if type(api.parser) is MattParser else None


def collect_errors(contexts: Iterable[ValidationErrorContext[Any]]) -> ValidationError:
    """Return one Ninja error with the first ``MAX_ERRORS`` errors of several sources.

    The location begins with the source; the input and links are not sent to the client.
    """
    most = get_settings().MAX_ERRORS
    errors: list[dict[str, Any]] = []
    total, body_param = 0, None
    for context in contexts:
        model: Any = context.model
        total += context.pydantic_validation_error.error_count()
        source, ways = upstream.source_of(model), upstream.flat_ways(model)
        if source == "body":
            body_param = upstream.single_of(model)
        for found in context.pydantic_validation_error.errors(
            include_url=False, include_input=False
        )[:most]:
            error: dict[str, Any] = dict(found)
            location: tuple[Any, ...] = error["loc"]
            error["loc"] = (source, *ways.get(location, location))
            cause = error.get("ctx", {}).get("error")
            if isinstance(cause, Exception):
                error["ctx"] = {**error["ctx"], "error": str(cause)}
            errors.append(error)
    raised = ValidationError(errors[:most])
    # The error layer counts what was left out, and leaves Ninja's parameter name out of its JSON pointers.
    raised.omitted = total - len(raised.errors)  # type: ignore[attr-defined]
    raised.body_param = body_param  # type: ignore[attr-defined]
    return raised
