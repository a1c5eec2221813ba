"""The routes: organizations, members, invitations and domains."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from django_matt import MattAPI
from django_matt.contrib.tenants.domains import DomainUnreachable
from django_matt.contrib.tenants.models import Domain, Invitation, Membership, Organization
from tests.sign_in.tenants.conftest import Key

RECORDS: dict[str, list[str]] = {}


def resolve(name: str) -> list[str]:
    """What the setting ``TXT_RESOLVER`` names."""
    if name.endswith("down.example"):
        raise DomainUnreachable("no answer")
    return RECORDS.get(name, [])


def send(client: Any, method: str, url: str, data: Any = None) -> Any:
    """Send a request; what its error rolls back is not the test's transaction."""
    with transaction.atomic():
        body = b"" if data is None else json.dumps(data)
        return client.generic(method, f"/api{url}", body, content_type="application/json")


@pytest.fixture
def others(world):
    """More people: their clients by name. Mia is a member of red, Vic a viewer, Al an admin; Eve is not a member."""
    made = {"bob": client_of(world["blue"].user), "ada": client_of(world["red"].user)}
    for name, role in (("mia", "member"), ("vic", "viewer"), ("al", "admin"), ("eve", None)):
        user = get_user_model().objects.create_user(name, f"{name}@example.com")
        if role:
            Membership.objects.create(user=user, organization=world["red"].organization, role=role)
        made[name] = client_of(user)
    return made


def client_of(user: Any) -> Client:
    made = Client(raise_request_exception=False)
    made.force_login(user)
    made.user = user  # type: ignore[attr-defined]
    return made


def member(name: str) -> Membership:
    return Membership.objects.get(user__username=name)


def test_a_user_creates_and_lists_organizations(client, world, others):
    made = send(client, "POST", "/organizations", {"name": " Green ", "slug": "green"})
    assert (made.status_code, made.json()) == (
        201,
        {"name": "Green", "slug": "green", "role": "owner"},
    )
    assert [each["slug"] for each in send(client, "GET", "/organizations").json()] == [
        "green",
        "red",
    ]
    assert send(others["eve"], "GET", "/organizations").json() == []


def test_a_slug_is_taken_or_reserved_or_invalid(client):
    for slug, status in (
        ("blue", 409),
        ("www", 409),
        ("A", 422),
        ("a b", 422),
        ("-a", 422),
        ("", 422),
        ("a" * 64, 422),
    ):
        assert (
            send(client, "POST", "/organizations", {"name": "x", "slug": slug}).status_code
            == status
        ), slug


def test_organizations_may_be_created_by_commands_alone(client, settings):
    settings.MATT_TENANTS = {"SELF_SERVICE": False}
    assert send(client, "POST", "/organizations", {"name": "x", "slug": "x"}).status_code == 403


def test_the_routes_need_a_session_with_a_csrf_token_where_the_api_has_no_auth(serve, world):
    client = serve(MattAPI(urls_namespace="no-auth", extensions=["matt_tenants"]))
    assert send(client, "GET", "/organizations").status_code == 401
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world["red"].user)
    assert send(strict, "GET", "/organizations").status_code == 200
    assert send(strict, "POST", "/organizations", {"name": "x", "slug": "x"}).status_code == 403
    assert not Organization.objects.filter(slug="x").exists()


def test_members_are_listed_for_members_alone(client, others):
    found = send(others["vic"], "GET", "/organizations/red/members").json()
    assert [(each["username"], each["role"]) for each in found] == [
        ("ada", "owner"), ("mia", "member"), ("vic", "viewer"), ("al", "admin"),
    ]  # fmt: skip
    foreign = send(others["eve"], "GET", "/organizations/red/members")
    unknown = send(others["eve"], "GET", "/organizations/nothing/members")
    assert foreign.status_code == unknown.status_code == 403
    assert foreign.content == unknown.content


def test_roles_are_changed_up_to_ones_own(client, others):
    for who, whom, role, status in (
        ("al", "mia", "owner", 403), ("al", "ada", "member", 403), ("mia", "vic", "member", 403), ("vic", "vic", "owner", 403),
        ("ada", "ada", "admin", 409), ("ada", "mia", "king", 422), ("bob", "mia", "viewer", 403), ("eve", "mia", "viewer", 403),
        ("al", "mia", "admin", 200), ("ada", "al", "viewer", 200), ("ada", "mia", "owner", 200), ("ada", "ada", "admin", 200),
    ):  # fmt: skip
        before = member(whom).role
        url = f"/organizations/red/members/{member(whom).pk}"
        assert send(others[who], "PATCH", url, {"role": role}).status_code == status, (
            who,
            whom,
            role,
        )
        assert member(whom).role == (role if status == 200 else before)


