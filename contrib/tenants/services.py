"""What members do with an organization: roles, invitations and domains. Whether somebody may do so is checked here too."""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from django_matt.contrib.tenants.domains import DomainUnreachable, is_proven_now
from django_matt.contrib.tenants.errors import InvitationInvalid, LastOwner
from django_matt.contrib.tenants.identity_providers import (
    new_provider_id,
    only_tenant,
    seal,
    signed_in_by,
)
from django_matt.contrib.tenants.models import (
    Domain,
    IdentityProvider,
    Invitation,
    Membership,
    Organization,
)
from django_matt.contrib.tenants.permissions import has_role
from django_matt.contrib.tenants.resolution import RequestTenant
from django_matt.contrib.tenants.settings import get_settings
from django_matt.errors.exceptions import (
    Conflict,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    UnprocessableContent,
)
from django_matt.scopes import unscoped
from django_matt.sign_in import (
    check_limit,
    end_tenant_credentials,
    is_impersonated,
    record_security_event,
)

__all__ = [
    "accept_invitation",
    "change_role",
    "claim_domain",
    "create_organization",
    "invite",
    "remove_identity_provider",
    "remove_member",
    "revoke_invitation",
    "set_identity_provider",
    "verify_domain",
]


def create_organization(
    name: str, slug: str, owner: Any, request: HttpRequest | None = None
) -> Membership:
    """Create an organization with its first owner; raise ``Conflict`` if the slug is taken or reserved."""
    options = get_settings()
    taken = Conflict("This slug is taken.", code="slug_taken")
    if slug in options.RESERVED_SLUGS:
        raise taken
    with unscoped():
        try:
            with transaction.atomic():
                organization = Organization.objects.create(name=name, slug=slug)
                made = Membership.objects.create(
                    user=owner, organization=organization, role=options.ROLES[0]
                )
        except IntegrityError:
            raise taken from None
        record_security_event(
            "organization_created", request=request, user=owner, **_organization(organization)
        )
        return made


def change_role(actor: RequestTenant, member: int, role: str, request: HttpRequest) -> Membership:
    """Give a member another role. Nobody can give or take a role that is stronger than their own."""
    _need_grant(actor, role)
    with unscoped(), transaction.atomic():
        found = _locked_member(actor, member)
        _need_grant(actor, found.role)
        before, found.role = found.role, role
        if before == get_settings().ROLES[0] != role:
            _need_another_owner(found)
        found.save(update_fields=["role"])
        record_security_event(
            "role_changed", request=request, user=found.user, **_about(actor), before=before, role=role
        )  # fmt: skip
        return found


def remove_member(actor: RequestTenant, member: int, request: HttpRequest) -> None:
    """Remove a member and the invitations that they sent; everybody can leave, except the last owner."""
    with unscoped(), transaction.atomic():
        found = _locked_member(actor, member)
        if found.user_id != getattr(request.user, "pk", None):
            _need_manager(actor)
            _need_grant(actor, found.role)
        if found.role == get_settings().ROLES[0]:
            _need_another_owner(found)
        Invitation.objects.filter(
            organization_id=found.organization_id, invited_by_id=found.user_id, accepted_at=None
        ).update(revoked_at=timezone.now())
        found.delete()
        record_security_event(
            "membership_removed", request=request, user=found.user, **_about(actor)
        )


def invite(
    actor: RequestTenant, email: str, role: str, request: HttpRequest
) -> tuple[Invitation, str | None]:
    """Invite somebody; return the invitation, and its token if no mail is sent with it."""
    options = get_settings()
    _need_manager(actor)
    _need_grant(actor, role)
    token = secrets.token_urlsafe(32)
    if options.INVITATION_URL is not None:
        check_limit("recipient", email, request=request)
    with unscoped(), transaction.atomic():
        made = Invitation.objects.create(
            organization=actor.organization,
            email=email.lower(),
            role=role,
            digest=_digest(token),
            invited_by=request.user if request.user.is_authenticated else None,
            expires_at=timezone.now() + timedelta(days=options.INVITATION_DAYS),
        )
        record_security_event(
            "invitation_sent", request=request, user=made.invited_by, **_about(actor), role=role
        )
        if options.INVITATION_URL is None:
            return made, token
        link = options.INVITATION_URL.replace("{token}", token)
        transaction.on_commit(lambda: _send(made, link))
        return made, None


