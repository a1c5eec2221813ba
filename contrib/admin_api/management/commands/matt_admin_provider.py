"""``manage.py matt_admin_provider``: writes a data provider for a front end's admin framework."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

__all__ = ["Command"]

PROVIDERS = Path(__file__).parents[2] / "providers"


class Command(BaseCommand):
    """Write a data provider."""

    help = (
        "Write a data provider for refine or react-admin into a folder of your front end. It uses the client that "
        "`matt_types write` writes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        names = sorted(file.stem for file in PROVIDERS.glob("*.ts"))
        parser.add_argument("framework", choices=names, help="for which framework")
        parser.add_argument(
            "--output", required=True, help="the folder to write to, such as web/src/admin"
        )
        parser.add_argument(
            "--force", action="store_true", help="replace a file that you have changed"
        )

    def handle(self, *args: Any, framework: str, output: str, force: bool, **options: Any) -> None:
        """Write the file."""
        text = (PROVIDERS / f"{framework}.ts").read_text(encoding="utf-8")
        file = Path(output) / f"{framework}.ts"
        try:
            if file.exists() and not force and file.read_text(encoding="utf-8") != text:
                raise CommandError(f"{file} has been changed. Use --force to replace it.")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be written: {error}") from error
        self.stdout.write(f"Wrote {file}.")
