"""The errors of this app."""

from django_matt.errors.exceptions import Conflict, NotFound, PermissionDenied

__all__ = ["ForeignTenant", "InvitationInvalid", "LastOwner", "NoTenant", "SSORequired"]


class NoTenant(PermissionDenied):
    """The request names no organization, an unknown one, or one that the user is not a member of: 403, always the same."""

    default_detail = "The request has no organization that you are a member of."
    default_code = "no_tenant"


class SSORequired(PermissionDenied):
    """The organization accepts only people who have signed in by its own provider."""

    default_detail = "Sign in by the single sign-on of the organization."
    default_code = "sso_required"


class ForeignTenant(Conflict):
    """A row would get another organization than the current one."""

    default_detail = "The row belongs to another organization."
    default_code = "foreign_tenant"


class InvitationInvalid(NotFound):
    """The invitation is unknown, expired, revoked, accepted, or for another e-mail address: always the same error."""

    default_detail = "The invitation is not valid."
    default_code = "invitation_invalid"


class LastOwner(Conflict):
    """The organization would have no owner."""

    default_detail = "An organization needs an owner. Give somebody else this role first."
    default_code = "last_owner"
