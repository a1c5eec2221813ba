"""A project as the targets see it, and the options with which each target works."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django_matt.contrib.deploy.checks import check_files
from django_matt.contrib.deploy.options import Options, validate
from django_matt.contrib.deploy.projects import Project, Variable
from django_matt.contrib.deploy.targets import Target, find_target

__all__ = ["GIVEN", "WORKS", "faults_in", "make", "project_in"]

GIVEN: dict[str, dict[str, Any]] = {
    "compose": {},
    "fly": {},
    "digitalocean": {"registry": "acme"},
    "aws": {
        "account": "123456789012",
        "vpc": "vpc-0a1b2c3d",
        "subnets": ("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    },
}
GIVEN["aws-lambda"] = {
    **GIVEN["aws"],
    "certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-1111-2222-3333-0a1b2c3d4e5f",
}
WORKS = [
    *(("compose", database) for database in ("sqlite", "postgresql")),
    *(("fly", database) for database in ("sqlite", "postgresql")),
    *((name, "postgresql") for name in ("digitalocean", "aws", "aws-lambda")),
]
REQUIREMENTS = """\
django==5.2.19
django-storages==1.14.6
granian==2.8.7
psycopg==3.3.9
redis==8.1.0
"""
SECRETS = {"SECRET_KEY", "DATABASE_URL", "CACHE_URL", "EMAIL_URL", "STORAGE_URL", "SENTRY_DSN"}
NAMES = ["DEBUG", "ALLOWED_HOSTS", "HTTPS", "BEHIND_PROXY", "SITE_URL", *sorted(SECRETS)]


def project_in(folder: Path, **changes: Any) -> Project:
    """Return the facts about a project, whose folder has what the checks read."""
    (folder / "requirements").mkdir(exist_ok=True)
    (folder / "requirements/production.txt").write_text(REQUIREMENTS)
    variables = tuple(Variable(name, name in SECRETS, name == "SECRET_KEY") for name in NAMES)
    project = Project(
        folder=folder,
        name="shop",
        settings="config.settings",
        application="config.asgi:application",
        variables=variables,
        workers={"events": ("python", "manage.py", "matt_events", "work")},
    )
    return replace(project, **changes)


def make(
    project: Project, name: str, database: str, **more: Any
) -> tuple[Target, Options, dict[str, str]]:
    """Return a target with its options and its files."""
    target = find_target(name)
    lacks = (name, database) in {("fly", "sqlite"), ("aws-lambda", "postgresql")}
    workers = () if lacks else ("events",)
    given = {"domain": "shop.example.com", "database": database, "workers": workers}
    options = validate(target.Options, {**given, **GIVEN[name], **more}, project)
    return target, options, target.files(project, options)


def faults_in(
    project: Project, target: Target, options: Options, files: dict[str, str]
) -> list[str]:
    """Return what is wrong with the files, as sentences."""
    found = check_files(target, project, options, files)
    return [each.what for each in found if each.level == "broken"]
