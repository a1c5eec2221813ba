"""Actions on rows of a list."""

import copy
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import router, transaction
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from django_matt.contrib.admin_api.errors import NeedsPage
from django_matt.contrib.admin_api.lists import change_list
from django_matt.contrib.admin_api.requests import Desk, admin_url
from django_matt.contrib.admin_api.services import deletion_of
from django_matt.errors.exceptions import Conflict, NotFound, UnprocessableContent

__all__ = ["run_action"]


def run_action(desk: Desk, name: str, wanted: Any, most: int) -> Any:
    """Run an action on rows of the list; return the page that it leads to, a file that it answers, or None.

    What it writes is kept only if it does not ask for a page. Raises ``NotFound`` for an action that the user may not use,
    ``UnprocessableContent`` for rows that are not there, and ``NeedsPage``.
    """
    admin = desk.admin
    with transaction.atomic(using=router.db_for_write(admin.model)):
        cl = change_list(desk)
        url = admin_url(admin, "changelist")
        reserved = {ACTION_CHECKBOX_NAME, "action", "index", "select_across", "post"}
        if taken := reserved & wanted.data.keys():
            raise UnprocessableContent(f"data may not have {', '.join(sorted(taken))}.")
        data = QueryDict(mutable=True)
        for key, value in wanted.data.items():
            data.setlist(key, list(map(str, value)) if isinstance(value, list) else [str(value)])
        data["action"] = name
        data["select_across"] = "1" if wanted.all else "0"
        data.setlist(ACTION_CHECKBOX_NAME, list(map(str, wanted.ids)))
        if wanted.confirm:
            data["post"] = "yes"
        request = desk.copy("POST", query=desk.query, data=data, url=url)
        actions = admin.get_actions(request)
        if name not in actions:
            raise NotFound(f"There is no action {name!r} here, or you may not use it.")
        queryset = _chosen(cl, request, wanted, most)
        answers: list[Any] = []
        noted = {**actions, name: _with_noting(actions[name], answers)}
        admin.get_actions = lambda request, action_location=None: noted
        answer = admin.response_action(request, queryset)
        if not answers:
            said = [each.text for each in desk.messages]
            raise UnprocessableContent(
                " ".join(said) or "The action was not carried out.", code="action_refused"
            )
        return _answer_of(desk, answers[0], answer, url)


def _with_noting(action: Any, answers: list[Any]) -> Any:
    """Return an action that notes what its function returns: a tuple, and from Django 6.1 an object."""
    is_tuple = isinstance(action, tuple)
    function = action[0] if is_tuple else action.func

    def run(model_admin: Any, request: Any, queryset: Any) -> Any:
        answers.append(function(model_admin, request, queryset))
        return answers[-1]

    if is_tuple:
        return (run, *action[1:])
    made = copy.copy(action)
    made.func = run
    return made


def _chosen(cl: Any, request: HttpRequest, wanted: Any, most: int) -> Any:
    """Return the rows of the list that an action may choose from; raise if some of ``ids`` are not among them."""
    queryset = cl.get_queryset(request)
    if wanted.all == bool(wanted.ids):
        raise UnprocessableContent("Send ids with the keys of rows, or all: true.", code="no_rows")
    if wanted.all:
        if cl.result_count > most:
            raise UnprocessableContent(
                f"{cl.result_count} rows match, and an action takes at most {most}. Filter the list.",
                code="too_many_rows",
            )
        return queryset
    try:
        known = {
            str(key) for key in queryset.filter(pk__in=wanted.ids).values_list("pk", flat=True)
        }
    except (ValueError, TypeError):
        known = set()
    if lost := [key for key in map(str, wanted.ids) if key not in known]:
        raise UnprocessableContent(
            "The list has no rows with these keys; nothing was changed.",
            code="unknown_rows",
            ids=lost[:100],
        )
    return queryset


def _answer_of(desk: Desk, said: Any, answer: Any, url: str | None) -> Any:
    if not isinstance(said, HttpResponseBase):
        return None
    context = desk.context(said)
    if context is not None and "deletable_objects" in context:
        found = deletion_of(context)
        if not found["is_allowed"]:
            members = {key: found[key] for key in ("protected", "missing_permissions")}
            raise Conflict("These objects cannot be deleted.", code="protected", **members)
        detail = "Send confirm: true to delete these objects."
        raise NeedsPage(detail, url=url, needs="confirmation", deletion=found)
    if 300 <= said.status_code < 400:
        return said.headers["Location"]
    if "attachment" in said.headers.get("Content-Disposition", ""):
        return said
    raise NeedsPage("This action asks on a page; nothing was changed.", url=url)
