"""One typed, frozen view of ``settings.MATT_OBSERVABILITY``."""

from dataclasses import dataclass
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["ObservabilitySettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilitySettings:
    """The options of ``settings.MATT_OBSERVABILITY``, with their defaults.

    >>> ObservabilitySettings().METRICS_PATH
    'metrics'
    """

    METRICS_PATH: str | None = "metrics"
    """The path of the metrics, below the place where you include the app's URLs; ``None`` for no metrics."""
    METRICS_TOKEN: str = ""
    """The bearer token that reads the metrics if ``DEBUG`` is off; at least 16 characters."""
    METRICS_NETWORKS: tuple[str, ...] = ()
    """The networks whose clients read the metrics without a token, such as ``"10.0.0.0/8"``."""
    SLOW_MS: float = 50.0
    """From how many milliseconds on a query is slow."""
    SILENCED_ADVICE: tuple[str, ...] = ()
    """Ids of advice that you do not want, such as ``"A006"``, or ``"A006 /api/books"`` for one route."""
    TRACES: float | None = None
    """The share of the requests that are traced, from 0 to 1; ``None`` turns traces off."""
    TRUST_TRACEPARENT: bool = False
    """Whether the ``traceparent`` of a client decides if its request is traced, whatever ``TRACES`` is."""


def get_settings() -> ObservabilitySettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(ObservabilitySettings, "MATT_OBSERVABILITY")
    if _valid.get("settings") is not found:
        _check(found)
        _valid["settings"] = found
    return found


_valid: dict[str, ObservabilitySettings] = {}


def _check(found: ObservabilitySettings) -> None:
    token = found.METRICS_TOKEN
    if not isinstance(token, str) or 0 < len(token) < 16 or token != "".join(token.split()):
        raise _wrong(
            "METRICS_TOKEN", "it must be a text of at least 16 characters, without blanks."
        )
    for name in ("METRICS_NETWORKS", "SILENCED_ADVICE"):
        if not isinstance(getattr(found, name), (list, tuple, set, frozenset)):
            raise _wrong(name, "it must be a list of texts.")
    for network in found.METRICS_NETWORKS:
        try:
            ip_network(network)
        except ValueError as error:
            raise _wrong("METRICS_NETWORKS", f"{error}.") from error
    if not isinstance(found.SLOW_MS, (int, float)) or not found.SLOW_MS >= 0:
        raise _wrong("SLOW_MS", f"{found.SLOW_MS!r} is not a number of milliseconds.")
    share = found.TRACES
    if share is not None and (not isinstance(share, (int, float)) or not 0 <= share <= 1):
        raise _wrong("TRACES", f"{found.TRACES!r} is not a number from 0 to 1.")


def _wrong(name: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_OBSERVABILITY["{name}"]: {why}')
