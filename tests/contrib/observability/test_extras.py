"""Without the library of an extra, the error shows the command that installs it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
    import sys
    from importlib.abc import MetaPathFinder
    class Missing(MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "{library}":
                raise ModuleNotFoundError(name)
    sys.meta_path.insert(0, Missing())
    import importlib.util
    found = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *more: None if name == "{library}" else found(name, *more)
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["ninja_extra", "django_matt", "django_matt.contrib.observability"], SECRET_KEY="x")
    import django
    django.setup()
    import django_matt.contrib.observability.{module}
"""


@pytest.mark.parametrize(
    ("library", "module", "extra"),
    [
        ("prometheus_client", "apps", "observability"),
        ("opentelemetry", "traces", "otel"),
        ("pyinstrument", "profiles", "profile"),
    ],
)
def test_a_missing_library_names_its_extra(library: str, module: str, extra: str):
    program = textwrap.dedent(PROGRAM).format(library=library, module=module)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "MissingExtra" in done.stderr
    assert f"[{extra}]" in done.stderr
