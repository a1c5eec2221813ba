"""``python -m django_matt.contrib.deploy.migrations_check``: which new migrations the running release does not survive.

It migrates an empty database to what the running release has, and then asks ``manage.py matt_migrations check``. The names
of that release's migration files come on the standard input.
"""

import io
import json
import os
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Print the steps that are not safe as JSON; or an object with the reason why nothing is known."""
    sys.path.insert(0, "")
    output = sys.stdout
    sys.stdout = io.StringIO()
    found = _examine({line.strip() for line in sys.stdin if line.strip()})
    output.write(json.dumps(found))
    output.flush()
    os._exit(0)


def _examine(released: set[str]) -> object:
    import django

    django.setup()
    from django.core.management import get_commands
    from django.db import DatabaseError, connections

    if "matt_migrations" not in get_commands():
        return {
            "unknown": 'Add "django_matt.contrib.inspection" to INSTALLED_APPS, which has matt_migrations.'
        }
    name = connections["default"].settings_dict["NAME"]
    if "matt_server" not in connections:
        return _steps(released)
    try:
        with connections["matt_server"].cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
    except DatabaseError as error:
        return {"unknown": f"An empty database cannot be made: {str(error).splitlines()[0]}"}
    try:
        return _steps(released)
    finally:
        connections["default"].close()
        with connections["matt_server"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}"')


def _steps(released: set[str]) -> object:
    from django.core.management import CommandError, call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    known = {key for key in executor.loader.graph.nodes if _path(key, executor) in released | {""}}
    leaves = [
        key
        for key in known
        if not any(
            child.key in known and child.key[0] == key[0]
            for child in executor.loader.graph.node_map[key].children
        )
    ]
    executor.migrate(leaves)
    said = io.StringIO()
    try:
        call_command("matt_migrations", "check", "--format", "json", stdout=said)
    except CommandError as error:
        if not said.getvalue().strip():
            return {"unknown": str(error)}
    return json.loads(said.getvalue() or "[]")


def _path(key: tuple[str, str], executor: object) -> str:
    """Return the path of a migration in the project; empty if it is of another package."""
    from django.apps import apps

    folder = Path(apps.get_app_config(key[0]).path).resolve()
    here = Path.cwd().resolve()
    if (
        not folder.is_relative_to(here)
        or "site-packages" in folder.parts
        or ".venv" in folder.parts
    ):
        return ""
    return (folder.relative_to(here) / "migrations" / f"{key[1]}.py").as_posix()


if __name__ == "__main__":
    main()
