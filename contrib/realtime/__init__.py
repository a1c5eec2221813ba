"""Server-sent events that can be resumed, live lists and WebSockets, with one database connection for all streams.

It needs no extra; ``channels`` is for groups of sockets across processes. Add ``"django_matt.contrib.realtime"`` to ``INSTALLED_APPS``. Streams of topics and live lists also need
an app with an event log, such as ``django_matt.contrib.events``.
"""

from django_matt.contrib.realtime.decorators import EventStream, live, subscribe
from django_matt.contrib.realtime.hubs import broadcast
from django_matt.contrib.realtime.selections import Topics
from django_matt.contrib.realtime.sockets import Socket, SocketClosed, socket

__all__ = [
    "EventStream",
    "Socket",
    "SocketClosed",
    "Topics",
    "broadcast",
    "live",
    "socket",
    "subscribe",
]
