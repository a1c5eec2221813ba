"""Explains an option of ``settings.MATT`` that this release does not have. Only system checks import it."""

from dataclasses import fields
from difflib import get_close_matches
from typing import NamedTuple

from django.conf import settings

from django_matt.settings import MattSettings

__all__ = ["GONE", "Gone", "hint"]


class Gone(NamedTuple):
    """An option that earlier releases had."""

    since: str
    """The first release without it, such as ``"1.3"``."""
    instead: str
    """What to write: a name of today, or a sentence where nothing has its meaning any more."""


GONE: dict[str, Gone] = {}
"""The options that earlier releases had. An entry stays for two minor releases."""


def hint() -> str:
    """Return what to write instead of the options that ``settings.MATT`` should not have."""
    known = [field.name for field in fields(MattSettings)]
    found: list[str] = []
    for name in sorted(set(getattr(settings, "MATT", {})) - set(known), key=str):
        close = get_close_matches(str(name).upper(), known, n=1, cutoff=0.7)
        if gone := GONE.get(name):
            said = f"{name} is {gone.instead}" if gone.instead in known else f"{name} is gone"
            more = "" if gone.instead in known else f" {gone.instead}"
            found.append(f"{said} since Django Matt {gone.since}.{more}")
        elif close:
            found.append(f"Did you mean {close[0]} instead of {name}?")
    return " ".join(found) or "Correct or remove the option in settings.MATT."
