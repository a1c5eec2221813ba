"""Edits at the same time: of those that read the same object, one is saved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.db import connection, connections

from tests.contrib.admin_api.conftest import Caller
from tests.project.models import Author

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class AuthorAdmin(ModelAdmin):
    """Without a history: the tests' project has no tables of the admin."""

    fields = ("name",)

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        return None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_of_sixteen_edits_of_one_object_one_wins(mount: Callable[..., Any]):
    site = AdminSite(name="versions")
    site.register(Author, AuthorAdmin)
    mount(site)
    root = User.objects.create_superuser("root")
    author = Author.objects.create(name="a")
    label = Author._meta.label_lower.replace(".", "/")
    place = f"/{label}/{author.pk}"
    tag = Caller(root)("GET", place).headers["ETag"]
    callers = [Caller(root) for _ in range(16)]

    def change(number: int) -> int:
        try:
            answer = callers[number]("PATCH", place, {"name": str(number)}, **{"If-Match": tag})
            return answer.status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(change, range(16)))
    assert sorted(found) == [200] + [412] * 15
    assert Author.objects.get(pk=author.pk).name == str(found.index(200))
