"""A consumer that ends its process each time: its event is dead after the last attempt, and those beside it are processed."""

import os

import pytest
from django.db import connection

from tests.own_settings import run_module

pytestmark = pytest.mark.django_db(transaction=True)
LOST = "The process ended while it was processing the event."


def test_an_event_that_ends_each_process_is_dead_after_its_last_attempt_and_no_other_is():
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "SHOP_DATABASE": name}
    found = run_module("tests.contrib.events.deaths", environment=environment, seconds=120)
    others, left = [1, 2, 4, 5, 6], [[3, True, LOST]]
    assert found == {
        # The first attempt is with the others of the batch, and is not counted.
        "once 0": {"deaths": 2, "attempts": [1, 1], "effects": others, "left": left},
        "once 2": {"deaths": 4, "attempts": [1, 1, 2, 3], "effects": others, "left": left},
        "leased 0": {"deaths": 1, "attempts": [1], "effects": others, "left": left},
        "leased 2": {"deaths": 3, "attempts": [1, 2, 3], "effects": others, "left": left},
    }
