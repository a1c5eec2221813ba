"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from tests.project.models import Author, Book

SETTINGS = "tests.contrib.admin.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
collect_ignore = [name for name in _TESTS if (name == "test_suite.py") is _IS_INSIDE]


def pytest_configure(config: pytest.Config) -> None:
    """Ignore what Unfold itself does on Django 6.1."""
    config.addinivalue_line("filterwarnings", "ignore:Overriding get_action_choices")


@pytest.fixture(autouse=True)
def _no_cache():
    cache.clear()


@pytest.fixture
def books(db):
    author = Author.objects.create(name="Ada")
    return [
        Book.objects.create(title=f"Book {n}", price=Decimal(n), author=author)
        for n in range(1, 13)
    ]


@pytest.fixture
def sign_in(db):
    """Return ``sign_in(*permissions)``: a client of a member of staff who has only these."""

    def enter(*permissions: str, is_superuser: bool = False) -> Client:
        user = User.objects.create_user(
            f"ada{User.objects.count()}", password="x", is_staff=True, is_superuser=is_superuser
        )
        for each in permissions:
            label, codename = each.split(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=label, codename=codename)
            )
        client = Client(raise_request_exception=False)
        client.force_login(user)
        client.user = user  # type: ignore[attr-defined]
        return client

    return enter


@pytest.fixture
def root(sign_in):
    return sign_in(is_superuser=True)