def revoke_invitation(actor: RequestTenant, invitation: int, request: HttpRequest) -> None:
    """Revoke an invitation that nobody has accepted; raise ``NotFound`` if there is none."""
    _need_manager(actor)
    with unscoped():
        revoked = Invitation.objects.filter(
            pk=invitation, organization=actor.organization, accepted_at=None, revoked_at=None
        ).update(revoked_at=timezone.now())
        if not revoked:
            raise NotFound
        record_security_event(
            "invitation_revoked", request=request, user=request.user, **_about(actor)
        )


def accept_invitation(token: str, user: Any, request: HttpRequest | None = None) -> Membership:
    """Make a user a member; raise ``InvitationInvalid`` if the token is not valid for the user's e-mail address.

    The token is claimed by one UPDATE on the columns of its own row, so of several requests at once one succeeds.
    """
    digest, now = _digest(token), timezone.now()
    address = getattr(user, user.get_email_field_name(), "") or ""
    with unscoped(), transaction.atomic():
        claimed = Invitation.objects.filter(
            digest=digest,
            email=address.lower(),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=now,
        ).update(accepted_at=now)
        if claimed != 1:
            raise InvitationInvalid
        invitation = Invitation.objects.select_related("organization").get(digest=digest)
        only = None if request is None else only_tenant(request)
        if only is not None and only != str(invitation.organization_id):
            raise PermissionDenied
        made, is_new = Membership.objects.get_or_create(
            user=user, organization=invitation.organization, defaults={"role": invitation.role}
        )
        if not is_new:
            raise Conflict("You are a member already.", code="already_member")
        record_security_event(
            "invitation_accepted", request=request, user=user, **_organization(made.organization), role=made.role
        )  # fmt: skip
        return made


def claim_domain(actor: RequestTenant, name: str) -> Domain:
    """Store a domain with a new proof; raise ``Conflict`` if the organization has it already."""
    _need_manager(actor)
    with unscoped():
        try:
            with transaction.atomic():
                return Domain.objects.create(
                    organization=actor.organization, name=name, proof=secrets.token_urlsafe(32)
                )
        except IntegrityError:
            raise Conflict(
                "The organization has this domain already.", code="domain_taken"
            ) from None


def verify_domain(domain: Domain, request: HttpRequest | None = None) -> Domain:
    """Look up the TXT record of a domain, and store that it is proven.

    Raises ``UnprocessableContent`` if it is not there, ``Conflict`` if another organization has proven the domain, and
    ``ServiceUnavailable`` if the name servers do not answer.
    """
    try:
        is_proven = is_proven_now(domain)
    except DomainUnreachable:
        raise ServiceUnavailable("The name servers of the domain do not answer.") from None
    if not is_proven:
        raise UnprocessableContent("The TXT record was not found.", code="domain_unproven")
    with unscoped():
        now = timezone.now()
        try:
            with transaction.atomic():
                Domain.objects.filter(pk=domain.pk, verified_at=None).update(verified_at=now)
        except IntegrityError:
            message = "Another organization has proven this domain."
            raise Conflict(message, code="domain_taken") from None
        domain.refresh_from_db()
        record_security_event(
            "domain_verified", request=request, user=getattr(request, "user", None), **_organization(domain.organization), domain=domain.name
        )  # fmt: skip
        return domain


