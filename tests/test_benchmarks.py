"""The stacks of the benchmarks answer the same, in process and behind a server; nothing here is timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import prices
from benchmarks.cases import ASYNC, SYNC
from benchmarks.load import Load, is_installed, press
from benchmarks.plots import Chart, draw
from benchmarks.results import Results, Served, work
from benchmarks.servers import serve
from benchmarks.startup import STACKS as STARTED
from benchmarks.startup import measure
from benchmarks.tables import driver_table, markdown, ratios_table, served_table
from benchmarks.verdicts import targets_table, winners
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.once]

TREE = Path(__file__).resolve().parent.parent
# `make bench` installs the others.
ALWAYS = {"bare", "matt", "matt-controller", "ninja", "extra", "extra-controller"}
ENTRIES = 2_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """An environment whose benchmarks find their rows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BENCHMARKS_SQLITE", str(tmp_path_factory.mktemp("rows") / "rows.sqlite3"))
        patched.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        results = Results(database="sqlite", entries=ENTRIES)
        for _ in work(results, "fill", "--entries", str(ENTRIES)):
            pass
        assert results.server.startswith("SQLite")
        yield results


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_stacks_whose_start_is_measured_answer_the_same():
    started = [measure(stack, 6) for stack in STARTED]
    assert len({one.digest for one in started}) == 1
    assert all(one.declared and one.first for one in started)


@pytest.mark.parametrize(("interface", "cases"), [("wsgi", SYNC), ("asgi", ASYNC)])
def test_every_stack_that_is_installed_answers_every_case_with_the_same_json(
    filled, interface, cases
):
    arguments = [interface, "--rounds", "9", "--seconds", "0", "--cases", *cases]
    for _ in work(filled, "rounds", *arguments):
        pass
    assert filled.rounds == 1
    assert set(cases) <= set(filled.best)
    for case in cases:
        assert set(filled.best[case]) >= ALWAYS
        assert all(cpu > 0 and wall > 0 for cpu, wall in filled.best[case].values())


def test_the_unhelped_stack_and_the_driver_stand_beside_the_lists(filled):
    assert {"extra-plain", "driver"} <= set(filled.best["nested"])
    assert "driver" in filled.best["flat"]
    assert "extra-plain" not in filled.best["flat"]


@pytest.mark.skipif(not is_installed(), reason="h2load is not installed")
def test_a_request_has_a_price_under_each_application_and_all_answer_the_same(filled):
    known = {}
    for title in ("granian, WSGI", "granian, our ASGI", "uvicorn, Django's ASGI"):
        way = prices.WAYS[title]
        with prices.start(way, "sqlite") as server:
            prices.check(server, way, known)
            before = server.cpu()
            prices.press(server.url("api/hundred"), 100)
            assert server.cpu() > before
            assert server.threads() > 0
    assert len(known["hundred"]) == 100


def test_the_stacks_stream_the_same(filled):
    digests = {}
    assert {"bare", "matt", "ninja", "extra"} <= set(filled.to_stream())
    # A process each; `make bench` compares them all.
    for name in ("bare", "matt", "ninja"):
        for line in work(filled, "stream", name, "--digest"):
            digests[name] = line["digest"]
            assert line["size"] > 100 * ENTRIES
    assert len(set(digests.values())) == 1


