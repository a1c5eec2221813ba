"""The three-way merge of generated and edited lines."""

import pytest

from django_matt.generation.merges import merge

BASE = "a\nb\nc\nd\n"


@pytest.mark.parametrize(
    ("edited", "generated", "expected"),
    [
        (BASE, "a\nB\nc\nd\n", "a\nB\nc\nd\n"),
        ("a\nb\nc\nD\n", BASE, "a\nb\nc\nD\n"),
        ("a\nb\nc\nD\n", "A\nb\nc\nd\n", "A\nb\nc\nD\n"),
        ("a\nX\nb\nc\nd\n", "a\nb\nd\n", "a\nX\nb\nd\n"),
        ("a\nB\nc\nd\n", "a\nB\nc\nd\n", "a\nB\nc\nd\n"),
        ("", BASE, ""),
        ("a\nb\nc\nd\ne\n", "0\na\nb\nc\nd\n", "0\na\nb\nc\nd\ne\n"),
    ],
)
def test_what_only_one_has_changed_is_merged(edited: str, generated: str, expected: str):
    assert merge(BASE, edited, generated) == (expected, [])


@pytest.mark.parametrize(
    ("choice", "line"), [("refuse", "mine"), ("keep", "mine"), ("replace", "new")]
)
def test_what_both_have_changed_is_a_conflict(choice, line: str):
    text, conflicts = merge(BASE, "a\nmine\nc\nd\n", "a\nnew\nc\nd\n", choice)
    assert text == f"a\n{line}\nc\nd\n"
    assert [(each.line, each.edited, each.generated) for each in conflicts] == [
        (2, ["mine\n"], ["new\n"])
    ]


def test_the_line_of_a_conflict_is_that_of_the_edited_file():
    _, conflicts = merge(BASE, "0\n0\na\nmine\nc\nd\n", "a\nc\nd\n")
    assert [each.line for each in conflicts] == [4]
