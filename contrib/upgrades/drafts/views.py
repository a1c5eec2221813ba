"""Views of REST framework as controllers."""

import re
from collections.abc import Iterator

import libcst as cst

from django_matt.contrib.upgrades.drafts.bodies import methods_text, translate
from django_matt.contrib.upgrades.drafts.classes import Class, Draft, Project, code, strings
from django_matt.contrib.upgrades.drafts.serializers import model_of, schema_names

__all__ = ["controller_name", "draft_permission", "draft_view", "is_permission", "is_view"]

_READ, _WRITE = ("list", "retrieve"), ("create", "update", "partial_update", "destroy")
_ACTIONS = {
    "viewsets.ModelViewSet": (*_READ, *_WRITE),
    "viewsets.ReadOnlyModelViewSet": _READ,
    "mixins.ListModelMixin": ("list",),
    "mixins.CreateModelMixin": ("create",),
    "mixins.RetrieveModelMixin": ("retrieve",),
    "mixins.UpdateModelMixin": ("update", "partial_update"),
    "mixins.DestroyModelMixin": ("destroy",),
    "generics.ListAPIView": ("list",),
    "generics.CreateAPIView": ("create",),
    "generics.RetrieveAPIView": ("retrieve",),
    "generics.UpdateAPIView": ("update", "partial_update"),
    "generics.DestroyAPIView": ("destroy",),
    "generics.ListCreateAPIView": ("list", "create"),
    "generics.RetrieveUpdateAPIView": ("retrieve", "update", "partial_update"),
    "generics.RetrieveDestroyAPIView": ("retrieve", "destroy"),
    "generics.RetrieveUpdateDestroyAPIView": ("retrieve", *_WRITE[1:]),
}
_METHODS = {
    "list": "get",
    "retrieve": "get",
    "create": "post",
    "update": "put",
    "partial_update": "patch",
    "destroy": "delete",
}
_VERBS = ("get", "post", "put", "patch", "delete")
_KNOWN_PERMISSIONS = {"AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly"}
_LEFT = (
    *(
        "pagination_class",
        "filter_backends",
        "filterset_fields",
        "filterset_class",
        "search_fields",
    ),
    *("ordering_fields", "ordering", "throttle_classes", "parser_classes", "renderer_classes"),
    *("authentication_classes", "lookup_url_kwarg", "throttle_scope"),
)
_HOOKS = (
    *("get_serializer", "get_serializer_class", "get_serializer_context", "get_permissions"),
    *(
        "get_authenticators",
        "get_throttles",
        "filter_queryset",
        "paginate_queryset",
        "perform_create",
    ),
    *(
        "perform_update",
        "perform_destroy",
        "get_paginated_response",
        "initial",
        "dispatch",
        "__init__",
    ),
    *("initialize_request", "finalize_response", "handle_exception", "check_permissions"),
)
"""What REST framework calls, and nothing would call in a controller."""
_CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")
_PYTHON = {"int": "int", "str": "str", "slug": "str", "uuid": "UUID", "path": "str", "": "str"}


def is_view(project: Project, each: Class) -> bool:
    """Return whether a class is a view."""
    views = ("views.APIView", "viewsets.", "generics.")
    return any(name.startswith(views) for name in project.extends(each))


def is_permission(project: Project, each: Class) -> bool:
    """Return whether a class is a permission."""
    return any(name.startswith("permissions.") for name in project.extends(each))


def controller_name(name: str) -> str:
    """Return the name of the controller of a view: ``BookController`` for ``BookViewSet``."""
    return re.sub(r"(ViewSet|APIView|View)$", "", name) + "Controller"


def draft_permission(each: Class, draft: Draft) -> None:
    """Add a permission class to a draft: Ninja Extra's have the same two methods."""
    draft.matt.add("permissions")
    lines = [f"class {each.name}(permissions.BasePermission):"]
    for name, value in each.assignments():
        lines.append(f"    {name} = {draft.use(code(value))}")
    methods = each.methods()
    for name, method in methods.items():
        names = [p.name.value for p in method.params.params]
        body = methods_text(method.body)
        text = "\n".join(body)
        if name.startswith("has_"):
            # They are called by these names.
            for old, new in zip(names, ("self", "request", "controller", "obj"), strict=False):
                text = re.sub(rf"(?<![\w.]){old}\b", new, text)
            names = ["self", "request", "controller", "obj"][: len(names)]
            if re.search(r"\bcontroller\.", text):
                draft.notes.append(
                    each.note("it reads attributes of REST framework's view.", method.name)
                )
        draft.use(text)
        lines += [
            "",
            f"    def {name}({', '.join(names)}):",
            *(f"        {line}" for line in text.splitlines()),
        ]
    if "has_permission" not in methods:
        # As the base class of REST framework; that of Ninja Extra has none.
        lines += ["", "    def has_permission(self, request, controller):", "        return True"]
    draft.parts.append("\n".join(lines))


