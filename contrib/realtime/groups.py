"""Groups of sockets: what is sent to a group reaches its sockets in this process."""

from typing import Any, Protocol

from django_matt.serialization.encoders import encoder

__all__ = ["Groups", "Member", "text_of"]


class Member(Protocol):
    """A socket."""

    def deliver(self, text: str) -> None:
        """Send a text soon."""


def text_of(message: Any) -> str:
    """Return a message as JSON text."""
    text: bytes = encoder.dumps(message)
    return text.decode()


class Groups:
    """The groups of one process. All methods run in the event loop of the hub."""

    def __init__(self) -> None:
        """Start without a group."""
        self._members: dict[str, set[Member]] = {}

    def join(self, group: str, member: Member) -> None:
        """Add a member."""
        self._members.setdefault(group, set()).add(member)

    def leave(self, group: str, member: Member) -> None:
        """Remove a member."""
        members = self._members.get(group, set())
        members.discard(member)
        if not members:
            self._members.pop(group, None)

    def leave_all(self, member: Member) -> None:
        """Remove a member of all groups."""
        for group in [name for name, members in self._members.items() if member in members]:
            self.leave(group, member)

    def deliver(self, group: str, text: str) -> None:
        """Send a text to every member."""
        for member in list(self._members.get(group, ())):
            member.deliver(text)
