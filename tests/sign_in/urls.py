"""No URLs: a test serves the APIs that it is about."""

from typing import Any

urlpatterns: list[Any] = []