def test_a_member_of_another_organization_cannot_be_changed(client, world, others):
    for method, data in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        foreign = send(client, method, f"/organizations/red/members/{member('bob').pk}", data)
        missing = send(client, method, "/organizations/red/members/99999", data)
        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content
        assert (
            send(
                client, method, f"/organizations/blue/members/{member('bob').pk}", data
            ).status_code
            == 403
        )


def test_members_leave_and_are_removed(client, world, others):
    def remove(who: str, whom: str) -> Any:
        return send(
            others[who], "DELETE", f"/organizations/red/members/{member(whom).pk}"
        ).status_code

    assert remove("mia", "vic") == 403
    assert remove("al", "ada") == 403
    assert remove("ada", "ada") == 409  # the last owner
    assert remove("al", "vic") == 204
    assert remove("mia", "mia") == 204
    assert send(others["mia"], "GET", "/organizations/red/members").status_code == 403


def test_an_invitation_is_sent_and_accepted(
    client, world, others, settings, django_capture_on_commit_callbacks
):
    settings.MATT_TENANTS = {"INVITATION_URL": "https://app.example.com/join#{token}"}
    with django_capture_on_commit_callbacks(execute=True):
        made = send(
            client,
            "POST",
            "/organizations/red/invitations",
            {"email": "EVE@example.com", "role": "viewer"},
        )
    assert (made.status_code, made.json()["token"]) == (201, None)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["eve@example.com"], "You are invited to Red")
    (token,) = re.findall(r"https://app\.example\.com/join#(\S+)", str(sent.body))
    assert f"join#{token}" in str(sent.alternatives[0][0])
    assert token not in Invitation.objects.get().digest
    accepted = send(others["eve"], "POST", "/invitations/accept", {"token": token})
    assert (accepted.status_code, accepted.json()) == (
        200,
        {"name": "Red", "slug": "red", "role": "viewer"},
    )
    assert member("eve").organization == world["red"].organization
    again = send(others["eve"], "POST", "/invitations/accept", {"token": token})
    assert again.json() == {"detail": "The invitation is not valid."}


def invite(client: Any, email: str = "eve@example.com", role: str = "member") -> Any:
    return send(client, "POST", "/organizations/red/invitations", {"email": email, "role": role})


def test_19_every_invalid_invitation_looks_the_same(client, world, others):
    answers = []
    for spoil in ("unknown", "expired", "revoked", "accepted", "another address", "sender removed"):
        made = invite(others["al"] if spoil == "sender removed" else client).json()
        row = Invitation.objects.filter(pk=made["id"])
        now = timezone.now()
        if spoil == "expired":
            row.update(expires_at=now - timedelta(seconds=1))
        elif spoil == "revoked":
            assert (
                send(client, "DELETE", f"/organizations/red/invitations/{made['id']}").status_code
                == 204
            )
        elif spoil == "accepted":
            row.update(accepted_at=now)
        elif spoil == "another address":
            row.update(email="other@example.com")
        elif spoil == "sender removed":
            assert (
                send(client, "DELETE", f"/organizations/red/members/{member('al').pk}").status_code
                == 204
            )
        token = "x" * 43 if spoil == "unknown" else made["token"]
        answers.append(send(others["eve"], "POST", "/invitations/accept", {"token": token}))
    assert {(each.status_code, each.content) for each in answers} == {
        (404, b'{"detail": "The invitation is not valid."}')
    }
    assert not Membership.objects.filter(user__username="eve").exists()


def test_invitations_are_of_managers_and_up_to_their_role(client, others):
    assert invite(others["al"], role="admin").status_code == 201
    assert invite(others["al"], role="owner").status_code == 403
    assert invite(others["mia"], role="viewer").status_code == 403
    assert invite(others["bob"]).status_code == 403
    assert invite(client, role="king").status_code == 422
    for email in (
        "x",
        "\ud800@example.com",
        "a@b\ud800.com",
        "a" * 300 + "@example.com",
        "a@example.com\n",
    ):
        assert invite(client, email).status_code in (400, 422) or email.endswith("\n")
    assert send(others["mia"], "GET", "/organizations/red/invitations").status_code == 403
    listed = send(client, "GET", "/organizations/red/invitations").json()
    assert {each["token"] for each in listed} == {None}


