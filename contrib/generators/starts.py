"""The templates of ``manage.py startapp``: what each asks, needs and contains, and how its files are put together."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import UUIDField

__all__ = [
    "ANSWERS",
    "TEMPLATES",
    "AppTemplate",
    "assemble",
    "missing_for",
    "offered_audiences",
    "variables",
]

FOLDER = Path(__file__).parent / "app_templates"
TENANTS = "django_matt.contrib.tenants"
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "mode": {"sync": "def", "async": "async def"},
    "layout": {"plain": "controllers use the models", "layered": "controllers call services"},
    "audience": {
        "b2b": "objects belong to an organization",
        "b2c": "objects belong to a user",
        "other": "objects belong to nobody; the staff writes",
    },
}
"""The questions, and what each answer means. The first one is the default, except for the audience."""
_NEEDS = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions")
# A line that has only a tag is removed with its end, so that templates read like what they become.
_TAG = re.compile(r"^[ \t]*(\{%[^%\n]*%\})\n", re.MULTILINE)
_LOGIC = "{# logic #}\n"
_PREFIX = 16


@dataclass(frozen=True, slots=True)
class AppTemplate:
    """A template."""

    contents: str
    """The docstring of its ``AppConfig``."""
    owner: str
    """The foreign key to the user whom an object belongs to."""
    audiences: tuple[str, ...]


TEMPLATES: Mapping[str, AppTemplate] = {
    "blog": AppTemplate(
        "Posts with tags and comments, and what the API shows of them.",
        "author",
        ("b2b", "b2c", "other"),
    ),
    "forum": AppTemplate(
        "Boards, threads and replies, and what the API shows of them.", "author", ("b2b", "b2c")
    ),
    "shop": AppTemplate(
        "Products and orders, and what the API shows of them.",
        "customer",
        ("b2b", "b2c", "other"),
    ),
    "saas": AppTemplate(
        "Projects and their tasks, and what the API shows of them.", "owner", ("b2b", "b2c")
    ),
}


def offered_audiences(template: str) -> list[str]:
    """Return the audiences that a template has and that run in this project; the default comes first."""
    return [name for name in TEMPLATES[template].audiences if not missing_for(name)]


def missing_for(audience: str) -> list[str]:
    """Return the apps that are not installed, and that an audience needs."""
    needed = (*_NEEDS, TENANTS) if audience == "b2b" else _NEEDS
    return [name for name in needed if not apps.is_installed(name)]


def variables(template: str, module: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return what the files of a template are rendered with, besides Django's own variables."""
    is_async, layered = answers["mode"] == "async", answers["layout"] == "layered"
    label = module.rpartition(".")[2]
    has_uuids = isinstance(get_user_model()._meta.pk, UUIDField)
    audience = answers["audience"]
    return {
        **{name: name == audience for name in ANSWERS["audience"]},
        "contents": TEMPLATES[template].contents,
        "owner": TEMPLATES[template].owner,
        "module": module,
        "label": label,
        "path": module.replace(".", "/"),
        "prefix": _shorten(label),
        "base": "TenantModel" if audience == "b2b" else "models.Model",
        "admin": "OwnedAdmin" if audience == "b2b" else "admin.ModelAdmin",
        "crud": "AsyncCrudController" if is_async else "CrudController",
        "async": is_async,
        "adef": "async def" if is_async else "def",
        "await": "await " if is_async else "",
        "call": "await sync_to_async(" if is_async else "",
        "end": ")" if is_async else "",
        "layered": layered,
        "services": "services." if layered else "",
        "uuid_users": has_uuids,
        "user_key": "UUID" if has_uuids else "int",
    }


def _shorten(label: str) -> str:
    """Return what names of indexes begin with. They have at most 30 characters, and two apps share none."""
    if len(label) <= _PREFIX:
        return label
    return f"{label[: _PREFIX - 5]}_{md5(label.encode(), usedforsecurity=False).hexdigest()[:4]}"


def assemble(template: str, answers: Mapping[str, str], folder: Path) -> None:
    """Copy those files of a template into a folder that belong to the answers, for Django to render."""
    logic = _read(FOLDER / template / "logic.py-tpl")
    left_out = {"logic.py-tpl"} | ({"services.py-tpl"} if answers["layout"] == "plain" else set())
    for source in (FOLDER / "shared", FOLDER / template):
        for path in sorted(source.rglob("*.py-tpl")):
            name = path.relative_to(source)
            *_, audience = name.name.removesuffix(".py-tpl").split(".")
            if path.name in left_out or audience in ANSWERS["audience"].keys() - {
                answers["audience"]
            }:
                continue
            target = folder / name.with_name(name.name.replace(f".{answers['audience']}.", "."))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_read(path).replace(_LOGIC, logic), encoding="utf-8")
            shutil.copymode(path, target)


def _read(path: Path) -> str:
    return _TAG.sub(r"\1", path.read_text(encoding="utf-8"))
