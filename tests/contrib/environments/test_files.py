"""What is written to a ``.env`` file is read back equal, by us and by python-dotenv, and nothing else changes."""

from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_matt.contrib.environments.files import EnvFile, quote, read_file

# What an environment variable can hold: no NUL, no half of a surrogate pair.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
TRICKY = st.text(st.sampled_from("aA1 '\"\\#$${}=\n\r\t\x0b\u2028\ufeff!,"), max_size=12)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
BOUNDED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BOUNDED
@given(values=st.dictionaries(NAMES, TEXTS | TRICKY, max_size=6))
def test_any_value_is_read_back_equal(tmp_path: Path, values: dict[str, str]):
    text = "".join(f"{name}={quote(value)}\n" for name, value in values.items())
    EnvFile(tmp_path / ".env").extended(text, values).save()
    assert read_file(tmp_path / ".env").values == values
    assert dotenv_values(tmp_path / ".env", interpolate=False) == values


@BOUNDED
@given(before=TEXTS | TRICKY, tail=st.sampled_from(["", " # why", "\t#"]), value=TEXTS | TRICKY)
@pytest.mark.parametrize("lead", ["", "export ", "  ", "# above\n"])
def test_a_change_keeps_all_but_the_value(
    tmp_path: Path, before: str, tail: str, value: str, lead: str
):
    head, foot = "\ufeffFIRST=1\r\n\r\n", "\r\nLAST='a\nb'\r\n# end"
    path = tmp_path / ".env"
    path.write_bytes(f"{head}{lead}KEY={quote(before)}{tail}{foot}".encode())
    read_file(path).changed({"KEY": value}).save()
    after = path.read_bytes().decode()
    assert after == f"{head}{lead}KEY={quote(value)}{tail}{foot}"
    assert read_file(path).values == {"FIRST": "1", "KEY": value, "LAST": "a\nb"}


@BOUNDED
@given(data=st.binary() | TRICKY.map(str.encode))
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path: Path, data: bytes):
    path = tmp_path / ".env"
    path.write_bytes(data)
    try:
        file = read_file(path)
    except ValueError as error:
        assert "is not UTF-8" in str(error)  # noqa: PT017 - either is right
        return
    file.save()
    assert path.read_bytes() == data


@BOUNDED
@given(text=TRICKY | st.text(st.sampled_from("AB='\"\n# \r"), max_size=20), value=TRICKY)
def test_any_file_is_added_to_or_left_alone(tmp_path: Path, text: str, value: str):
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    file = read_file(path)
    line = f"NEW={quote(value)}\n"
    try:
        after = file.extended(line, {"NEW": value})
    except ValueError:
        # A quote that is open would swallow the line.
        assert any(entry.unreadable for entry in file.entries)
        return
    assert after.text.startswith(file.text)
    assert after.values == {**file.values, "NEW": value}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=a#b", "a#b"),
        ("KEY=a #b", "a"),
        ("KEY = spaced out ", "spaced out"),
        ("export KEY='a b'", "a b"),
        ("'KEY'=a", "a"),
        ('KEY="two\\nlines"', "two\nlines"),
        ("KEY='$HOME ${HOME}'", "$HOME ${HOME}"),
        ("KEY=${HOME}", "${HOME}"),
        ("KEY=# note", "# note"),
        ("KEY=a=b", "a=b"),
        ('KEY="it\'s"', "it's"),
    ],
)
def test_common_ways_of_writing_are_read(tmp_path: Path, line: str, value: str):
    (tmp_path / ".env").write_text(f"{line}\n")
    assert read_file(tmp_path / ".env").values == {"KEY": value}


@pytest.mark.parametrize("line", ["KEY='open", 'KEY="open', "=value", "KEY='a'b"])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str):
    (tmp_path / ".env").write_text(f"A=1\n\n{line}\nB=2\n")
    (fault,) = read_file(tmp_path / ".env").faults()
    assert str(fault).startswith("line 3 (.env): cannot be read")
    assert fault.stops


def test_of_two_lines_the_last_counts_and_is_changed(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("KEY=a\nKEY=b\n")
    assert read_file(path).values == {"KEY": "b"}
    assert read_file(path).changed({"KEY": "c"}).text == "KEY=a\nKEY=c\n"


def test_a_link_stays_one(tmp_path: Path):
    (tmp_path / "real").write_text("KEY=a\n")
    (tmp_path / ".env").symlink_to("real")
    read_file(tmp_path / ".env").changed({"KEY": "b"}).save()
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real").read_text() == "KEY=b\n"


def test_a_failed_write_leaves_the_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / ".env"
    path.write_text("KEY=a\n")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        read_file(path).changed({"KEY": "b"}).save()
    assert [file.name for file in tmp_path.iterdir()] == [".env"]
    assert path.read_text() == "KEY=a\n"
