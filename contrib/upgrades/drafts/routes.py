"""The routes of a controller: those that a view inherits, and those that it writes."""

import re
from collections.abc import Iterator

import libcst as cst

from django_matt.contrib.upgrades.drafts.bodies import Body, translate
from django_matt.contrib.upgrades.drafts.classes import Class, Draft, Project, code, strings
from django_matt.contrib.upgrades.drafts.permissions import CLOSED, permissions_of
from django_matt.contrib.upgrades.drafts.serializers import model_of, schema_names

__all__ = [
    "METHODS",
    "VERBS",
    "View",
    "action_routes",
    "controller_name",
    "find_paths",
    "helper",
    "inherited_route",
    "own_route",
    "verb_routes",
]

METHODS = {
    "list": "get",
    "retrieve": "get",
    "create": "post",
    "update": "put",
    "partial_update": "patch",
    "destroy": "delete",
}
_GUARDS = {
    "get_permissions",
    "check_permissions",
    "check_object_permissions",
    "get_authenticators",
    "perform_authentication",
    "initial",
    "dispatch",
    "filter_queryset",
}
"""What a view may override to refuse a request, or to hide rows from it."""
_FILTERS = {
    "DjangoFilterBackend",
    "OrderingFilter",
    "SearchFilter",
    "backends",
    "django_filters",
    "filters",
    "rest_framework",
}
"""Filters that show fewer rows only if the client asks for that, with their modules."""
_SAVES = {"perform_update": ("update", "partial_update"), "perform_destroy": ("destroy",)}
_SHAPES = {"__init__", "get_fields", "to_representation"}
"""What a serializer may override to hide a field."""
VERBS = ("get", "post", "put", "patch", "delete")
_CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")
_PYTHON = {"int": "int", "str": "str", "slug": "str", "uuid": "UUID", "path": "str", "": "str"}


def controller_name(name: str) -> str:
    """Return the name of the controller of a view: ``BookController`` for ``BookViewSet``."""
    return re.sub(r"(ViewSet|APIView|View)$", "", name) + "Controller"


