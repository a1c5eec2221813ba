"""A pytest plugin: the closing line of a run, with its database, Python and Django, kept for the end of ``make test``."""

import os
import platform
import signal
from pathlib import Path

import django
import pytest

__all__ = ["pytest_configure", "pytest_sessionfinish", "pytest_terminal_summary"]


def pytest_configure() -> None:
    """Show which tests have failed, and what took long, also if a time limit ends the run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Accept that an app named by ``make test APPS=…`` has no test for one of the suites, and that none of these failed."""
    is_fine = os.environ.get("APPS") or session.config.getoption("lf", False)
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and is_fine:
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line such as ``sqlite, Python 3.11.7, Django 5.2.19: 2 passed in 0.4s``."""
    if hasattr(terminalreporter.config, "workerinput"):
        return  # One of several processes: the one that started them writes the line.
    from django.conf import settings

    database = settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1]
    parts = ", ".join(text for text, _ in terminalreporter.build_summary_stats_line()[0])
    line = f"{database}, Python {platform.python_version()}, Django {django.__version__}: {parts}"
    if apps := os.environ.get("MATT_TEST_APPS", "").split():
        line = f"{apps[0] if len(apps) == 1 else 'all apps'} on {line}"
    terminalreporter.write_line(line)
    if closing := os.environ.get("MATT_CLOSING"):
        with Path(closing).open("a") as file:
            file.write(f"{line}\n")
