"""The command as a process: what it serves, whom it tells, and how it ends."""

import os
import signal
import socket as sockets
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from benchmarks import reload
from django_matt.installation import install_line
from tests.contrib.hot_reload.projects import ROOT, event
from tests.contrib.hot_reload.test_watching import STEP_SECONDS
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(240)]


def children(project):
    pid = project.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_styles_templates_and_modules_are_told_apart(project):
    socket = project.listen()
    hello = event(socket)
    run = hello["version"].partition(".")[0]
    assert hello == {"type": "hello", "version": f"{run}.0", "failure": None}
    project.replace("shop/static/shop/site.css", "1, 2, 3", "4, 5, 6")
    assert event(socket) == {"type": "css", "version": f"{run}.1", "files": ["shop/site.css"]}
    project.replace("shop/templates/shop/home.html", "Hello", "Good day")
    assert event(socket) == {"type": "reload", "version": f"{run}.2"}
    assert "Good day" in project.get().text
    for name in ("notes.txt", "unused.py", "shop/templates/.home.html.swp", "debug.log"):
        project.write(name, "x = 1")
    project.replace("shop/words.py", "first", "second")
    with pytest.raises(ConnectionClosed):
        event(socket)
    assert "Good day second" in project.get().text
    assert event(project.listen())["version"].partition(".")[0] != run


def test_a_request_during_a_restart_waits_instead_of_being_refused(project):
    project.replace("shop/words.py", "first", "second")
    wait_until(lambda: "changed, restarting" in project.printed())

    def answers():
        with suppress(httpx.ReadError, httpx.RemoteProtocolError):
            answer = project.get()
            assert answer.status_code == 200
            return answer.text
        return ""

    wait_until(lambda: "Hello second" in answers(), pause=0.01)
    assert "Hello second" in answers()


def test_apps_hear_of_each_change_in_a_process_that_runs_it(project):
    heard = project.folder / "heard.log"
    project.replace("shop/static/shop/site.css", "1, 2, 3", "4, 5, 6")
    wait_until(lambda: heard.exists() and "modified site.css first" in heard.read_text())
    project.write("shop/words.py", "WORD = (")
    project.wait_for("was never closed")
    project.write("shop/words.py", "WORD = 'second'")
    wait_until(lambda: "modified words.py second\n" in heard.read_text(), heard.read_text)
    assert "words.py first" not in heard.read_text()


def test_the_application_lives_through_its_lifespan_and_keeps_its_sockets(project):
    log = project.folder / "config/lifespan.log"
    assert log.read_text() == "startup "
    with connect(f"ws://127.0.0.1:{project.port}/chat", proxy=None) as socket:
        socket.send("hi")
        assert socket.recv(timeout=SECONDS) == "hi"
    project.replace("shop/words.py", "first", "second")
    project.wait_for("second")
    wait_until(lambda: log.read_text() == "startup shutdown startup ")


def test_a_lifespan_that_fails_is_an_error_of_the_start(project):
    before = (project.folder / "config/asgi.py").read_text()
    (project.folder / "config/asgi.py").write_text(
        before.replace("with LOG.open", "1 / 0\n            with LOG.open")
    )
    assert "ZeroDivisionError" in project.wait_for("The server did not start").text
    (project.folder / "config/asgi.py").write_text(before)
    project.wait_for("Hello first")


def test_the_lifespan_of_an_app_fails_with_its_own_traceback_and_starts_when_it_is_fixed(project):
    lifespan = """
    @asynccontextmanager
    async def lifespan(self):
        1 / 0
        yield
"""
    before = (project.folder / "shop/apps.py").read_text()
    (project.folder / "config/asgi.py").write_text(
        "from django_matt.asgi import get_asgi_application\napplication = get_asgi_application()\n"
    )
    project.write("shop/apps.py", f"from contextlib import asynccontextmanager\n{before}{lifespan}")
    failure = project.wait_for("The server did not start").text
    assert "ZeroDivisionError" in failure
    assert "shop/apps.py" in failure
    project.replace("shop/apps.py", "1 / 0", "self.open = True")
    project.wait_for("Hello first")


def test_a_view_that_sleeps_does_not_hold_the_restart_up(project):
    with sockets.create_connection(("127.0.0.1", project.port)) as request:
        request.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until((project.folder / "slow.log").exists)
        project.replace("shop/words.py", "first", "second")
        # It sleeps longer than anyone waits here.
        project.wait_for("second")


@pytest.mark.parametrize("origin", ["http://evil.test", "http://127.0.0.1:1", None, "null"])
def test_a_foreign_page_may_not_listen(project, origin):
    with pytest.raises(InvalidStatus) as refused:
        project.listen(origin=origin)
    assert refused.value.response.status_code == 403