def test_an_invitation_of_another_organization_cannot_be_revoked(client, others):
    made = invite(client).json()
    assert (
        send(others["bob"], "DELETE", f"/organizations/blue/invitations/{made['id']}").status_code
        == 404
    )
    assert (
        send(others["bob"], "DELETE", f"/organizations/red/invitations/{made['id']}").status_code
        == 403
    )
    assert Invitation.objects.get().revoked_at is None


def test_a_member_keeps_the_role_and_the_invitation(client, others):
    token = invite(client, "vic@example.com", "admin").json()["token"]
    assert send(others["vic"], "POST", "/invitations/accept", {"token": token}).status_code == 409
    assert (member("vic").role, Invitation.objects.get().accepted_at) == ("viewer", None)


def test_19_a_key_of_one_organization_neither_creates_nor_joins_another(
    client, world, others, keys
):
    keys["pinned"] = Key(others["eve"].user, tenant_id=str(world["blue"].organization.pk))
    token = invite(client).json()["token"]
    for url, data in (
        ("/organizations", {"name": "x", "slug": "x"}),
        ("/invitations/accept", {"token": token}),
    ):
        found = Client().post(
            f"/api{url}",
            data,
            content_type="application/json",
            headers={"Authorization": "Bearer pinned"},
        )
        assert found.status_code == 403


def in_threads(work: list[Any]) -> list[int]:
    """Send requests at the same time, each on a connection of its own; return the statuses."""
    barrier, results = Barrier(len(work)), [0] * len(work)

    def run(number: int) -> None:
        try:
            barrier.wait()
            results[number] = status_of(work[number])
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def status_of(call: Callable[[], Any]) -> int:
    """Send a request; again on SQLite, whose database in memory does not wait for a lock."""
    while True:
        status = int(call().status_code)
        if status < 500 or connection.vendor != "sqlite":
            return status
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_of_16_parallel_accepts_one_succeeds(client, others):
    """Two people have the address of the invitation: the token is claimed once, and not once per user."""
    twin = get_user_model().objects.create_user("twin", "eve@example.com")
    clients = [client_of(user) for user in (others["eve"].user, twin) for _ in range(8)]
    for _ in range(3):
        token = invite(client).json()["token"]
        answers = in_threads([
            lambda one=one, token=token: one.post("/api/invitations/accept", {"token": token}, content_type="application/json")
            for one in clients
        ])  # fmt: skip
        assert sorted(answers) == [200, *[404] * 15]
        assert Membership.objects.filter(user__email="eve@example.com").count() == 1
        Membership.objects.filter(user__email="eve@example.com").delete()


@pytest.mark.django_db(transaction=True)
def test_of_16_owners_that_leave_at_once_one_stays(client, world):
    organization = world["red"].organization
    users = [get_user_model().objects.create_user(f"owner{n}") for n in range(15)]
    for user in users:
        Membership.objects.create(user=user, organization=organization, role="owner")
    owners = [client_of(user) for user in (world["red"].user, *users)]
    urls = [f"/api/organizations/red/members/{member(one.user.username).pk}" for one in owners]  # type: ignore[attr-defined]
    answers = in_threads(
        [lambda one=one, url=url: one.delete(url) for one, url in zip(owners, urls, strict=True)]
    )
    assert sorted(answers) == [*[204] * 15, 409]
    assert Membership.objects.filter(organization=organization).count() == 1


@pytest.mark.django_db(transaction=True)
def test_16_organizations_cannot_prove_one_domain(client, world, settings):
    settings.MATT_TENANTS = {"TXT_RESOLVER": f"{__name__}.resolve"}
    urls = []
    for n in range(16):
        organization = Organization.objects.create(name=str(n), slug=f"d{n}")
        Membership.objects.create(user=world["red"].user, organization=organization, role="owner")
        domain = Domain.objects.create(organization=organization, name="one.example", proof=str(n))
        urls.append(f"/api/organizations/d{n}/domains/{domain.pk}/verify")
    clients = [client_of(world["red"].user) for _ in urls]
    RECORDS["_matt-challenge.one.example"] = [f"matt-verification={n}" for n in range(16)]
    answers = in_threads(
        [lambda url=url, one=one: one.post(url) for url, one in zip(urls, clients, strict=True)]
    )
    assert sorted(answers) == [200, *[409] * 15]


