"""The system check of ``.env``, run by ``check --deploy`` and ``matt doctor``."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's name

from django_matt.contrib.environments import services
from django_matt.contrib.environments.environment import loaded

__all__ = ["check_file"]


@register("matt_doctor", deploy=True)
def check_file(**_: Any) -> list[CheckMessage]:
    """Warn about unused variables, doubtful lines, and a file that other users can read."""
    return [
        Warning(
            str(fault),
            hint="`python manage.py matt_env check` lists these.",
            id="matt_environments.W001",
        )
        for environment in loaded
        for fault in services.check(environment)
    ]
