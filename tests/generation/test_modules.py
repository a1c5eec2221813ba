"""Definitions and imports in modules that people have written."""

import re
from pathlib import Path

import pytest

from django_matt.generation.modules import merge_module
from django_matt.generation.orders import GenerationError

MINE = '''\
"""My forms."""

import os
from django import forms
# Why this one is here.
from books.models import Author


class AuthorForm( forms.Form ):   # by hand
    name = forms.CharField()
'''
GENERATED = '''\
"""Generated."""

from django import forms
from django.db.models import Q

from books.models import Book


class BookForm(forms.ModelForm):
    """A form."""

    fields = ["title"]
'''


def merged(text: str, generated: str = GENERATED, before=None, **options):
    project = Path("/nowhere")
    return merge_module(
        text, generated, before or {}, path="books/forms.py", project=project, **options
    )


def test_code_that_people_wrote_stays_as_it_is():
    text = merged(MINE).text
    more = "import Author, Book\nfrom django.db.models import Q\n"
    kept = MINE.replace("import Author\n", more)
    assert text.startswith(kept)
    assert "from books.models import Author, Book\n" in text
    assert text.endswith(GENERATED[GENERATED.index("class BookForm") :])


def test_a_second_run_changes_nothing():
    first = merged(MINE)
    assert merged(first.text, before=first.recorded).text == first.text


def test_a_changed_definition_is_merged_with_its_edits():
    first = merged(MINE)
    edited = first.text.replace('"""A form."""', '"""My own words."""')
    second = merged(edited, GENERATED.replace('["title"]', '["title", "price"]'), first.recorded)
    assert second.conflicts == []
    assert '"""My own words."""\n\n    fields = ["title", "price"]' in second.text


def test_a_conflict_names_the_definition_and_the_line():
    first = merged("")
    edited = first.text.replace('["title"]', '["title", "mine"]')
    [(name, conflict)] = merged(
        edited, GENERATED.replace('["title"]', '["price"]'), first.recorded
    ).conflicts
    assert (name, edited.splitlines()[conflict.line - 1]) == (
        "BookForm",
        '    fields = ["title", "mine"]',
    )


def test_a_definition_that_was_deleted_is_not_written_again():
    both = GENERATED + "\n\nclass Other:\n    pass\n"
    first = merged("", both)
    edited = first.text[: first.text.index("\n\nclass Other")]
    second = merged(edited, both, first.recorded)
    assert (second.text, second.gone) == (edited, ["Other"])


def test_an_import_that_is_not_needed_any_more_goes():
    first = merged(MINE)
    without = GENERATED.replace("from django.db.models import Q\n", "")
    assert "import Q" not in merged(first.text, without, first.recorded).text
    used = first.text + "\n\nx = Q()\n"
    assert "import Q" in merged(used, without, first.recorded).text


def test_the_items_of_urlpatterns_are_added_to_those_that_are_there():
    mine = "urlpatterns = [\n    one,\n]\n"
    first = merged(mine, "urlpatterns = [\n    two,\n]\n")
    assert first.text == "urlpatterns = [\n    one,\n    two,\n]\n"
    assert merged(mine, "urlpatterns = [\n    two,\n]\n", first.recorded).text == mine
    assert merged("urlpatterns = [one]\n", "urlpatterns = [two]\n").text == (
        "urlpatterns = [one]\nurlpatterns += [two]\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class BookForm:\n    pass\n", "already has BookForm, which was not generated"),
        ("from other import BookForm\n", "already imports the name BookForm"),
        (
            "from other import Book\n",
            "already uses the name Book for something else than books.models.Book",
        ),
        ("x = 1\ndef f(:\n", r"books/forms.py:2:7: invalid syntax"),
        ("urlpatterns = make()\n", "urlpatterns is not written as a list"),
    ],
)
def test_what_cannot_be_merged_is_refused(text: str, message: str):
    generated = GENERATED + "\n\nurlpatterns = [\n    two,\n]\n"
    with pytest.raises(GenerationError, match=message):
        merged(text, generated)


def test_a_model_that_is_called_like_an_import_is_refused():
    with pytest.raises(GenerationError, match="two things with the name Q"):
        merged("", GENERATED.replace("import Book", "import Q"))


@pytest.mark.parametrize(
    "mine",
    [
        "# Copyright: ours.\n# Keep this at the top.\n",
        "#!/usr/bin/env python\n\nprint(1)\n",
        "import os; os.nice(0)\n",
        "from books.models import Author; LIST = [Author]\n",
        # Characters that str.splitlines() takes for ends of lines, and that Python does not.
        'A = 1\n\x0c\nB = "\u2028"\nfrom books.models import Author\n\n\nclass C:\n    pass\n',
        "if True:\n\tA = 1\n",
        "try:\n    import django\nexcept ImportError:\n    django = None\n",
    ],
)
def test_every_line_of_an_unusual_module_stays(mine: str):
    first = merged(mine)
    for line in mine.split("\n"):
        assert line.partition("import Author")[0] in first.text
    for name in ("Book", "Q", "forms"):
        assert re.search(rf"import .*\b{name}\b", first.text)
    compile(first.text, "forms.py", "exec")
    again = merged(first.text, before=first.recorded)
    assert again.text == first.text
    if mine.startswith("#"):
        assert first.text.startswith(mine.partition("\n\n")[0])
    changed = GENERATED.replace('["title"]', '["title", "pages"]')
    text = merged(first.text, changed, first.recorded).text
    assert text == first.text.replace('["title"]', '["title", "pages"]')
