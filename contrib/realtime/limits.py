"""How many streams and sockets are open, in all and per user."""

import threading
from collections import Counter
from collections.abc import Callable

from django.http import HttpRequest

from django_matt.addresses import client_address
from django_matt.contrib.realtime.settings import get_settings
from django_matt.errors.exceptions import ServiceUnavailable, TooManyRequests
from django_matt.sign_in import principal_of

__all__ = ["Seats"]

_RETRY = {"Retry-After": "5"}


class Seats:
    """Counts what is open in this process."""

    def __init__(self) -> None:
        """Start with nothing."""
        # The garbage collector may give a place back in the thread that has the lock.
        self._lock = threading.RLock()
        self._taken: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self._taken.values())

    def take(self, request: HttpRequest) -> Callable[[], None]:
        """Count one more, and return what gives its place back; calling that twice does no harm.

        Raises ``ServiceUnavailable`` if the process has too many, and ``TooManyRequests`` if the user has.
        """
        try:
            owner = principal_of(request)
        except TypeError:
            owner = None
        owner = owner or f"address:{client_address(request)}"
        options = get_settings()
        with self._lock:
            if self._taken[owner] >= options.MAX_STREAMS_PER_USER:
                raise TooManyRequests(
                    "You have too many open streams. Close one first.",
                    code="too_many_streams",
                    headers=_RETRY,
                )
            if self.total >= options.MAX_STREAMS:
                raise ServiceUnavailable(
                    "This server has too many open streams; try again soon.",
                    code="too_many_streams",
                    headers=_RETRY,
                )
            self._taken[owner] += 1
        left = [owner]

        def give_back() -> None:
            with self._lock:
                if left:
                    self._taken[left.pop()] -= 1
                    self._taken += Counter()

        return give_back
