"""The routes below ``/organizations`` and ``/invitations``."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.responses import Status
from ninja_extra import (
    ControllerBase,
    api_controller,
    http_delete,
    http_get,
    http_patch,
    http_post,
    http_put,
)

from django_matt.contrib.tenants import services
from django_matt.contrib.tenants.domains import record_of
from django_matt.contrib.tenants.identity_providers import only_tenant, provider_for_address
from django_matt.contrib.tenants.models import Domain, IdentityProvider, Invitation, Membership
from django_matt.contrib.tenants.permissions import has_role
from django_matt.contrib.tenants.resolution import RequestTenant, find_member
from django_matt.contrib.tenants.schemas import (
    AddressIn,
    DomainIn,
    DomainOut,
    IdentityProviderIn,
    IdentityProviderOut,
    InvitationIn,
    InvitationOut,
    MemberIn,
    MemberOut,
    OrganizationIn,
    OrganizationOut,
    ProviderOut,
    TokenIn,
)
from django_matt.contrib.tenants.settings import get_settings
from django_matt.errors.exceptions import NotAuthenticated, NotFound, PermissionDenied
from django_matt.scopes import unscoped

__all__ = ["make_controllers"]


def make_controllers(auth: Any) -> list[type[ControllerBase]]:
    """Return the controller classes; ``auth`` is how their routes authenticate.

    The path names the organization, whatever the settings name it by elsewhere.
    """
    return [_organizations(auth), _invitations(auth), _domains(auth), _identity_providers(auth)]


def _organizations(auth: Any) -> type[ControllerBase]:
    @api_controller("", tags=["organizations"], auth=auth, auto_import=False)
    class OrganizationController(ControllerBase):
        """The organizations of the user, and their members."""

        @http_get(
            "/organizations", response=list[OrganizationOut], operation_id="organizations_list"
        )
        def list_organizations(
            self, request: HttpRequest, response: HttpResponse
        ) -> list[OrganizationOut]:
            """List the organizations of the user."""
            response.headers["Cache-Control"] = "no-store"
            user, pinned = _user(request), only_tenant(request)
            with unscoped():
                found = Membership.objects.filter(user=user).select_related("organization")
                if pinned is not None:
                    found = found.filter(organization_id=pinned)
                return [_organization(each) for each in found.order_by("organization__name", "pk")]

        @http_post(
            "/organizations", response={201: OrganizationOut}, operation_id="organizations_create"
        )
        def create_organization(
            self, request: HttpRequest, data: OrganizationIn
        ) -> Status[OrganizationOut]:
            """Create an organization, with the user as its owner."""
            user = _user(request)
            if not get_settings().SELF_SERVICE or only_tenant(request) is not None:
                raise PermissionDenied
            made = services.create_organization(data.name, data.slug, user, request)
            return Status(201, _organization(made))

        @http_get(
            "/organizations/{organization}/members",
            response=list[MemberOut],
            operation_id="members_list",
        )
        def list_members(
            self, request: HttpRequest, response: HttpResponse, organization: str
        ) -> list[MemberOut]:
            """List the members of an organization."""
            response.headers["Cache-Control"] = "no-store"
            actor = find_member(request, organization)
            with unscoped():
                found = Membership.objects.filter(organization=actor.organization)
                return [_member(each) for each in found.select_related("user").order_by("pk")]

        @http_patch(
            "/organizations/{organization}/members/{int:member}",
            response=MemberOut,
            operation_id="members_change",
        )
        def change_member(
            self, request: HttpRequest, organization: str, member: int, data: MemberIn
        ) -> MemberOut:
            """Give a member another role."""
            actor = find_member(request, organization)
            return _member(services.change_role(actor, member, data.role, request))

        @http_delete(
            "/organizations/{organization}/members/{int:member}",
            response={204: None},
            operation_id="members_remove",
        )
        def remove_member(
            self, request: HttpRequest, organization: str, member: int
        ) -> Status[None]:
            """Remove a member, or leave the organization."""
            services.remove_member(find_member(request, organization), member, request)
            return Status(204, None)

    return OrganizationController


def _invitations(auth: Any) -> type[ControllerBase]:
    @api_controller("", tags=["organizations"], auth=auth, auto_import=False)
    class InvitationController(ControllerBase):
        """The invitations of an organization."""

        @http_get(
            "/organizations/{organization}/invitations",
            response=list[InvitationOut],
            operation_id="invitations_list",
        )
        def list_invitations(
            self, request: HttpRequest, response: HttpResponse, organization: str
        ) -> list[InvitationOut]:
            """List the invitations that nobody has accepted yet."""
            response.headers["Cache-Control"] = "no-store"
            actor = _manager(request, organization)
            with unscoped():
                found = Invitation.objects.filter(
                    organization=actor.organization, accepted_at=None, revoked_at=None
                )
                return [_invitation(each) for each in found.order_by("pk")]

        @http_post(
            "/organizations/{organization}/invitations",
            response={201: InvitationOut},
            operation_id="invitations_create",
        )
        def create_invitation(
            self, request: HttpRequest, organization: str, data: InvitationIn
        ) -> Status[InvitationOut]:
            """Invite somebody by e-mail."""
            actor = find_member(request, organization)
            made, token = services.invite(actor, data.email, data.role, request)
            return Status(201, _invitation(made, token))

        @http_delete(
            "/organizations/{organization}/invitations/{int:invitation}",
            response={204: None},
            operation_id="invitations_revoke",
        )
        def revoke_invitation(
            self, request: HttpRequest, organization: str, invitation: int
        ) -> Status[None]:
            """Revoke an invitation."""
            services.revoke_invitation(find_member(request, organization), invitation, request)
            return Status(204, None)

        @http_post(
            "/invitations/accept", response=OrganizationOut, operation_id="invitations_accept"
        )
        def accept_invitation(self, request: HttpRequest, data: TokenIn) -> OrganizationOut:
            """Accept an invitation to the user's e-mail address."""
            user = _user(request)
            return _organization(services.accept_invitation(data.token, user, request))

    return InvitationController


