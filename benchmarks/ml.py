"""Answers a second of a model behind a route: one item at a time, in batches, and at eight times the load.

``python -m benchmarks.ml`` prints a table for sync routes under WSGI and async routes under our ASGI application, both by granian in
one process. A third column sends the batches to a second process by ``Remote``. The ways are measured in turn, several rounds, and the ratios are of the same round. With torch installed, the models are a
transformer and an MLP of torch; without it, an MLP of numpy. A third model waits, so that the server is faster than the model. With LitServe installed, it is measured beside them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.ml_application import WIDTH
from benchmarks.ports import free_port

__all__ = ["measure"]

CLIENTS, OVERLOAD = 64, 8
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "decisions" / "0033-ml.md"
LANES = ("wsgi", "asgi")
HEAD = [
    "model", "lane", "one by one", "in batches", "ratio", "in a second process", "ratio", "LitServe", "batches / LitServe",
    "second process / LitServe", "at 8 x the load", "share of the peak", "p99 of answers", "refused",
]  # fmt: skip
_PATIENCE = 120


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """What came back: good answers a second, the seconds until 99 of 100 of them, and the share of refusals."""

    goodput: float
    p99: float
    refused: float


def measure(models: list[str], seconds: float, rounds: int) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for model in models:
        for lane in LANES:
            yield _line(model, lane, seconds, rounds)


def _line(model: str, lane: str, seconds: float, rounds: int) -> str:
    found: dict[str, list[Pressed]] = {
        each: [] for each in ("single", "batched", "over", "remote", "lit")
    }
    for _ in range(rounds):
        with _serve(model, lane, "single") as url:
            found["single"].append(_press(f"{url}/single", CLIENTS, seconds))
        with _serve(model, lane, "batched") as url:
            found["batched"].append(_press(f"{url}/ml/{model}", CLIENTS, seconds))
            found["over"].append(_press(f"{url}/ml/{model}", OVERLOAD * CLIENTS, seconds))
        # Its own lane has one request at a time, each with a whole batch.
        with (
            _serve(model, "wsgi", "batched") as other,
            _serve(model, lane, "remote", f"{other}/v2") as url,
        ):
            found["remote"].append(_press(f"{url}/ml/{model}", CLIENTS, seconds))
        if find_spec("litserve"):
            with _serve(model, "lit", "lit") as url:
                found["lit"].append(_press(f"{url}/predict", CLIENTS, seconds))

    def ratio(one: str, other: str) -> str:
        pairs = zip(found[one], found[other], strict=True)
        return f"{statistics.median(a.goodput / b.goodput for a, b in pairs):.2f}"

    def rate(name: str) -> str:
        return f"{statistics.median(each.goodput for each in found[name]):.0f}"

    over = found["over"]
    lit = ["-"] * 3
    if found["lit"]:
        lit = [rate("lit"), ratio("batched", "lit"), ratio("remote", "lit")]
    p99 = statistics.median(each.p99 for each in over)
    refused = statistics.median(each.refused for each in over)
    cells = [model, lane, rate("single"), rate("batched"), ratio("batched", "single")]
    cells += [rate("remote"), ratio("remote", "single"), *lit]
    cells += [rate("over"), ratio("over", "batched"), f"{p99:.2f} s", f"{refused:.0%}"]
    return f"| {' | '.join(cells)} |"


@contextmanager
def _serve(model: str, lane: str, way: str, remote: str = "") -> Iterator[str]:
    port = free_port()
    server = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", str(port)]
    server += ["--no-ws", "--log-level", "warning", "--backpressure", "1024"]
    if lane == "wsgi":
        server += ["--interface", "wsgi", "--blocking-threads", str(CLIENTS)]
    else:
        server += ["--interface", "asgi"]
    command = [*server, "benchmarks.ml_application:application"]
    if lane == "lit":
        command = [sys.executable, "-m", "benchmarks.ml_litserve", str(port)]
    environment = {
        **os.environ,
        "ML_MODEL": model,
        "ML_LANE": "asgi" if lane == "lit" else lane,
        "ML_WAY": way,
        "ML_REMOTE": remote,
        "ML_TORCH": "1" if find_spec("torch") else "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if lane == "lit":
        del environment["ML_MODEL"]
        environment["LIT_MODEL"] = model
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(f"http://127.0.0.1:{port}/", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(url, timeout=5).close()
        except URLError as error:
            if hasattr(error, "code"):
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")


def _press(url: str, clients: int, seconds: float) -> Pressed:
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder) / "body", Path(folder) / "log"
        body.write_text(json.dumps({"features": [n / WIDTH for n in range(WIDTH)]}))
        command = [
            "h2load",
            "--h1",
            "-t",
            "1",
            "-c",
            str(clients),
            f"-D{seconds}",
            "--warm-up-time=1",
        ]
        command += [
            f"--log-file={log}",
            "-H",
            "content-type: application/json",
            "-d",
            str(body),
            url,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=seconds + 60)
        rows = [line.split("\t") for line in log.read_text().splitlines()]
    good = sorted(int(spent) / 1e6 for _, status, spent in rows if status == "200")
    other = {status for _, status, _ in rows} - {"200", "503", "0"}
    if not good or other:
        raise SystemExit(f"{url} answered {sorted({status for _, status, _ in rows})}")
    refused = sum(status == "503" for _, status, _ in rows)
    return Pressed(
        goodput=len(good) / seconds,
        p99=good[min(len(good) - 1, len(good) * 99 // 100)],
        refused=refused / (refused + len(good)),
    )


def draw_page() -> None:
    """Draw the table of the decision record, which is where the figures are kept."""
    from benchmarks.plots import Chart, draw

    ways = {"LitServe": 7, "one by one": 2, "matt, in batches": 3, "matt, a second process": 5}
    charts = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEAD) and cells[1] in LANES and "-" not in cells:
            values = {name: float(cells[at]) for name, at in ways.items()}
            title = f"{cells[0]}, {cells[1].upper()}"
            charts.append(Chart(title=title, values=values, longest=1e9, form="{:.0f}"))
    draw(charts, ROOT / "docs" / "images" / "bench-ml.svg")


def main() -> None:
    """Print the table, or draw the one of the decision record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", action="store_true", help="only draw what the page has")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.draw:
        draw_page()
        return
    models = ["mlp", "transformer", "slow"] if find_spec("torch") else ["mlp", "slow"]
    for line in measure(models, options.seconds, options.rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
