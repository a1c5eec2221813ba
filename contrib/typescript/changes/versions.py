"""Versions of an API: is one new enough for breaking changes?"""

import re

__all__ = ["is_new_version", "is_older_version"]


def is_new_version(old: str, new: str) -> bool:
    """Tell whether a version may break clients of an older one: its major number is higher.

    Before 1.0, the second number counts (https://semver.org, 4). A date is a number of its own: 2026-12-01 is newer than
    2026-06-01.

    >>> is_new_version("1.4.0", "2.0.0"), is_new_version("1.4.0", "1.5.0"), is_new_version("0.4", "0.5")
    (True, False, True)
    """
    return _major(new) > _major(old)


def is_older_version(old: str, new: str) -> bool:
    """Tell whether a version is lower than the one before it. Only numbers are compared, in their order.

    >>> is_older_version("1.10.0", "1.9.3"), is_older_version("1.9", "1.10"), is_older_version("1.0", "beta")
    (True, False, False)
    """
    return bool(_numbers(new)) and _numbers(new) < _numbers(old)


def _major(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    if re.fullmatch(r"v?0+", parts[0].strip()) and len(parts) > 1:
        return (0, *_numbers(parts[1]))
    return tuple(_numbers(parts[0]))


def _numbers(text: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", text)]