def _domains(auth: Any) -> type[ControllerBase]:
    @api_controller("", tags=["organizations"], auth=auth, auto_import=False)
    class DomainController(ControllerBase):
        """The domains of an organization, and their proof."""

        @http_get(
            "/organizations/{organization}/domains",
            response=list[DomainOut],
            operation_id="domains_list",
        )
        def list_domains(
            self, request: HttpRequest, response: HttpResponse, organization: str
        ) -> list[DomainOut]:
            """List the domains of an organization, with the records that prove them."""
            response.headers["Cache-Control"] = "no-store"
            actor = _manager(request, organization)
            with unscoped():
                found = Domain.objects.filter(organization=actor.organization)
                return [_domain(each) for each in found.order_by("pk")]

        @http_post(
            "/organizations/{organization}/domains",
            response={201: DomainOut},
            operation_id="domains_create",
        )
        def create_domain(
            self, request: HttpRequest, organization: str, data: DomainIn
        ) -> Status[DomainOut]:
            """Add a domain; the response has the TXT record that proves it."""
            actor = find_member(request, organization)
            return Status(201, _domain(services.claim_domain(actor, data.name)))

        @http_post(
            "/organizations/{organization}/domains/{int:domain}/verify",
            response=DomainOut,
            operation_id="domains_verify",
        )
        def verify_domain(self, request: HttpRequest, organization: str, domain: int) -> DomainOut:
            """Look up the TXT record of a domain."""
            found = _find_domain(_manager(request, organization), domain)
            return _domain(services.verify_domain(found, request))

        @http_delete(
            "/organizations/{organization}/domains/{int:domain}",
            response={204: None},
            operation_id="domains_remove",
        )
        def remove_domain(
            self, request: HttpRequest, organization: str, domain: int
        ) -> Status[None]:
            """Remove a domain."""
            found = _find_domain(_manager(request, organization), domain)
            with unscoped():
                found.delete()
            return Status(204, None)

    return DomainController


