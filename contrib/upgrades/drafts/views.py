"""Views of REST framework as controllers."""

import libcst as cst

from django_matt.contrib.upgrades.drafts.classes import Class, Draft, Project, code, strings
from django_matt.contrib.upgrades.drafts.routes import (
    METHODS,
    VERBS,
    View,
    action_routes,
    controller_name,
    find_paths,
    helper,
    inherited_route,
    own_route,
    verb_routes,
)

__all__ = ["draft_view", "is_view"]

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


def is_view(project: Project, each: Class) -> bool:
    """Return whether a class is a view."""
    views = ("views.APIView", "viewsets.", "generics.")
    return any(name.startswith(views) for name in project.extends(each))


def draft_view(
    project: Project, each: Class, draft: Draft, paths: list[str], default: list[str]
) -> None:
    """Add the controller of a view to a draft.

    ``paths`` are those of its URLs, without the prefix of an ``include``; ``default`` the project's permissions.
    """
    view = View(project, each, draft, default)
    extended = project.extends(each)
    actions = [
        a for a in (*_READ, *_WRITE) if any(a in _ACTIONS.get(base, ()) for base in extended)
    ]
    allowed = project.inherited(each, "http_method_names")
    if allowed is not None:
        named = strings(allowed)
        actions = [action for action in actions if METHODS[action] in named]
        view.methods = {n: m for n, m in view.methods.items() if n not in VERBS or n in named}
    is_set = any(name.startswith("viewsets.") for name in extended)
    lines: list[str] = []
    for name, method in view.methods.items():
        if name not in (*VERBS, *actions, *_HOOKS) and not _decorator(method):
            lines += helper(view, name, method)
    find_paths(view, paths, is_set=is_set, has_key=bool(set(actions) - {"list", "create"}))
    for action in actions:
        if action in view.methods:
            lines += own_route(view, action)
        else:
            lines += inherited_route(view, action)
    for name, method in view.methods.items():
        decorator = _decorator(method)
        if decorator:
            lines += action_routes(view, name, method, decorator)
        elif name in VERBS and name not in actions:
            lines += verb_routes(view, name, method, paths or ["/"])
        elif name in _HOOKS and not name.startswith("perform_"):
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


def _decorator(method: cst.FunctionDef) -> cst.BaseExpression | None:
    """Return a method's ``@action``; None without one."""
    for each in method.decorators:
        if code(each.decorator).partition("(")[0].rpartition(".")[2] == "action":
            return each.decorator
    return None
