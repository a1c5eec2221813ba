"""Panels: who sees them, what they show, and that nothing is asked twice."""

import datetime

import pytest
from django.test import override_settings
from django.utils import timezone

from tests.project.models import Author, Book, Everything, Stamped

pytestmark = pytest.mark.django_db


def panel(client, number):
    return client.get(f"/admin/panels/{number}/")


def queries_of(client, number, captured):
    """Return the queries of a panel's own table, without those of the session and the user."""
    with captured as context:
        assert panel(client, number).status_code == 200
    return [each["sql"] for each in context.captured_queries if "project_" in each["sql"]]


def test_each_panel_asks_one_query_and_then_none(root, books, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number in range(6):
        first = queries_of(root, number, CaptureQueriesContext(connection))
        again = queries_of(root, number, CaptureQueriesContext(connection))
        assert (len(first), len(again)) == (1, 0), number


def test_the_page_itself_asks_nothing_of_the_panels(root, books):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as context:
        page = root.get("/admin/").content.decode()
    assert 'hx-get="/admin/panels/0/"' in page
    assert not [each for each in context.captured_queries if "project_" in each["sql"]]


def test_without_a_cache_each_load_is_fresh(root, books):
    with override_settings(
        MATT_ADMIN={"DASHBOARD": "tests.contrib.admin.panels.PANELS", "CACHE_SECONDS": 0}
    ):
        assert ">12<" in panel(root, 0).content.decode()
        books[0].delete()
        assert ">11<" in panel(root, 0).content.decode()


def test_figures_tables_and_charts_show_their_rows(root, books):
    assert "78.00 €" in panel(root, 1).content.decode()
    Everything.objects.create(colour="red")
    Everything.objects.create(colour="red")
    Everything.objects.create(colour="blue")
    chart = panel(root, 3).content.decode()
    assert chart.index(">Red<") < chart.index(">Blue<")
    assert 'width="100%"' in chart
    assert 'width="50%"' in chart
    Book.objects.filter(pk=books[0].pk).update(price=99, title="<b>dear</b>")
    table = panel(root, 4).content.decode()
    assert (
        f'<a href="/admin/project/book/{books[0].pk}/change/">&lt;b&gt;dear&lt;/b&gt;</a>' in table
    )
    assert ">Ada<" in table
    assert ">Author name<" in table


def test_a_trend_has_a_point_for_each_day(root):
    for days in (0, 0, 3, 20):
        made = Stamped.objects.create(title="x")
        then = timezone.now() - datetime.timedelta(days=days)
        Stamped.objects.filter(pk=made.pk).update(made=then)
    shown = panel(root, 2).content.decode()
    points = shown.split('points="')[1].split('"')[0].split()
    assert len(points) == 14
    heights = [float(each.split(",")[1]) for each in points]
    assert (heights[-1], heights[-4], heights[0]) == (2, 15, 28)
    assert ">2 <" in shown.replace("\n", "")


def test_an_empty_database_has_empty_panels(root):
    for number in range(6):
        assert panel(root, number).status_code == 200
    assert "No rows." in panel(root, 3).content.decode()
    assert ">-<" in panel(root, 1).content.decode()


def test_a_panel_needs_its_permission(client, sign_in, books):
    assert panel(client, 0).status_code == 302
    viewer = sign_in("project.view_book")
    assert panel(viewer, 0).status_code == 200
    assert panel(viewer, 2).status_code == 403
    assert panel(viewer, 6).status_code == 403
    assert panel(viewer, 99).status_code == 404
    page = viewer.get("/admin/").content.decode()
    assert "Secret" not in page
    assert "panels/6/" not in page


def test_the_cache_keeps_the_rows_of_users_apart(sign_in):
    one, two = sign_in("project.view_author"), sign_in("project.view_author")
    Author.objects.create(name=f"of {one.user.username}")
    assert ">1<" in panel(one, 5).content.decode()
    assert ">0<" in panel(two, 5).content.decode()
    assert "no-store" in panel(one, 5)["Cache-Control"]


def test_a_panel_that_fails_is_a_sentence_and_a_line_in_the_log(root, books, caplog):
    shown = panel(root, 7)
    assert "could not be loaded" not in shown.content.decode()  # no rows: a dash
    Book.objects.filter(pk=books[0].pk).update(price=0)
    from django.core.cache import cache

    cache.clear()
    shown = panel(root, 7)
    assert shown.status_code == 200
    assert "could not be loaded" in shown.content.decode()
    assert "The panel 'Broken' of the admin failed." in caplog.text
