"""What is patched into the running process, and what asks for a restart."""

import os

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
    (pid,) = children(project)
    assert project.get("/api/pen").json() == {"name": "red"}
    project.replace("shop/api.py", '"red"', '"blue"')
    project.wait_for("blue", "/api/pen")
    project.replace("shop/api.py", '"blue"', '"green"')
    project.wait_for("green", "/api/pen")
    assert children(project) == [pid]
    project.replace("shop/api.py", "    name: str", "    name: str\n    size: int")
    project.wait_for('"size":7', "/api/pen")
    (second,) = children(project)
    assert second != pid
    project.write("shop/api.py", (project.folder / "shop/api.py").read_text() + '\n@api.get("/new")\ndef new(request):\n    return "made"\n')
    project.wait_for("made", "/api/new")
    assert children(project) != [second]


def children(project):
    pid = project.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split() if os.path.exists(f"/proc/{word}")]
