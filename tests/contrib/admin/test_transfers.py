"""Export streams what the list shows; import writes all rows of a file or none."""

import csv
import io
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.project.models import Author, Book, Everything

pytestmark = pytest.mark.django_db
LIST = "/admin/project/book/"


def export(client, name="csv", query="", url=LIST):
    response = client.get(f"{url}export/{name}/{query}")
    assert response.status_code == 200
    assert response.streaming
    return b"".join(response.streaming_content).decode()


def upload(client, text, name="books.csv", url=LIST):
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(f"{url}import/", {"file": SimpleUploadedFile(name, body)})


def test_export_has_the_rows_of_all_pages_and_only_the_named_columns(root, books):
    rows = list(csv.DictReader(io.StringIO(export(root))))
    assert len(rows) == 12
    assert rows[0].keys() == {"id", "title", "price", "author"}
    lines = [json.loads(line) for line in export(root, "jsonl").splitlines()]
    assert {line["title"] for line in lines} == {row["title"] for row in rows}


def test_export_obeys_the_search_the_filters_and_the_order(root, books):
    found = export(root, query="?q=Book 1&cheaper_than=12&o=3")
    assert [row["title"] for row in csv.DictReader(io.StringIO(found))] == [
        "Book 1",
        "Book 10",
        "Book 11",
    ]
    assert root.get(f"{LIST}export/csv/?cheaper_than=x").status_code == 302
    page = root.get(LIST + "?q=Book").content.decode()
    assert f"{LIST}export/csv/?q=Book" in page


def test_export_of_many_rows_is_one_query_and_of_none_a_header(
    root, books, django_assert_num_queries
):
    Book.objects.bulk_create(Book(title=f"more {n}", author=books[0].author) for n in range(2_500))
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as context:
        text = export(root)
    selects = [each for each in context.captured_queries if '"project_book"."title"' in each["sql"]]
    assert len(selects) == 1
    assert len(text.splitlines()) == 1 + 12 + 2_500
    assert export(root, query="?q=nothing").strip() == "id,title,price,author"
    assert export(root, "jsonl", query="?q=nothing").strip() == ""


def test_a_formula_is_text_in_a_spreadsheet_and_comes_back(root, books):
    Book.objects.filter(pk=books[0].pk).update(title="=1+1")
    text = export(root)
    assert "'=1+1" in text
    assert upload(root, text).status_code == 302
    assert Book.objects.get(pk=books[0].pk).title == "=1+1"


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_what_is_exported_can_be_imported(root, books, name):
    Everything.objects.create(char="ä\n", boolean=True, document={"a": [1]}, colour="blue")
    url = "/admin/project/everything/"
    text = export(root, name, url=url)
    Everything.objects.update(char="other", boolean=False, document={})
    before = Everything.objects.get().moment
    shown = upload(root, text, f"rows.{name}", url)
    assert shown.status_code == 302, shown.content.decode()
    found = Everything.objects.get()
    assert (found.boolean, found.document, found.colour) == (True, {"a": [1]}, "blue")
    assert found.moment == before


def test_import_adds_and_changes_rows_and_logs_both(root, books):
    author = books[0].author.pk
    text = f"id,title,price,author\r\n{books[0].pk},Changed,9.50,{author}\r\n,New,1,{author}\r\n"
    shown = upload(root, text)
    assert shown.status_code == 302
    assert "2 rows were imported." in root.get(LIST).content.decode()
    assert Book.objects.get(pk=books[0].pk).title == "Changed"
    assert Book.objects.filter(title="New").count() == 1
    assert sorted(LogEntry.objects.values_list("action_flag", flat=True)) == [1, 2]


def test_a_bad_row_is_named_and_nothing_is_written(root, books):
    author = books[0].author.pk
    hidden = Author.objects.create(name="hidden").pk
    text = (
        "id,title,price,author\r\n"
        f",Good,1,{author}\r\n"
        f",Bad price,much,{author}\r\n"
        f",,1,{author}\r\n"
        ",No author,1,\r\n"
        f",Hidden author,1,{hidden}\r\n"
        f"99999999,No row,1,{author}\r\n"
        f"x,No key,1,{author}\r\n"
        f",Long price,123456789012,{author}\r\n"
    )
    page = upload(root, text)
    assert page.status_code == 200
    shown = page.content.decode()
    assert "Nothing was imported." in shown
    for each in (
        "Row 2, price: Enter a number.",
        "Row 3, title: This field is required.",
        "Row 4, author: This field is required.",
        "Row 5, author: Select a valid choice.",
        "Row 6, id: There is no such row.",
        "Row 7, id: There is no such row.",
        "Row 8, price: Ensure that",
    ):
        assert each in shown
    assert "Row 1" not in shown
    assert Book.objects.count() == 12
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "a.csv", "The submitted file is empty."),
        ("id,title\r\n", "a.csv", "The file has no rows."),
        ("title\r\na,b\r\n", "a.csv", "2 cells under 1 columns"),
        ("title,secret\r\na,b\r\n", "a.csv", "Row 1, secret: This column is not known"),
        (b"title\r\n\xff\xfe", "a.csv", "The file cannot be read"),
        ("{", "a.jsonl", "The file cannot be read"),
        ("[1]\n", "a.jsonl", "Each line must be a JSON object."),
        ("[" * 100_000, "a.jsonl", "The file cannot be read"),
        ('{"title": {"a": 1}, "price": [], "author": {}}', "a.jsonl", "Nothing was imported."),
        ("title\r\n" + "a\r\n" * 10_001, "a.csv", "10,000 are accepted at once"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(root, books, text, name, message):
    shown = upload(root, text, name)
    assert shown.status_code == 200
    assert message in shown.content.decode()
    assert Book.objects.count() == 12


def test_a_checkbox_is_true_or_false_and_nothing_else(root):
    url = "/admin/project/everything/"
    shown = upload(root, '{"char": "a", "boolean": "no"}', "a.jsonl", url).content.decode()
    assert "Row 1, boolean: This must be true or false." in shown


def test_transfers_need_permissions_and_columns(client, sign_in, books, root):
    assert client.get(f"{LIST}export/csv/").status_code == 302
    assert sign_in("project.view_author").get(f"{LIST}export/csv/").status_code == 403
    viewer = sign_in("project.view_book")
    assert export(viewer)
    assert upload(viewer, "title\r\na\r\n").status_code == 403
    assert "Import" not in viewer.get(LIST).content.decode()
    changer = sign_in("project.view_book", "project.change_book")
    shown = upload(changer, f"title,price,author\r\na,1,{books[0].author.pk}\r\n")
    assert "You may not add this row." in shown.content.decode()
    assert root.get("/admin/project/author/export/csv/").status_code == 404
    assert root.get("/admin/project/author/import/").status_code == 404
    assert root.get(f"{LIST}export/exe/").status_code == 404
