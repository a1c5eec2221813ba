"""What a tenants app would do, by public names alone: the tenant of a request, and the scopes of its models."""

import itertools

from django.db.models import Q

from django_matt import MattAPI
from django_matt.errors.exceptions import BadRequest
from tests.scopes.models import Cover, Label, Note, Owned, Publisher, Shelf, Tenant, Volume, Writer

namespaces = (f"scopes-{number}" for number in itertools.count())


def of_tenant(request):
    """Narrow to the tenant that the client names; ``*`` is somebody who may read everything."""
    name = request.headers.get("X-Tenant")
    if not name:
        raise BadRequest("Which tenant?")
    return None if name == "*" else Q(tenant=Tenant.objects.get(name=name))


def of_volume(request):
    """Narrow to what refers to a volume of the tenant: by a join, and so by a subquery."""
    name = request.headers.get("X-Tenant")
    return None if name == "*" else Q(volume__tenant__name=name)


def tenants_api(**options):
    """Return an API whose requests read what their tenant has."""
    api = MattAPI(urls_namespace=next(namespaces), **options)
    api.add_scope(Owned, of_tenant)
    api.add_scope(Cover, of_volume)
    api.add_scope(Note, of_volume)
    return api


def two_tenants():
    """Make two tenants that have as much of everything, and one shelf for both."""
    shelf = Shelf.objects.create(name="all")
    made = {}
    for name in ("red", "blue"):
        tenant = Tenant.objects.create(name=name)
        publisher = Publisher.objects.create(tenant=tenant, name=f"{name} house")
        labels = [Label.objects.create(tenant=tenant, name=f"{name} {n}") for n in range(2)]
        writers = [
            Writer.objects.create(tenant=tenant, name=f"{name} writer {n}", publisher=publisher)
            for n in range(2)
        ]
        volumes = []
        for n in range(4):
            volume = Volume.objects.create(
                tenant=tenant,
                title=f"{name} {n}",
                writer=writers[n % 2],
                editor=writers[0],
                shelf=shelf,
            )
            volume.labels.set(labels)
            Cover.objects.create(volume=volume, text=f"{name} cover {n}")
            Note.objects.create(volume=volume, text=f"{name} note {n}")
            volumes.append(volume)
        made[name] = {
            "tenant": tenant, "publisher": publisher, "labels": labels, "writers": writers, "volumes": volumes,
        }  # fmt: skip
    return made
