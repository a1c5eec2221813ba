"""Explains an option of ``settings.MATT`` that this release does not have. Only system checks import it."""

from dataclasses import fields
from difflib import get_close_matches

from django.conf import settings

from django_matt.settings import MattSettings

__all__ = ["RENAMED", "hint"]

RENAMED: dict[str, str] = {}
"""What earlier releases called an option, with its name of today. An entry stays for two minor releases."""


def hint() -> str:
    """Return what to write instead of the options that ``settings.MATT`` should not have."""
    known = [field.name for field in fields(MattSettings)]
    found: list[str] = []
    for name in sorted(set(getattr(settings, "MATT", {})) - set(known), key=str):
        close = get_close_matches(str(name).upper(), known, n=1, cutoff=0.7)
        if name in RENAMED:
            found.append(f"{name} of an earlier release is {RENAMED[name]} now.")
        elif close:
            found.append(f"Did you mean {close[0]} instead of {name}?")
    return " ".join(found) or "Correct or remove the option in settings.MATT."