def _identity_providers(auth: Any) -> type[ControllerBase]:
    @api_controller("", tags=["organizations"], auth=auth, auto_import=False)
    class IdentityProviderController(ControllerBase):
        """The single sign-on of an organization."""

        @http_post(
            "/organizations/sso",
            response=ProviderOut,
            auth=None,
            operation_id="identity_providers_find",
        )
        def find_provider(self, request: HttpRequest, data: AddressIn) -> ProviderOut:
            """Find the provider that people with this e-mail address sign in by; null if there is none."""
            return ProviderOut(provider=provider_for_address(data.email))

        @http_get(
            "/organizations/{organization}/identity-provider",
            response=IdentityProviderOut,
            operation_id="identity_providers_get",
        )
        def get_provider(
            self, request: HttpRequest, response: HttpResponse, organization: str
        ) -> IdentityProviderOut:
            """Return the provider of an organization."""
            response.headers["Cache-Control"] = "no-store"
            actor = _manager(request, organization)
            with unscoped():
                found = IdentityProvider.objects.filter(organization=actor.organization)
                provider = found.select_related("organization").first()
            if provider is None:
                raise NotFound
            return _identity_provider(provider)

        @http_put(
            "/organizations/{organization}/identity-provider",
            response=IdentityProviderOut,
            operation_id="identity_providers_set",
        )
        def set_provider(
            self, request: HttpRequest, organization: str, data: IdentityProviderIn
        ) -> IdentityProviderOut:
            """Set the provider of an organization."""
            actor = find_member(request, organization)
            return _identity_provider(
                services.set_identity_provider(actor, request, **data.model_dump())
            )

        @http_delete(
            "/organizations/{organization}/identity-provider",
            response={204: None},
            operation_id="identity_providers_remove",
        )
        def remove_provider(self, request: HttpRequest, organization: str) -> Status[None]:
            """Remove the provider of an organization."""
            services.remove_identity_provider(find_member(request, organization), request)
            return Status(204, None)

    return IdentityProviderController


def _identity_provider(provider: IdentityProvider) -> IdentityProviderOut:
    return IdentityProviderOut(
        provider=provider.provider_id,
        issuer=provider.issuer,
        client_id=provider.client_id,
        role=provider.role,
        sso_only=provider.organization.sso_only,
    )


def _user(request: HttpRequest) -> Any:
    if not request.user.is_authenticated:
        raise NotAuthenticated
    return request.user


def _manager(request: HttpRequest, organization: str) -> RequestTenant:
    actor = find_member(request, organization)
    if not has_role(actor.role, get_settings().MANAGER):
        raise PermissionDenied
    return actor


def _find_domain(actor: RequestTenant, domain: int) -> Domain:
    with unscoped():
        found = Domain.objects.filter(pk=domain, organization=actor.organization).first()
    if found is None:
        raise NotFound
    return found


def _organization(membership: Membership) -> OrganizationOut:
    organization = membership.organization
    return OrganizationOut(name=organization.name, slug=organization.slug, role=membership.role)


def _member(membership: Membership) -> MemberOut:
    user: Any = membership.user
    return MemberOut(
        id=membership.pk,
        username=user.get_username(),
        email=getattr(user, user.get_email_field_name(), "") or "",
        role=membership.role,
        created_at=membership.created_at,
    )


def _invitation(invitation: Invitation, token: str | None = None) -> InvitationOut:
    return InvitationOut(
        id=invitation.pk,
        email=invitation.email,
        role=invitation.role,
        expires_at=invitation.expires_at,
        token=token,
    )


def _domain(domain: Domain) -> DomainOut:
    name, text = record_of(domain)
    return DomainOut(
        id=domain.pk,
        name=domain.name,
        verified_at=domain.verified_at,
        record_name=name,
        record_text=text,
    )
