"""``manage.py matt_env``: the file it writes, what it finds, and what it never prints or loses."""

import json
import os
import pty
import stat
import subprocess
import sys

import pytest

from django_matt.contrib.environments import DjangoEnvironment
from django_matt.contrib.environments import environment as environments
from django_matt.contrib.environments.files import read_file
from tests.cli.projects import TREE, SmallProject

from .commands import NAME, EnvCommand

pytestmark = pytest.mark.once

KEY = "x" * 50


def values(where: SmallProject | EnvCommand) -> dict[str, str]:
    return read_file(where.folder / ".env").values


def test_init_makes_the_file_without_which_no_settings_import(project: SmallProject):
    assert project.manage("check").returncode == 1
    said = project.manage("matt_env", "init", "--no-input", "PAYMENT_KEY=it's #1 $x", "DEBUG=true")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"Wrote {project.folder}/.env\n"
    assert stat.S_IMODE((project.folder / ".env").stat().st_mode) == 0o600
    assert project.manage("check", "--fail-level", "WARNING").returncode == 0
    found = values(project)
    assert found["PAYMENT_KEY"] == "it's #1 $x"
    assert found["DEBUG"] == "true"
    assert len(found["SECRET_KEY"]) == 64
    assert project.manage("matt_env", "check").returncode == 0


def test_the_file_explains_each_variable(env: EnvCommand):
    env.run("init", "--no-input", "PAYMENT_KEY=x")
    text = (env.folder / ".env").read_text()
    assert text.startswith(f"# The environment of this project, read by {NAME}:Environment.\n")
    assert "\n# Takes payments.\n# secret; required\nPAYMENT_KEY=x\n" in text
    assert "\n# How many processes serve.\n# whole number; optional\n# WORKERS=2\n" in text
    assert "# list of text, with commas; optional\n# ALLOWED_HOSTS=\n" in text


def test_each_file_has_secrets_of_its_own(env: EnvCommand):
    env.run("init", "--no-input", "PAYMENT_KEY=x")
    first = values(env)["SECRET_KEY"]
    said = env.run("init", "--no-input", "--force", "PAYMENT_KEY=x")
    assert said.returncode == 0
    second = values(env)["SECRET_KEY"]
    assert first != second
    assert first not in said.stdout + said.stderr
    assert second not in said.stdout + said.stderr


def test_what_only_you_know_is_asked_for_by_name(env: EnvCommand):
    said = env.run("init", "--no-input")
    assert said.returncode == 0
    assert "Fill in PAYMENT_KEY (secret): Takes payments.\n" in said.stdout
    assert "\n# PAYMENT_KEY=\n" in (env.folder / ".env").read_text()
    checked = env.run("check")
    assert checked.returncode == 1
    assert "✗ PAYMENT_KEY: is required and not set.\n" in checked.stdout


def test_init_adds_to_a_file_and_changes_nothing_of_it(env: EnvCommand):
    before = "\ufeff# mine\r\nexport DEBUG='true' # yes\r\nOTHER=1\r\n\r\nLAST=\"a\r\nb\""
    (env.folder / ".env").write_bytes(before.encode())
    said = env.run("init", "--no-input", "PAYMENT_KEY=x")
    assert said.returncode == 0, said.stderr
    after = (env.folder / ".env").read_bytes().decode()
    assert after.startswith(before + "\r\n")
    assert "\r\nPAYMENT_KEY=x\r\n" in after
    assert "DEBUG=" not in after.removeprefix(before)
    again = env.run("init", "--no-input")
    assert again.stdout == f"{env.folder}/.env has every variable already.\n"
    assert (env.folder / ".env").read_bytes().decode() == after


