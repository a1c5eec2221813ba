"""What a user does with one object: each decision is that of the ``ModelAdmin`` and its forms."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import QueryDict
from django.utils.http import parse_etags

from django_matt.contrib.admin_api.bodies import Sent
from django_matt.contrib.admin_api.errors import FormRefused, NeedsPage
from django_matt.contrib.admin_api.pages import FormPage
from django_matt.contrib.admin_api.requests import Desk, admin_url, plain_text
from django_matt.errors.exceptions import Conflict, NotFound, PreconditionFailed
from django_matt.errors.problems import FieldError

__all__ = [
    "delete_object",
    "deletion_of",
    "load_history",
    "load_page",
    "preview_deletion",
    "save_object",
]

# ADDITION, CHANGE and DELETION of Django's LogEntry, which cannot be imported before the admin is installed.
_FLAGS = {1: "addition", 2: "change", 3: "deletion"}


def load_page(desk: Desk, key: str | None) -> FormPage:
    """Return the page of an object, or with ``None`` that of a new one.

    Raises ``NotFound``, ``PermissionDenied``, and ``NeedsPage`` if the ``ModelAdmin`` answers in a way of its own.
    """
    admin = desk.admin
    if key is None:
        answer = admin.add_view(desk.copy(url=admin_url(admin, "add")))
    else:
        url = admin_url(admin, "change", quote(key))
        answer = desk.ask(admin.change_view, desk.copy(url=url), key)
    context = desk.context(answer)
    if context is not None and "adminform" in context:
        return FormPage(admin, context)
    if context is None and key is not None and answer.status_code == 302:
        raise NotFound
    raise NeedsPage("The admin answers with a page of its own.", url=_url(desk, key))


def save_object(
    desk: Desk, key: str | None, body: Mapping[str, Any], *, if_match: str | None = None
) -> tuple[Any, FormPage | None]:
    """Save an object as the forms of its page do; return its key, and its page if the user may see it.

    Everything happens in one transaction. Raises ``FormRefused``, ``PreconditionFailed`` and what ``load_page`` raises.
    """
    admin = desk.admin
    using = router.db_for_write(admin.model)
    with transaction.atomic(using=using):
        if key is not None and if_match is not None:
            _lock(desk, key, using)
        page = load_page(desk, key)
        if key is not None:
            if not admin.has_change_permission(desk.copy(), page.original):
                raise PermissionDenied
            _match(page, if_match)
        sent = Sent(desk.request, page, body)
        files = desk.request.FILES
        _refuse_untouched(admin, sent)
        if key is None:
            request = desk.copy("POST", data=sent.data, files=files, url=admin_url(admin, "add"))
            answer = admin.add_view(request)
        else:
            url = admin_url(admin, "change", quote(key))
            request = desk.copy("POST", data=sent.data, files=files, url=url)
            answer = desk.ask(admin.change_view, request, key)
        if desk.saved is None:
            _refuse(desk, key, answer, sent)
        saved: Any = desk.saved
        try:
            return saved.pk, load_page(Desk(desk.request, admin, admin.admin_site), str(saved.pk))
        except (PermissionDenied, NotFound):
            return saved.pk, None


def _lock(desk: Desk, key: str, using: str) -> None:
    """Wait for other writes of an object, so that none comes between its condition and its change."""
    obj = desk.admin.get_object(desk.copy(), key)
    if obj is not None:
        rows = type(obj)._base_manager.using(using).select_for_update(of=("self",))
        list(rows.filter(pk=obj.pk))


def _match(page: FormPage, if_match: str | None) -> None:
    if (
        if_match is not None
        and if_match.strip() != "*"
        and page.etag() not in parse_etags(if_match)
    ):
        raise PreconditionFailed("Another request has changed the object. Read it again.")


def _refuse(desk: Desk, key: str | None, answer: Any, sent: Sent) -> None:
    """Raise why a view has saved nothing."""
    context = desk.context(answer)
    if context is not None and "adminform" in context:
        errors = FormPage(desk.admin, context).errors(sent.rows)
        if errors:
            raise FormRefused(errors)
    raise NeedsPage("The admin answers with a page of its own.", url=_url(desk, key))


def _refuse_untouched(admin: Any, sent: Sent) -> None:
    """Refuse new rows that say nothing: Django's formsets take them for the empty rows of a page, and lose them."""
    save = admin.save_related

    def save_related(request: Any, form: Any, formsets: Any, change: bool) -> None:
        errors = [
            FieldError(
                ("body", formset.prefix, at),
                "This row has no value that differs from those of an empty row, so it would not be saved.",
                "untouched",
            )
            for formset in formsets
            for index, row in enumerate(formset.forms)
            if (at := sent.rows.get((formset.prefix, index))) is not None
            and index >= formset.initial_form_count()
            and not row.has_changed()
        ]
        if errors:
            raise FormRefused(errors)
        save(request, form, formsets, change)

    admin.save_related = save_related


