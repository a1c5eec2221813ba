"""Examines how fast the routes answer: which tier writes their JSON, and what prevents a faster one."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django_matt.cli.diagnostics import Diagnostic

if TYPE_CHECKING:
    from django_matt.api import MattAPI
    from django_matt.operations import BoundOperation
    from django_matt.reads import Reads

__all__ = ["examine_tiers"]

_PLAN = "python manage.py matt_plan"
_SHOWN = 3


def examine_tiers() -> Iterator[Diagnostic]:
    """Yield for each API how many of its routes use a fast tier, and why the others do not.

    If the URLs do not load there is no finding, because the system checks report that.
    """
    from django.conf import settings

    if not getattr(settings, "ROOT_URLCONF", None):
        return
    from django_matt.api import MattAPI
    from django_matt.discovery import find_apis

    try:
        apis = [api for api, _ in find_apis() if isinstance(api, MattAPI)]
    except (Exception, SystemExit):  # noqa: BLE001 - URLs run any code as they load; the system checks name it
        return
    for api in apis:
        yield from _examine(api)


def _examine(api: "MattAPI") -> Iterator[Diagnostic]:
    plans: list["Reads"] = []
    taken: Counter[tuple[str, str]] = Counter()
    built: Counter[str] = Counter()
    for operation in api.operations():
        for plan in operation.reads()[:1]:
            plans.append(plan)
            if plan.own_code is not None and plan.without_own_code is not None:
                taken[plan.own_code, plan.without_own_code] += 1
            if not _is_ours(operation):
                built.update(operation.built_schemas)
    if not plans:
        return
    for reason in dict.fromkeys(reason for reason, _ in taken):
        gains = [
            f"{count} by {tier}"
            for (other, tier), count in taken.items()
            if other == reason and tier != "pydantic"
        ]
        if gains:
            yield Diagnostic(
                level="doubtful",
                what=f"{api.title}: {reason}. Without it, routes would use a faster tier: {', '.join(gains)}.",
                why="It needs values that pydantic has validated and copied. The fast tiers write JSON without a copy.",
                fix=f"If it only writes JSON, delete it; {_PLAN} shows each route.",
            )
    slow = Counter(
        plan.reason for plan in plans if plan.tier == "pydantic" and plan.own_code is None
    )
    fast = sum(plan.tier != "pydantic" for plan in plans)
    if fast or slow:
        yield Diagnostic(
            level="fine",
            what=f"{api.title}: {fast} of {_routes(len(plans))} with a schema can use a fast tier.{_listed(slow)}",
            why="If one value needs pydantic, pydantic writes the whole response." if slow else "",
            fix=_PLAN if slow else "",
        )
    if built:
        yield Diagnostic(
            level="fine",
            what=f"{api.title}: the views of {_routes(sum(built.values()))} name their response schema"
            f" ({', '.join(sorted(built))}).",
            why="If a view makes instances of it, pydantic validates each one before the response is written.",
            fix="Return the queryset or model instances: the schema is applied to them.",
        )


def _is_ours(operation: "BoundOperation") -> bool:
    """Tell whether a route is part of an app of Django Matt, where its user can fix nothing."""
    from django_matt.signatures import innermost

    view = innermost(operation.operation.view_func)
    return str(view.__module__).partition(".")[0] == "django_matt"


def _routes(count: int) -> str:
    return "1 route" if count == 1 else f"{count} routes"


def _listed(reasons: Counter[Any]) -> str:
    if not reasons:
        return ""
    shown = [f"{reason} ({_routes(count)})" for reason, count in reasons.most_common(_SHOWN)]
    more = len(reasons) - len(shown)
    return f" By pydantic: {'; '.join(shown)}{f'; {more} more reasons' if more else ''}."