class _View:
    """One view, with the names that its routes need."""

    def __init__(self, project: Project, each: Class, draft: Draft, default: list[str]) -> None:
        self.project, self.each, self.draft = project, each, draft
        self.noun = re.sub(
            r"(?<!^)(?=[A-Z])", "_", re.sub(r"Controller$", "", controller_name(each.name))
        ).lower()
        self.methods = each.methods()
        self.names: set[str] = set()
        self.key = self._text("lookup_field").strip("\"'") or "pk"
        self.first = self.key_path = self.converter = ""
        self.permissions = self._permissions(default)
        serializer = project.classes.get(self._text("serializer_class").rpartition(".")[2])
        self.taken = self.given = ""
        self.model = ""
        if serializer:
            self.taken, self.given = (
                draft.refer(serializer, n) for n in schema_names(serializer.name)
            )
            self.model = model_of(project, serializer)
            if self.model and serializer.source is not each.source:
                self.model = self._import_model(serializer)
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

    def _import_model(self, serializer: Class) -> str:
        """Return the model's name as the serializer's file has it, imported from there."""
        other = Draft(serializer.source)
        other.use(self.model)
        for line in other.imports:
            self.draft.imports.add(_absolute(line, other, self.draft))
        return self.model

    def _permissions(self, default: list[str]) -> list[str]:
        value = self.project.inherited(self.each, "permission_classes")
        if "get_permissions" in self.methods:
            names = ["get_permissions()"]
        elif value is None:
            names = default
        elif isinstance(value, cst.List | cst.Tuple):
            names = [code(element.value) for element in value.elements]
        else:
            names = [code(value)]
        found: list[str] = []
        for full in names:
            name = full.rpartition(".")[2]
            own = self.project.classes.get(name)
            if name in _KNOWN_PERMISSIONS:
                found.append(f"permissions.{name}")
            elif own and is_permission(self.project, own):
                found.append(self.draft.refer(own, name))
            else:
                # The safe side: an unknown rule lets only staff in.
                found.append("permissions.IsAdminUser")
                self.note(
                    f"the permission {full} was not carried over; the draft lets only staff in."
                )
        return found

    def named(self, action: str) -> str:
        """Return a name for a route that no other route of the controller has."""
        name = f"{action}_{self.noun}"
        while name in self.names:
            name += "_too"
        self.names.add(name)
        return name

    def note(self, text: str, node: cst.CSTNode | None = None) -> None:
        self.draft.notes.append(self.each.note(text, node))

    def auth(self, verb: str) -> str:
        """Return ``auth=…`` for a route that needs a user: with it come 401 and the check of the CSRF token."""
        names = {name.removeprefix("permissions.") for name in self.permissions}
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

    def route(self, verb: str, path: str, response: str, lines: list[str]) -> list[str]:
        self.draft.matt.add(f"http_{verb}")
        return [f'@http_{verb}("{path}"{response}{self.auth(verb)})', *lines, ""]


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


def draft_view(
    project: Project, each: Class, draft: Draft, paths: list[str], default: list[str]
) -> None:
    """Add the controller of a view to a draft.

    ``paths`` are those of its URLs, without the prefix of an ``include``; ``default`` the project's permissions.
    """
    view = _View(project, each, draft, default)
    extended = project.extends(each)
    actions = [
        a for a in (*_READ, *_WRITE) if any(a in _ACTIONS.get(base, ()) for base in extended)
    ]
    is_set = any(name.startswith("viewsets.") for name in extended)
    lines: list[str] = []
    for name, method in view.methods.items():
        if name not in (*_VERBS, *actions, *_HOOKS) and not _decorator(method):
            lines += _helper(view, name, method)
    _find_paths(view, paths, is_set=is_set, has_key=bool(set(actions) - {"list", "create"}))
    for action in actions:
        if action in view.methods:
            lines += _own(view, action)
        else:
            lines += _standard(view, action)
    for name, method in view.methods.items():
        decorator = _decorator(method)
        if decorator:
            lines += _extra(view, name, method, decorator)
        elif name in _VERBS and name not in actions:
            lines += _verb(view, name, method, paths or ["/"])
        elif name in _HOOKS and (name != "perform_create" or "create" not in actions):
            view.note(f"the method {name} was not carried over.", method.name)
    for name in _LEFT:
        if project.inherited(each, name) is not None:
            view.note(f"{name} = {view._text(name)} was not carried over.", each.value(name))
    draft.matt |= {"ControllerBase", "api_controller"}
    rules = ""
    if view.permissions:
        rules = f", permissions=[{', '.join(view.permissions)}]"
        draft.matt |= {"permissions"} if "permissions." in rules else set()
    text = "\n".join(f"    {line}".rstrip() for line in lines).strip("\n") or "    pass"
    head = f'@api_controller("", tags=["{view.noun}"]{rules})'
    draft.parts.append(f"{head}\nclass {controller_name(each.name)}(ControllerBase):\n{text}")


