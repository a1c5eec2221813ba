"""``python -m django_matt.contrib.deploy.probe``: starts the project on its production settings and prints what is wrong."""

import io
import json
import os
import sys
from collections.abc import Iterator

__all__ = ["main"]

ADDRESS = "10.0.0.7:8000"
"""What a load balancer that asks containers by their address sends as the host."""


def main(health: str, domain: str, by_address: bool) -> None:
    """Print the findings as JSON: lists of what, why and how to fix it."""
    sys.path.insert(0, "")
    output = sys.stdout
    # Nothing that the project prints may get between.
    sys.stdout = io.StringIO()
    found = list(_examine(health, domain, by_address))
    output.write(json.dumps(found))
    output.flush()
    # Threads of the project would keep this process alive.
    os._exit(0)


def _examine(health: str, domain: str, by_address: bool) -> Iterator[tuple[str, str, str]]:
    import django
    from django.conf import settings

    try:
        django.setup()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - settings may raise anything
        yield (
            f"The project does not start on its production settings: {type(error).__name__}: {error}",
            "The new release would not start either.",
            "Fix the settings, or add the variable: matt deploy init TARGET --secrets NAME",
        )
        return
    from django.core.checks import WARNING, run_checks

    try:
        messages = run_checks(include_deployment_checks=True)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - checks import the URLs and all behind them
        yield (
            f"manage.py check --deploy cannot run: {type(error).__name__}: {error}",
            "The first request would fail too.",
            "",
        )
        return
    for message in messages:
        if message.level >= WARNING and not message.is_silenced():
            yield (
                str(message.msg),
                f"System check {message.id} (manage.py check --deploy)",
                message.hint or "",
            )
    if settings.DEBUG:
        yield (
            "DEBUG is on in production.",
            "Every visitor would see settings and local variables.",
            "DEBUG=false",
        )
    if any("*" in host or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        yield (
            f"ALLOWED_HOSTS is {settings.ALLOWED_HOSTS}.",
            "Links in mails could name a host that an attacker chooses.",
            "Name the hosts of your site.",
        )
    yield from _ask(health, domain, by_address)
    yield from _look_for_changes()


def _ask(health: str, domain: str, by_address: bool) -> Iterator[tuple[str, str, str]]:
    from django.test import Client

    client = Client(raise_request_exception=False)
    proxied = {"x-forwarded-proto": "https"}
    status = client.get(health, headers={"host": domain, **proxied}).status_code
    if status not in {200, 503}:
        yield (
            f"{health} answers {status} on the production settings.",
            "The platform would take no release for healthy.",
            'Add "django_matt.contrib.health" to INSTALLED_APPS, or name the path: MATT_HEALTH["READY_PATH"]',
        )
        return
    if not by_address:
        return
    status = client.get(health, headers={"host": ADDRESS}).status_code
    if status == 400:
        yield (
            f"{health} refuses a request whose host is an address, such as {ADDRESS}.",
            "The load balancer of this platform asks so, and would take no release for healthy.",
            'Put "django_matt.contrib.deploy.middleware.ProbeHostMiddleware" first in MIDDLEWARE.',
        )
    elif status not in {200, 503}:
        yield (
            f"{health} answers {status} to a request without X-Forwarded-Proto.",
            "The load balancer of this platform asks so, and would take no release for healthy.",
            f'SECURE_REDIRECT_EXEMPT = ["^{health.lstrip("/")}$"]',
        )


def _look_for_changes() -> Iterator[tuple[str, str, str]]:
    import warnings

    from django.core.management import call_command

    try:
        with warnings.catch_warnings():
            # There is no database to compare the history of migrations with.
            warnings.simplefilter("ignore")
            call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    except SystemExit:
        yield (
            "Models have changed, and no migration was made.",
            "The new release would read columns that are not there.",
            "python manage.py makemigrations",
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "address")
