"""Permission classes: those of a view, and the project's own as drafts."""

import re

import libcst as cst

from django_matt.contrib.upgrades.drafts.bodies import methods_text
from django_matt.contrib.upgrades.drafts.classes import Class, Draft, Project, code

__all__ = ["CLOSED", "draft_permission", "is_permission", "permissions_of"]

CLOSED = "permissions.IsAdminUser"
"""What takes the place of a rule that is not known: the safe side is that only staff may call the route."""
_KNOWN = {"AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly"}


def is_permission(project: Project, each: Class) -> bool:
    """Return whether a class is a permission."""
    return any(name.startswith("permissions.") for name in project.extends(each))


def permissions_of(
    project: Project, each: Class, draft: Draft, value: cst.BaseExpression
) -> list[str]:
    """Return the permissions of ``permission_classes`` as a draft names them; what is not known becomes ``CLOSED``."""
    elements = value.elements if isinstance(value, cst.List | cst.Tuple) else ()
    nodes = [element.value for element in elements if isinstance(element, cst.Element)]
    whole = isinstance(value, cst.List | cst.Tuple) and len(nodes) == len(elements)
    return [_permission(project, each, draft, node) for node in (nodes if whole else [value])]


def _permission(project: Project, each: Class, draft: Draft, node: cst.BaseExpression) -> str:
    full = project.full_name(node)
    module, _, name = full.rpartition(".")
    own = project.classes.get(name)
    if module == "rest_framework.permissions" and name in _KNOWN:
        return f"permissions.{name}"
    # An expression, such as `IsOwner | IsAdminUser`, has no full name.
    if full and own and not module.startswith("rest_framework") and is_permission(project, own):
        return draft.refer(own, name)
    draft.notes.append(
        each.note(
            f"the permission {code(node)} was not carried over; the draft lets only staff in."
        )
    )
    return CLOSED


def _base(project: Project, each: Class, draft: Draft) -> str:
    """Return the base class of a permission, whose rules it may inherit."""
    bases = [base for base in each.bases if base != "object"]
    module, _, name = bases[0].rpartition(".")
    own = project.classes.get(name)
    if len(bases) == 1 and module == "rest_framework.permissions":
        if name == "BasePermission" or name in _KNOWN:
            return f"permissions.{name}"
    elif len(bases) == 1 and own and own is not each and is_permission(project, own):
        return draft.refer(own, name)
    draft.notes.append(each.note(f"the rules of {', '.join(bases)} were not carried over."))
    return CLOSED


def draft_permission(project: Project, each: Class, draft: Draft) -> None:
    """Add a permission class to a draft: Ninja Extra's have the same two methods."""
    draft.matt.add("permissions")
    base = _base(project, each, draft)
    lines = [f"class {each.name}({base}):"]
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
    if base == "permissions.BasePermission" and "has_permission" not in methods:
        # As the base class of REST framework; that of Ninja Extra has none.
        lines += ["", "    def has_permission(self, request, controller):", "        return True"]
    draft.parts.append("\n".join(lines) if len(lines) > 1 else f"{lines[0]}\n    pass")
