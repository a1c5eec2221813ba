"""Runs the other tests of this folder, which need tables in a database with several connections."""

from pathlib import Path

import pytest

from tests.contrib.rag.conftest import SETTINGS
from tests.own_settings import run_folder

pytestmark = [pytest.mark.database, pytest.mark.timeout(300)]


def test_retrieval_with_settings_of_its_own():
    run_folder(Path(__file__).parent, SETTINGS)
