"""The table of options says what the code says."""

import re
from dataclasses import fields

import pytest

from django_matt.contrib.health.settings import HealthSettings
from django_matt.contrib.request_logs.settings import RequestLogsSettings
from django_matt.settings import MattSettings

from .snippets import TREE

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "options"),
    [("settings", MattSettings), ("health", HealthSettings), ("request-logs", RequestLogsSettings)],
)
def test_the_page_lists_every_option_with_its_default(name, options):
    page = (TREE / "docs" / f"{name}.md").read_text()
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \| [^|]+ \|$", page, re.M))
    assert listed == {field.name: repr(field.default) for field in fields(options)}
