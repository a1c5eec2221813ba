"""The organization of a request, and what it may read and write (properties 19 and 22 of the sign-in facts)."""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from django_matt import MattAPI
from django_matt.contrib.tenants.errors import ForeignTenant, NoTenant
from django_matt.contrib.tenants.models import Membership, Organization
from django_matt.contrib.tenants.resolution import tenant_scope
from tests.docs.snippets import read_body
from tests.sign_in.tenants.conftest import Key, make_api
from tests.sign_in.tenants.models import Author, Book

RED, BLUE = {"X-Tenant": "red"}, {"X-Tenant": "blue"}
LISTS = ["/api/books", "/api/abooks"]
READS = [*LISTS, "/api/titles", "/api/authors", "/api/aauthors"]
NO_TENANT = {"detail": "The request has no organization that you are a member of."}


def post(client: Any, url: str, data: Any, **more: Any) -> Any:
    return client.post(url, json.dumps(data), content_type="application/json", **more)


@pytest.mark.parametrize("url", LISTS)
def test_a_list_has_the_rows_of_the_organization(client, url):
    assert client.get(url, headers=RED).json() == [{"title": "red 0"}, {"title": "red 1"}]


def test_counts_and_loops_of_a_view_are_narrowed(client):
    assert client.get("/api/titles", headers=RED).json() == {
        "count": 2,
        "titles": ["red 0", "red 1"],
    }


@pytest.mark.parametrize("url", ["/api/authors", "/api/aauthors"])
def test_nested_lists_have_the_rows_of_the_organization(client, world, url):
    Book.objects.create(title="smuggled", author=world["red"].author, organization=world["blue"].organization)  # fmt: skip
    found = client.get(url, headers=RED).json()
    assert found == [{"name": "red author", "books": [{"title": "red 0"}, {"title": "red 1"}]}]


@pytest.mark.parametrize("url", ["/api/lines", "/api/alines"])
def test_streams_have_the_rows_of_the_organization(client, url):
    lines = read_body(client.get(url, headers=RED)).splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["red 0", "red 1"]


@pytest.mark.parametrize("url", ["/api/books", "/api/abooks"])
def test_19_an_object_of_another_organization_does_not_exist(client, world, url):
    assert client.get(f"{url}/{world['red'].books[0].pk}", headers=RED).status_code == 200
    foreign = client.get(f"{url}/{world['blue'].books[0].pk}", headers=RED)
    missing = client.get(f"{url}/99999", headers=RED)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


def test_no_unknown_and_foreign_organization_are_refused_alike(client):
    for url in READS:
        for headers in ({}, BLUE, {"X-Tenant": "nobody"}, {"X-Tenant": "É!"}):
            found = client.get(url, headers=headers)
            assert (found.status_code, found.json()) == (403, NO_TENANT)


def test_writes_without_an_organization_are_refused(client):
    for url in ("/api/books", "/api/abooks"):
        found = post(client, url, {"title": "new", "author_id": None})
        assert (found.status_code, found.json()) == (403, NO_TENANT)
    assert post(client, "/api/many", ["new"]).status_code == 403
    assert Book.objects.count() == 4


def test_nobody_has_an_organization(client):
    client.logout()
    assert client.get("/api/books", headers=RED).status_code == 401


@pytest.mark.parametrize("url", ["/api/books", "/api/abooks"])
def test_a_new_row_belongs_to_the_current_organization(client, world, url):
    made = post(client, url, {"title": "new", "author_id": world["red"].author.pk}, headers=RED)
    assert made.status_code == 201, made.content
    assert Book.objects.get(title="new").organization == world["red"].organization


def test_so_do_rows_of_bulk_create(client, world):
    assert post(client, "/api/many", ["a", "b"], headers=RED).status_code == 200
    assert Book.objects.filter(title__in="ab", organization=world["red"].organization).count() == 2