def test_who_speaks_on_the_socket_is_shown_out_and_the_others_stay(project):
    good, bad = project.listen(), project.listen()
    event(good), event(bad)
    bad.send(os.urandom(100_000))
    with pytest.raises(ConnectionClosed):
        event(bad)
    for garbage in (b"\x00" * 100, b"GET /__matt__/reload HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"):
        with sockets.create_connection(("127.0.0.1", project.port)) as raw:
            raw.sendall(garbage)
    project.replace("shop/static/shop/site.css", "1, 2, 3", "4, 5, 6")
    assert event(good)["type"] == "css"


def test_our_addresses_answer_what_is_there_and_nothing_else(project):
    script = project.get("/__matt__/reload.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Cache-Control"] == "no-cache"
    for path in ("nothing", "", "failure", "failure?id=../../x", "..%2f..%2fmanage.py", "reload"):
        assert project.get(f"/__matt__/{path}").status_code == 404
    assert httpx.post(f"{project.url}/__matt__/reload.js").status_code == 405
    assert project.get("/static/shop/site.css").headers["Cache-Control"] == "no-cache"


def test_a_failure_is_not_shown_to_a_foreign_host(project):
    socket = project.listen()
    event(socket)
    project.write("shop/words.py", "WORD = (")
    with pytest.raises(ConnectionClosed):
        event(socket)
    key = event(project.listen())["failure"]
    assert project.get(f"/__matt__/failure?id={key}").status_code == 200
    for path in (f"/__matt__/failure?id={key}", "/"):
        answer = project.get(path, Host="evil.test")
        assert answer.status_code == 404
        assert "never closed" not in answer.text


def test_thousands_of_edits_are_few_events(project):
    socket = project.listen()
    event(socket)
    begun = time.monotonic()
    for number in range(2_000):
        (project.folder / f"shop/static/shop/f{number}.css").write_text("")
    (project.folder / "shop/templates/shop/last.html").write_text("")
    events = []
    while not events or events[-1]["type"] != "reload":
        events.append(event(socket))
    # At most one a quiet step of the watcher, however slowly they are written.
    assert len(events) <= 2 + (time.monotonic() - begun) / STEP_SECONDS


def test_a_deleted_template_and_a_deleted_module_are_followed(project):
    socket = project.listen()
    event(socket)
    (project.folder / "shop/templates/shop/home.html").unlink()
    assert event(socket)["type"] == "reload"
    assert "TemplateDoesNotExist" in project.get(Accept="text/html").text
    text = (project.folder / "shop/words.py").read_text()
    (project.folder / "shop/words.py").unlink()
    project.wait_for("No module named")
    project.write("shop/words.py", text)
    project.wait_for("TemplateDoesNotExist")


def test_an_env_file_restarts(project):
    project.write(".env", "A=1")
    wait_until(lambda: ".env changed, restarting" in project.printed())
    assert project.wait_for("Hello first").status_code == 200


def test_a_project_that_writes_modules_while_it_loads_starts_once_more_and_no_oftener(
    start, folder
):
    views = folder / "shop/views.py"
    maker = "Path(__file__).with_name('made.py').write_text('X = 1')"
    views.write_text(f"from pathlib import Path\n{maker}\nimport shop.made\n{views.read_text()}")
    project = start()
    wait_until(lambda: "made.py changed, restarting" in project.printed(), project.printed)
    project.wait_for("Hello first")
    run = ""

    def hears_edits_for_a_while():
        """A process that begins by asking for the next one closes its sockets before long."""
        nonlocal run
        with suppress(ConnectionClosed):
            socket = project.listen()
            run = event(socket)["version"].partition(".")[0]
            for number in range(20):
                project.write("shop/static/shop/site.css", f"h1 {{ order: {number + 10} }}\n")
                assert event(socket)["type"] == "css"
            return True
        return False

    wait_until(hears_edits_for_a_while)
    assert event(project.listen())["version"].partition(".")[0] == run
    assert project.printed().count("made.py changed, restarting") == 1
    assert project.get().status_code == 200


def test_a_project_that_is_broken_from_the_beginning_starts_when_it_is_fixed(start, folder):
    (folder / "shop/words.py").write_text("WORD = (")
    project = start(wait=False)
    wait_until(lambda: "It tries again" in project.printed())
    assert "SyntaxError: '(' was never closed" in project.printed()
    assert "/django/" not in project.printed()
    project.write("shop/words.py", "WORD = 'fixed'")
    wait_until(lambda: f":{project.port}/" in project.printed())
    assert "__matt__" in project.wait_for("fixed").text


@pytest.mark.parametrize("option", [None, "--traceback"])
def test_a_syntax_error_is_printed_with_the_frames_of_libraries_only_on_request(start, option):
    project = start(*filter(None, [option]))
    project.replace("config/settings.py", "import os", "import os (")
    wait_until(lambda: "It tries again" in project.printed())
    assert 'settings.py", line 1\n    import os (' in project.printed()
    assert ("/django/" in project.printed()) is bool(option)


