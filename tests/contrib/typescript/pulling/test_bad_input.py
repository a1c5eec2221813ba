"""What cannot be read stops the command with a line and a column, and nothing is written."""

import builtins
import errno
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .pulls import Project

pytestmark = pytest.mark.once

ORDER = "interface Order { id: number }\n"


@pytest.fixture(autouse=True)
def _nothing_written(project: Project) -> Any:
    yield
    assert not project.lock.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interface Order { id: number\nb: }", "types.ts:2:2: syntax error near ':'"),
        ("interface Order { id: number", "types.ts:1:"),
        ("interface { }", "types.ts:1:"),
        ("export type A = ;\n", "types.ts:1:"),
        ("/* ü */ type ] = 1", "types.ts:1:"),
        ("<<<<<<< HEAD\ntype A = 1;\n=======\n", "types.ts:1:3: syntax error"),
        (b"\xff\xfe\x00", "types.ts:1:1: this is not text in UTF-8"),
        (b"type A = 1;\n\xe4", "types.ts:2:1: this is not text in UTF-8"),
        (b"type A = 1;\n  \x00", "types.ts:2:3: this is not text: it contains a NUL"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "this is not text"),
        ("", "types.ts declares no types"),
        ("// nothing\n", "types.ts declares no types"),
        ("const a = 1;", "types.ts:1:7: a variable"),
        (
            "type A = string;\ntype A = number;",
            "types.ts:2:6: A is declared twice, first in types.ts:1:6",
        ),
        ("interface A { a: string }\ntype A = number;", "types.ts:2:6: A is declared twice"),
        ("enum A { B }\nenum A { C }", "types.ts:2:6: A is declared twice"),
        (
            "interface A extends B { a: string }\ninterface B extends A { b: string }",
            "extends itself",
        ),
        (
            "interface A extends Partial<A> { a: string }",
            "A has its own properties in its definition",
        ),
    ],
)
def test_unreadable_typescript_stops_the_pull(project: Project, text: str | bytes, message: str):
    result = project.pull(text)
    assert result.code == 1
    assert message in result.err
    assert "Nothing was written" in result.err
    assert "Traceback" not in result.err
    assert not project.schemas.exists()


def test_a_syntax_error_is_where_an_editor_shows_it(project: Project):
    result = project.pull("interface Order {\n  größe: number;\n  'ü': string; b: ;\n}\n")
    assert "types.ts:3:" in result.err
    column = int(result.err.split(":")[3 if result.err.startswith("CommandError") else 2])
    assert 16 <= column <= 19


def test_a_large_file_is_refused_before_it_is_parsed(project: Project):
    project.write(b"// " + b"x" * 10_000_000)
    before = time.process_time()
    result = project.pull()
    assert result.code == 1
    assert "the file has 10,000,003 bytes; files of up to 5,000,000 bytes are read" in result.err
    assert time.process_time() >= before


def test_random_bytes_never_end_in_a_traceback(project: Project):
    chance = random.Random(1)
    words = [
        "interface",
        "type",
        "enum",
        "A",
        "B",
        "<",
        ">",
        "{",
        "}",
        "=",
        "|",
        "&",
        "[",
        "]",
        ";",
        ":",
        "?",
        "extends",
        "'x'",
        "1",
        "keyof",
        "(",
        ")",
        ",",
        "const",
        "export",
    ]
    for _ in range(150):
        text = " ".join(chance.choice(words) for _ in range(chance.randrange(1, 14)))
        result = project.pull(text, "--dry-run")
        assert result.code in (0, 1), text
    for _ in range(50):
        assert project.pull(chance.randbytes(40), "--dry-run").code == 1


@pytest.mark.parametrize(
    "text",
    [
        "type A = " + "(" * 2000 + "string" + ")" * 2000 + ";",
        "type A = string" + "[]" * 2000 + ";",
        "type A = " + "{ a: " * 1000 + "string" + " }" * 1000 + ";",
        "type A = " + "Array<" * 1000 + "string" + ">" * 1000 + ";",
        "type B<T> = T[] | B<B<T>>; type A = B<string>;",
        "type A = " + "[" * 100_000,
        "type B<T> = { a: T; b: B<B<T>> }; type A = B<string>;",
    ],
    ids=["parentheses", "arrays", "objects", "generics", "alias", "unclosed", "object alias"],
)
def test_deep_types_are_bounded(project: Project, text: str):
    limit = sys.getrecursionlimit()
    result = project.pull(text, "--dry-run")
    assert result.code in (0, 1)
    assert "RecursionError" not in result.err
    assert result.err or "class B" in result.out
    assert sys.getrecursionlimit() == limit


