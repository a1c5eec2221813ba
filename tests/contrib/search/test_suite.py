"""Runs the other tests of this folder, which need tables and an installed app."""

from pathlib import Path

import pytest

from tests.contrib.search.conftest import SETTINGS
from tests.own_settings import run_folder

pytestmark = [pytest.mark.database, pytest.mark.timeout(300)]


def test_the_search_with_settings_of_its_own():
    run_folder(Path(__file__).parent, SETTINGS)