def test_under_wsgi_it_says_what_is_missing(start):
    project = start("--wsgi")
    assert "There is no lifespan, no WebSocket" in project.printed()
    answer = project.get()
    assert "Hello first" in answer.text
    assert "__matt__" not in answer.text
    assert answer.headers["Server"].startswith("WSGIServer")


def test_without_debug_nothing_of_it_runs(start):
    project = start(DEBUG="0")
    assert "DEBUG is off" in project.printed()
    assert "__matt__" not in project.get().text
    with pytest.raises(InvalidStatus):
        project.listen()


def test_noreload_serves_asgi_and_follows_nothing(start):
    project = start("--noreload")
    assert "__matt__" not in project.get().text
    assert (project.folder / "config/lifespan.log").read_text() == "startup "
    assert children(project) == []


def test_without_an_asgi_application_it_finds_the_one_beside_wsgi(start, folder):
    text = (folder / "config/settings.py").read_text()
    (folder / "config/settings.py").write_text(
        text.replace('ASGI_APPLICATION = "config.asgi.application"\n', "")
    )
    project = start()
    assert (project.folder / "config/lifespan.log").read_text() == "startup "
    assert "__matt__/reload.js" in project.get().text


def test_without_an_asgi_module_it_serves_djangos_application(start, folder):
    text = (folder / "config/settings.py").read_text()
    (folder / "config/settings.py").write_text(
        text.replace('ASGI_APPLICATION = "config.asgi.application"\n', "")
    )
    (folder / "config/asgi.py").unlink()
    assert "__matt__/reload.js" in start().get().text


LOGGING = """
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""


@pytest.mark.parametrize("logging", ["", LOGGING], ids=["django's logging", "all at INFO"])
def test_a_start_is_one_line_and_a_page_another(start, folder, logging):
    settings = folder / "config/settings.py"
    settings.write_text(f"{settings.read_text()}\n{logging}")
    project = start()
    answer = project.get()
    assert project.get("/static/shop/site.css").status_code == 200
    project.listen().close()
    with sockets.create_connection(("127.0.0.1", project.port)) as leaving:
        leaving.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until((folder / "slow.log").exists)
    assert project.get("/static/nothing.css").status_code == 404
    assert answer.status_code == 200
    wait_until(lambda: "nothing.css" in project.printed())
    printed = set(project.printed().splitlines())
    assert sum("Starting development server" in line for line in printed) == 1
    noise = (
        "uvicorn",
        "lifespan",
        "connection",
        "WebSocket",
        "site.css",
        "/slow",
        "ASGI_",
        "checks",
    )
    assert [line for line in printed if any(word in line for word in noise)] == []


def test_a_taken_port_and_a_missing_certificate_are_said(project):
    for arguments, said in [
        ([str(project.port)], "That port is already in use."),
        (["0", "--cert-file", "no.pem", "--key-file", "no.pem"], "The file no.pem does not exist."),
        (["0", "--cert-file", "manage.py"], "HTTPS needs both"),
    ]:
        done = subprocess.run(
            [sys.executable, "manage.py", "runserver", *arguments],
            cwd=project.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 1
        assert said in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_however_the_command_ends_nothing_stays_behind(project, number):
    wait_until(lambda: len(children(project)) == 2)
    both = children(project)
    project.process.send_signal(number)
    project.process.wait(SECONDS)
    wait_until(lambda: not any(map(is_running, both)))


def test_a_missing_library_is_named_with_the_line_that_installs_it(folder):
    blocker = folder / "blocked.py"
    blocker.write_text(
        "import sys, importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'watchfiles' else find(name, *a)\n"
    )
    text = (folder / "manage.py").read_text()
    (folder / "manage.py").write_text("import blocked\n" + text)
    done = subprocess.run(
        [sys.executable, "manage.py", "runserver", "0"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert f"watchfiles is not installed: {install_line('hot-reload')}" in done.stderr


def test_the_benchmark_measures_all_it_promises_and_events_come_without_a_restart(monkeypatch):
    monkeypatch.setattr(reload, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(reload, "IDLE_SECONDS", 0.5)
    found = {what: (median, unit) for what, median, unit in reload.measure(1)}
    assert list(found) == [
        "CSS edit to event",
        "template edit to event",
        "Python edit to answer",
        "idle",
        "Python edit to types",
        "restart to types",
    ]
    restart, unit = found["Python edit to answer"]
    assert unit == "s"
    # Of the same run: how long either takes is the machine's affair.
    for what in ("CSS", "template"):
        assert found[f"{what} edit to event"] < (1_000 * restart, "ms")