def test_init_keeps_what_a_file_says_already(env: EnvCommand):
    env.write(".env", f"SECRET_KEY={KEY}\nPAYMENT_KEY=x\n")
    said = env.run("init", "--no-input", "PAYMENT_KEY=y")
    assert said.returncode == 1
    assert "sets PAYMENT_KEY already, on line 2. Change it there." in said.stderr
    assert (env.folder / ".env").read_text() == f"SECRET_KEY={KEY}\nPAYMENT_KEY=x\n"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("WORKERS=many", "WORKERS: input should be a valid integer"),
        ("WORKRES=2", "has no WORKRES. Did you mean WORKERS?"),
        ("WORKERS", "'WORKERS' is not NAME=value."),
        (
            "DATABASE_URL=postgresq://ada:top-secret@db/x",
            "DATABASE_URL: should begin as a URL does",
        ),
        (
            "DATABASE_URL=sqlite://db.sqlite3",
            "DATABASE_URL: needs a third slash: sqlite:///db.sqlite3",
        ),
        (
            "DATABASE_URL=postgres://ada:top-secret@db:port/x",
            "DATABASE_URL: is not a URL that can be read",
        ),
        ("CACHE_URL=memory", "CACHE_URL: should begin as a URL does"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(env: EnvCommand, given: str, sentence: str):
    said = env.run("init", "--no-input", given)
    assert said.returncode == 1
    assert sentence in said.stderr
    assert "Traceback" not in said.stderr
    assert "top-secret" not in said.stderr
    assert not (env.folder / ".env").exists()


def test_check_tells_what_is_missing_unused_and_badly_typed(env: EnvCommand):
    env.write(
        ".env",
        "SECRET_KEY=\nWORKERS=many\nDEBGU=true\nPAYMENT_KEY\nX=1\nX=2\nY=${HOME}\n'A\nB=\"open\n",
    )
    (env.folder / ".env").chmod(0o644)
    said = env.run("check")
    assert said.returncode == 1
    for line in (
        "✗ line 8 (.env): cannot be read; write NAME=value, and close every quote.",
        "✗ line 9 (.env): cannot be read; write NAME=value, and close every quote.",
        "✗ SECRET_KEY: is required and not set.",
        "✗ PAYMENT_KEY: is required and not set.",
        "✗ WORKERS (.env, line 2): input should be a valid integer, unable to parse string as an integer.",
        "! X (.env, line 6): is on line 5 too; the last one counts.",
        "! PAYMENT_KEY (.env, line 4): has no `=`, so it is not set.",
        "! Y (.env, line 7): contains `${`, which is kept as it is: variables are not expanded.",
        "! DEBGU (.env, line 3): is not read. Did you mean DEBUG?",
        "! .env: other users of this machine can read it (mode 644): chmod 600 .env",
    ):
        assert f"{line}\n" in said.stdout + "\n"
    assert "5 of 12 must be fixed." in said.stderr


def test_check_names_the_line_of_a_bad_value(env: EnvCommand):
    env.write(".env", f"SECRET_KEY={KEY}\nPAYMENT_KEY=x\nDEBUG=perhaps\n")
    said = env.run("check")
    assert "✗ DEBUG (.env, line 3): input should be a valid boolean" in said.stdout
    assert "perhaps" not in said.stdout
    said = env.run("check", WORKERS="no")
    assert "✗ WORKERS (environment): input should be a valid integer" in said.stdout


def test_a_file_in_another_encoding_is_named_with_its_line(env: EnvCommand):
    (env.folder / ".env").write_bytes(b"A=1\nB=\xff\n")
    said = env.run("check")
    assert said.returncode == 1
    assert "✗ .env: line 2 is not UTF-8; save .env in that encoding." in said.stdout
    for verb in ("init", "rotate"):
        said = env.run(verb)
        assert said.returncode == 1
        assert "line 2 is not UTF-8" in said.stderr
        assert "Traceback" not in said.stderr
    assert (env.folder / ".env").read_bytes() == b"A=1\nB=\xff\n"


def test_a_folder_in_the_place_of_the_file_is_a_sentence(env: EnvCommand):
    (env.folder / ".env").mkdir()
    for verb in ("init", "check", "show", "rotate"):
        said = env.run(verb)
        assert said.returncode == 1
        assert "Is a directory" in said.stdout + said.stderr
        assert "Traceback" not in said.stderr


def test_git_that_would_commit_the_file_is_a_remark(env: EnvCommand):
    subprocess.run(["git", "init", "-q"], cwd=env.folder, check=True)
    env.run("init", "--no-input", "PAYMENT_KEY=x")
    said = env.run("check")
    assert (said.returncode, "! .env: git does not ignore it" in said.stdout) == (0, True)
    env.write(".gitignore", ".env\n")
    assert "git does not" not in env.run("check").stdout


def test_show_masks_secrets_until_they_are_asked_for(env: EnvCommand):
    env.run(
        "init",
        "--no-input",
        "PAYMENT_KEY=hidden-1",
        "DATABASE_URL=postgres://ada:hidden-2@db:5432/shop?sslpassword=hidden-3",
    )
    shown = env.run("show", WORKERS="7")
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in shown.stdout.splitlines()}
    assert "hidden" not in shown.stdout
    assert lines["PAYMENT_KEY"].startswith("********  ")
    assert lines["DATABASE_URL"].startswith("postgres://********@db:5432/shop?********  ")
    assert lines["WORKERS"].split() == ["7", "environment"]
    assert lines["DEBUG"].split() == ["false", "default"]
    assert ".env, line " in lines["SECRET_KEY"]
    assert "hidden" not in env.run("show", "--format", "json").stdout
    found = json.loads(env.run("show", "--format", "json", "--reveal").stdout)
    assert {"name": "PAYMENT_KEY", "value": "hidden-1"}.items() <= found[7].items()
    assert "hidden-1" in env.run("show", "--reveal").stdout