@pytest.mark.parametrize("url", ["/api/books", "/api/abooks"])
def test_19_a_key_of_another_organization_in_a_body_is_unknown(client, world, url):
    foreign = post(client, url, {"title": "x", "author_id": world["blue"].author.pk}, headers=RED)
    missing = post(client, url, {"title": "x", "author_id": 99999}, headers=RED)
    assert foreign.status_code == missing.status_code == 409
    assert foreign.content == missing.content
    assert (
        post(client, "/api/wish", {"author": world["blue"].author.pk}, headers=RED).status_code
        == 409
    )


@pytest.mark.parametrize("how", ["save", "update", "bulk_update", "create"])
def test_no_write_gives_a_row_to_another_organization(client, world, how):
    red, blue = world["red"], world["blue"]
    url = f"/api/move/{red.books[0].pk}/{blue.organization.pk}?how={how}"
    with transaction.atomic():  # what the error rolls back
        assert client.post(url, headers=RED).status_code == 409
    assert Book.objects.filter(organization=blue.organization).count() == 2


def test_19_a_lost_membership_bites_on_the_next_request(client, world):
    assert {client.get(url, headers=RED).status_code for url in READS} == {200}
    Membership.objects.filter(user=world["red"].user).delete()
    assert {client.get(url, headers=RED).status_code for url in READS} == {403}


def test_a_request_asks_for_the_membership_once(client, django_assert_num_queries):
    client.get("/api/titles", headers=RED)
    with django_assert_num_queries(5):  # session, user, membership, count, rows
        client.get("/api/titles", headers=RED)


def test_19_a_key_of_one_organization_works_in_no_other(client, world, keys):
    """Also if its user is a member of both."""
    red, blue = world["red"], world["blue"]
    Membership.objects.create(user=red.user, organization=blue.organization, role="owner")
    keys["pinned"] = Key(red.user, tenant_id=str(red.organization.pk))
    pinned = {"Authorization": "Bearer pinned"}
    client.logout()
    for url in READS:
        assert client.get(url, headers=pinned).status_code == 200
        assert client.get(url, headers={**pinned, **RED}).status_code == 200
        assert client.get(url, headers={**pinned, **BLUE}).json() == NO_TENANT
    for path in ("members", "invitations", "domains"):
        assert client.get(f"/api/organizations/red/{path}", headers=pinned).status_code == 200
        assert client.get(f"/api/organizations/blue/{path}", headers=pinned).status_code == 403
    assert [each["slug"] for each in client.get("/api/organizations", headers=pinned).json()] == [
        "red"
    ]
    assert client.get("/api/books", headers=pinned).json()[0] == {"title": "red 0"}
    Membership.objects.filter(user=red.user, organization=red.organization).delete()
    assert client.get("/api/books", headers=pinned).status_code == 403


def test_a_key_that_an_organization_owns_has_the_role_that_it_names(client, world, keys):
    keys["org"] = Key(None, tenant_id=str(world["red"].organization.pk), tenant_role="viewer")
    headers = {"Authorization": "Bearer org"}
    client.logout()
    assert client.get("/api/books", headers=headers).status_code == 200
    assert client.get("/api/books", headers={**headers, **BLUE}).status_code == 403
    assert client.get("/api/managed/viewer", headers=headers).status_code == 200
    assert client.get("/api/managed/admin", headers=headers).status_code == 403


@pytest.mark.parametrize("pinned", ["x", "9" * 40, "0"])
def test_a_key_of_no_organization_is_refused(client, world, keys, pinned):
    keys["odd"] = Key(world["red"].user, tenant_id=pinned)
    found = client.get("/api/books", headers={"Authorization": "Bearer odd", **RED})
    assert (found.status_code, found.json()) == (403, NO_TENANT)


def test_roles_are_permissions(client, world):
    for role, admin, viewer in (
        ("admin", 200, 200),
        ("owner", 200, 200),
        ("viewer", 403, 200),
        ("x", 403, 403),
    ):
        Membership.objects.filter(user=world["red"].user).update(role=role)
        assert client.get("/api/managed/admin", headers=RED).status_code == admin
        assert client.get("/api/managed/viewer", headers=RED).status_code == viewer
        assert client.get("/api/admins", headers=RED).status_code == admin
    assert client.get("/api/managed/viewer").status_code == 403