class View:
    """One view, with the names that its routes need."""

    def __init__(self, project: Project, each: Class, draft: Draft, default: list[str]) -> None:
        self.project, self.each, self.draft = project, each, draft
        self.noun = re.sub(
            r"(?<!^)(?=[A-Z])", "_", re.sub(r"Controller$", "", controller_name(each.name))
        ).lower()
        found = project.methods(each)
        self.methods = {name: method for name, (_, method) in found.items()}
        self.owners = {name: owner for name, (owner, _) in found.items()}
        self.names: set[str] = set()
        self.key = self._text("lookup_field").strip("\"'") or "pk"
        self.first = self.key_path = self.converter = ""
        serializer = project.classes.get(self._text("serializer_class").rpartition(".")[2])
        self.permissions = self._permissions(default, serializer)
        # The actions whose way to save is not carried over.
        self.unsaved = {
            action
            for hook, actions in _SAVES.items()
            for action in (actions if hook in self.methods else ())
        }
        self.taken = self.given = ""
        self.model = ""
        if serializer:
            self.taken, self.given = (
                draft.refer(serializer, n) for n in schema_names(serializer.name)
            )
            self.model = model_of(project, serializer)
            if self.model and serializer.source is not each.source:
                self.use(self.model, serializer)
            own = project.methods(serializer)
            self.unsaved |= {"create"} if "create" in own else set()
            self.unsaved |= {"update", "partial_update"} if "update" in own else set()
        self.rows = (
            "self.get_queryset()" if "get_queryset" in self.methods else self._text("queryset")
        )
        if self.rows and not self.model and ".objects" in self.rows:
            self.model = self.rows.partition(".objects")[0]
        draft.use(self.rows)
        draft.use(self.model)

    def _text(self, name: str) -> str:
        value = self.project.inherited(self.each, name)
        return "" if value is None else code(value)

    def _permissions(self, default: list[str], serializer: Class | None) -> list[str]:
        """Return the permissions; those of staff too if a rule may be somewhere else."""
        value = self.project.inherited(self.each, "permission_classes")
        texts = [cst.SimpleString(repr(name)) for name in default]
        listed = cst.List([cst.Element(text) for text in texts]) if value is None else value
        found = permissions_of(self.project, self.each, self.draft, listed)
        reasons = sorted(_GUARDS & self.methods.keys())
        filters = self.project.inherited(self.each, "filter_backends")
        if filters is not None and not set(re.findall(r"\w+", code(filters))) <= _FILTERS:
            reasons.append("filter_backends")
        if serializer:
            methods = self.project.methods(serializer)
            reasons += [f"{serializer.name}.{name}" for name in sorted(_SHAPES & methods.keys())]
        if value is None:
            reasons += self.project.foreign(self.each)
        if reasons and CLOSED not in found:
            self.note(
                f"{', '.join(reasons)} may refuse or hide something; the draft lets only staff in."
            )
            found.append(CLOSED)
        return found

    def use(self, text: str, owner: Class) -> None:
        """Import what a piece of code of a class needs, which may be in another file."""
        if owner.source is self.draft.source:
            self.draft.use(text)
            return
        other = Draft(owner.source)
        other.use(text)
        self.draft.imports |= {_absolute(line, other, self.draft) for line in other.imports}

    def named(self, action: str) -> str:
        """Return a name for a route that no other route of the controller has."""
        name = f"{action}_{self.noun}"
        while name in self.names:
            name += "_too"
        self.names.add(name)
        return name

    def note(self, text: str, node: cst.CSTNode | None = None) -> None:
        self.draft.notes.append(self.each.note(text, node))

    def auth(self, verb: str, permissions: list[str]) -> str:
        """Return ``auth=…`` for a route that needs a user: with it come 401 and the check of the CSRF token."""
        names = {name.removeprefix("permissions.") for name in permissions}
        free = {"AllowAny", "IsAuthenticatedOrReadOnly"} if verb == "get" else {"AllowAny"}
        if names <= free:
            return ""
        self.draft.imports.add("from django_matt.authentication import SessionAuthenticator")
        return ", auth=SessionAuthenticator()"

    def found(self, key: str) -> str:
        """Return the code that reads the object of a key, and checks its permissions."""
        if "get_object" in self.methods:
            return "self.get_object()"
        return f"self.get_object_or_exception({self.rows or 'None'}, {self.key}={key})"

    def route(
        self,
        verb: str,
        path: str,
        response: str,
        lines: list[str],
        own: list[str] | None = None,
    ) -> list[str]:
        """Return a route; ``own`` are permissions that it has instead of those of the controller."""
        self.draft.matt.add(f"http_{verb}")
        auth = self.auth(verb, self.permissions if own is None else own)
        rules = "" if own is None else f", permissions={_listed(own)}"
        return [f'@http_{verb}("{path}"{response}{rules}{auth})', *lines, ""]


def _listed(permissions: list[str]) -> str:
    return f"[{', '.join(permissions or ['permissions.AllowAny'])}]"


def _absolute(line: str, other: Draft, draft: Draft) -> str:
    """Return an import of another file for the draft's: relative ones only fit files of one folder."""
    if other.source.path.parent == draft.source.path.parent or not line.startswith("from ."):
        return line
    package = draft.module(other.source.path).rpartition(".")[0].split(".")
    dots = len(line.split()[1]) - len(line.split()[1].lstrip("."))
    base = package[: len(package) - dots + 1]
    return line.replace(
        line.split()[1], ".".join([*base, line.split()[1].lstrip(".")]).strip("."), 1
    )


def _async(method: cst.FunctionDef) -> str:
    return "async " if method.asynchronous else ""


