"""What the platform asks, is answered without a lie."""

import pytest
from django.conf import LazySettings
from django.db.migrations.recorder import MigrationRecorder
from django_matt.testing import MattClient


def test_the_process_is_alive_without_a_database(visitor: MattClient) -> None:
    assert visitor.get("/api/health/live").expect(200).data == {"status": "ok"}


@pytest.mark.django_db
def test_it_is_ready_when_database_cache_and_migrations_are(visitor: MattClient) -> None:
    ready = visitor.get("/api/health/ready").expect(200).data
    assert ready == {"database": "ok", "cache": "ok", "migrations": "ok"}


@pytest.mark.django_db
def test_it_is_not_ready_while_a_migration_is_missing(visitor: MattClient) -> None:
    MigrationRecorder.Migration.objects.filter(app="sessions").delete()
    ready = visitor.get("/api/health/ready").expect(503).data
    assert ready == {"database": "ok", "cache": "ok", "migrations": "failing"}


@pytest.mark.django_db
def test_it_is_not_ready_without_a_cache(visitor: MattClient, settings: LazySettings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert visitor.get("/api/health/ready").expect(503).data["cache"] == "failing"