def test_other_apps_find_the_organization(client):
    assert client.get("/api/who", headers=RED).json() == {"tenant": "red"}
    assert client.get("/api/who").json() == {"tenant": None}
    assert client.get("/api/who", headers=BLUE).json() == NO_TENANT


def test_organizations_and_memberships_are_narrowed_too(serve, world):
    api = MattAPI(urls_namespace="narrowed-organizations", extensions=["matt_tenants"])

    @api.get("/all")
    def everything(request):
        return {
            "organizations": list(Organization.objects.values_list("slug", flat=True)),
            "users": list(Membership.objects.values_list("user__username", flat=True)),
        }

    client = serve(api)
    assert client.get("/api/all").status_code == 403
    client.force_login(world["red"].user)
    for headers in ({}, RED):
        found = client.get("/api/all", headers=headers).json()
        assert found == {"organizations": ["red"], "users": ["ada"]}


def test_a_subdomain_names_the_organization(client, settings):
    settings.MATT_TENANTS = {"FROM": "subdomain", "DOMAIN": "example.com"}
    settings.ALLOWED_HOSTS = ["*"]
    for host in ("red.example.com", "RED.example.com", "red.example.com:8000"):
        assert client.get("/api/books", headers={"Host": host}).status_code == 200
    for host in (
        *(
            "blue.example.com",
            "example.com",
            "www.example.com",
            "a.red.example.com",
            "redexample.com",
        ),
        *("red.example.com.evil.org", "red.example.org"),
    ):
        assert client.get("/api/books", headers={"Host": host, **RED}).json() == NO_TENANT


def test_a_path_parameter_names_the_organization(serve, settings, world):
    settings.MATT_TENANTS = {"FROM": "path"}
    api = make_api()

    @api.get("/{organization}/titles")
    def titles(request, organization: str):
        return [book.title for book in Book.objects.order_by("pk")]

    client = serve(api)
    client.force_login(world["red"].user)
    assert client.get("/api/red/titles").json() == ["red 0", "red 1"]
    assert client.get("/api/blue/titles").json() == NO_TENANT
    assert client.get("/api/books", headers=RED).json() == NO_TENANT


def test_300_organizations_in_turn_never_mix_and_use_the_same_statements(client, world, keys):
    user = world["red"].user
    organizations = Organization.objects.bulk_create(
        Organization(name=f"t{n}", slug=f"t{n}") for n in range(300)
    )
    Membership.objects.bulk_create(
        Membership(user=user, organization=each, role="member") for each in organizations
    )
    Book.objects.bulk_create(Book(title=each.slug, organization=each) for each in organizations)
    statements = set()

    def note(execute, sql, params, many, context):
        statements.add(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for each in organizations:
            keys["key"] = Key(user, str(each.pk))
            found = client.get("/api/books", headers={"Authorization": "Bearer key"})
            assert found.json() == [{"title": each.slug}]
    assert len(statements) == 2  # the membership and the books


def test_outside_of_requests_everything_is_free_until_a_scope_is_entered(world):
    assert Book.objects.count() == 4
    with tenant_scope(world["red"].organization):
        assert Book.objects.count() == 2
        book = Book(title="clean")
        book.full_clean()
        book.save()
        with tenant_scope(world["blue"].organization):
            assert Book.objects.count() == 2
            with pytest.raises(ForeignTenant), transaction.atomic():
                book.save()
        assert Book.objects.count() == 3
        with pytest.raises(ForeignTenant), transaction.atomic():
            Author.objects.create(name="x", organization=world["blue"].organization)
    assert Book.objects.count() == 5


def test_after_a_request_nothing_is_narrowed(client):
    client.get("/api/books", headers=RED)
    client.get("/api/books")
    assert Book.objects.count() == 4


def test_a_field_without_a_current_organization_says_what_to_do():
    from django_matt.contrib.tenants.current import current_key

    with pytest.raises(NoTenant, match=r"tenant_scope\(organization\)"):
        current_key()


def test_the_document_describes_the_routes(client):
    document = client.get("/api/openapi.json").json()
    assert "/api/organizations/{organization}/members" in document["paths"]
    assert get_user_model().objects.count() == 2