def test_a_stack_that_answers_otherwise_is_not_measured(filled):
    # What the worker does, with a bare Django whose hello is another.
    spoil = (
        "import sys; import benchmarks.worker as worker; import benchmarks.stacks as stacks\n"
        "load = stacks.load\n"
        "def spoilt(name):\n"
        "    made = load(name)\n"
        "    import benchmarks.stacks.bare as bare\n"
        "    bare.hello.__code__ = (lambda request: answer({'message': 'hullo'})).__code__\n"
        "    return made\n"
        "stacks.load = spoilt\n"
        "sys.argv = 'worker sqlite rounds wsgi --rounds 1 --seconds 0 --cases hello'.split()\n"
        "worker.main()\n"
    )
    worker = run_python("-c", spoil)
    assert worker.returncode == 1
    assert "Not measured" in worker.stderr
    assert '"best"' not in worker.stdout


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_server_answers_and_is_gone_afterwards(filled, interface):
    import http.client

    with serve("matt", interface, "sqlite", "api/hello") as server:
        address = server.url("").split("/")[2]
        connection = http.client.HTTPConnection(address, timeout=SECONDS)
        connection.request("GET", "/api/rows/5")
        assert json.loads(connection.getresponse().read())["name"] == "name 4"
        connection.close()
        assert (server.peak() or 10**8) > 10**7
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection(address, timeout=SECONDS).request("GET", "/")


@pytest.mark.skipif(not is_installed(), reason="the load generator h2load is not installed")
def test_the_load_generator_presses_freely_and_at_a_rate(filled):
    with serve("bare", "wsgi", "sqlite", "api/hello") as server:
        most = press(server.url("api/hello"), 1)
        steady = press(server.url("api/hello"), 1, rate=40)
    assert 0 < most.p50 <= most.p99
    assert most.rate > steady.rate > 10


def results_by_hand() -> Results:
    results = Results(database="sqlite", entries=10, server="SQLite")
    results.best = {
        "hello": {"bare": (1.0, 1.0), "matt": (1.2, 1.2), "matt-controller": (1.3, 1.3)},
        "flat": {
            "bare": (0.020, 0.020),
            "matt": (0.005, 0.005),
            "extra": (0.050, 0.050),
            "modern": (0.004, 0.004),
            "driver": (0.002, 0.002),
        },
    }
    return results


def test_the_tables_hold_ratios_against_hand_written_django():
    table = ratios_table(results_by_hand(), 0)
    assert table[0] == ["case", "bare", "matt", "matt-controller", "extra", "modern"]
    assert table[2] == ["flat", "20.0 ms", "0.25", "-", "2.50", "**0.20**"]
    assert driver_table(results_by_hand())[1] == ["flat", "2.0 ms", "2.5", "10.0", "25.0"]
    assert markdown(table).splitlines()[1] == "| --- | --: | --: | --: | --: | --: |"


def test_the_targets_say_what_is_missed():
    table = {row[0]: row[1:] for row in targets_table(results_by_hand())[1:]}
    assert table["hello: CPU / by hand"] == ["≤ 1.25", "1.30", "**missed**"]
    assert table["flat: wall of hand-written Django + orjson / ours"] == ["≥ 2.5", "4.0", "met"]
    assert table["flat: wall of Ninja Extra, functions / ours"] == ["≥ 12", "10.0", "**missed**"]


def test_a_peer_that_wins_is_named():
    results = results_by_hand()
    assert "flat, wall: modern (0.20) before MattAPI (0.25)" in winners(results)
    fast, slow = Load(rate=200, p50=0.1, p99=0.3), Load(rate=100, p50=0.2, p99=0.2)
    loads = {"flat": {"bare": fast, "matt": slow}}
    memory = {"bare": None, "matt": 2**20}
    served = Served(most=loads, steady=loads, rates={"flat": 60.0}, memory=memory)
    results.served = {"wsgi": served}
    lines = winners(results)
    assert any(line.startswith("flat behind granian, wsgi, throughput: bare") for line in lines)
    assert not any("p99" in line for line in lines)
    assert served_table(served)[2][:4] == ["flat", "matt", "100", "0.50"]


def test_a_plot_names_its_lines_and_cuts_what_is_too_long(tmp_path):
    pytest.importorskip("matplotlib")
    chart = Chart(title="flat", values={"matt": 0.5, "drf": 9.0}, longest=7, dashed=1)
    draw([chart], tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert all(word in text for word in ("flat", "matt", "0.50", "9.00 »"))