def _async(method: cst.FunctionDef) -> str:
    return "async " if method.asynchronous else ""


def _decorator(method: cst.FunctionDef) -> str:
    """Return the code of a method's ``@action``; empty without one."""
    found = (code(each.decorator) for each in method.decorators)
    return next(
        (text for text in found if text.partition("(")[0].rpartition(".")[2] == "action"), ""
    )


def _find_paths(view: _View, paths: list[str], *, is_set: bool, has_key: bool) -> None:
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


def _arguments(view: _View) -> str:
    python = _PYTHON.get(view.converter, "str")
    if python == "UUID":
        view.draft.imports.add("from uuid import UUID")
    return f"{view.key}: {python}"


def _standard(view: _View, action: str) -> list[str]:
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
        create = (
            f"{view.model}.objects.create(**data.dict(exclude_unset=True){save})"
            if view.model
            else "None"
        )
        if not view.model:
            view.note("create does not know its model.")
        return view.route(
            "post",
            view.first,
            f", response={{201: {out}}}",
            [f"def {name}(self, data: {data}):", f"    return Status(201, {create})"],
        )
    if action == "destroy":
        view.draft.matt.add("Status")
        lines = [
            f"def {name}(self, {key}):",
            f"    {view.found(view.key)}.delete()",
            "    return Status(204, None)",
        ]
        return view.route("delete", view.key_path, ", response={204: None}", lines)
    is_patch = action == "partial_update"
    if is_patch and view.taken:
        view.draft.matt.add("PatchDict")
        data = f"PatchDict[{view.taken}]"
    items = (
        "data.items()" if is_patch or not view.taken else "data.dict(exclude_unset=True).items()"
    )
    lines = [
        f"def {name}(self, {key}, data: {data}):",
        f"    found = {view.found(view.key)}",
        f"    for name, value in {items}:",
        "        setattr(found, name, value)",
        "    found.save()",
        "    return found",
    ]
    return view.route("patch" if is_patch else "put", view.key_path, one, lines)


def _saved(view: _View) -> str:
    """Return the further arguments that ``perform_create`` saves, as ``, owner=…``."""
    method = view.methods.get("perform_create")
    if method is None:
        return ""
    lines = translate(method.body).lines
    found = re.fullmatch(r"serializer\.save\((.*)\)", " ".join(lines))
    if found:
        view.draft.use(found[1])
        return f", {found[1]}" if found[1] else ""
    view.note("perform_create was not carried over.", method.name)
    return ""


def _helper(view: _View, name: str, method: cst.FunctionDef) -> list[str]:
    body = translate(method.body)
    view.draft.use("\n".join(body.lines))
    if body.left:
        view.note(
            f"{name} uses {', '.join(body.left)}, which controllers do not have.", method.name
        )
    head = f"{_async(method)}def {name}({code(method.params)}):"
    return [head, *(f"    {line}" for line in body.lines), ""]


def _own(view: _View, action: str) -> list[str]:
    """Return the route of an action that the view writes itself."""
    key = "" if action in ("list", "create") else f", {_arguments(view)}"
    path = view.key_path if key else view.first
    return _route_of(view, view.methods[action], _METHODS[action], path, key)


def _extra(view: _View, name: str, method: cst.FunctionDef, decorator: str) -> list[str]:
    """Return the routes of an ``@action``."""
    call = cst.parse_expression(decorator)
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
    if "permission_classes" in given:
        view.note(
            f"the permission_classes of {name} were not carried over; those of the class apply.",
            method.name,
        )
    return [line for verb in verbs for line in _route_of(view, method, verb, path, key)]


def _verb(view: _View, verb: str, method: cst.FunctionDef, paths: list[str]) -> Iterator[str]:
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


def _route_of(
    view: _View, method: cst.FunctionDef, verb: str, path: str, arguments: str
) -> list[str]:
    name = view.named(method.name.value)
    body = translate(method.body, view.found(view.key) if view.rows else "")
    view.draft.use("\n".join(body.lines))
    if body.left:
        view.note(
            f"{name} uses {', '.join(body.left)}, which controllers do not have.", method.name
        )
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
    )
