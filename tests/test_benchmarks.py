"""The stacks of the benchmarks answer the same, in process and behind a server; nothing here is timed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import prices
from benchmarks.cases import ASYNC, SYNC
from benchmarks.load import Load, is_installed, press
from benchmarks.page import compose
from benchmarks.plots import Chart, draw
from benchmarks.results import Results, Served, work
from benchmarks.servers import serve
from benchmarks.serving import Serving
from benchmarks.sign_in import Figures, Start, targets_table
from benchmarks.sign_in import compose as compose_sign_in
from benchmarks.sign_in_lines import Line
from benchmarks.startup import STACKS as STARTED
from benchmarks.startup import Started, measure_all
from benchmarks.tables import driver_table, markdown, ratios_table, served_table
from benchmarks.verdicts import start_targets, winners
from benchmarks.verdicts import targets_table as stack_targets_table
from benchmarks.whole import Whole, keep, resume
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
        # Twice: on PostgreSQL a later part finds the tables of an earlier one.
        for entries in ("10", str(ENTRIES)):
            for _ in work(results, "fill", "--entries", entries):
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
    started = measure_all(6, 1)
    assert set(started) == set(STARTED)
    assert all(one.declared and one.first for one in started.values())


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
        "hello": {
            "bare": (1.0, 1.0),
            "matt": (1.2, 1.2),
            "matt-controller": (1.3, 1.3),
            "extra-controller": (7.0, 7.0),
        },
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
    assert table[0] == [
        "case",
        "bare",
        "matt",
        "matt-controller",
        "extra",
        "extra-controller",
        "modern",
    ]
    assert table[2] == ["flat", "20.0 ms", "0.25", "-", "2.50", "-", "**0.20**"]
    assert driver_table(results_by_hand())[1] == ["flat", "2.0 ms", "2.5", "10.0", "25.0"]
    assert markdown(table).splitlines()[1] == "| --- | --: | --: | --: | --: | --: | --: |"


def test_the_targets_say_what_is_missed():
    table = {row[0]: row[1:] for row in stack_targets_table(results_by_hand())[1:]}
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


def prices_by_hand() -> prices.Prices:
    ways = {}
    for title, micros in {
        "granian, WSGI": 100,
        "granian, Django's ASGI": 600,
        "granian, our ASGI": 130,
    }.items():
        paths = prices.paths(prices.WAYS[title])
        cpu = {path: micros * (5e-6 if "hundred" in path else 1e-6) for path in paths}
        ways[title] = prices.Price(cpu=cpu, memory=80 * 2**20, threads=9)
    bolt = {"async/hello": 20e-6, "async/hundred": 2e-3}
    ways["django-bolt"] = prices.Price(cpu=bolt, memory=None, threads=3)
    idle = {"granian, our ASGI": prices.Idle(memory=25 * 2**10, threads=8, files=16)}
    versions = {"python": "3.13.0", "django": "6.1.3"}
    return prices.Prices(versions=versions, load=0.5, requests={"sqlite": ways}, streams=idle)


def started_by_hand(started: float) -> Started:
    return Started(
        declared=1,
        started=started,
        grown=2**20,
        first=0.002,
        second=0.001,
        grown_after=2**22,
        digest="",
    )


def page_by_hand() -> str:
    whole = Whole(
        databases=[results_by_hand()],
        started={name: started_by_hand(0.2) for name in STARTED},
        prices=prices_by_hand(),
    )
    return compose(whole, "python -m benchmarks", Serving(seconds=1, rounds=1, cases={}))


def test_prices_survive_the_way_from_their_own_process():
    made = prices_by_hand()
    assert prices.read_prices(json.dumps(dataclasses.asdict(made))) == made


def test_a_stopped_run_goes_on_with_what_it_has_measured(tmp_path):
    file = tmp_path / "build" / "benchmarks.json"
    whole = Whole(databases=[results_by_hand()], prices=prices_by_hand())
    keep(whole, "sqlite rounds", file)
    found = resume(file)
    assert found == whole
    assert found.done == ["sqlite rounds"]


def test_a_run_of_other_code_is_not_resumed(tmp_path):
    file = tmp_path / "build" / "benchmarks.json"
    with pytest.raises(ValueError, match="no run was stopped"):
        resume(file)
    keep(Whole(databases=[], commit="0000000"), "startup", file)
    with pytest.raises(ValueError, match="measured 0000000"):
        resume(file)
    file.write_text("{")
    with pytest.raises(ValueError, match="another version"):
        resume(file)


def test_the_page_begins_with_a_summary_of_a_few_lines():
    lines = page_by_hand().splitlines()
    summary = [line for line in lines[: lines.index("## This run")] if line.startswith("- ")]
    assert 3 <= len(summary) <= 8
    text = "\n".join(summary)
    assert "take 0.25 (SQLite) of the time" in text
    assert "**An async view** behind granian takes 1.30 times the CPU" in text
    assert "takes 20 µs of CPU for a constant, and MattAPI behind granian 130 µs" in text
    assert "**300 routes** start in 200.0 ms of CPU" in text


def test_the_page_has_the_prices_of_requests_and_streams_with_what_is_missed_and_who_wins():
    text = page_by_hand()
    assert "| granian, our ASGI | async/hello | 130 µs | 1.30 | 80 MiB | 9 |" in text
    assert "| granian, our ASGI | 25 KiB | 8 | 16 |" in text
    assert "| async/hello on SQLite: CPU / sync under WSGI | ≤ 1.25 | 1.30 | **missed** |" in text
    assert "| async/hello on SQLite: CPU of Django's ASGI / ours | ≥ 5 | 4.6 | **missed** |" in text
    assert "- async/hello on SQLite: 20 µs before MattAPI (130 µs)" in text
    assert "- async/hundred on SQLite" not in text


def test_the_page_has_what_starting_costs():
    assert "| MattAPI | 1.0 s | 200.0 ms | 1.0 MiB | 2.0 ms | 1.0 ms | 4.0 MiB |" in page_by_hand()
    assert start_targets(started_by_hand(0.7))[1][-1] == "**missed**"


def test_the_page_leaves_out_what_was_not_measured():
    whole = Whole(databases=[results_by_hand()])
    text = compose(whole, "python -m benchmarks", Serving(seconds=1, rounds=1, cases={}))
    assert "## SQLite" in text
    assert "## Start-up" not in text
    assert "## Sync and async" not in text


def test_what_django_bolt_needs_is_pinned_beside_the_same_ninja_as_everything_else():
    def pins(name: str) -> dict[str, str]:
        lines = (TREE / "requirements" / f"{name}.txt").read_text().splitlines()
        found = [line.split(" ")[0].split("==") for line in lines if "==" in line.split(" ")[0]]
        return dict(found)

    bolt, dev = pins("bolt"), pins("dev")
    assert "django-bolt" in bolt
    assert {name: bolt[name] for name in set(bolt) & set(dev)} == {
        name: dev[name] for name in set(bolt) & set(dev)
    }


#: The statements that a request of each app sends, more than the route without.
QUERIES = {
    "tokens": {"token, verified before": 0, "token, first sight, EdDSA": 0, "token, first sight, HS256": 0},
    "api_keys": {"API key": 1},
    "sessions": {"session": 2},
    "rate_limits": {"rate limit by address": 0, "rate limit by user": 0},
    "ninja_jwt": {"ninja-jwt, HS256": 1},
}  # fmt: skip


@pytest.mark.parametrize("setup", [*QUERIES, "idempotency"])
def test_every_setup_of_the_sign_in_apps_is_measured_and_sends_no_more_queries_than_it_says(
    tmp_path, setup
):
    arguments = ["--sqlite", str(tmp_path / "rows.db"), "--rounds", "1", "--times", "5"]
    done = run_python("-m", "benchmarks.sign_in_lines", setup, *arguments)
    assert done.returncode == 0, done.stderr
    lines = [Line(**json.loads(line)) for line in done.stdout.splitlines()]
    assert {line.kind for line in lines} == {"sync", "async"}
    assert all(line.cpu > 0 and line.bare_wall > 0 for line in lines)
    queries = {line.name: line.queries for line in lines}
    expected = QUERIES.get(setup, {})
    assert {name: queries[name] for name in expected} == expected


def test_starting_with_an_app_is_measured():
    done = run_python(
        "-m", "benchmarks.sign_in_lines", "start", "--apps", "django_matt.contrib.tokens"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["start"] > 0
    assert found["first"] >= found["start"]


def test_the_page_of_sign_in_names_what_misses_its_target():
    figures = Figures(load=0.5, missing=["Redis (redis-server is not installed)"])
    for name, cpu, queries in (
        ("token, verified before", 125e-6, 0),
        ("token, first sight, RS256", 600e-6, 0),
        ("API key", 500e-6, 2),
    ):
        line = Line(name=name, kind="sync", cpu=cpu, wall=cpu, bare_cpu=100e-6, bare_wall=100e-6, queries=queries)  # fmt: skip
        figures.take("", line)
        figures.take("", dataclasses.replace(line, cpu=1.0))  # the least counts
    figures.starts = {
        "without them": Start(start=0.5, memory=60_000_000),
        "tokens": Start(start=0.6, memory=65_000_000),
    }
    verdicts = {row[0]: row[3] for row in targets_table(figures)[1:]}
    assert verdicts == {
        "token, verified before, sync": "met",
        "token, first sight, RS256, sync": "**missed**",
        "API key, sync": "**missed**",
    }
    page = compose_sign_in(figures, "python -m benchmarks.sign_in")
    assert "| token, verified before | sync | 100 µs | 25 µs | 1.25 |" in page
    assert "+100 ms" in page
    assert "Not measured: Redis (redis-server is not installed)." in page
