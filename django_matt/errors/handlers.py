"""Exceptions into answers."""

from typing import Any

__all__ = ["install_handlers"]


def install_handlers(api: Any) -> None:
    """Register the handlers of the error layer on ``api``."""
