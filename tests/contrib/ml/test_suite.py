"""Runs the other tests of this folder, which need a table and an app with a served.py."""

from pathlib import Path

import pytest

from tests.contrib.ml.conftest import SETTINGS
from tests.own_settings import run_folder

pytestmark = [pytest.mark.database, pytest.mark.timeout(300)]


def test_the_models_with_settings_of_their_own():
    run_folder(Path(__file__).parent, SETTINGS)
