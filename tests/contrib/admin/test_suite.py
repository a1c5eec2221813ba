"""Runs the other tests of this folder, which need an admin, with the database of this run."""

from pathlib import Path

import pytest

from tests.contrib.admin.conftest import SETTINGS
from tests.own_settings import run_folder

pytestmark = [pytest.mark.database, pytest.mark.timeout(300)]


def test_the_admin_with_settings_of_its_own():
    run_folder(Path(__file__).parent, SETTINGS)
