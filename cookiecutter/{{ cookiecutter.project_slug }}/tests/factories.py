"""Makes what tests need, in the database. Name what matters to a test; the rest has a default."""

from itertools import count
from typing import Any

{% if cookiecutter.__b2b -%}
from django_matt.contrib.tenants.models import Membership, Organization

{% endif -%}
{% if cookiecutter.__example and not cookiecutter.__b2b -%}
from {{ cookiecutter.app_name }}.models import Item
{% endif -%}
from users.models import User

PASSWORD = "of-the-tests-39.90"
numbers = count(1)


def make_user(**fields: Any) -> User:
    """Store a user, who signs in with `PASSWORD`."""
    {% if cookiecutter.__email_user -%}
    defaults = {"email": f"user{next(numbers)}@example.com", "password": PASSWORD}
    {%- else -%}
    defaults = {"username": f"user{next(numbers)}", "password": PASSWORD}
    {%- endif %}
    return User.objects.create_user(**{**defaults, **fields})


def make_staff(**fields: Any) -> User:
    """Store a user with all permissions, who may use the admin."""
    return make_user(**{"is_staff": True, "is_superuser": True, **fields})
{%- if cookiecutter.__b2b %}


def make_member(slug: str = "acme", role: str = "owner") -> User:
    """Store a member of the organization, which is stored too if it is new."""
    organization, _ = Organization.objects.get_or_create(slug=slug, defaults={"name": slug.title()})
    user = make_user()
    Membership.objects.create(user=user, organization=organization, role=role)
    return user
{%- endif %}
{%- if cookiecutter.__example and not cookiecutter.__b2b %}


def make_item(**fields: Any) -> Item:
    """Store an item."""
    return Item.objects.create(**{"name": f"Lamp {next(numbers)}", "price": "39.90", **fields})
{%- endif %}