def test_show_names_defaults_and_shows_what_is_empty_as_empty(env: EnvCommand):
    env.write(".env", f"SECRET_KEY={KEY}\nPAYMENT_KEY=\n")
    found = {row["name"]: row for row in json.loads(env.run("show", "--format", "json").stdout)}
    for name in ("SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS"):
        assert (found[name]["value"], found[name]["source"]) == ("", "default")
    assert (found["PAYMENT_KEY"]["value"], found["PAYMENT_KEY"]["source"]) == ("", "missing")
    assert "elsewhere" not in env.run("show").stdout


def test_show_works_where_the_settings_do_not(env: EnvCommand):
    env.write(".env", "WORKERS=many\n")
    said = env.run("show")
    assert said.returncode == 0
    assert "many" in said.stdout
    assert "missing" in said.stdout


def test_the_table_for_the_documentation_holds_no_values(env: EnvCommand):
    env.run("init", "--no-input", "PAYMENT_KEY=hidden")
    said = env.run("show", "--format", "markdown").stdout
    assert said.startswith("| variable | type | default | means |\n|---|---|---|---|\n")
    assert "\n| `PAYMENT_KEY` | secret | required | Takes payments. |\n" in said
    assert "\n| `WORKERS` | whole number | `2` | How many processes serve. |\n" in said
    assert "hidden" not in said


def test_rotate_keeps_what_the_old_key_signed(project: SmallProject):
    project.write(".env", f"# mine\nSECRET_KEY='{KEY}' # a comment\nPAYMENT_KEY=x\n")
    signed = project.manage(
        "shell", "-v0", "-c", "from django.core import signing; print(signing.dumps(1))"
    ).stdout.strip()
    said = project.manage("matt_env", "rotate")
    assert said.returncode == 0
    assert KEY not in said.stdout
    text = (project.folder / ".env").read_text()
    lines = text.splitlines()
    assert lines[0] == "# mine"
    assert lines[1].endswith(" # a comment")
    assert lines[2:] == [f"SECRET_KEY_FALLBACKS={KEY}", "PAYMENT_KEY=x"]
    code = f"from django.core import signing; print(signing.loads({signed!r}))"
    assert project.manage("shell", "-v0", "-c", code).stdout.strip() == "1"
    assert stat.S_IMODE((project.folder / ".env").stat().st_mode) == 0o600


def test_rotate_writes_the_former_keys_where_init_left_a_place(env: EnvCommand):
    env.run("init", "--no-input", "PAYMENT_KEY=x")
    before = (env.folder / ".env").read_text()
    key = values(env)["SECRET_KEY"]
    assert "\n# SECRET_KEY_FALLBACKS=\n" in before
    assert env.run("rotate").returncode == 0
    after = (env.folder / ".env").read_text()
    assert after == before.replace(key, values(env)["SECRET_KEY"]).replace(
        "# SECRET_KEY_FALLBACKS=\n", f"SECRET_KEY_FALLBACKS={key}\n"
    )


def test_rotate_keeps_a_bounded_number_of_keys(env: EnvCommand):
    env.write(".env", f"SECRET_KEY={KEY}\nPAYMENT_KEY=x\n")
    keys = [KEY]
    for _ in range(3):
        said = env.run("rotate")
        keys.insert(0, values(env)["SECRET_KEY"])
    assert "1 older key dropped" in said.stdout
    assert values(env)["SECRET_KEY_FALLBACKS"].split(",") == keys[1:3]
    assert env.run("rotate", "--keep", "0").returncode == 0
    assert json.loads(values(env)["SECRET_KEY_FALLBACKS"]) == []


