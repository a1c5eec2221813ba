"""Who sends the requests."""

import pytest
from django.contrib.auth.models import User
from django_matt.testing import MattClient


@pytest.fixture
def visitor() -> MattClient:
    """A client that nobody has signed in."""
    return MattClient()


@pytest.fixture
def staff(db: None) -> MattClient:
    """A client of somebody who may write, and use the admin."""
    client = MattClient()
    client.sign_in(User.objects.create_superuser("grace"))
    return client
