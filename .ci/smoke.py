"""Start `make demo` on a free port, call every address that it prints, end it as Ctrl-C would."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 180
STOP_SECONDS = 30


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(url: str) -> tuple[int, str, bytes]:
    """Return status, content type and body of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return response.status, response.headers["Content-Type"], response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def read_addresses(demo: "subprocess.Popen[str]", log: str) -> list[str]:
    """Wait for the last line of the demo's greeting and return the addresses in it."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        with open(log) as file:
            text = file.read()
        if "Ctrl-C" in text:
            return re.findall(r"http://\S+", text)
        if demo.poll() is not None:
            sys.exit(f"make demo ended with {demo.returncode}:\n{text}")
        time.sleep(0.2)
    sys.exit(f"make demo printed no greeting within {START_SECONDS} seconds:\n{text}")


def check(url: str) -> None:
    """Fail unless the address answers as the demo promises: the deliberate error with a problem document, others well."""
    status, media_type, body = call(url)
    deliberate = "/oops" in url
    print(f"{status} {media_type} {len(body)} bytes {url}")
    if deliberate and not (status == 500 and json.loads(body)["status"] == 500):
        sys.exit(f"The deliberate error answers {status}: {body[:500]!r}")
    if not deliberate and not (status == 200 and body):
        sys.exit(f"{url} answers {status}: {body[:500]!r}")


def main() -> None:
    """Run the demo once, in a folder of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="matt-demo-") as folder:
        log = os.path.join(folder, "log")
        with open(log, "w") as output:
            # A session of its own, so that the signal below reaches make and its children, as a terminal's Ctrl-C does.
            demo = subprocess.Popen(
                ["make", "--no-print-directory", "demo", f"PORT={port}"],
                env={**os.environ, "SHOP_DATA": folder},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                text=True,
            )
        try:
            addresses = read_addresses(demo, log)
            if len(addresses) < 4:
                sys.exit(f"The demo prints too few addresses: {addresses}")
            for url in addresses:
                check(url)
            said = os.path.getsize(log)
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(STOP_SECONDS)
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)
        with open(log) as file:
            file.seek(said)
            farewell = file.read()
        if "Traceback" in farewell or "The demo has ended." not in farewell:
            sys.exit(f"Ctrl-C does not end the demo cleanly:\n{farewell[-2000:]}")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            sys.exit(f"Port {port} is still served after the demo has ended.")
    print("The demo starts, answers and ends.")


if __name__ == "__main__":
    main()