def find_paths(view: View, paths: list[str], *, is_set: bool, has_key: bool) -> None:
    """Set the path of the list, that of one object, and the type of its key."""
    view.converter = "int" if view.key in ("pk", "id") else "str"
    if not paths:
        view.note("no URL of it was found.")
        paths = [f"/{view.noun}s/"]
    view.first = paths[0]
    found = _CONVERTER.search(paths[0])
    if is_set or not has_key:
        end = "/" if paths[0].endswith("/") else ""
        view.key_path = f"{paths[0].rstrip('/')}/{{{view.converter}:{view.key}}}{end}"
        return
    if found:
        view.key, view.converter = found[2], found[1] or "str"
    view.key_path = _written(paths[0])


def _written(path: str) -> str:
    """Return the path of a Django URL as Ninja writes it: ``/{int:pk}`` for ``/<int:pk>``."""
    return _CONVERTER.sub(
        lambda found: f"{{{found[1]}:{found[2]}}}" if found[1] else f"{{{found[2]}}}", path
    )


def _arguments(view: View) -> str:
    python = _PYTHON.get(view.converter, "str")
    if python == "UUID":
        view.draft.imports.add("from uuid import UUID")
    return f"{view.key}: {python}"


def inherited_route(view: View, action: str) -> list[str]:
    """Return the route of an action that the view inherits."""
    out = view.given or "dict"
    key = _arguments(view)
    one = f", response={out}"
    data = view.taken or "dict"
    if not view.given:
        view.note(f"{action} has no serializer_class: its data is a dict.")
    if not view.rows:
        view.note(f"{action} has no queryset.")
    name = view.named(action)
    if action == "list":
        return view.route(
            "get",
            view.first,
            f", response=list[{out}]",
            [f"def {name}(self):", f"    return {view.rows or '[]'}"],
        )
    if action == "retrieve":
        return view.route(
            "get",
            view.key_path,
            one,
            [f"def {name}(self, {key}):", f"    return {view.found(view.key)}"],
        )
    if action == "create":
        view.draft.matt.add("Status")
        save = _saved(view)
        made = f"{view.model}.objects.create(**data.dict(exclude_unset=True){save})"
        body = [f"    return Status(201, {made})"]
        if not view.model or action in view.unsaved:
            body = _unknown(view, action)
        head = f"def {name}(self, data: {data}):"
        return view.route("post", view.first, f", response={{201: {out}}}", [head, *body])
    if action == "destroy":
        view.draft.matt.add("Status")
        body = [f"    {view.found(view.key)}.delete()", "    return Status(204, None)"]
        if action in view.unsaved:
            body = _unknown(view, action)
        head = f"def {name}(self, {key}):"
        return view.route("delete", view.key_path, ", response={204: None}", [head, *body])
    is_patch = action == "partial_update"
    if is_patch and view.taken:
        view.draft.matt.add("PatchDict")
        data = f"PatchDict[{view.taken}]"
    items = (
        "data.items()" if is_patch or not view.taken else "data.dict(exclude_unset=True).items()"
    )
    head = f"def {name}(self, {key}, data: {data}):"
    body = [
        f"    found = {view.found(view.key)}",
        f"    for name, value in {items}:",
        "        setattr(found, name, value)",
        "    found.save()",
        "    return found",
    ]
    if action in view.unsaved:
        body = _unknown(view, action)
    return view.route("patch" if is_patch else "put", view.key_path, one, [head, *body])


def _unknown(view: View, action: str) -> list[str]:
    """Return the body of a route that would do something else than the view."""
    view.note(f"how {action} saves is not known; the draft's route raises NotImplementedError.")
    return [f'    raise NotImplementedError("{action} of {view.each.name}")']


def _saved(view: View) -> str:
    """Return the further arguments that ``perform_create`` saves, as ``, owner=…``."""
    method = view.methods.get("perform_create")
    if method is None:
        return ""
    lines = translate(method.body).lines
    found = re.fullmatch(r"serializer\.save\((.*)\)", " ".join(lines))
    if found:
        view.use(found[1], view.owners["perform_create"])
        return f", {found[1]}" if found[1] else ""
    view.unsaved.add("create")
    return ""


