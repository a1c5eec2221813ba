"""The routes: ask, search, and the sources of a tenant."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import File, Form, UploadedFile
from ninja.constants import NOT_SET
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_delete, http_get, http_post
from ninja_extra.permissions import BasePermission

from django_matt import SSE, Event, paginate
from django_matt.contrib.rag import services
from django_matt.contrib.rag.answers import answer
from django_matt.contrib.rag.ingestion import Document, add_document
from django_matt.contrib.rag.models import Source
from django_matt.contrib.rag.schemas import (
    AnswerItem,
    AskIn,
    PassagesOut,
    SearchIn,
    SourceOut,
)
from django_matt.contrib.rag.settings import get_settings
from django_matt.errors.exceptions import NotFound, PayloadTooLarge
from django_matt.sign_in import (
    ManagesTenants,
    ResolvesTenant,
    current_tenant,
    installed,
    may_manage_tenant,
)

__all__ = ["add_routes", "make_controller"]


def add_routes(api: Any) -> None:
    """Add the routes to an API that authenticates; raise ``ImproperlyConfigured`` if it does not."""
    if api.auth in (NOT_SET, None):
        raise ImproperlyConfigured(
            'MATT_RAG["ROUTES"] needs an API with authentication, MattAPI(auth=…); or register '
            "django_matt.contrib.rag.controllers.make_controller(auth=…) yourself."
        )
    api.register_controllers(make_controller())


class HasTenant(BasePermission):
    """The request has a tenant, in a project with tenants."""

    message = "The request belongs to no organization."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Return whether it has one, or there are none."""
        return not _has_tenants() or current_tenant(request) is not None


class MayWriteSources(BasePermission):
    """The user may manage the tenant; in a project without tenants, the user has Django's permission for the model."""

    message = "You may not change the sources."

    def has_permission(self, request: HttpRequest, controller: ControllerBase) -> bool:
        """Return whether the user may."""
        if _has_tenants() and any(installed(ManagesTenants)):
            tenant = current_tenant(request)
            return tenant is not None and may_manage_tenant(request, tenant)
        verb = "delete" if request.method == "DELETE" else "add"
        user: Any = getattr(request, "user", None)
        return user is not None and bool(user.has_perm(f"matt_rag.{verb}_source"))


def make_controller(
    *,
    auth: Any = NOT_SET,
    path: str = "/rag",
    write: type[BasePermission] = MayWriteSources,
    permissions: Sequence[Any] = (),
) -> type[ControllerBase]:
    """Return the controller with the routes, for a project that registers it with its own ``auth`` and permissions.

    ``write`` decides who may add and delete sources. By default, the authentication is that of the API.

    >>> controller = make_controller(auth=SessionAuthenticator())    # doctest: +SKIP
    """
    options = get_settings()
    allowed = [HasTenant, *permissions]

    @api_controller(path, tags=["retrieval"], auth=auth, permissions=allowed, auto_import=False)
    class RagController(ControllerBase):
        """Answers and passages from the sources of a tenant."""

        if options.MODEL is not None:

            @http_post("/ask", response=SSE[AnswerItem], operation_id="ask_sources")
            async def ask(
                self, request: HttpRequest, data: AskIn
            ) -> AsyncIterator[Event[AnswerItem]]:
                """Answer a question. The events are sources, delta, citations, usage and done, or problem if something failed."""
                events = answer(
                    data.question,
                    tenant=await services.tenant_of_async(request),
                    sources=_chosen(data.sources),
                )
                try:
                    async for event in events:
                        yield event
                finally:
                    await events.aclose()

        @http_post("/search", response=PassagesOut, operation_id="search_sources")
        def search(self, request: HttpRequest, data: SearchIn) -> Any:
            """Find the passages that fit a question, without an answer."""
            found = services.search(
                data.question,
                tenant=services.tenant_of(request),
                sources=_chosen(data.sources),
                limit=data.limit,
            )
            return {"passages": found}

        @http_get("/sources", response=list[SourceOut], operation_id="list_sources")
        @paginate
        def list_sources(self, request: HttpRequest) -> "QuerySet[Source]":
            """Return the sources of the tenant, by their names."""
            return Source.objects.filter(tenant=services.tenant_of(request)).order_by("uri", "id")

        @http_post(
            "/sources",
            response={201: SourceOut},
            operation_id="add_source",
            permissions=[*allowed, write],
        )
        def add_source(
            self, request: HttpRequest, file: File[UploadedFile], uri: Form[str] = ""
        ) -> Any:
            """Add a text, or change the one with the same name; by default, its name is that of the file.

            A long text has the state embedding until its vectors are made; its words are found at once.
            """
            limit = get_settings().MAX_FILE
            if (file.size or 0) > limit:
                raise PayloadTooLarge(f"The file has more than {limit:,} bytes.")
            document = Document(uri=uri or file.name or "", content=file.read())
            return Status(201, add_document(document, tenant=services.tenant_of(request)))

        @http_delete(
            "/sources/{int:key}",
            response={204: None},
            operation_id="delete_source",
            permissions=[*allowed, write],
        )
        def delete_source(self, request: HttpRequest, key: int) -> Any:
            """Delete a source with its chunks. Answers that have begun go on with what they have read."""
            if not services.delete_source(key, tenant=services.tenant_of(request)):
                raise NotFound
            return Status(204, None)

    return RagController


def _chosen(keys: Sequence[int] | None) -> "QuerySet[Source] | None":
    return None if keys is None else Source.objects.filter(pk__in=keys)


def _has_tenants() -> bool:
    return any(installed(ResolvesTenant))
