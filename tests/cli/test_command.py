"""``matt``: finding the project, opening its doors, and never a traceback for a user's mistake."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from django_matt.cli.managing import Project
from django_matt.installation import install_line
from tests.e2e.servers import can_connect
from tests.waiting import SECONDS, wait_until

from .projects import SmallProject

pytestmark = pytest.mark.once


def plain(process: subprocess.CompletedProcess[str]) -> str:
    """Return what was said, in one line."""
    return " ".join((process.stdout + process.stderr).split())


def test_help_teaches_and_lists_the_commands_of_the_project(project: SmallProject):
    said = project.matt("--help")
    assert said.returncode == 0
    for line in (
        "dev Serve the project while you work on it",
        "doctor Find out what is wrong with this project, and how to fix it.",
        "env Write, check and show .env",
        "plan Show what each response is built from",
        "greet manage.py matt_greet",
        "--install-completion",
    ):
        assert line in plain(said)
    assert "\x1b" not in said.stdout


def test_help_needs_no_project(tmp_path: Path, project: SmallProject):
    said = project.matt("--help", within="..")
    assert said.returncode == 0
    assert "doctor" in said.stdout
    assert "greet" not in said.stdout


def test_without_arguments_it_shows_the_help(project: SmallProject):
    assert "Usage: matt" in project.matt().stdout


def test_it_says_its_version(project: SmallProject):
    from django_matt import __version__

    assert project.matt("--version").stdout == f"Django Matt {__version__}\n"


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_a_missing_library_names_the_line_that_installs_it(project: SmallProject, library: str):
    code = f"import sys; sys.modules[{library!r}] = None; from django_matt.cli import main; main()"
    said = project.run(sys.executable, "-c", code)
    assert said.returncode == 1
    assert f"the package {library!r} is missing." in said.stderr
    assert f"    {install_line('cli')}\n" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_fault_of_another_library_is_not_called_a_missing_one(project: SmallProject):
    code = "import sys; sys.modules['ast'] = None; from django_matt.cli import main; main()"
    assert "ModuleNotFoundError" in project.run(sys.executable, "-c", code).stderr


@pytest.mark.parametrize("command", ["dev", "doctor", "env", "plan"])
def test_outside_of_a_project_a_sentence_says_so(project: SmallProject, command: str):
    said = project.matt(command, within="..")
    assert said.returncode == 1
    assert "no manage.py here" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_unknown_command_is_exit_code_2(project: SmallProject):
    said = project.matt("nothing")
    assert said.returncode == 2
    assert "No such command 'nothing'" in said.stderr


def test_a_command_of_the_project_gets_its_arguments_and_gives_its_exit_code(project: SmallProject):
    said = project.matt("greet", "Ada", "--code", "3")
    assert (said.stdout, said.returncode) == ("Good day, Ada.\n", 3)


def test_help_of_a_door_is_that_of_the_management_command(project: SmallProject):
    assert "usage: manage.py matt_greet" in project.matt("greet", "--help").stdout


def test_the_project_is_found_from_a_folder_below(project: SmallProject):
    said = project.matt("plan", within="notes/migrations")
    assert "GET     /api/hello" in said.stdout, said.stderr


def test_settings_of_the_environment_win(project: SmallProject):
    said = project.matt("plan", DJANGO_SETTINGS_MODULE="config.nowhere")
    assert said.returncode == 1
    assert "No module named 'config.nowhere'" in said.stderr


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("config/settings.py", "X = (", "config/settings.py, line 13: SyntaxError"),
        ("config/settings.py", "X = y", "config/settings.py, line 13: NameError: name 'y' is not"),
        ("config/settings.py", "import nowhere", "No module named 'nowhere'"),
        ("notes/models.py", "\nimport nowhere", "notes/models.py, line 7: ModuleNotFoundError"),
        ("manage.py", "\n)", "manage.py, line 10: SyntaxError"),
    ],
)
def test_a_project_that_does_not_start_is_answered_in_a_sentence(
    project: SmallProject, file: str, text: str, sentence: str
):
    project.append(file, text)
    said = project.matt("plan")
    assert said.returncode == 1
    assert sentence in said.stderr
    assert "matt doctor" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_fault_of_a_running_command_keeps_its_traceback(project: SmallProject):
    project.append("notes/management/commands/matt_greet.py", "        raise OSError('of mine')\n")
    project.write(
        "notes/management/commands/matt_greet.py",
        (project.folder / "notes/management/commands/matt_greet.py")
        .read_text()
        .replace('sys.exit(options["code"])', ""),
    )
    said = project.matt("greet", "Ada")
    assert said.returncode == 1
    assert "Traceback" in said.stderr
    assert "OSError: of mine" in said.stderr


def test_the_environment_beside_manage_py_is_the_project_s(project: SmallProject):
    python = project.write(
        ".venv/bin/python", f'#!/bin/sh\necho "of the project" >&2\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    assert "of the project" in project.matt("plan").stderr
    # The environment of the README, which has matt and not what the project needs.
    assert "of the project" in project.matt("plan", VIRTUAL_ENV=sys.prefix).stderr


def test_an_activated_environment_in_the_project_s_folder_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    project = Project(tmp_path / "manage.py")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv-next"))
    assert project.python == tmp_path / ".venv/bin/python"
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / ".venv-next"))
    assert project.python == Path(sys.executable)


ENTRY_POINTS = """\
[django_matt.commands]
wave = waving:wave
tools = waving:tools
gone = waving:nothing
"""
WAVING = '''\
import typer

tools = typer.Typer(help="Several.")


@tools.command()
def one():
    """Do one thing."""
    print("one")


@tools.command()
def two():
    """Do another."""


def wave(name: str, loud: bool = False):
    """Wave at somebody."""
    print(name.upper() if loud else name)
'''


def test_an_installed_package_adds_commands_by_entry_points(project: SmallProject):
    project.write("packages/waving.py", WAVING)
    project.write("packages/waving-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: waving\n")
    project.write("packages/waving-1.dist-info/entry_points.txt", ENTRY_POINTS)
    path = os.pathsep.join([project.variables["PYTHONPATH"], str(project.folder / "packages")])
    said = plain(project.matt("--help", within="..", PYTHONPATH=path))
    assert "wave Wave at somebody." in said
    assert "tools Several." in said
    assert project.matt("wave", "Ada", "--loud", PYTHONPATH=path).stdout == "ADA\n"
    assert project.matt("tools", "one", PYTHONPATH=path).stdout == "one\n"
    broken = project.matt("gone", PYTHONPATH=path)
    assert broken.returncode == 1
    assert "the command 'gone' (waving:nothing) cannot be loaded" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_the_shell_completes_commands(project: SmallProject):
    words = {"_MATT_COMPLETE": "complete_bash", "COMP_WORDS": "matt do", "COMP_CWORD": "1"}
    assert project.matt(**words).stdout.split() == ["doctor"]
    words["COMP_WORDS"] = "matt gr"
    assert project.matt(**words).stdout.split() == ["greet"]


def test_a_terminal_has_colours_and_no_color_takes_them(project: SmallProject):
    coloured = re.compile(r"\x1b\[[\d;]*3[0-7]m")
    assert coloured.search(project.terminal("doctor"))
    assert not coloured.search(project.terminal("doctor", NO_COLOR="1"))


def test_an_encoding_without_our_marks_is_no_fault(project: SmallProject):
    said = project.matt("doctor", PYTHONIOENCODING="ascii")
    assert "Traceback" not in said.stderr
    assert "? Python" in said.stdout


INTERRUPTED = "\nmatt: interrupted.\n"


def test_ctrl_c_while_a_project_loads_is_one_line(project: SmallProject):
    project.append("config/settings.py", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    for command in ("plan", "env"):
        said = project.matt(command)
        assert (said.returncode, said.stdout, said.stderr) == (130, "", INTERRUPTED), command


def test_ctrl_c_while_python_starts_is_one_line(project: SmallProject):
    project.write(
        "starting/sitecustomize.py",
        "import os, signal, sys\n"
        "if any(part.endswith('entry.py') for part in sys.orig_argv):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n",
    )
    path = os.pathsep.join([str(project.folder / "starting"), project.variables["PYTHONPATH"]])
    said = project.matt("plan", PYTHONPATH=path)
    assert (said.returncode, said.stdout, said.stderr) == (130, "", INTERRUPTED)


@pytest.mark.parametrize("command", ["doctor", "nothing"])
def test_ctrl_c_in_matt_itself_is_one_line(project: SmallProject, command: str):
    # The doctor examines the project, an unknown word is looked for among its commands: both run it and wait.
    python = project.write(".venv/bin/python", "#!/bin/sh\nkill -s INT $PPID\nsleep 20\n")
    python.chmod(0o755)
    said = project.matt(command)
    assert (said.returncode, said.stdout, said.stderr) == (130, "", INTERRUPTED)


def test_a_reader_that_has_read_enough_is_no_error(project: SmallProject):
    project.append(
        "notes/management/commands/matt_greet.py",
        "\n    def handle(self, *args, **options):\n"
        "        for number in range(100_000):\n"
        "            self.stdout.write(str(number))\n",
    )
    line = f"{sys.executable} -m django_matt.cli greet Ada | head -n 2"
    said = project.run("bash", "-c", f"set -o pipefail; {line}", within=".")
    assert (said.returncode, said.stdout, said.stderr) == (141, "0\n1\n", "")


def test_flags_are_shown_without_a_type(project: SmallProject):
    for arguments in ([], ["new"], ["doctor"], ["update"]):
        said = project.matt(*arguments, "--help")
        assert "--help" in said.stdout
        assert "bool" not in said.stdout, arguments


def test_a_terminal_shows_the_plan_as_a_table_and_a_pipe_as_text(project: SmallProject):
    shown = project.terminal("plan")
    assert "METHOD" in shown
    assert "/api/hello" in shown
    assert "\x1b[1m" in shown
    assert "─" in shown
    said = project.matt("plan").stdout
    assert said.startswith("METHOD  PATH        RESPONSE IS BUILT FROM ")
    assert "\x1b" not in said
    assert "\x1b[1m" not in project.terminal("plan", "--no-color")


@pytest.mark.slow
def test_dev_serves_and_stops(project: SmallProject):
    port = free_port()
    command = [sys.executable, "-m", "django_matt.cli", "dev", "--noreload", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        command,
        cwd=project.folder / "notes",
        env=project.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_until(lambda: server.poll() is not None or can_connect(port))
            assert server.poll() is None
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/hello") as answer:
                assert answer.read() == b'{"hello":"world"}'
        finally:
            # It became the server: one process, one signal.
            server.send_signal(signal.SIGINT)
            server.wait(SECONDS)
