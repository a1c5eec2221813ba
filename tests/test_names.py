"""What ``import django_matt`` gives, and when."""

import subprocess
import sys

import pytest

import django_matt


def test_every_public_name_is_there():
    for name in django_matt.__all__:
        assert getattr(django_matt, name) is not None
    assert {"MattAPI", "__version__"} <= set(dir(django_matt))


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'annotations'"):
        django_matt.annotations  # noqa: B018
    with pytest.raises(ImportError):
        from django_matt import Nothing  # type: ignore[attr-defined]  # noqa: F401


@pytest.mark.once
def test_the_package_is_imported_before_django_has_settings():
    code = "import sys; from django_matt import contrib; import django_matt.errors.missing_extra; assert 'ninja' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
