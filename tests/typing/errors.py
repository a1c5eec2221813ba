"""What the type checkers make of the exceptions to raise; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

from ninja_extra.exceptions import APIException

from django_matt.errors.exceptions import Conflict, MattError, MissingExtra, NotFound, Problem

conflict = Conflict(
    "The order is already paid.", code="order_paid", headers={"Retry-After": "3"}, order=7
)
assert_type(conflict.status_code, int)
assert_type(conflict.title, str)
assert_type(conflict.headers, dict[str, str])

problems: list[type[Problem]] = [Conflict, NotFound]
roots: list[type[MattError]] = [Problem, MissingExtra]
theirs: type[APIException] = Problem
missing: type[ImportError] = MissingExtra
assert_type(MissingExtra("rich", "terminal").extra, str)

Conflict(status="409")  # type: ignore[arg-type]
MissingExtra("rich")  # type: ignore[call-arg]
