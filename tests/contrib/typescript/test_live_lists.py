"""``live.ts`` and ``live-react.ts``, against real servers with a live list."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.contrib.realtime.sites import Site
from tests.e2e.servers import ROOT
from tests.waiting import SECONDS, wait_until

from .conftest import COMPILERS

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent / "client"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    command = f"-m django matt_types write --react --output {folder}".split()
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=site.environment, check=True, timeout=120
    )
    return folder


class Follower:
    """A process of Node that prints the rows after each change."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


@contextmanager
def following(script: Path, url: str) -> Iterator[Follower]:
    process = subprocess.Popen(
        ["node", str(script), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Follower(process)
    finally:
        process.kill()
        process.communicate()


def create(url: str) -> Any:
    return httpx.post(f"{url}/api/orders", timeout=SECONDS).json()


def test_a_store_follows_the_list_over_restarts_and_resets(
    site: Site, files: Path, bundle: Callable[..., Path]
):
    script = bundle(files, HERE / "follower.ts", "--platform=node")
    port = free_port()
    with site.serve() as other, ExitStack() as stack:
        orders = f"{other.url}/api/orders"
        with site.serve(port) as server:
            first = create(server.url)
            follower = stack.enter_context(following(script, server.url))
            assert follower.next() == {"rows": [], "state": "loading"}
            assert follower.next() == {"rows": [first], "state": "open"}
            second = create(other.url)
            assert follower.next()["rows"] == [first, second]
            first["status"] = "paid"
            httpx.patch(f"{orders}/{first['id']}?status=paid", timeout=SECONDS)
            assert follower.next()["rows"] == [first, second]
            httpx.delete(f"{orders}/{second['id']}", timeout=SECONDS)
            assert follower.next()["rows"] == [first]
            follower.say("again")
            assert follower.next() == {"rows": [first], "state": "open", "count": 1}
        third, fourth = create(other.url), create(other.url)
        # The log forgets what the client has not seen, so it gets the list again.
        httpx.delete(f"{other.url}/api/log", timeout=SECONDS)
        with site.serve(port):
            assert follower.next()["rows"] == [first, third, fourth]
            follower.say("stop")
            # Nothing keeps the process alive.
            assert follower.process.wait(SECONDS) == 0


@pytest.mark.parametrize("version", COMPILERS)
def test_the_files_compile(files: Path, compile_types: Callable[..., str], version: str):
    text = (HERE / "follower.ts").read_text()
    uses = text[text.index("type S =") :].split("const stop")[0]
    imports = "\n".join(
        line for line in text.splitlines() if line.startswith("import") and "node:" not in line
    )
    (files / "uses.ts").write_text(f"{imports}\n{uses.replace('process.argv', '[] as string[]')}")
    (files / "uses_react.ts").write_text(
        'import { orders } from "./api";\nimport { useLiveList } from "./live-react";\n'
        "export const useStatuses = (): string[] =>\n"
        '  useLiveList(orders.listLive).rows.map((row) => row.status ?? "");\n'
    )
    assert (
        compile_types(
            files, "live.ts", "live-react.ts", "uses.ts", "uses_react.ts", version=version
        )
        == ""
    )


@pytest.mark.browser
def test_a_hook_of_react_shows_the_list(
    site: Site, files: Path, bundle: Callable[..., Path], chromium: Any
):
    define = '--define:process.env.NODE_ENV="production"'
    script = bundle(files, HERE / "board.ts", "--platform=browser", "--format=iife", define)
    page = chromium.new_page()
    page.set_default_timeout(1_000 * SECONDS)
    with site.serve() as server:
        page.goto(f"{server.url}/page")
        page.add_script_tag(path=str(script))
        page.locator("ul[data-state=open]").wait_for(state="attached")
        created = create(server.url)
        page.get_by_text(f"{created['id']} open").wait_for()
        httpx.delete(f"{server.url}/api/orders/{created['id']}", timeout=SECONDS)
        page.get_by_text(f"{created['id']} open").wait_for(state="detached")
        page.evaluate("unmount()")
        wait_until(lambda: httpx.get(f"{server.url}/api/streams", timeout=SECONDS).json() == 0)
    page.close()
