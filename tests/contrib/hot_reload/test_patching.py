"""What is patched into the running process, and what asks for a restart."""

import pytest

from django_matt.contrib.hot_reload.patching import is_same_outside

SOURCE = '''
from ninja import Schema

class Pen(Schema):
    name: str

    def shout(self) -> str:
        return self.name

@api.get("/pen")
def pen(request, size: int = 1):
    """Say it."""
    return size
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return size", "size += 1\n    return size"),
        ("return self.name", "return self.name.upper()"),
        ("\nclass", "\n# a comment\n\nclass"),
    ],
)
def test_bodies_are_patched(old, new):
    assert is_same_outside(SOURCE, SOURCE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: str", "name: str\n    size: int"),
        ("size: int = 1", "size: int = 2"),
        ("size: int = 1", "size: float = 1"),
        ('"/pen"', '"/pens"'),
        ("Say it.", "Say it again."),
        ("return size", "yield size"),
        ("return self.name", "return super().name"),
        ("def pen", "async def pen"),
        ("-> str", "-> int"),
        ("from ninja", "import json\nfrom ninja"),
        ("@api.get", "@api.post"),
    ],
)
def test_everything_else_wants_a_restart(old, new):
    assert not is_same_outside(SOURCE, SOURCE.replace(old, new))


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(240)
def test_a_view_is_patched_and_a_schema_or_a_route_restarts(start):
    project = start(IN_PROCESS="1")
    first = run_of(project)
    assert project.get("/api/pen").json() == {"name": "red"}
    project.replace("shop/api.py", '"red"', '"blue"')
    project.wait_for("blue", "/api/pen")
    project.replace("shop/api.py", '"blue"', '"green"')
    project.wait_for("green", "/api/pen")
    assert run_of(project) == first
    project.replace("shop/api.py", "    name: str", "    name: str\n    size: int")
    project.wait_for('"size":7', "/api/pen")
    second = run_of(project)
    assert second != first
    text = (project.folder / "shop/api.py").read_text()
    project.write(
        "shop/api.py", f'{text}\n@api.get("/new")\ndef new(request):\n    return "made"\n'
    )
    project.wait_for("made", "/api/new")
    assert run_of(project) != second


def run_of(project):
    """Return what names the process that serves."""
    return project.get().text.partition('data-version="')[2].partition(".")[0]