def set_identity_provider(
    actor: RequestTenant,
    request: HttpRequest,
    *,
    issuer: str,
    client_id: str,
    client_secret: str | None,
    role: str,
    sso_only: bool,
) -> IdentityProvider:
    """Store the provider by which members sign in; None for the secret keeps the stored one.

    Another issuer gets another id: its users are others, even if their subjects are the same. Raises ``Conflict`` if nobody
    else may sign in by another way, and this user has not signed in by the provider.
    """
    _need_owner(actor)
    _refuse_impersonation(request)
    if role:
        _need_grant(actor, role)
    with unscoped(), transaction.atomic():
        organization = Organization.objects.select_for_update().get(pk=actor.organization.pk)
        found = IdentityProvider.objects.filter(organization=organization).first()
        is_new = found is None or found.issuer != issuer
        if sso_only and (is_new or signed_in_by(request) != str(organization.pk)):
            raise Conflict(
                "Sign in by the provider first, to see that it works.", code="sso_untried"
            )
        found = found or IdentityProvider(organization=organization)
        if is_new:
            found.provider_id, found.sealed_secret = new_provider_id(organization), ""
        if client_secret is not None:
            found.sealed_secret = seal(client_secret) if client_secret else ""
        found.issuer, found.client_id, found.role = issuer, client_id, role
        found.save()
        _set_sso_only(organization, sso_only, request)
        found.organization = organization
        record_security_event(
            "identity_provider_changed", request=request, user=request.user, **_about(actor), issuer=issuer, sso_only=sso_only
        )  # fmt: skip
        return found


def _set_sso_only(organization: Organization, sso_only: bool, request: HttpRequest) -> None:
    """Store whether members must sign in by the provider. If so, what they got by other ways ends."""
    is_new = sso_only and not organization.sso_only
    organization.sso_only = sso_only
    organization.save(update_fields=["sso_only"])
    if is_new:
        end_tenant_credentials(organization, request=request)


def remove_identity_provider(actor: RequestTenant, request: HttpRequest) -> None:
    """Remove the provider, so that members sign in by other ways again."""
    _need_owner(actor)
    _refuse_impersonation(request)
    with unscoped(), transaction.atomic():
        IdentityProvider.objects.filter(organization=actor.organization).delete()
        Organization.objects.filter(pk=actor.organization.pk).update(sso_only=False)
        record_security_event(
            "identity_provider_changed", request=request, user=request.user, **_about(actor), issuer=None
        )  # fmt: skip


def _refuse_impersonation(request: HttpRequest) -> None:
    """Raise ``PermissionDenied`` if staff acts as the user: how members sign in would stay changed."""
    if is_impersonated(request):
        raise PermissionDenied("Staff that acts as a user may not change how members sign in.")


def _need_owner(actor: RequestTenant) -> None:
    if not has_role(actor.role, get_settings().ROLES[0]):
        raise PermissionDenied


def _locked_member(actor: RequestTenant, member: int) -> Membership:
    """Return a member, with the organization locked: two owners cannot leave at the same time."""
    Organization.objects.select_for_update().get(pk=actor.organization.pk)
    found = (
        Membership.objects.select_related("user")
        .filter(pk=member, organization=actor.organization)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _need_another_owner(member: Membership) -> None:
    others = Membership.objects.filter(
        organization_id=member.organization_id, role=get_settings().ROLES[0]
    ).exclude(pk=member.pk)
    if not others.exists():
        raise LastOwner


def _need_manager(actor: RequestTenant) -> None:
    if not has_role(actor.role, get_settings().MANAGER):
        raise PermissionDenied


def _need_grant(actor: RequestTenant, role: str) -> None:
    """Refuse an unknown role, and one that is stronger than the actor's."""
    _need_manager(actor)
    if role not in get_settings().ROLES:
        known = ", ".join(get_settings().ROLES)
        raise UnprocessableContent(f"The role must be one of: {known}.", code="unknown_role")
    if not has_role(actor.role, role):
        raise PermissionDenied


def _about(actor: RequestTenant) -> dict[str, Any]:
    return _organization(actor.organization)


def _organization(organization: Organization) -> dict[str, Any]:
    """Return what an event says of the organization that it is about, whatever the request names."""
    return {"tenant": organization.pk, "organization": organization.slug}


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _send(invitation: Invitation, link: str) -> None:
    context = {"invitation": invitation, "organization": invitation.organization, "link": link}
    subject = render_to_string("matt_tenants/invitation_subject.txt", context)
    text = render_to_string("matt_tenants/invitation.txt", context)
    mail = EmailMultiAlternatives(" ".join(subject.split()), text, to=[invitation.email])
    mail.attach_alternative(render_to_string("matt_tenants/invitation.html", context), "text/html")
    mail.send()
