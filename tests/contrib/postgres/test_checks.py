"""What the app says where it cannot work."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from django_matt.contrib.postgres.checks import check_databases, check_settings


def test_without_postgresql_one_sentence_says_so():
    found = [each.id for each in check_databases()]
    assert found == ([] if connection.vendor == "postgresql" else ["matt_postgres.E000"])


def test_a_wrong_option_is_named(settings):
    assert check_settings() == []
    settings.MATT_POSTGRES = {"STATEMENT_TIMEOUT": "5s"}
    assert [each.id for each in check_settings()] == ["matt_postgres.E001"]
    with pytest.raises(ImproperlyConfigured, match="TIMEOUT"):
        settings.MATT_POSTGRES = {"TIMEOUT": 1}