def preview_deletion(desk: Desk, key: str) -> dict[str, Any]:
    """Return what the page that asks for confirmation shows."""
    url = admin_url(desk.admin, "delete", quote(key))
    return deletion_of(
        _delete_page(desk, key, desk.ask(desk.admin.delete_view, desk.copy(url=url), key))
    )


def delete_object(desk: Desk, key: str, *, if_match: str | None = None) -> None:
    """Delete an object. Raises ``Conflict`` if other objects protect it."""
    admin = desk.admin
    using = router.db_for_write(admin.model)
    with transaction.atomic(using=using):
        if if_match is not None:
            _lock(desk, key, using)
            _match(load_page(desk, key), if_match)
        data = QueryDict("post=yes")
        url = admin_url(admin, "delete", quote(key))
        before = admin.response_delete
        done = []

        def response_delete(*args: Any, **kwargs: Any) -> Any:
            done.append(True)
            return before(*args, **kwargs) if url is not None else None

        admin.response_delete = response_delete
        answer = desk.ask(admin.delete_view, desk.copy("POST", data=data, url=url), key)
        if not done:
            found = deletion_of(_delete_page(desk, key, answer))
            raise Conflict(
                "Other objects protect this one.", code="protected", protected=found["protected"]
            )


def _delete_page(desk: Desk, key: str, answer: Any) -> Mapping[str, Any]:
    context = desk.context(answer)
    if context is not None and "protected" in context:
        return context
    if context is None and answer.status_code == 302:
        raise NotFound
    raise NeedsPage("The admin answers with a page of its own.", url=_url(desk, key))


def deletion_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page shows that asks to confirm a deletion."""
    missing = sorted(map(str, context["perms_lacking"]))
    protected = [plain_text(each) for each in context["protected"]]
    # The page of an action has one list more around them.
    objects = context.get("deleted_objects") or context["deletable_objects"][0]
    return {
        "is_allowed": not missing and not protected,
        "objects": list(_nested(objects, 0)),
        "counts": {str(name): count for name, count in context["model_count"]},
        "missing_permissions": missing,
        "protected": protected,
    }


def _nested(objects: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield objects, each followed by those below it: Django has them as a list behind their object."""
    for each in objects:
        if isinstance(each, list | tuple):
            yield from _nested(each, depth + 1)
        else:
            yield {"depth": depth, "text": plain_text(each)}


def load_history(desk: Desk, key: str, page: int) -> dict[str, Any]:
    """Return a page of the log of an object."""
    query = QueryDict(mutable=True)
    query["p"] = str(page)
    url = admin_url(desk.admin, "history", quote(key))
    answer = desk.ask(desk.admin.history_view, desk.copy(query=query, url=url), key)
    context = desk.context(answer)
    if context is None or "action_list" not in context:
        raise NotFound
    entries = context["action_list"]
    items = [
        {
            "time": each.action_time,
            "user": str(each.user),
            "action": _FLAGS.get(each.action_flag, str(each.action_flag)),
            "text": each.get_change_message(),
        }
        for each in entries
    ]
    return {"items": items, "count": entries.paginator.count, "page": entries.number}


def _url(desk: Desk, key: str | None) -> str | None:
    return (
        admin_url(desk.admin, "add") if key is None else admin_url(desk.admin, "change", quote(key))
    )
