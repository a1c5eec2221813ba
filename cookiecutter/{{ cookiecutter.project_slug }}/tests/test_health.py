"""What the platform asks, is answered without a lie."""

import pytest
from django.conf import LazySettings
from django_matt.testing import MattClient


def test_the_process_is_alive_without_a_database(visitor: MattClient) -> None:
    assert visitor.get("/api/health/live").expect(200).data == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_it_is_ready_when_database_cache_and_migrations_are(visitor: MattClient) -> None:
    ready = visitor.get("/api/health/ready").expect(200).data
    assert ready["checks"] == {"database": "ok", "cache": "ok", "migrations": "ok"}


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_without_a_cache(visitor: MattClient, settings: LazySettings) -> None:
    # Nothing listens at this port.
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    ready = visitor.get("/api/health/ready").expect(503).data
    assert ready["checks"] == {"database": "ok", "cache": "failing", "migrations": "ok"}