def test_a_domain_is_proven_by_a_txt_record(client, others, settings):
    settings.MATT_TENANTS = {"TXT_RESOLVER": f"{__name__}.resolve"}
    made = send(client, "POST", "/organizations/red/domains", {"name": "Red.Example"})
    assert made.status_code == 201
    found = made.json()
    assert (found["name"], found["record_name"], found["verified_at"]) == (
        "red.example", "_matt-challenge.red.example", None,
    )  # fmt: skip
    url = f"/organizations/red/domains/{found['id']}/verify"
    RECORDS.clear()
    assert send(client, "POST", url).status_code == 422
    RECORDS["_matt-challenge.red.example"] = ["v=spf1 -all", found["record_text"]]
    assert send(others["mia"], "POST", url).status_code == 403
    assert send(others["bob"], "POST", url.replace("/red/", "/blue/")).status_code == 404
    assert send(client, "POST", url).json()["verified_at"]
    assert (
        send(client, "POST", "/organizations/red/domains", {"name": "red.example"}).status_code
        == 409
    )
    theirs = send(
        others["bob"], "POST", "/organizations/blue/domains", {"name": "red.example"}
    ).json()
    assert theirs["record_text"] != found["record_text"]
    RECORDS["_matt-challenge.red.example"].append(theirs["record_text"])
    assert (
        send(
            others["bob"], "POST", f"/organizations/blue/domains/{theirs['id']}/verify"
        ).status_code
        == 409
    )
    assert send(client, "DELETE", f"/organizations/red/domains/{found['id']}").status_code == 204
    assert (
        send(
            others["bob"], "POST", f"/organizations/blue/domains/{theirs['id']}/verify"
        ).status_code
        == 200
    )


def test_name_servers_that_do_not_answer_are_a_503(client, settings):
    settings.MATT_TENANTS = {"TXT_RESOLVER": f"{__name__}.resolve"}
    made = send(client, "POST", "/organizations/red/domains", {"name": "down.example"}).json()
    assert (
        send(client, "POST", f"/organizations/red/domains/{made['id']}/verify").status_code == 503
    )
    for name in (
        "x",
        "a b.example",
        "localhost",
        "1.2.3.4",
        "-a.example",
        "a\u0000.example",
        "a" * 260 + ".example",
    ):
        assert send(client, "POST", "/organizations/red/domains", {"name": name}).status_code in {
            400,
            422,
        }


def test_the_command_manages_organizations(world, capsys, settings):
    settings.MATT_TENANTS = {"TXT_RESOLVER": f"{__name__}.resolve"}
    get_user_model().objects.create_user("eve")
    call_command("matt_tenants", "create", "green", "--owner", "eve", "--dry-run")
    assert not Organization.objects.filter(slug="green").exists()
    call_command("matt_tenants", "create", "green", "--owner", "eve", "--name", "Green")
    call_command("matt_tenants", "add-member", "red", "eve", "--role", "viewer")
    call_command("matt_tenants", "list")
    assert "green\tGreen\t1 members\nred\tRed\t2 members" in capsys.readouterr().out
    Domain.objects.create(organization=world["red"].organization, name="cli.example", proof="p")
    with pytest.raises(CommandError, match="not found"):
        call_command("matt_tenants", "verify-domain", "red", "cli.example")
    RECORDS["_matt-challenge.cli.example"] = ["matt-verification=p"]
    call_command("matt_tenants", "verify-domain", "red", "cli.example")
    assert Domain.objects.get().verified_at
    for wrong in (
        ["create", "A B", "--owner", "eve"], ["create", "red", "--owner", "eve"], ["create", "x", "--owner", "nobody"],
        ["create", "www", "--owner", "eve"], ["add-member", "none", "eve"], ["add-member", "red", "eve", "--role", "king"],
        ["verify-domain", "red", "none.example"],
    ):  # fmt: skip
        with pytest.raises(CommandError):
            call_command("matt_tenants", *wrong)