def _note_lost(view: View, name: str, body: Body, method: cst.FunctionDef) -> None:
    if body.left:
        view.note(
            f"{name} uses {', '.join(body.left)}, which controllers do not have.", method.name
        )
    if body.lost:
        view.note(
            f"{name} answers with {', '.join(body.lost)}, which was not carried over: a header is set by "
            'self.context.response["Name"] = …',
            method.name,
        )


def helper(view: View, name: str, method: cst.FunctionDef) -> list[str]:
    body = translate(method.body)
    view.use("\n".join(body.lines), view.owners[name])
    _note_lost(view, name, body, method)
    head = f"{_async(method)}def {name}({code(method.params)}):"
    return [head, *(f"    {line}" for line in body.lines), ""]


def own_route(view: View, action: str) -> list[str]:
    """Return the route of an action that the view writes itself."""
    key = "" if action in ("list", "create") else f", {_arguments(view)}"
    path = view.key_path if key else view.first
    return _route_of(view, view.methods[action], METHODS[action], path, key)


def action_routes(
    view: View, name: str, method: cst.FunctionDef, call: cst.BaseExpression
) -> list[str]:
    """Return the routes of an ``@action``."""
    given = (
        {a.keyword.value: a.value for a in call.args if a.keyword}
        if isinstance(call, cst.Call)
        else {}
    )
    is_detail = "detail" in given and code(given["detail"]) == "True"
    own = strings(given.get("url_path")) or [name]
    verbs = [verb.lower() for verb in strings(given.get("methods"))] or ["get"]
    end = "/" if view.first.endswith("/") else ""
    path = f"{(view.key_path if is_detail else view.first).rstrip('/')}/{own[0]}{end}"
    key = f", {_arguments(view)}" if is_detail else ""
    rules: list[str] | None = None
    if "permission_classes" in given:
        # They take the place of those of the class, but not of what is closed there.
        value = given["permission_classes"]
        rules = permissions_of(view.project, view.each, view.draft, value)
        rules += [CLOSED] if CLOSED in view.permissions and CLOSED not in rules else []
        view.draft.matt.add("permissions")
    return [line for verb in verbs for line in _route_of(view, method, verb, path, key, rules)]


def verb_routes(view: View, verb: str, method: cst.FunctionDef, paths: list[str]) -> Iterator[str]:
    """Yield the routes of ``get()``, ``post()`` and so on of an ``APIView``."""
    for path in paths:
        arguments = "".join(
            f", {found[2]}: {_PYTHON.get(found[1] or '', 'str')}"
            for found in _CONVERTER.finditer(path)
        )
        if "UUID" in arguments:
            view.draft.imports.add("from uuid import UUID")
        written = _written(path)
        yield from _route_of(view, method, verb, written, arguments)


def _route_of(  # noqa: PLR0917 - what a route consists of
    view: View,
    method: cst.FunctionDef,
    verb: str,
    path: str,
    arguments: str,
    rules: list[str] | None = None,
) -> list[str]:
    name = view.named(method.name.value)
    body = translate(method.body, view.found(view.key) if view.rows else "")
    view.use("\n".join(body.lines), view.owners[method.name.value])
    _note_lost(view, name, body, method)
    if any("Status(" in line for line in body.lines):
        view.draft.matt.add("Status")
    if body.needs_data:
        view.draft.imports.add("from typing import Any")
        view.draft.matt.add("Body")
        arguments += ", data: dict[str, Any] = Body(...)"
        view.note(f"the body of {name} is any object: give `data` a schema.", method.name)
    response = ""
    if body.statuses - {200}:
        view.draft.imports.add("from typing import Any")
        codes = ", ".join(f"{s}: {'None' if s == 204 else 'Any'}" for s in sorted(body.statuses))
        response = f", response={{{codes}}}"
    return view.route(
        verb,
        path,
        response,
        [f"{_async(method)}def {name}(self{arguments}):", *(f"    {line}" for line in body.lines)],
        rules,
    )
