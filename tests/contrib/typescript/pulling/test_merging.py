"""What a second pull does with a file that somebody has edited."""

import json
from pathlib import Path

import pytest

from .pulls import Project

pytestmark = pytest.mark.once

ORDER = "interface Order { id: number; note?: string }\n"
LINE = "interface Line { quantity: number }\n"


def test_a_second_pull_changes_nothing(project: Project):
    project.pull(ORDER + LINE)
    before = {path: path.stat().st_mtime_ns for path in (project.schemas, project.lock)}
    result = project.pull()
    assert result.out == "shop/schemas.py is up to date.\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_target_is_remembered(project: Project):
    project.pull(ORDER)
    project.write(ORDER + LINE)
    result = project.run(str(project.folder / "types.ts"))
    assert (result.code, result.err) == (0, "")
    assert "class Line(Schema)" in project.schemas.read_text()


def test_without_a_target_the_first_pull_says_what_to_write(project: Project):
    project.write(ORDER)
    result = project.run(str(project.folder / "types.ts"))
    assert result.code == 1
    assert "--to shop/schemas.py" in result.err
    assert not project.lock.exists()


def test_the_record_has_both_sides_of_each_type(project: Project):
    project.pull(ORDER)
    record = json.loads(project.lock.read_text())["pull"]["types.ts"]
    assert record["to"] == "shop/schemas.py"
    assert record["schemas"]["Order"]["python"][0] == "class Order(Schema):"
    assert record["schemas"]["Order"]["typescript"].startswith("sha256:")


def test_other_sections_of_the_record_stay(project: Project):
    project.lock.write_text('{"files": {"schema.d.ts": "sha256:1"}, "version": 1}')
    project.pull(ORDER)
    assert json.loads(project.lock.read_text())["files"] == {"schema.d.ts": "sha256:1"}


def test_a_changed_type_replaces_its_class_and_nothing_else(project: Project):
    project.pull(ORDER + LINE)
    edited = (
        project.schemas.read_text() + "\n\ndef total(lines: list[Line]) -> int:\n    return 0\n"
    )
    project.schemas.write_text(edited)
    project.pull(ORDER.replace("number", "string") + LINE)
    assert project.schemas.read_text() == edited.replace("id: float", "id: str")


def test_a_type_that_is_gone_takes_its_class_and_imports_with_it(project: Project):
    project.pull(ORDER + "interface Line { /** @format uuid */ id: string }")
    assert "from uuid import UUID" in project.schemas.read_text()
    project.pull(ORDER)
    text = project.schemas.read_text()
    assert "Line" not in text
    assert "UUID" not in text
    assert project.module().Order


def test_a_class_edited_by_hand_stays_while_its_type_stays(project: Project):
    project.pull(ORDER + LINE)
    edited = project.schemas.read_text().replace("quantity: float", "quantity: int")
    project.schemas.write_text(edited)
    result = project.pull(ORDER.replace("note?", "text?") + LINE)
    assert result.code == 0
    assert "shop/schemas.py: Line was edited by hand, and stays as it is." in result.out
    assert project.schemas.read_text() == edited.replace("note:", "text:")


def test_a_comment_written_by_hand_counts_as_an_edit(project: Project):
    project.pull(ORDER)
    edited = project.schemas.read_text().replace("id: float", "id: float  # never shown")
    project.schemas.write_text(edited)
    assert project.pull().code == 0
    assert project.schemas.read_text() == edited


def test_another_format_is_no_edit(project: Project):
    project.pull('interface Order { kind: "a" | "b"; id: number }')
    project.schemas.write_text(project.schemas.read_text().replace('"', "'").replace("'''", '"""'))
    result = project.pull('interface Order { kind: "a" | "b"; id: string }')
    assert result.code == 0, result.out
    assert "id: str\n" in project.schemas.read_text()


def test_a_change_on_both_sides_is_a_conflict_that_shows_both(project: Project):
    project.pull(ORDER + LINE)
    edited = project.schemas.read_text().replace("id: float", "id: int")
    project.schemas.write_text(edited)
    record = project.lock.read_text()
    result = project.pull(
        ORDER.replace("id: number", "id: string") + LINE.replace("quantity", "count")
    )
    assert result.code == 1
    assert result.out.splitlines() == [
        "Order changed on both sides.",
        "--- shop/schemas.py (as pulled before)",
        "+++ shop/schemas.py (edited)",
        "@@ -1,3 +1,3 @@",
        " class Order(Schema):",
        "-    id: float",
        "+    id: int",
        "     note: str | None = None",
        "--- shop/schemas.py (as pulled before)",
        "+++ types.ts (pulled now)",
        "@@ -1,3 +1,3 @@",
        " class Order(Schema):",
        "-    id: float",
        "+    id: str",
        "     note: str | None = None",
    ]
    assert "Nothing was written, because of Order." in result.err
    assert (project.schemas.read_text(), project.lock.read_text()) == (edited, record)


def test_a_conflict_is_resolved_by_either_side(project: Project):
    for prefer, kept in (("python", "id: int"), ("typescript", "id: str")):
        project.schemas.unlink(missing_ok=True)
        project.lock.unlink(missing_ok=True)
        project.pull(ORDER)
        project.schemas.write_text(project.schemas.read_text().replace("id: float", "id: int"))
        changed = ORDER.replace("id: number", "id: string")
        assert project.pull(changed).code == 1
        assert project.pull(changed, "--prefer", prefer).code == 0
        assert f"    {kept}\n" in project.schemas.read_text()
        assert project.pull(changed).code == 0
        assert f"    {kept}\n" in project.schemas.read_text()


