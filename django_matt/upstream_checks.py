"""The system check of the libraries below Django Matt: ``matt.E005``."""

from importlib.metadata import version
from typing import Any

from django.core.checks import CheckMessage, Error, register

from django_matt import upstream

__all__ = ["check_upstream"]


@register("matt")
def check_upstream(**_: Any) -> list[CheckMessage]:
    """Report a private name of Ninja, Ninja Extra, pydantic or Django that the installed release does not have."""
    found: list[CheckMessage] = []
    for line in upstream.missing():
        distribution, name = line.split(": ")
        features = upstream.NAMES[name][1]
        without = ", ".join(upstream.FEATURES[feature] for feature in features)
        found.append(
            Error(
                f"{name} does not exist in {distribution} {version(distribution)}."
                f" Django Matt works without: {without}.",
                hint=f'Install a release that it is tested with: pip install "{distribution}'
                f'{upstream.SUPPORTED[distribution]}".',
                id="matt.E005",
            )
        )
    return found
