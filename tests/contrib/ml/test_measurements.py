"""The counts of the models in the text of the metrics."""

from typing import Any

import pytest

from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.services import register
from django_matt.contrib.observability.metrics import write
from tests.waiting import wait_until

from .shelf.served import Linear

parser = pytest.importorskip("prometheus_client.parser")
pytestmark = pytest.mark.django_db


def read() -> dict[Any, float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(write().decode())
        for sample in family.samples
        if sample.name.startswith("matt_ml")
    }


def test_models_are_counted_by_name_stage_and_version(weights: Any):
    register("linear", "2", weights(1, 1, 1), stage="live")
    register("linear", "3", weights(1, 1, 2), stage="shadow")
    with serving(Linear, registry=True):
        before = read()
        assert before["matt_ml_items_total", "linear", "live", "2", "answered"] == 0
        for _ in range(5):
            Linear.infer(Linear.Input(features=[1, 2, 3]))
        wait_until(
            lambda: read()["matt_ml_compared_items_total", "linear", "shadow", "3", "differed"] == 5
        )
        found = read()
        assert found["matt_ml_items_total", "linear", "live", "2", "answered"] == 5
        assert found["matt_ml_items_total", "linear", "live", "2", "refused"] == 0
        assert found["matt_ml_batch_items_total", "linear", "live", "2"] == 5
        assert found["matt_ml_batches_total", "linear", "live", "2"] == 5
        assert found["matt_ml_run_seconds_total", "linear", "live", "2"] > 0
        assert found["matt_ml_waited_seconds_total", "linear", "live", "2"] > 0
        assert found["matt_ml_queued_items", "linear", "live", "2"] == 0


def test_an_app_that_cannot_report_does_not_hide_the_others(monkeypatch: Any, caplog: Any):
    from django.apps import apps

    def fail() -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(apps.get_app_config("matt_ml"), "metrics", fail)
    assert b"http_server_active_requests" in write()
    assert "matt_ml could not report its metrics" in caplog.text
