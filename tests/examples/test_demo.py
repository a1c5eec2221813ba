"""``manage.py demo`` and ``load_demo`` as ``make demo`` and a person run them."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import SHOP, can_connect, manage, shop_environment
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def demo(tmp_path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--products", "12", *arguments],
        cwd=SHOP,
        env=shop_environment(tmp_path, SHOP_DEBUG="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    text = ""
    for line in process.stdout or []:
        text += line
        if words in line:
            return text
    raise AssertionError(f"ended without {words!r}: {text}")


@pytest.mark.parametrize("port", ["abc", "8000x", "", "0", "65536"])
def test_a_port_that_is_none_is_answered_in_a_sentence(tmp_path, port):
    process = demo(tmp_path, "--port", port)
    said = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 1
    assert f"{port!r} is not a port. Use a number from 1 to 65535: PORT=8001.\n" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("server", ["granian", "uvicorn", "runserver"])
def test_it_serves_until_ctrl_c_and_leaves_nothing_behind(tmp_path, server):
    port = free_port()
    process = demo(tmp_path, "--port", str(port), "--server", server)
    try:
        text = read_until(process, "Ctrl-C")
        addresses = [word for word in text.split() if "/api/" in word]
        statuses = [
            httpx.get(
                url, headers={"Accept": "text/html"} if "docs" in url else {}, timeout=SECONDS
            ).status_code
            for url in addresses
        ]
        assert statuses == [200, 200, 200, 200, 500]
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=SECONDS)[0]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, rest
    assert "KeyboardInterrupt" not in rest
    lines = re.findall(r"^\d\d:\d\d:\d\d GET (\S+) (\d+) [\d.]+ ms", rest, re.M)
    assert [path for path, _ in lines] == [urlsplit(url).path for url in addresses]
    assert [int(status) for _, status in lines] == statuses
    assert "The demo has ended." in rest
    assert not can_connect(port)


def test_it_can_be_repeated_and_sigterm_ends_it(tmp_path):
    for _ in range(2):
        process = demo(tmp_path, "--port", str(port := free_port()))
        try:
            read_until(process, "Ctrl-C")
            process.terminate()
            rest = process.communicate(timeout=SECONDS)[0]
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 0, rest
        assert not can_connect(port)


def test_a_busy_port_gets_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = demo(tmp_path, "--port", str(port))
        text = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 1
    assert text.strip().count("\n") == 0, text
    assert f"127.0.0.1:{port}" in text
    assert "PORT=" in text
    assert not list(tmp_path.glob("*.sqlite3"))


@pytest.mark.exhaustive
def test_loading_twice_adds_nothing_and_changes_nothing(tmp_path):
    environment = shop_environment(tmp_path)
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "load_demo", "--no-input", "--products", "30")
    first = manage(environment, "dumpdata", "store", "auth.user")
    manage(environment, "load_demo", "--no-input", "--products", "30")
    assert manage(environment, "dumpdata", "store", "auth.user") == first


def test_piped_output_is_plain(tmp_path):
    environment = shop_environment(tmp_path)
    manage(environment, "migrate", "--verbosity", "0")
    text = manage(environment, "load_demo", "--no-input", "--products", "10")
    assert "products: 10\n" in text
    assert "\x1b" not in text


def test_a_terminal_shows_bars(tmp_path):
    environment = shop_environment(tmp_path, TERM="xterm-256color")
    manage(environment, "migrate", "--verbosity", "0")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "load_demo", "--no-input", "--products", "10"],
        cwd=SHOP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 65_536):
            text += part
    except OSError:  # the other end of a pty is closed
        pass
    os.close(master)
    assert process.wait(SECONDS) == 0
    assert "10/10" in text.decode()
    assert "\x1b[" in text.decode()


def test_without_rich_it_prints_lines(tmp_path):
    blocked = tmp_path / "blocked" / "rich"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('rich is not here')\n")
    environment = shop_environment(tmp_path)
    environment["PYTHONPATH"] = f"{blocked.parent}{os.pathsep}{environment['PYTHONPATH']}"
    manage(environment, "migrate", "--verbosity", "0")
    assert "products: 10\n" in manage(environment, "load_demo", "--no-input", "--products", "10")


def test_no_migration_is_missing(tmp_path):
    assert "No changes" in manage(
        shop_environment(tmp_path), "makemigrations", "--check", "--dry-run"
    )


def test_production_without_a_secret_does_not_start(tmp_path):
    environment = shop_environment(tmp_path, SECRET_KEY="")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=SHOP,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


def test_djangos_deployment_check_is_content(tmp_path):
    environment = shop_environment(tmp_path, SHOP_HTTP="0", SECRET_KEY="a9!" + os.urandom(40).hex())
    text = manage(environment, "check", "--deploy", "--fail-level", "ERROR")
    assert "security.W" not in text.replace("security.W005", "").replace("security.W021", ""), text
