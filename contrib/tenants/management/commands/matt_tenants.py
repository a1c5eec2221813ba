"""``manage.py matt_tenants``: list and create organizations, add members, and verify domains."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count

from django_matt.contrib.tenants.domains import record_of
from django_matt.contrib.tenants.models import Domain, Membership, Organization
from django_matt.contrib.tenants.services import create_organization, verify_domain
from django_matt.contrib.tenants.settings import get_settings
from django_matt.errors.exceptions import Problem
from django_matt.sign_in import record_security_event

__all__ = ["Command"]


class Command(BaseCommand):
    """Manage organizations from the command line."""

    help = "List and create organizations, add members, and verify domains."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the four subcommands."""
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser(
            "list", help="List the organizations, with the number of their members."
        )
        create = commands.add_parser("create", help="Create an organization.")
        create.add_argument("slug", help="The name in requests, such as acme.")
        create.add_argument("--name", help="The name that people see; the slug by default.")
        create.add_argument("--owner", required=True, help="The username of the first owner.")
        add = commands.add_parser("add-member", help="Add a user, or change the user's role.")
        add.add_argument("slug", help="The slug of the organization.")
        add.add_argument("user", help="The username.")
        add.add_argument("--role", default="member", help="The role; member by default.")
        verify = commands.add_parser(
            "verify-domain", help="Look up the TXT record of a domain of an organization."
        )
        verify.add_argument("slug", help="The slug of the organization.")
        verify.add_argument("domain", help="The domain, such as acme.example.")
        for each in (create, add, verify):
            each.add_argument(
                "--dry-run", action="store_true", help="Only show what would be done."
            )

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        """Run a subcommand."""
        try:
            getattr(self, f"_{command.replace('-', '_')}")(options)
        except Problem as problem:
            raise CommandError(str(problem.detail)) from None

    def _list(self, options: dict[str, Any]) -> None:
        found: Any = Organization.objects.annotate(members=Count("memberships")).order_by("slug")
        for each in found:
            self.stdout.write(f"{each.slug}\t{each.name}\t{each.members} members")

    def _create(self, options: dict[str, Any]) -> None:
        owner, slug = _user(options["owner"]), options["slug"]
        organization = Organization(name=options["name"] or slug, slug=slug)
        if messages := _problems(organization):
            raise CommandError(messages)
        if not options["dry_run"]:
            create_organization(organization.name, slug, owner)
        self.stdout.write(f"{_would(options)}create {slug}, owned by {options['owner']}.")

    def _add_member(self, options: dict[str, Any]) -> None:
        organization, user, role = _organization(options["slug"]), _user(options["user"]), options["role"]  # fmt: skip
        if role not in get_settings().ROLES:
            raise CommandError(f"The role must be one of: {', '.join(get_settings().ROLES)}.")
        if not options["dry_run"]:
            Membership.objects.update_or_create(
                user=user, organization=organization, defaults={"role": role}
            )
            record_security_event("role_changed", user=user, tenant=organization.pk, organization=organization.slug, role=role)  # fmt: skip
        self.stdout.write(f"{_would(options)}make {user} {role} of {organization.slug}.")

    def _verify_domain(self, options: dict[str, Any]) -> None:
        organization = _organization(options["slug"])
        found = Domain.objects.filter(organization=organization, name=options["domain"]).first()
        if found is None:
            raise CommandError(f"{organization.slug} has no domain {options['domain']}.")
        name, text = record_of(found)
        self.stdout.write(f"{name} must have the TXT record {text}")
        if not options["dry_run"]:
            verify_domain(found)
            self.stdout.write(f"{found.name} is proven.")


def _would(options: dict[str, Any]) -> str:
    return "Would " if options["dry_run"] else "Done: "


def _problems(organization: Organization) -> str:
    from django.core.exceptions import ValidationError

    try:
        organization.full_clean()
    except ValidationError as error:
        return "; ".join(error.messages)
    return ""


def _organization(slug: str) -> Organization:
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist:
        raise CommandError(f"There is no organization {slug}.") from None


def _user(name: str) -> Any:
    try:
        return get_user_model()._default_manager.get_by_natural_key(name)  # type: ignore[attr-defined]
    except ObjectDoesNotExist:
        raise CommandError(f"There is no user {name}.") from None