def test_the_same_change_on_both_sides_is_none(project: Project):
    project.pull(ORDER)
    project.schemas.write_text(project.schemas.read_text().replace("id: float", "id: str"))
    assert project.pull(ORDER.replace("number", "string")).code == 0


def test_a_class_that_was_deleted_by_hand_does_not_come_back(project: Project):
    project.pull(ORDER + LINE)
    project.schemas.write_text(project.schemas.read_text().split("\n\n\nclass Line")[0] + "\n")
    assert project.pull().code == 0
    assert "Line" not in project.schemas.read_text()
    assert project.pull(ORDER + LINE.replace("number", "string")).code == 1


def test_a_class_of_somebody_else_is_not_replaced(project: Project):
    project.schemas.write_text("class Order:\n    pass\n")
    result = project.pull(ORDER)
    assert result.code == 1
    assert result.out.startswith("Order is in shop/schemas.py already, and was not pulled.\n--- ")
    assert project.schemas.read_text() == "class Order:\n    pass\n"
    assert not project.lock.exists()


def test_types_are_added_to_a_file_with_other_code(project: Project):
    project.schemas.write_text(
        '"""Ours."""\n\nimport os\n\nfrom ninja import Schema\n\nHERE = os.curdir\n\n\nclass Mine(Schema):\n    a: int\n'
    )
    assert (
        project.pull("interface Order { kind: 'a' | 'b'; /** @minLength 2 */ b: string }").code == 0
    )
    assert project.schemas.read_text() == (
        '"""Ours."""\n\nimport os\nfrom typing import Literal\n\nfrom django_matt import Field\nfrom ninja import Schema\n\n'
        "HERE = os.curdir\n\n\nclass Mine(Schema):\n    a: int\n\n\n"
        'class Order(Schema):\n    kind: Literal["a", "b"]\n    b: str = Field(min_length=2)\n'
    )
    assert project.module().Order(kind="a", b="xx")


def test_a_name_that_the_file_uses_for_something_else_is_refused(project: Project):
    text = "from dataclasses import Field\n\nprint(Field)\n"
    project.schemas.write_text(text)
    result = project.pull("interface Order { /** @minLength 2 */ b: string }")
    assert result.code == 1
    assert "shop/schemas.py has another Field in line 1" in result.err
    assert project.schemas.read_text() == text


def test_a_dry_run_shows_the_diff_and_writes_nothing(project: Project):
    result = project.pull(ORDER, "--dry-run")
    assert result.code == 0
    assert result.out.startswith("--- a/shop/schemas.py\n+++ b/shop/schemas.py\n@@ ")
    assert "+class Order(Schema):\n+    id: float\n" in result.out
    assert not project.schemas.exists()
    assert not project.lock.exists()


def test_two_files_of_types_share_a_python_file(project: Project):
    project.pull(ORDER)
    project.write(LINE, "lines.ts")
    assert project.run(str(project.folder / "lines.ts"), "--to", "shop/schemas.py").code == 0
    assert project.pull(ORDER).out == "shop/schemas.py is up to date.\n"
    found = project.module()
    assert found.Order
    assert found.Line


def test_new_base_classes_come_before_what_needs_them(project: Project):
    project.pull("interface Order { id: number } interface Line { id: number }")
    project.pull(
        "interface Order extends Line { id: number } interface Line extends Row { id: number } interface Row { x: string }"
    )
    assert [each.__name__ for each in project.module().Order.__mro__[:3]] == [
        "Order",
        "Line",
        "Row",
    ]


def test_line_endings_and_modes_of_the_file_do_not_stop_a_pull(project: Project):
    project.pull(ORDER)
    project.schemas.write_bytes(project.schemas.read_bytes().replace(b"\n", b"\r\n"))
    project.schemas.chmod(0o640)
    assert project.pull(ORDER.replace("number", "string")).code == 0
    assert project.schemas.stat().st_mode & 0o777 == 0o640
    assert project.module().Order(id="x")


def test_a_damaged_record_stops_the_pull(project: Project):
    project.pull(ORDER)
    before = project.schemas.read_text()
    for text in (
        "{",
        "[]",
        '{"pull": []}',
        '{"pull": {"types.ts": {}}}',
        '{"pull": {"types.ts": {"to": "x", "schemas": {"A": 1}}}}',
    ):
        project.lock.write_text(text)
        result = project.pull(LINE)
        assert (result.code, "is damaged" in result.err) == (1, True), text
    assert project.schemas.read_text() == before


def test_a_link_as_target_must_stay_in_the_project(
    project: Project, tmp_path_factory: pytest.TempPathFactory
):
    outside: Path = tmp_path_factory.mktemp("outside")
    (project.folder / "link").symlink_to(outside)
    project.write(ORDER)
    result = project.run(str(project.folder / "types.ts"), "--to", "link/schemas.py")
    assert result.code == 1
    assert "outside of the project" in result.err
    assert list(outside.iterdir()) == []
