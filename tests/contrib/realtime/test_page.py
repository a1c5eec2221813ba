"""What docs/realtime.md shows of streams, live lists and sockets, from a real server with the event log that it names."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import connect

from tests.contrib.realtime.sites import Site
from tests.docs.snippets import SETUP, TREE, blocks_of
from tests.waiting import SECONDS

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]


def texts() -> list[str]:
    """Return the streams that the page shows."""
    text = SETUP.sub("", (TREE / "docs" / "realtime.md").read_text())
    return [each.text for each in blocks_of(text) if each.language == "text"]


def blocks(text: str) -> list[str]:
    """Return the blocks of a stream. Positions are other ones each time."""
    found = re.sub(r"^id: \d+", "id: N", text.strip(), flags=re.M)
    return re.sub(r'"position":\d+', '"position":N', found).split("\n\n")


@contextmanager
def opened(client: httpx.Client, path: str, after: str = "") -> Iterator[Iterator[str]]:
    """Open a stream, and yield its blocks as they arrive, the first one having arrived."""
    headers = {"Last-Event-ID": after} if after else {}

    def parts() -> Iterator[str]:
        text = ""
        for part in response.iter_text():
            text += part
            while "\n\n" in text:
                block, _, text = text.partition("\n\n")
                yield from blocks(block)

    with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        yield parts()


def test_the_page_shows_what_the_streams_send(tmp_path):
    events, reset, live_list = texts()
    site = Site(tmp_path, "tests.contrib.realtime.page_settings")
    with (
        site.serve() as server,
        httpx.Client(base_url=server.url, timeout=SECONDS) as client,
    ):
        assert client.get("/api/orders/events").status_code == 403
        assert client.get("/enter").status_code == 200
        # Before the events below, so that the live list begins after it.
        assert client.get("/groups/readers").status_code == 200
        with (
            opened(client, "/api/orders/events") as of_all,
            opened(client, "/api/orders/7/events") as of_seven,
        ):
            shown = [[next(of_all)], [next(of_seven)]]
            for order in (7, 8, 7):
                assert client.post(f"/api/orders/{order}/paid").status_code == 200
            shown[0] += [next(of_all), next(of_all)]
            shown[1] += [next(of_seven), next(of_seven)]
        assert shown[0][:2] == shown[1][:2] == blocks(events)
        assert json.loads(shown[0][2].partition("data: ")[2]) == {"order": 8}
        assert shown[1][2] == shown[1][1]

        with opened(client, "/api/orders/events", after="1000000") as stream:
            next(stream)
            assert next(stream) == blocks(reset)[0]

        with opened(client, "/api/groups/live") as stream:
            found = [next(stream), next(stream)]
            client.get("/groups/writers")
            found.append(next(stream))
            client.get("/groups/readers?deleted")
            found.append(next(stream))
        assert found[1:] == blocks(live_list)

        url = server.url.replace("http://", "ws://") + "/api/rooms/lobby"
        with connect(url, open_timeout=SECONDS, proxy=None) as client_socket:
            client_socket.send('{"text": "hello"}')
            assert json.loads(client_socket.recv(SECONDS)) == {"room": "lobby", "text": "hello"}
