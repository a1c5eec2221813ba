"""``runserver`` of the hot reload app keeps the files fresh: an edit of Python code is in them after the restart."""

import pytest

from tests.contrib.hot_reload import projects
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def project(tmp_path):
    settings = projects.FILES["config/settings.py"]
    for old, new in (
        ('"django_matt", "shop"', '"django_matt", "django_matt.contrib.typescript", "shop"'),
        (
            'STATIC_URL = "static/"',
            'STATIC_URL, MATT_TYPESCRIPT = "static/", {"OUTPUT": "web/api"}',
        ),
    ):
        assert old in settings
        settings = settings.replace(old, new)
    folder = projects.create(tmp_path / "project", **{"config/settings.py": settings})
    with projects.run(folder) as running:
        running.wait_for("Hello first")
        yield running


def test_an_edit_of_a_schema_is_written(project):
    file = project.folder / "web/api/schema.d.ts"
    assert not file.exists()
    project.replace("shop/api.py", "name: str", "name: str\n    size: int")
    wait_until(lambda: file.exists() and "size: number;" in file.read_text(), project.printed)


def test_a_mistake_writes_nothing_and_its_correction_writes(project):
    file = project.folder / "web/api/schema.d.ts"
    project.replace("shop/api.py", "name: str", "name: Strange")
    wait_until(lambda: "Strange" in project.printed(), project.printed)
    assert not file.exists()
    project.replace("shop/api.py", "name: Strange", "name: int")
    wait_until(lambda: file.exists() and "name: number;" in file.read_text(), project.printed)
