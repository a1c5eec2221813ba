"""What every answer carries, and what is logged of it."""

import json
import logging

import pytest
from django.conf import LazySettings
from django_matt.contrib.request_logs.formatters import JSONFormatter
from django_matt.testing import MattClient


def test_each_answer_has_an_id_of_its_own(visitor: MattClient) -> None:
    first, second = (visitor.get("/api/health/live") for _ in range(2))
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_the_request_id_of_the_proxy_comes_back(
    visitor: MattClient, settings: LazySettings
) -> None:
    settings.MATT_REQUEST_LOGS = {"TRUST_REQUEST_ID": True}
    answer = visitor.get("/api/health/live", headers={"X-Request-ID": "from-the-proxy"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy"


def test_each_request_is_one_line_of_json_with_its_id(
    visitor: MattClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="django_matt.request"):
        answer = visitor.get("/api/health/live")
    (record,) = (record for record in caplog.records if record.name == "django_matt.request")
    line = json.loads(JSONFormatter().format(record))
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["message"] == "GET /api/health/live 200"
    assert line["status"] == 200


def test_an_unknown_address_is_a_problem_document(visitor: MattClient) -> None:
    answer = visitor.get("/api/nothing").expect(404)
    assert answer.media_type == "application/problem+json"
    assert answer.data["status"] == 404


@pytest.mark.django_db
def test_every_page_forbids_scripts_of_others_and_frames(visitor: MattClient) -> None:
    for path in ("/admin/login/", "/api/docs", "/api/health/live"):
        headers = visitor.get(path).expect(200).headers
        assert "frame-ancestors" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_a_foreign_host_is_refused(visitor: MattClient, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    visitor.get("/api/health/live", headers={"Host": "elsewhere.example"}).expect(400)
