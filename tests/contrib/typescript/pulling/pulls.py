"""``matt_types pull`` in this process, in a project that is a folder."""

import io
import itertools
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import CommandError, load_command_class
from pydantic import BaseModel, TypeAdapter

__all__ = ["Project", "Result"]

NUMBERS = itertools.count()


@dataclass(frozen=True)
class Result:
    """What a process of the command would have said."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A folder with a TypeScript file and an app."""

    folder: Path
    modules: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "shop").mkdir()

    @property
    def schemas(self) -> Path:
        return self.folder / "shop" / "schemas.py"

    @property
    def models(self) -> Path:
        return self.folder / "shop" / "models.py"

    @property
    def lock(self) -> Path:
        return self.folder / ".matt-types.json"

    def write(self, text: str | bytes, name: str = "types.ts") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def run(self, *arguments: str) -> Result:
        """Run the command with these arguments."""
        out, err = io.StringIO(), io.StringIO()
        command = load_command_class("django_matt.contrib.typescript", "matt_types")
        command._called_from_command_line = True  # type: ignore[attr-defined]
        code = 0
        parser = command.create_parser("manage.py", "matt_types")
        try:
            options = vars(parser.parse_args(["--no-color", "pull", *arguments]))
            command.execute(**options, stdout=out, stderr=err)
        except CommandError as error:
            err.write(f"CommandError: {error}\n")
            code = error.returncode
        return Result(code, out.getvalue(), err.getvalue())

    def pull(self, text: str | bytes | None = None, *arguments: str) -> Result:
        """Write ``types.ts`` and pull it into ``shop/schemas.py``."""
        if text is not None:
            self.write(text)
        return self.run(str(self.folder / "types.ts"), "--to", "shop/schemas.py", *arguments)

    def python(self, text: str, *arguments: str) -> str:
        """Return the Python of some TypeScript, which must all be carried over."""
        result = self.pull(text, *arguments)
        assert result.code == 0, result.err
        assert result.err == "", result.err
        return self.schemas.read_text()

    def module(self) -> Any:
        """Import ``shop/schemas.py`` under a name of its own."""
        name = f"pulled_{next(NUMBERS)}"
        module = types.ModuleType(name)
        self.modules.append(name)
        sys.modules[name] = module
        exec(compile(self.schemas.read_text(), str(self.schemas), "exec"), module.__dict__)
        return module

    def of(self, text: str, *arguments: str) -> Any:
        """Return the module of some TypeScript."""
        self.python(text, *arguments)
        return self.module()


def schema_of(found: Any) -> Any:
    """Return the JSON schema of a class or an alias, without the titles that Python's names make."""
    made = (
        found.model_json_schema()
        if isinstance(found, type) and issubclass(found, BaseModel)
        else None
    )
    return without_titles(made or TypeAdapter(found).json_schema())


def without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_titles(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
