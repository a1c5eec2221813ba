"""Groups of sockets across two real servers and a worker, by Channels' layers over a real Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.contrib.realtime.sites import Site
from tests.e2e.servers import ROOT, Server
from tests.sign_in.rate_limits.redis_servers import RedisServer, run_redis
from tests.waiting import SECONDS, wait_until

pytest.importorskip("channels_redis")
pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

LAYERS = ["channels_redis.core.RedisChannelLayer", "channels_redis.pubsub.RedisPubSubChannelLayer"]
WORKER = """
import django
django.setup()
from django_matt.contrib.realtime import broadcast
broadcast("room 1", "from a worker")
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with run_redis() as server:
        yield server


@pytest.fixture(params=LAYERS, ids=["core", "pubsub"])
def site(request: pytest.FixtureRequest, redis: RedisServer, tmp_path: Any) -> Site:
    return Site(tmp_path, BOARD_REDIS=redis.url, BOARD_LAYER=request.param)


@contextmanager
def enter(server: Server, room: int) -> Iterator[ClientConnection]:
    url = server.url.replace("http://", "ws://") + f"/api/rooms/{room}"
    with connect(url, open_timeout=SECONDS, proxy=None) as opened:
        # It has joined as soon as it answers.
        opened.send(json.dumps("hello"))
        assert heard(opened) == "hello"
        yield opened


def heard(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(SECONDS))


def say(server: Server, room: int, text: str) -> None:
    path = f"{server.url}/api/rooms/{room}"
    assert httpx.post(path, params={"text": text}, timeout=SECONDS).status_code == 200


def linked(socket: ClientConnection, server: Server) -> None:
    """Wait until what one server sends reaches the socket of the other."""

    def hears() -> bool:
        say(server, 1, "are you there?")
        try:
            while json.loads(socket.recv(0.5)) != "are you there?":
                pass
        except TimeoutError:
            return False
        return True

    wait_until(hears)


def read_to(socket: ClientConnection, last: str) -> list[str]:
    found: list[str] = []
    while not found or found[-1] != last:
        text = heard(socket)
        if text not in ("hello", "are you there?"):
            found.append(text)
    return found


def test_a_group_reaches_the_sockets_of_all_processes_each_once(site: Site, redis: RedisServer):
    with ExitStack() as stack:
        first, second = (stack.enter_context(site.serve()) for _ in range(2))
        ada, bob, eve = (
            stack.enter_context(enter(*each)) for each in ((first, 1), (second, 1), (second, 2))
        )
        # The rooms are joined; the processes may still be connecting to the layer.
        linked(ada, second)
        linked(bob, first)
        texts = [f"text {number}" for number in range(50)]
        for text in texts[:10]:
            ada.send(json.dumps(text))
        for text in texts[10:]:
            say(first, 1, text)
        subprocess.run(
            [sys.executable, "-c", WORKER], cwd=ROOT, env=site.environment, check=True, timeout=60
        )
        for each in (ada, bob):
            assert sorted(read_to(each, "from a worker")) == sorted([*texts, "from a worker"])
        say(first, 2, "to the other room")
        assert read_to(eve, "to the other room") == ["to the other room"]

        redis.stop()
        # Those of the same process need no Redis.
        say(first, 1, "without Redis")
        assert read_to(ada, "without Redis") == ["without Redis"]
        redis.start()
        linked(bob, first)
