"""Proof that an organization has a domain: a TXT record that only its owner can add."""

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_matt.contrib.tenants.models import Domain
from django_matt.contrib.tenants.settings import get_settings

__all__ = ["DomainUnreachable", "is_proven_now", "record_of", "resolve_txt"]

_SECONDS = 5.0


class DomainUnreachable(Exception):  # noqa: N818 - named after the domain
    """The name servers of a domain do not answer, so nothing is known about its records."""


def record_of(domain: Domain) -> tuple[str, str]:
    """Return the name and the text of the TXT record that proves a domain."""
    return f"_matt-challenge.{domain.name}", f"matt-verification={domain.proof}"


def is_proven_now(domain: Domain) -> bool:
    """Look the record up; raise ``DomainUnreachable`` if the name servers do not answer."""
    name, text = record_of(domain)
    return bool(domain.proof) and text in import_string(get_settings().TXT_RESOLVER)(name)


def resolve_txt(name: str) -> list[str]:
    """Return the TXT records of a name by dnspython, nothing if it does not exist.

    Raises ``ImproperlyConfigured`` if dnspython is not installed, and ``DomainUnreachable`` without an answer.
    """
    try:
        from dns import exception, resolver
    except ImportError:
        raise ImproperlyConfigured(
            "dnspython is not installed, which looks up TXT records. Install it, or set "
            'settings.MATT_TENANTS["TXT_RESOLVER"] to the dotted path of a function of your own.'
        ) from None
    try:
        answer = resolver.resolve(name, "TXT", lifetime=_SECONDS)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []
    except exception.DNSException as error:
        raise DomainUnreachable(str(error)) from error
    return [b"".join(record.strings).decode("ascii", "replace") for record in answer]
