"""``MattAdmin``: Unfold's ``ModelAdmin`` with filters of a schema, import and export."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from ninja import FilterSchema
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminFileFieldWidget

from django_matt.contrib.admin.acting import may_sign_in_as
from django_matt.contrib.admin.filters import filters_of
from django_matt.contrib.admin.transfers import FORMATS, BadRow, import_rows, read_rows, stream_rows

__all__ = ["MattAdmin"]

_MAX_BYTES = 10_000_000


class _UploadForm(forms.Form):
    file = forms.FileField(widget=UnfoldAdminFileFieldWidget, help_text="CSV or JSON Lines.")


class MattAdmin(ModelAdmin):  # type: ignore[misc]  # Unfold has no types
    """The class to derive your admins from. It has all options of Unfold's and Django's ``ModelAdmin``."""

    icon: ClassVar[str] = ""
    """The icon of the model in the navigation: one of Material Symbols, such as ``"menu_book"``."""
    filter_schema: ClassVar[type[FilterSchema] | None] = None
    """A ``FilterSchema`` whose fields become filters of the list."""
    transfer_fields: ClassVar[Sequence[str]] = ()
    """The columns of export and import; without them, there is neither."""
    change_list_template = "matt_admin/change_list.html"
    change_form_template = "matt_admin/change_form.html"

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Return the filters of ``list_filter`` and those of ``filter_schema``."""
        found = super().get_list_filter(request)
        return [*found, *filters_of(self.filter_schema)] if self.filter_schema else found

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of Unfold, and those of export and import."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("export/<str:format_name>/", wrap(self.export_view), name=f"{name}_export"),
            path("import/", wrap(self.import_view), name=f"{name}_import"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> Any:
        """Show the form; on the page of a user, with a button to sign in as that user."""
        shown = more.get("obj")
        if shown is not None and may_sign_in_as(request, shown):
            name = f"{self.admin_site.name}:matt_sign_in_as"
            context["matt_sign_in_as"] = reverse(name, args=[shown.pk])
        return super().render_change_form(request, context, *args, **more)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list, with the links to export and import."""
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}"
        links: list[tuple[str, str]] = []
        if self.transfer_fields:
            query = f"?{request.GET.urlencode()}" if request.GET else ""
            links = [
                (f"Export {each.upper()}", reverse(f"{name}_export", args=[each]) + query)
                for each in FORMATS
            ]
            if self.has_import_permission(request):
                links.append(("Import", reverse(f"{name}_import")))
        context: Any = {**(extra_context or {}), "matt_links": links}
        return super().changelist_view(request, context)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may import: add or change rows. Each row is checked again."""
        return bool(self.has_add_permission(request) or self.has_change_permission(request))

    def export_view(self, request: HttpRequest, format_name: str) -> Any:
        """Stream the rows of the list with its search, filters and order, of all pages."""
        if not self.transfer_fields or format_name not in FORMATS:
            raise Http404
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            url = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(f"{reverse(url)}?e=1")
        chosen = FORMATS[format_name]
        response = StreamingHttpResponse(
            stream_rows(format_name, rows, self.transfer_fields), content_type=chosen.media_type
        )
        file = f"{self.opts.model_name}.{format_name}"
        response["Content-Disposition"] = f'attachment; filename="{file}"'
        return response

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, and import all of its rows or none."""
        if not self.transfer_fields:
            raise Http404
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = _UploadForm(request.POST or None, request.FILES or None)
        bad: list[BadRow] = []
        rows: list[dict[str, Any]] = []
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                if file.size > _MAX_BYTES:
                    raise ValueError(f"The file is larger than {_MAX_BYTES // 1_000_000} MB.")
                kind = "csv" if file.name.lower().endswith(".csv") else "jsonl"
                rows = read_rows(kind, file.read())
                bad = import_rows(self, request, rows)
            except ValueError as error:
                bad = [(0, "", str(error))]
            if not bad:
                self.message_user(request, f"{len(rows):,} rows were imported.", messages.SUCCESS)
                return HttpResponseRedirect("../")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Import {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "bad": bad,
            "columns": self.transfer_fields,
        }
        return TemplateResponse(request, "matt_admin/import.html", context)
