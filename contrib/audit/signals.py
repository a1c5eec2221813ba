"""``security_event``: Django's signal for each security event, after its transaction is committed."""

from django.dispatch import Signal

__all__ = ["security_event"]

security_event = Signal()
"""``sender`` is the model ``SecurityEvent``, ``event`` its row. Exceptions of receivers are logged."""
