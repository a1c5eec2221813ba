"""What the HTML admin shows, refuses, saves and logs is what the API does: random admins, four users, both driven over HTTP.

``MATT_ADMIN_CONFIGURATIONS=300`` runs more of them than a quick run does.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client

from django_matt import MattAPI
from django_matt.contrib.admin_api.requests import plain_text

from .configurations import Write, make_admin, random_query, random_write
from .conftest import Caller
from .html_forms import read_form, read_rows

COUNT = int(os.environ.get("MATT_ADMIN_CONFIGURATIONS", "16"))
PARTS = 8
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Pair:
    """One user at one configuration, by the HTML admin and by the API."""

    def __init__(
        self, store: Any, rows: Any, user: Any, rng: Random, seen: Counter[str], *, asgi: bool
    ) -> None:
        self.store, self.rows, self.rng, self.seen = store, rows, rng, seen
        self.html = Client(raise_request_exception=False)
        self.html.force_login(user)
        self.api = Caller(user, "/api/admin-api/store/product", asynchronous=asgi)
        self.base = "/admin/store/product"

    @contextmanager
    def undone(self) -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    def state(self) -> Any:
        """Return everything that a write may change, without keys that differ by themselves."""
        from django.contrib.admin.models import LogEntry

        products = [
            (
                *(
                    getattr(each, name)
                    for name in (
                        "name",
                        "kind",
                        "price",
                        "stock",
                        "is_active",
                        "made",
                        "day",
                        "data",
                        "note",
                    )
                ),
                str(each.category),
                str(each.parent),
                sorted(map(str, each.labels.all())),
                sorted((review.stars, review.text) for review in each.reviews.all()),
            )
            for each in self.store.Product.objects.order_by("name", "price", "stock")
        ]
        entries = [
            (each.user_id, each.object_repr, each.action_flag, each.get_change_message())
            for each in LogEntry.objects.order_by("pk")
        ]
        return products, entries

    def run(self) -> None:
        self.compare_list()
        for number in (0, 1):
            self.compare_page(self.rows.products[number].pk)
        step = self.rng.choice(["change", "add", "delete", "action", "change"])
        getattr(self, f"compare_{step}")()

    # ---- reading ----

    def compare_list(self) -> None:
        query = random_query(self.rng, self.rows)
        html = self.html.get(f"{self.base}/?{query}")
        answer = self.api("GET", f"?{query}")
        self.seen[f"list {answer.status_code}"] += 1
        if html.status_code != 200:
            refused = {302: (400, 404, 403), 400: (400,), 403: (403,)}[html.status_code]
            assert answer.status_code in refused, (query, html.status_code, answer.content)
            return
        assert answer.status_code == 200, (query, answer.content)
        cl, found = html.context["cl"], answer.json()
        assert [row["id"] for row in found["items"]] == [each.pk for each in cl.result_list]
        assert found["count"] == cl.result_count
        assert found["pages"] == cl.paginator.num_pages
        shown = read_rows(html.content.decode())
        names = [str(each) for each in cl.list_display if each != "action_checkbox"]
        for row, cells in zip(found["items"], shown if found["items"] else [], strict=True):
            assert [name for name in row if name not in ("id", "__str__")] == [
                n for n in names if n != "__str__"
            ]
            for name in {"name", "shout", "stock", "category", "__str__"} & set(names):
                value = row[name]["label"] if name == "category" else row[name]
                assert cells[name].strip() == str(value), name

    def compare_page(self, key: Any) -> None:
        html, answer = self.html.get(f"{self.base}/{key}/change/"), self.api("GET", f"/{key}")
        self.seen[f"page {answer.status_code}"] += 1
        if html.status_code != 200:
            assert answer.status_code in {302: (404, 403), 403: (403,)}[html.status_code], (
                answer.content
            )
            return
        assert answer.status_code == 200, answer.content
        found, adminform = answer.json(), html.context["adminform"]
        shown = [field.field for fieldset in adminform for line in fieldset for field in line]
        inlines = html.context["inline_admin_formsets"]
        names = [each["name"] if isinstance(each, dict) else each.name for each in shown]
        assert list(found) == ["id", "__str__", *names, *(each.formset.prefix for each in inlines)]
        data = read_form(html.content.decode())
        for name in ("name", "price", "stock", "note", "kind"):
            if name in adminform.form.fields:
                assert data[name] == [str(found[name])]
        if "category" in adminform.form.fields:
            assert data["category"] == [str(found["category"]["id"])]
        if "labels" in adminform.form.fields:
            keys = data.get("labels", [])
            keys = [one for each in keys for one in each.split(",") if one]
            assert sorted(keys) == sorted(str(each["id"]) for each in found["labels"])
        for inline in inlines:
            rows = [form.instance.pk for form in inline.formset.initial_forms]
            assert [row["id"] for row in found[inline.formset.prefix]] == rows

    # ---- writing ----

    def compare_change(self) -> None:
        key = self.rows.products[self.rng.choice([0, 0, 1])].pk
        self.compare_write(
            f"{self.base}/{key}/change/",
            "PATCH",
            f"/{key}",
            random_write(self.rng, self.rows, new=False),
        )

    def compare_add(self) -> None:
        self.compare_write(
            f"{self.base}/add/", "POST", "", random_write(self.rng, self.rows, new=True)
        )

    def compare_write(self, url: str, method: str, path: str, write: Write) -> None:
        before = self.state()
        with self.undone():
            page = self.html.get(url)
            if page.status_code != 200:
                answer = self.api(method, path, write.body)
                assert answer.status_code in {302: (404, 403), 403: (403,)}[page.status_code], (
                    answer.content
                )
                assert self.state() == before
                self.seen[f"{method} {answer.status_code}"] += 1
                return
            data = read_form(page.content.decode())
            cannot = self.fill(page, data, write)
        if cannot:
            # The page has no such field: the API says so, where a form's data would be ignored.
            with self.undone():
                answer = self.api(method, path, write.body)
                may = page.context["has_change_permission"] or method == "POST"
                assert answer.status_code == (422 if may else 403), answer.content
                assert self.state() == before
                self.seen[f"{method} refused {answer.status_code}"] += 1
            write = Write(
                {name: value for name, value in write.body.items() if name not in cannot},
                {name: value for name, value in write.form.items() if name not in cannot},
            )
        with self.undone():
            html = self.html.post(url, data)
            by_html = self.state()
            said = sorted(plain_text(each.message) for each in get_messages(html.wsgi_request))
        with self.undone():
            answer = self.api(method, path, write.body)
            by_api = self.state()
        self.seen[f"{method} {answer.status_code}"] += 1
        about = (write.body, answer.content)
        assert by_api == by_html, about
        if html.status_code == 200:
            assert answer.status_code == 422, about
            form = html.context["adminform"].form
            refused = {
                tuple(["body"] if name == "__all__" else ["body", name]) for name in form.errors
            }
            given = {tuple(each["loc"][:2]) for each in answer.json()["detail"]}
            assert given - {("body", "reviews")} == refused - {("body", "reviews")}, (
                refused,
                about,
            )
        elif html.status_code == 302:
            assert answer.status_code in (200, 201), about
            assert sorted(each["text"] for each in answer.json()["messages"]) == said
        elif html.status_code == 500:
            # The form leaves out a column that must have a value.
            assert answer.status_code >= 409, about
        else:
            assert (html.status_code, answer.status_code) == (403, 403), about

    def fill(self, page: Any, data: dict[str, Any], write: Write) -> set[str]:
        """Put the values of a write into a form's data; return the names that the page has no fields for."""
        fields = {
            name
            for name in page.context["adminform"].form.fields
            if name not in page.context["adminform"].readonly_fields
        }
        cannot = set()
        for name, value in write.form.items():
            if name == "reviews":
                if not self.fill_rows(page, data, value):
                    cannot.add(name)
            elif name not in fields:
                cannot.add(name)
            elif name == "made":
                data["made_0"], data["made_1"] = value
            elif (
                name == "labels"
                and len(data.get("labels", [])) <= 1
                and self.is_raw(page, "labels")
            ):
                data["labels"] = ",".join(map(str, value))
            elif value is None:
                data.pop(name, None)
            else:
                data[name] = value
        return cannot

    def is_raw(self, page: Any, name: str) -> bool:
        widget = page.context["adminform"].form.fields[name].widget
        return "RawId" in type(getattr(widget, "widget", widget)).__name__

    def fill_rows(self, page: Any, data: dict[str, Any], kind: str) -> bool:
        inlines = [
            each
            for each in page.context["inline_admin_formsets"]
            if each.formset.prefix == "reviews"
        ]
        if not inlines:
            return False
        inline = inlines[0]
        number = len(inline.formset.initial_forms)
        if kind == "add":
            if not inline.has_add_permission or "text" in inline.readonly_fields:
                return False
            data["reviews-TOTAL_FORMS"] = max(number + 1, int(data["reviews-TOTAL_FORMS"][0]))
            data[f"reviews-{number}-stars"], data[f"reviews-{number}-text"] = 2, "added"
        elif not number:
            return False
        elif kind == "delete":
            if not (inline.has_delete_permission and inline.formset.can_delete):
                return False
            data["reviews-0-DELETE"] = "on"
        else:
            if not inline.has_change_permission:
                return False
            data["reviews-0-stars"] = 4 if kind == "change" else "no"
        return True

    def compare_delete(self) -> None:
        key = self.rows.products[self.rng.choice([0, 1])].pk
        url = f"{self.base}/{key}/delete/"
        page, would = self.html.get(url), self.api("GET", f"/{key}/deletion")
        if page.status_code == 200:
            found = would.json()
            assert found["counts"] == {str(k): v for k, v in page.context["model_count"]}
            assert found["missing_permissions"] == sorted(map(str, page.context["perms_lacking"]))
        with self.undone():
            html = self.html.post(url, {"post": "yes"})
            by_html = self.state()
        with self.undone():
            answer = self.api("DELETE", f"/{key}")
            by_api = self.state()
        self.seen[f"delete {answer.status_code}"] += 1
        assert by_api == by_html
        gone = (
            not any(each[0] == self.rows.products[0].name for each in by_html[0])
            or html.status_code == 302
        )
        assert answer.status_code in ((200, 403, 404) if gone else (403,)), (
            html.status_code,
            answer.content,
        )

    def compare_action(self) -> None:
        name = self.rng.choice(["delete_selected", "_raise_price", "nothing"])
        keys = [each.pk for each in self.rows.products[:2]]
        form = {"action": name, "_selected_action": keys, "index": 0, "post": "yes"}
        with self.undone():
            html = self.html.post(f"{self.base}/", form)
            by_html = self.state()
        with self.undone():
            answer = self.api("POST", f"/actions/{name}", {"ids": keys, "confirm": True})
            by_api = self.state()
        self.seen[f"action {answer.status_code}"] += 1
        # Rows that the user does not see are ignored by a page, and refused here.
        if answer.status_code == 422 and answer.json().get("detail", "").startswith(
            "The list has no rows"
        ):
            assert len(self.api("GET").json()["items"]) < 3
            return
        assert by_api == by_html, (name, html.status_code, answer.content)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_api_does_what_the_html_admin_does(
    part: int, store: Any, users: Any, rows: Any, mount: Any
):
    seen: Counter[str] = Counter()
    for number in range(part, COUNT, PARTS):
        rng = Random(number)
        site = admin.AdminSite(name="admin")
        site.register(store.Product, make_admin(rng, store))
        site.register(
            store.Category, type("CategoryAdmin", (admin.ModelAdmin,), {"search_fields": ["name"]})
        )
        mount(site, MattAPI())
        for user in (users.root, users.staff, users.viewer, users.stranger):
            try:
                Pair(store, rows, user, rng, seen, asgi=number // PARTS % 2 == 1).run()
            except BaseException as error:
                error.add_note(f"configuration {number}, user {user.username}")
                raise
    assert min(seen["list 200"], seen["page 200"], seen["list 403"]) > 0, seen
    print(sorted(seen.items()))  # noqa: T201 - shown by pytest -s
