"""The table of the database store: one row for each client of a limit."""

from django.db import models

__all__ = ["RateLimitState"]


class RateLimitState(models.Model):
    """How far the requests of one client are ahead of the clock. PostgreSQL does not log this table (``UNLOGGED``)."""

    key: "models.CharField[str, str]" = models.CharField(max_length=32, primary_key=True)
    """A hash of the limit and of the client, as hexadecimal digits."""
    # No index: every request changes it, and PostgreSQL updates a row in place only if no index has to change.
    tat: "models.FloatField[float, float]" = models.FloatField()
    """When the requests so far are used up, in seconds since 1970: the theoretical arrival time of GCRA."""

    class Meta:
        """Named as other rows of Django Matt's."""

        verbose_name = "rate limit"

    def __str__(self) -> str:
        return self.key
