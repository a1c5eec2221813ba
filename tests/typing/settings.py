"""What the type checkers make of the view of ``settings.MATT``; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

from django_matt.settings import MattSettings, get_settings

assert_type(get_settings(), MattSettings)
assert_type(get_settings().PROBLEM_DETAILS, bool)
assert_type(get_settings().MAX_PAGE_SIZE, int)
assert_type(get_settings().FORMATS, tuple[str, ...])

get_settings().MAX_ERRORS = 3  # type: ignore[misc]
MattSettings(MAX_PAGES=3)  # type: ignore[call-arg]
