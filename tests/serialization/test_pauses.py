"""Values that rows cannot write: when the tier pauses for a schema, who can cause that, and what the log says."""

import logging
from typing import Annotated

import pytest
from annotated_types import MinLen
from ninja import Schema

from django_matt import MattAPI
from django_matt.rows import engine as rows
from tests.project.models import Everything

pytestmark = pytest.mark.django_db
MISFIT, FITTING = "", "well"


class Worded(Schema):
    text: Annotated[str, MinLen(1)]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(rows, "monotonic", made)
    return made


@pytest.fixture
def get(serve, settings, clock, caplog):
    """Return ``get(text, times)``: the tier of the last of so many answers, or its status."""
    settings.DEBUG = True
    caplog.set_level(logging.WARNING, "django_matt")
    Everything.objects.create(text=MISFIT)
    Everything.objects.create(text=FITTING)
    api = MattAPI()

    @api.get("/rows", response=list[Worded])
    def show(request, text: str):
        return Everything.objects.filter(text=text)

    client = serve(api)

    def ask(text: str, times: int = 1) -> str:
        for _ in range(times):
            answer = client.get("/api/rows", {"text": text})
        return str(answer.headers.get("X-Matt-Tier", answer.status_code))

    return ask


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if "written from instances" in r.getMessage()]


def test_a_burst_of_misfits_does_not_close_the_tier(get, caplog):
    assert get(MISFIT, 20) == "500"
    assert get(FITTING) == "rows"
    assert warnings(caplog) == []


def test_misfits_do_not_close_a_tier_whose_other_answers_fit(get, clock, caplog):
    for _ in range(4):
        get(MISFIT, 17)
        clock.now += 5
        assert get(FITTING) == "rows"
    assert warnings(caplog) == []


def test_a_tier_where_nothing_fits_pauses_and_is_tried_again(get, clock, caplog):
    get(MISFIT, 15)
    clock.now += 10
    get(MISFIT)
    assert get(FITTING).startswith("instances; values of other requests")
    (said,) = warnings(caplog)
    assert said.startswith("Worded of project.Everything is written from instances for 60 seconds")
    assert "text" in said
    clock.now += 60
    assert get(FITTING) == "rows"


def test_a_pause_gets_longer_until_an_answer_fits(get, clock, caplog):
    pauses = [60, 120, 240, 480, 960, 960]
    for pause in pauses:
        get(MISFIT, 15)
        clock.now += 10
        get(MISFIT)
        clock.now += pause - 1
        assert get(FITTING).startswith("instances")
        clock.now += 1
    said = warnings(caplog)
    assert [int(text.split(" seconds")[0].split()[-1]) for text in said] == pauses
    assert get(FITTING) == "rows"
    get(MISFIT, 15)
    clock.now += 10
    get(MISFIT)
    assert " 60 seconds" in warnings(caplog)[-1]


def test_a_client_cannot_keep_the_tier_closed_for_others(get, clock):
    """Not with bursts at the moment when a pause ends: others have ten seconds for one answer that fits."""
    get(MISFIT, 16)
    clock.now += 10
    get(MISFIT)
    clock.now += 60
    get(MISFIT, 100)
    clock.now += 9
    get(MISFIT, 100)
    assert get(FITTING) == "rows"
