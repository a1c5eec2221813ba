"""What the commands have in common that call the operations of a project: whose requests, with which parameters."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from django_matt.contrib.observability.advice.replays import parse_pairs

__all__ = ["Calls", "add_call_options", "read_call_options"]


@dataclass(frozen=True, slots=True)
class Calls:
    """The values of parameters and the headers by name, and the user who is signed in."""

    known: dict[str, str]
    headers: dict[str, str]
    user: Any


def add_call_options(parser: CommandParser) -> None:
    """Add ``--set``, ``--header`` and ``--user``."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="the value of a parameter"
    )
    parser.add_argument(
        "--header", action="append", default=[], metavar="NAME: VALUE", help="a header to send"
    )
    parser.add_argument("--user", help="the user name of the user to sign in")


def read_call_options(options: dict[str, Any]) -> Calls:
    """Return what the options say; raise ``CommandError`` for a malformed one, and for a user that does not exist."""
    try:
        known = parse_pairs(options["set"], "=")
        headers = parse_pairs(options["header"], ":")
    except ValueError as error:
        raise CommandError(f"{error}: write --set name=value, --header 'Name: value'.") from None
    return Calls(known, headers, _find_user(options["user"]))


def _find_user(name: str | None) -> Any:
    if name is None:
        return None
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)  # type: ignore[attr-defined]
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