def test_types_that_double_at_each_level_end(project: Project):
    lines = [
        "type T0<A> = [A, A];",
        *(f"type T{i}<A> = T{i - 1}<T{i - 1}<A>>;" for i in range(1, 30)),
    ]
    result = project.pull("\n".join([*lines, "interface Row { a: T29<string> }"]), "--dry-run")
    assert "types of this file have more than" in result.err or "too deeply" in result.err


def test_long_unions_and_chains_are_read(project: Project):
    union = " | ".join(f"'v{i}'" for i in range(3000))
    chain = "\n".join(f"interface R{i} {{ next: R{i + 1} | null }}" for i in range(300))
    text = f"type U = {union};\n{chain}\ninterface R300 {{ u: U }}"
    result = project.pull(text, "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert '"v2999"' in result.out


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("../schemas.py", "is outside of the project"),
        ("/etc/schemas.py", "is outside of the project"),
        ("shop/schemas.txt", "Python cannot import this as a module"),
        ("my-shop/schemas.py", "Python cannot import this as a module"),
        ("shop", "Python cannot import this as a module"),
        ("nowhere/schemas.py", "there is no folder nowhere"),
        ("shop/folder.py", "this is a folder"),
    ],
)
def test_a_target_that_cannot_be_a_module_is_refused(project: Project, to: str, message: str):
    (project.folder / "shop" / "folder.py").mkdir()
    project.write(ORDER)
    result = project.run(str(project.folder / "types.ts"), "--to", to)
    assert (result.code, message in result.err) == (1, True), result.err


@pytest.mark.parametrize("text", [b"class Order(:\n", b"\xff\xff", b"x = '\0'\n"])
def test_a_target_that_is_not_python_is_left_alone(project: Project, text: bytes):
    project.schemas.write_bytes(text)
    result = project.pull(ORDER)
    assert result.code == 1
    assert "shop/schemas.py" in result.err
    assert "othing was written" in result.err
    assert project.schemas.read_bytes() == text


@pytest.mark.parametrize("name", ["missing.ts", "shop", "types.js"])
def test_a_file_that_is_not_typescript_is_refused(project: Project, name: str):
    project.write("", "types.js")
    result = project.run(str(project.folder / name), "--to", "shop/schemas.py")
    assert result.code == 1
    assert "TypeScript file" in result.err


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_cannot_be_written_leaves_everything_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: int
):
    opened = Path.open

    def refuse(self: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        # The second file fails, when the first is written beside its target.
        if "x" in mode and self.name.startswith("..matt"):
            raise OSError(number, "refused", str(self))
        return opened(self, mode, *more, **options)

    monkeypatch.setattr(Path, "open", refuse)
    result = project.pull(ORDER)
    assert result.code == 1
    assert "Nothing was written" in result.err
    assert list((project.folder / "shop").iterdir()) == []


def test_without_the_extra_the_message_has_its_install_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    imported = builtins.__import__

    def refuse(name: str, *more: Any, **options: Any) -> Any:
        if name.startswith("tree_sitter"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    result = project.pull(ORDER)
    assert result.code == 1
    assert "tree_sitter is not installed" in result.err
    assert "[typescript]" in result.err


def test_names_of_every_script_are_read(project: Project):
    result = project.pull(
        "interface Größe { 名前: string; $key: number; '\\u{1F600}': boolean; 'a\\u0000b': string }",
        "--dry-run",
    )
    assert (result.code, result.err) == (0, "")
    assert "class Größe(Schema)" in result.out


def test_texts_with_half_a_character_are_reported(project: Project):
    result = project.pull(r"interface Row { a: '\ud83d'; b: '\ud83d\ude00' }", "--dry-run")
    assert "half of a surrogate pair" in result.err
    assert '"😀"' in result.out
