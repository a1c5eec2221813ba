"""Actions with a form, and filters of a schema."""

from decimal import Decimal

import pytest

from tests.project.models import Book

pytestmark = pytest.mark.django_db
LIST = "/admin/project/book/"


def start(books, **more):
    return {"action": "discount", "_selected_action": [b.pk for b in books], "index": "0", **more}


def prices():
    return [int(each) for each in Book.objects.order_by("pk").values_list("price", flat=True)]


def test_an_action_first_asks_for_the_form(root, books):
    page = root.post(LIST, start(books[:2])).content.decode()
    assert "2 books selected." in page
    assert "How much cheaper." in page
    assert f'name="_selected_action" value="{books[1].pk}"' in page
    assert '<option value="damage">damage</option>' in page
    assert prices() == list(range(1, 13))


def test_a_valid_form_changes_the_rows_and_says_what_it_did(root, books):
    data = start(books[9:], matt_apply="1", **{"data-percent": "50", "data-reason": "sale"})
    shown = root.post(LIST, data, follow=True)
    assert "3 books are 50 % cheaper." in shown.content.decode()
    assert Book.objects.get(pk=books[9].pk).price == Decimal(5)
    assert Book.objects.get(pk=books[0].pk).price == Decimal(1)


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({}, "Field required"),
        ({"data-percent": "many"}, "valid integer"),
        ({"data-percent": "99"}, "less than or equal to 90"),
        ({"data-percent": "5", "data-reason": "theft"}, "Input should be"),
        ({"data-percent": "5", "data-reason": "damage"}, "Describe the damage."),
    ],
)
def test_an_invalid_form_is_shown_again_and_changes_nothing(root, books, entered, message):
    shown = root.post(LIST, start(books, matt_apply="1", **entered)).content.decode()
    assert message in shown
    assert f'value="{entered.get("data-percent", "")}"' in shown or "data-percent" not in entered
    assert prices() == list(range(1, 13))


def test_an_action_that_fails_in_the_middle_changes_nothing(root, books):
    data = start(books, matt_apply="1", **{"data-percent": "50", "data-note": "crash"})
    assert root.post(LIST, data).status_code == 500
    assert prices() == list(range(1, 13))


def test_an_action_needs_its_permission(sign_in, books):
    viewer = sign_in("project.view_book")
    data = start(books, matt_apply="1", **{"data-percent": "50"})
    viewer.post(LIST, data)
    assert prices() == list(range(1, 13))


def test_an_action_on_all_pages_gets_all_rows(root, books):
    data = start(books[:5], select_across="1", matt_apply="1", **{"data-percent": "50"})
    root.post(LIST, data)
    assert Book.objects.get(pk=books[11].pk).price == Decimal(6)


def test_filters_of_a_schema_narrow_the_list(root, books):
    page = root.get(LIST + "?cheaper_than=3").content.decode()
    assert "Book 2" in page
    assert "Book 3" not in page
    assert "By cheaper than" in page
    Book.objects.filter(pk=books[0].pk).update(editor=books[0].author)
    assert "Book 12" not in root.get(LIST + "?has_editor=true").content.decode()
    assert "Book 1" in root.get(LIST + "?has_editor=true").content.decode()


def test_an_invalid_filter_shows_the_list_again(root, books):
    shown = root.get(LIST + "?cheaper_than=cheap")
    assert (shown.status_code, shown["Location"]) == (302, f"{LIST}?e=1")


def test_a_filter_keeps_the_others_and_escapes_what_was_entered(root, books):
    page = root.get(LIST, {"cheaper_than": "3", "q": '"><script>', "has_editor": "false"})
    text = page.content.decode()
    assert '"><script>' not in text
    assert '<input type="hidden" name="has_editor" value="false">' in text
