"""The drafts of a whole project, and what could not be carried over."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import libcst as cst
import libcst.matchers as m

from django_matt.contrib.upgrades.drafts.classes import Draft, Project, code, draft_path, strings
from django_matt.contrib.upgrades.drafts.permissions import draft_permission, is_permission
from django_matt.contrib.upgrades.drafts.routes import controller_name
from django_matt.contrib.upgrades.drafts.serializers import draft_serializer, is_serializer
from django_matt.contrib.upgrades.drafts.views import draft_view, is_view
from django_matt.contrib.upgrades.sources import Change, Note, Source
from django_matt.generation.formatters import format_module

__all__ = ["WORDS", "draft"]

WORDS = ("rest_framework", "REST_FRAMEWORK", "urlpatterns", "models.Model")


def draft(sources: list[Source], root: Path) -> tuple[list[Change], list[Note]]:
    """Return the drafts of a project's files, and what a person has to do. A draft that exists is not written again."""
    written = [each for each in sources if "rest_framework" in each.text]
    if not written:
        return [], []
    project = Project([each for each in written if not each.path.stem.endswith("_draft")])
    project.models = Project([each for each in sources if "models.Model" in each.text])
    urls = _urls(project, sources)
    default, notes = _default_permissions(sources)
    drafts: dict[int, Draft] = {}
    controllers: dict[str, str] = {}
    for each in project.classes.values():
        one = drafts.setdefault(id(each.source), Draft(each.source))
        if is_serializer(project, each):
            draft_serializer(project, each, one)
        elif is_permission(project, each):
            draft_permission(project, each, one)
        elif is_view(project, each):
            draft_view(project, each, one, urls.get(each.name, []), default)
            controllers[controller_name(each.name)] = each.name
    for source in project.sources:
        for node in m.findall(source.tree, m.Decorator(decorator=m.Call(func=m.Name("api_view")))):
            notes.append(
                Note(
                    source.path,
                    source.range_of(node).start.line,
                    "@api_view was not carried over: write it as a route of a router.",
                )
            )
    for source in sources:
        found = [c for c, view in controllers.items() if view in _mentioned(source)]
        if found and "urlpatterns" in source.text:
            one = drafts.setdefault(id(source), Draft(source))
            for name in found:
                one.refer(project.classes[controllers[name]], name)
            one.matt.add("MattAPI")
            one.imports.add("from django.urls import path")
            one.parts.append(
                f"api = MattAPI()\napi.register_controllers({', '.join(found)})\n\n"
                '# Below the prefix that the URLs of this file have.\nurlpatterns = [path("", api.urls)]'
            )
    changes = _changes(list(drafts.values()), notes)
    if changes:
        notes.insert(
            0,
            Note(
                root,
                0,
                "The drafts are in use when you include urls_draft instead of urls. Authentication is drafted as Django's "
                "session; routes with AllowAny have none, and check no CSRF token.",
            ),
        )
    return changes, notes


def _changes(drafts: list[Draft], notes: list[Note]) -> list[Change]:
    """Return the files of the drafts, and add what there is to say about them to ``notes``."""
    changes: list[Change] = []
    for one in drafts:
        if not one.parts:
            continue
        target = draft_path(one.source.path)
        if target.exists():
            notes.append(
                Note(
                    target,
                    0,
                    "exists already, and was not written again. Delete it to get a new draft.",
                )
            )
            continue
        text = one.write()
        try:
            compile(text, str(target), "exec")
        except SyntaxError as error:
            notes.append(Note(one.source.path, 0, f"no draft: it would be no Python ({error})."))
            continue
        changes.append(Change(target, None, format_module(text, target).encode()))
        notes += one.notes
    return changes


def _mentioned(source: Source) -> set[str]:
    return {cast("cst.Name", node).value for node in m.findall(source.tree, m.Name())}


def _urls(project: Project, sources: list[Source]) -> dict[str, list[str]]:
    """Return the paths of each view, by its class: of ``router.register()`` and ``path()``."""
    found: dict[str, list[str]] = {}
    for source in sources:
        if "urlpatterns" not in source.text and ".register(" not in source.text:
            continue
        prefixes = dict(_router_prefixes(source.tree))
        for node in m.findall(source.tree, m.Call()):
            call = cast("cst.Call", node)
            function = code(call.func)
            if len(call.args) < 2:
                continue
            path = (strings(call.args[0].value) or [""])[0]
            if function.endswith(".register"):
                slash = "" if _without_slash(source.text) else "/"
                name = code(call.args[1].value).rpartition(".")[2]
                prefix = prefixes.get(function.rpartition(".")[0], "")
                found.setdefault(name, []).append(f"/{prefix}{path.strip('^$/')}{slash}")
            elif function in ("path", "urls.path") and (
                view := re.match(r"(?:\w+\.)*(\w+)\.as_view\(", code(call.args[1].value))
            ):
                found.setdefault(view[1], []).append(f"/{path}")
    return found


def _router_prefixes(tree: cst.Module) -> Iterator[tuple[str, str]]:
    """Yield each router with the prefix of ``path("api/", include(router.urls))``."""
    for node in m.findall(tree, m.Call(func=m.Name("path"))):
        call = cast("cst.Call", node)
        target = (
            re.match(r"include\((?:\(?)([\w.]+)\.urls", code(call.args[1].value))
            if len(call.args) > 1
            else None
        )
        if target:
            yield target[1], (strings(call.args[0].value) or [""])[0]


def _without_slash(text: str) -> bool:
    return re.search(r"trailing_slash\s*=\s*False", text) is not None


def _default_permissions(sources: list[Source]) -> tuple[list[str], list[Note]]:
    """Return the permissions of views without any, from the settings, and notes about its other options."""
    notes: list[Note] = []
    default: list[str] = []
    for source in sources:
        if "REST_FRAMEWORK" not in source.text:
            continue
        shape = m.Assign(targets=[m.AssignTarget(target=m.Name("REST_FRAMEWORK"))])
        for node in m.findall(source.tree, shape):
            value = cast("cst.Assign", node).value
            for element in value.elements if isinstance(value, cst.Dict) else ():
                if not isinstance(element, cst.DictElement):
                    continue
                name = strings(element.key)
                if name == ["DEFAULT_PERMISSION_CLASSES"]:
                    # Without a text, such as a name of the settings: an unknown permission, so that only staff may do it.
                    default = strings(element.value) or [code(element.value)]
                elif name and name[0].startswith("DEFAULT_"):
                    line = source.range_of(element).start.line
                    notes.append(Note(source.path, line, f"{name[0]} was not carried over."))
    return default, notes