def test_security_events_are_reported(client, others, monkeypatch):
    from django_matt import sign_in

    found: list[Any] = []

    class Log:
        def record_security_event(self, event: Any) -> None:
            found.append(event)

    before = sign_in.installed
    monkeypatch.setattr(
        sign_in,
        "installed",
        lambda kind: [Log()] if kind is sign_in.RecordsSecurityEvents else before(kind),
    )
    token = invite(client).json()["token"]
    send(others["eve"], "POST", "/invitations/accept", {"token": token})
    send(client, "PATCH", f"/organizations/red/members/{member('eve').pk}", {"role": "admin"})
    send(client, "DELETE", f"/organizations/red/members/{member('eve').pk}")
    assert [event.name for event in found] == [
        "invitation_sent", "invitation_accepted", "role_changed", "membership_removed",
    ]  # fmt: skip
    assert token not in str(found)
    assert all(event.data["organization"] == "red" for event in found)


def test_hostile_bodies_are_never_a_fault_of_the_server(client):
    """Of each route with a body, and with each of its fields."""
    document = client.get("/api/openapi.json").json()
    texts = [
        None,
        1,
        1e400,
        -1,
        True,
        [],
        {},
        [[]],
        "",
        " ",
        "\0",
        "\ud800",
        "x" * 70_000,
        "é",
        "\u202e",
        "a@b.example\0",
    ]
    asked = 0
    for route, methods in document["paths"].items():
        url = re.sub(
            r"\{organization\}",
            "red",
            re.sub(r"\{\w+\}", "1", route.replace("{organization}", "red")),
        )
        for method, described in methods.items():
            if "requestBody" not in described or described.get("tags") != ["organizations"]:
                continue
            name = described["requestBody"]["content"]["application/json"]["schema"][
                "$ref"
            ].rpartition("/")[2]
            fields = document["components"]["schemas"][name]["properties"]
            good = {
                "name": "x.example",
                "slug": "x",
                "role": "member",
                "email": "a@b.example",
                "token": "t",
                "issuer": "https://a.example",
                "client_id": "c",
            }
            bodies = [json.dumps({**good, field: text}) for field in fields for text in texts]
            bodies += [
                "",
                "{",
                "null",
                "[]",
                '"x"',
                "[" * 5_000,
                '{"a":' * 5_000,
                "\ufeff{}",
                "NaN",
            ]
            for body in bodies:
                with transaction.atomic():
                    found = client.generic(
                        method.upper(),
                        url,
                        body.encode("utf-8", "surrogatepass"),
                        content_type="application/json",
                    )
                assert found.status_code < 500, (method, url, body[:80], found.content[:200])
                asked += 1
    assert asked > 250


@pytest.mark.parametrize(
    "options",
    [
        {"FROM": "cookie"}, {"FROM": "subdomain"}, {"MANAGER": "king"}, {"ROLES": ()}, {"INVITATION_URL": "https://x/"},
        {"UNKNOWN": 1},
    ],
)  # fmt: skip
def test_a_wrong_setting_is_reported(settings, options):
    from django_matt.contrib.tenants.settings import get_settings

    with pytest.raises(ImproperlyConfigured):  # noqa: PT012 - some are found when they are set
        settings.MATT_TENANTS = options
        get_settings()


def test_checks_report_what_is_unsafe(settings):
    from django.core.checks import run_checks

    settings.MATT_TENANTS = {
        "FROM": "subdomain", "DOMAIN": "example.com", "INVITATION_URL": "http://x/{token}", "TXT_RESOLVER": "no.such.thing",
    }  # fmt: skip
    ids = {each.id for each in run_checks(tags=["matt"])}
    assert "matt_tenants.E002" in ids
    settings.MATT_TENANTS = {
        "FROM": "subdomain",
        "DOMAIN": "example.com",
        "INVITATION_URL": "http://x/{token}",
    }
    ids = {each.id for each in run_checks(tags=["matt"], include_deployment_checks=True)}
    assert {"matt_tenants.W001", "matt_tenants.W002"} <= ids
    settings.MATT_TENANTS = {"ROW_LEVEL_SECURITY": True}
    ids = {each.id for each in run_checks(tags=["matt"])}
    assert ("matt_tenants.E003" in ids) is (connection.vendor != "postgresql")