def test_rotate_refuses_a_key_that_the_file_does_not_decide(env: EnvCommand):
    env.write(".env", f"SECRET_KEY={KEY}\nPAYMENT_KEY=x\n")
    said = env.run("rotate", SECRET_KEY="y" * 50)
    assert said.returncode == 1
    assert "SECRET_KEY is set in the environment of this process" in said.stderr
    env.write(".env", "PAYMENT_KEY=x\n")
    said = env.run("rotate")
    assert "has no SECRET_KEY; `python manage.py matt_env init` makes one." in said.stderr


def test_other_commands_say_one_sentence_without_the_file(project: SmallProject):
    said = project.manage("migrate")
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert "  - SECRET_KEY: is required and not set.\n" in said.stderr
    assert "`python manage.py matt_env init` writes what is missing" in said.stderr


def test_the_class_can_be_named(env: EnvCommand):
    said = env.run("check", named="")
    assert "settings.py makes no DjangoEnvironment. Name one with --settings-class" in said.stderr
    assert env.run("init", "--no-input", "PAYMENT_KEY=x").returncode == 0
    for wrong in (f"{NAME}:Nothing", "nowhere:Environment", f"{NAME}:BASE_DIR", ":"):
        said = env.run("check", named=wrong)
        assert said.returncode == 1
        assert f"--settings-class {wrong}: " in said.stderr


def test_of_several_classes_one_must_be_named(env: EnvCommand, monkeypatch: pytest.MonkeyPatch):
    found = [DjangoEnvironment, type("Other", (DjangoEnvironment,), {"__module__": "other"})]
    monkeypatch.setattr(environments, "loaded", found)
    said = env.run("check", named="")
    assert "settings.py makes instances of several classes: " in said.stderr
    assert "other:Other" in said.stderr


def test_matt_env_is_its_door(project: SmallProject):
    said = project.matt("env", "init", "--no-input", "PAYMENT_KEY=x", within="notes")
    assert said.returncode == 0, said.stderr
    assert (project.folder / ".env").exists()
    assert project.matt("env", "check").returncode == 0


def test_the_doctor_names_what_is_missing_and_what_is_doubtful(project: SmallProject):
    said = project.matt("doctor").stdout
    assert "SECRET_KEY: is required and not set." in said
    assert "    → matt env init\n" in said
    project.manage("matt_env", "init", "--no-input", "PAYMENT_KEY=x", "DEBUG=true")
    with (project.folder / ".env").open("a") as file:
        file.write("DEBUG=perhaps\n")
    said = project.matt("doctor").stdout
    assert "    → Fix that line, then run matt doctor again.\n" in said
    assert "matt env init\n" not in said
    (project.folder / ".env").write_text(
        (project.folder / ".env").read_text().replace("DEBUG=perhaps\n", "")
    )
    (project.folder / ".env").chmod(0o640)
    said = project.matt("doctor").stdout
    assert "! .env: other users of this machine can read it (mode 640): chmod 600 .env\n" in said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a terminal")
def test_at_a_terminal_it_asks_and_hides_what_is_typed(project: SmallProject):
    main, ours = pty.openpty()
    command = [sys.executable, "manage.py", "matt_env", "init"]
    with subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.variables,
        stdin=ours,
        stdout=ours,
        stderr=ours,
        start_new_session=True,
    ) as process:
        os.close(ours)
        said = b""
        while b"PAYMENT_KEY (secret): " not in said:
            said += os.read(main, 1000)
        os.write(main, b"typed-in\n")
        assert process.wait(60) == 0
    said += os.read(main, 1000)
    os.close(main)
    assert b"typed-in" not in said
    assert values(project)["PAYMENT_KEY"] == "typed-in"


def test_the_page_lists_the_fields_as_the_command_does(env: EnvCommand):
    named = "django_matt.contrib.environments:DjangoEnvironment"
    said = env.run("show", "--format", "markdown", named=named)
    assert said.stdout in (TREE / "docs" / "environment.md").read_text()
