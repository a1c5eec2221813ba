"""Answers in a form in which those of all stacks compare."""

import re
from typing import Any

__all__ = ["normal"]

_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)\Z")


def normal(data: Any) -> Any:
    """Return JSON data with its datetimes cut to milliseconds and their zone written as ``Z``."""
    if isinstance(data, dict):
        return {key: normal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [normal(value) for value in data]
    if isinstance(data, str) and (found := _DATETIME.match(data)):
        return f"{found[1]}{((found[2] or '.') + '000')[:4]}Z"
    return data
