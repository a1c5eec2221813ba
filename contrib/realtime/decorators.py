"""``EventStream``, ``@subscribe`` and ``live``: how a project adds streams to its API."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from ninja.constants import NOT_SET
from ninja.streaming import SSE

from django_matt.contrib.realtime.permissions import Allow, check_callable
from django_matt.decorators import set_metadata
from django_matt.event_log import find_event_log
from django_matt.limits import find_paginators
from django_matt.signatures import innermost

__all__ = ["EventStream", "Live", "Subscription", "live", "subscribe"]

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])


class EventStream(SSE, Generic[T]):  # type: ignore[type-arg] # as Ninja derives SSE itself
    """The response of a route that streams: ``response=EventStream[Price]``, beside Ninja's ``SSE[Price]``.

    The document describes ``id``, ``event`` and ``retry``.
    """

    @classmethod
    def openapi_content_schema(cls, item_schema: dict[str, Any]) -> dict[str, Any]:
        """Describe an event (WHATWG HTML, 9.2)."""
        properties = {
            "id": {"type": "string", "description": "Sent back as Last-Event-ID."},
            "event": {"type": "string"},
            "retry": {"type": "integer", "minimum": 0},
            "data": item_schema,
        }
        schema = {"type": "object", "properties": properties}
        return {cls.media_type: {"schema": schema}}


@dataclass(frozen=True, slots=True)
class Subscription:
    """The arguments of ``subscribe``."""

    allow: Allow = None
    item: Any = Any


@dataclass(frozen=True, slots=True)
class Live:
    """The arguments of ``live``."""

    topic: str
    model: type[Model]
    is_declared: bool
    """Whether the project publishes the changes of the model, and not just this route."""


def subscribe(
    api: Any,
    path: str,
    *,
    item: Any = Any,
    allow: Allow = None,
    auth: Any = NOT_SET,
    **options: Any,
) -> Callable[[View], View]:
    """Add a route that streams the events of topics. The decorated function returns the names of the topics, or ``Topics``.

    The function may have parameters as any route has, and may be ``async def``. It is called when a stream begins, and
    whenever its permission is checked again; if it raises ``PermissionDenied``, or ``allow(request)``, sync or async, returns False, the
    stream does not begin, or ends. ``item`` is the type of the data:
    fields that it has not are not sent, and an event that does not fit it is reported and left out. ``options`` are those
    of ``api.get``.

    >>> @subscribe(api, "/orders/events", item=OrderPaid, allow=lambda request: request.user.is_staff)
    ... def order_events(request):
    ...     return ["order.paid"]
    """
    from django_matt.contrib.realtime.hooks import SubscriptionHook

    mark = set_metadata("subscription", Subscription(allow, item), hook=SubscriptionHook)

    def add(view: View) -> View:
        check_callable(allow, view.__name__)
        mark(view)
        made: View = api.get(path, response=EventStream[item], auth=auth, **options)(view)
        return made

    return add


def live(
    api: Any, path: str, view: Callable[..., Any], *, model: type[Model] | None = None
) -> None:
    """Add a route that sends the list of another route, and then its changes.

    ``view`` is the function of a route of ``api``, which may be a router, with ``response=list[…]`` and without
    pagination. The new route has the same parameters, authentication and throttles. ``model`` is the model of the rows,
    if the response schema does not name it.

    Raises ``ImproperlyConfigured`` for another function, and if no installed app has an event log.
    """
    from django_matt.contrib.realtime.live_lists import LiveHook

    source = _find(api, view)
    log = find_event_log()
    if log is None:
        raise ImproperlyConfigured(
            f'live() needs an event log for {path!r}: add "django_matt.contrib.events" to INSTALLED_APPS.'
        )
    if any(find_paginators(source.view_func)):
        raise ImproperlyConfigured(
            f"{view.__name__} is paginated: a live list is a whole list. Filter it instead."
        )
    shown = {
        status: getattr(kind, "model_fields", {"response": None})["response"]
        for status, kind in source.response_models.items()
        if kind not in (None, NOT_SET)
    }
    response = {status: field.annotation for status, field in shown.items()}
    found = model or _model_in(response.get(200))
    if found is None:
        raise ImproperlyConfigured(
            f"live() cannot tell which model {view.__name__} lists: name it, as in live(api, {path!r}, …, model=Order)."
        )
    if len(getattr(found._meta, "pk_fields", ())) > 1:
        raise ImproperlyConfigured(
            f"{found.__name__} has a composite primary key, which is no key of an event: live() cannot show it."
        )
    is_declared = log.publishes_changes(found)
    topic = log.publish_changes(found)

    def made(*arguments: Any, **named: Any) -> Any:
        return source.view_func(*arguments, **named)

    async def made_async(*arguments: Any, **named: Any) -> Any:
        return await source.view_func(*arguments, **named)

    function: Any = made_async if source.is_async else made
    update_wrapper(function, source.view_func)
    set_metadata("live", Live(topic, found, is_declared), hook=LiveHook)(function)
    router = getattr(api, "default_router", api)
    router.add_api_operation(
        path,
        ["GET"],
        function,
        response=response,
        auth=source.auth_param,
        throttle=source.throttle_param,
        operation_id=f"{source.operation_id or view.__name__}_live",
        summary=f"{source.summary}, live",
        tags=source.tags,
        by_alias=source.by_alias,
        exclude_unset=source.exclude_unset,
        exclude_defaults=source.exclude_defaults,
        exclude_none=source.exclude_none,
        url_name=f"{view.__name__}_live",
    )


def _find(api: Any, view: Callable[..., Any]) -> Any:
    router = getattr(api, "default_router", api)
    for paths in router.path_operations.values():
        for operation in paths.operations:
            if innermost(operation.view_func) is innermost(view) and "GET" in operation.methods:
                return operation
    raise ImproperlyConfigured(
        f"{getattr(view, '__name__', view)!r} is not a GET route of {api!r}: give live() the API or the router of the list."
    )


def _model_in(annotation: Any) -> type[Model] | None:
    items = getattr(annotation, "__args__", ())
    meta = getattr(items[0], "Meta", None) if items else None
    found = getattr(meta, "model", None)
    return found if isinstance(found, type) and issubclass(found, Model) else None
