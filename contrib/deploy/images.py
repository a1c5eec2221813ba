"""The image: its Dockerfile, what is wrong with one, and Django Matt as a file in it."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django_matt.cli.diagnostics import Diagnostic
from django_matt.contrib.deploy.documents import problem
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.options import Options
from django_matt.contrib.deploy.projects import PORT, Project
from django_matt.generation.templates import render
from django_matt.installation import DISTRIBUTION, path_of, read_origin

__all__ = [
    "DOCKERFILE",
    "DRAIN",
    "IGNORED",
    "PAGES",
    "SOURCES",
    "VENDOR",
    "check_image",
    "image_files",
    "probe",
    "server",
    "vendor",
]

SOURCES = Path(__file__).parent / "sources"
DOCKERFILE = "deploy/Dockerfile"
IGNORED = f"{DOCKERFILE}.dockerignore"
VENDOR = "deploy/vendor"
DRAIN = 25
"""How long the server finishes requests after SIGTERM, in seconds. Platforms wait a little longer."""
PAGES = 3000
"""The port of the server in the image that renders pages with Node."""
PYTHON, UV, CYCLONEDX, NODE = "3.13", "0.13.9", "7.5.0", "24.11"
_LEFT_OUT = (
    ".*",
    "**/.env*",
    "**/__pycache__",
    "**/node_modules",
    "venv",
    "**/*.sqlite3*",
    "media",
    "staticfiles",
    "local.mk",
    "tests",
    "compose*.yaml",
    "deploy/*",
    f"!{VENDOR}",
)
_SECRET_LIKE = re.compile(
    r"\b(\w*(?:SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|API_KEY|_KEY|DSN|DATABASE_URL)\w*)[= ](\S+)"
)
_SECONDS = 300


def server(project: Project, port: int = PORT) -> tuple[str, ...]:
    """Return the command that serves the project in the image."""
    static = (
        ("--static-path-route", project.static_url, "--static-path-mount", project.static_root)
        if project.static_root
        else ()
    )
    return (
        *("granian", "--interface", "asgi", "--host", "0.0.0.0", "--port", str(port)),  # noqa: S104 - in a container
        *("--workers", "2", "--workers-kill-timeout", str(DRAIN), "--respawn-failed-workers"),
        *static,
        project.application,
    )


def probe(project: Project, options: Options) -> str:
    """Return the Python of the health check, as text in the double quotes of JSON and YAML.

    It sends the request by a socket: ``urllib`` takes 80 ms of CPU to import, every few seconds in each copy.
    """
    head = (
        f"GET {project.health} HTTP/1.0",
        f"Host: {options.domain}",
        "X-Forwarded-Proto: https",
        r"\\r\\n",
    )
    sent = r"\\r\\n".join(head)
    return (
        f"import socket; s = socket.create_connection(('127.0.0.1', {PORT}), 4); "
        f"s.sendall(b'{sent}'); exit(b' 200 ' not in s.recv(64))"
    )


def image_files(project: Project, options: Options, *, pages: bool = False) -> dict[str, str]:
    """Return the files of the image, which all targets share.

    ``pages`` says that the target runs a second server, which renders pages. Raises ``DeployError`` for a front end that
    needs one on a target without it.
    """
    front = project.front
    if front and front.start and not pages:
        raise DeployError(
            f"Node renders the pages of {front.root}/, so the site is two servers behind one proxy. This target runs one, the "
            "server of Django.",
            "matt deploy init compose",
        )
    dockerfile = render(
        SOURCES / "Dockerfile.txt",
        python=PYTHON,
        uv=UV,
        cyclonedx=CYCLONEDX,
        requirements=project.requirements,
        vendored=project.vendored,
        package=DISTRIBUTION,
        version=project.version,
        name=project.name,
        settings=project.settings,
        static_root=project.static_root,
        port=PORT,
        probe=probe(project, options),
        drain=DRAIN,
        command=json.dumps(server(project)),
        node=NODE,
        front=front,
        start=json.dumps(["node", *front.start]) if front else "",
        pages=PAGES,
        types=project.types,
    )
    # What was built on this machine may be older than its sources.
    left_out = (*_LEFT_OUT, *([front.output] if front and front.output else []))
    ignored = (
        "# What the image does not get, most of all .env and .git.\n" + "\n".join(left_out) + "\n"
    )
    found = {DOCKERFILE: dockerfile, IGNORED: ignored}
    if project.vendored:
        found[f"{VENDOR}/.gitignore"] = "# Made by `matt deploy run`.\n*\n!.gitignore\n"
    return found


def check_image(project: Project, text: str, ignored: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a Dockerfile and its ``.dockerignore``, besides what hadolint finds."""
    lines = [line for line in _instructions(text) if line[0] != "#"]
    stages: set[str] = set()
    final: list[tuple[str, str]] = []
    for name, rest in lines:
        if name == "FROM":
            final = []
            yield from _check_base(rest, stages)
            stages |= {
                match[1].lower() for match in [re.search(r"\sAS\s+(\S+)", rest, re.I)] if match
            }
        final.append((name, rest))
        context = re.search(r"(?:--from=|\bfrom=)([^\s,]+)", rest)
        if name in {"COPY", "ADD", "RUN"} and context and _is_context(context[1], stages):
            yield problem(
                f"{DOCKERFILE} needs the build context {context[1]!r}.",
                "Remote builders, such as Fly's, have no named build contexts.",
                f"Copy from {VENDOR}, or from a stage of the file.",
            )
        if name in {"COPY", "ADD"} and re.search(r"(^|[\s/])\.env\b", rest):
            yield problem(
                f"{DOCKERFILE} copies .env into the image.",
                "Everybody who can pull the image then reads your secrets.",
                "Remove the line; `matt deploy secrets` sends the values to the platform.",
            )
        if name in {"ENV", "ARG"}:
            for match in _SECRET_LIKE.finditer(rest):
                yield problem(
                    f"{DOCKERFILE} sets {match[1]}.",
                    "Values of ENV and ARG are part of the image.",
                    f"matt deploy secrets … {match[1]}",
                )
    yield from _check_final(project, final)
    if project.vendored and VENDOR not in text:
        yield problem(
            f"{DOCKERFILE} does not install Django Matt from {VENDOR}.",
            "Version 1.0 is not on the package index, where an unrelated package has its name.",
            "matt deploy init",
        )
    for path in (".env", ".git"):
        patterns = {
            line.strip().removeprefix("**/").removeprefix("/") for line in ignored.splitlines()
        }
        if not patterns & {".*", path, f"{path}*"}:
            yield problem(
                f"{IGNORED} does not leave {path} out.",
                "It would be in the image, with all that is secret in it.",
                f"Add the line {path}",
            )


def _is_context(name: str, stages: set[str]) -> bool:
    """Return whether a name is neither a stage, nor an image, nor the number of a stage."""
    return name.lower() not in stages and not re.search(r"[/:]", name) and not name.isdigit()


def _check_base(rest: str, stages: set[str]) -> Iterator[Diagnostic]:
    image = re.sub(r"--platform=\S+\s+", "", rest).split()[0]
    if image.lower() in stages or image == "scratch" or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if not re.match(r"\d+\.\d+|\d{4,}", tag):
        yield problem(
            f"{DOCKERFILE} begins with {image}, which is not a fixed version.",
            "The same commit would become another image tomorrow.",
            f"FROM python:{PYTHON}-slim",
        )


def _check_final(project: Project, final: list[tuple[str, str]]) -> Iterator[Diagnostic]:
    last: dict[str, str] = dict(final)
    user = last.get("USER", "root").partition(":")[0]
    if user in {"root", "0"}:
        yield problem(
            f"{DOCKERFILE}: the server runs as root.",
            "A fault of the server would then be one of the whole container.",
            "USER 10001",
        )
    if "HEALTHCHECK" not in last or last["HEALTHCHECK"].strip().upper() == "NONE":
        yield problem(
            f"{DOCKERFILE} has no HEALTHCHECK.",
            "The next release would be started before this one answers.",
            "matt deploy init",
        )
    elif project.health not in last["HEALTHCHECK"]:
        yield problem(
            f"{DOCKERFILE}: its HEALTHCHECK does not ask {project.health}.",
            "Another path does not tell whether the release can answer.",
            f"HEALTHCHECK … GET {project.health}",
        )
    if last.get("STOPSIGNAL", "SIGTERM").upper() not in {"SIGTERM", "15"}:
        yield problem(
            f"{DOCKERFILE}: STOPSIGNAL is {last['STOPSIGNAL']}.",
            "Only after SIGTERM the server finishes what it is answering.",
            "STOPSIGNAL SIGTERM",
        )
    if project.static_root and not any("collectstatic" in rest for _, rest in final):
        yield problem(
            f"{DOCKERFILE} does not collect the static files.",
            "Pages would have no styles.",
            "RUN SECRET_KEY=none-while-building python manage.py collectstatic --no-input",
        )
    yield from _check_command(last)


def _check_command(last: dict[str, str]) -> Iterator[Diagnostic]:
    try:
        command: Any = json.loads(last.get("CMD", "null"))
    except ValueError:
        command = "shell"
    if not isinstance(command, list):
        yield problem(
            f"{DOCKERFILE}: CMD is missing or a line for a shell.",
            "A shell does not pass SIGTERM on, so each release would cut requests off.",
            'CMD ["granian", …]',
        )
        return
    ports = [command[i + 1] for i, each in enumerate(command[:-1]) if each == "--port"]
    if ports != [str(PORT)] or last.get("EXPOSE", str(PORT)).split()[0] != str(PORT):
        yield problem(
            f"{DOCKERFILE}: the server listens on {', '.join(ports) or 'an unknown port'}, and {last.get('EXPOSE', 'nothing')} is exposed.",
            f"The platform sends requests to {PORT}.",
            f"--port {PORT}, and EXPOSE {PORT}",
        )
    if "127.0.0.1" in command or "localhost" in command:
        yield problem(
            f"{DOCKERFILE}: the server listens inside of the container alone.",
            "No request of the platform would reach it.",
            "--host 0.0.0.0",
        )


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions, each on one line."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", kept).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            yield name.upper(), rest.strip()


def vendor(project: Project) -> Path | None:
    """Put Django Matt into the build context as a file, and return its path; None if the index has it.

    It is a source distribution, because a wheel that is built here fits this machine's Python and system, and not the
    image's. A wheel that Django Matt was installed from is taken as it is. Raises ``DeployError``.
    """
    if not project.vendored:
        return None
    origin = read_origin()
    folder = project.folder / VENDOR
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="matt-deploy-") as made:
        place = path_of(origin)
        if place is not None and place.is_file():
            found = place
        else:
            source = place or _clone(origin, Path(made) / "clone")
            found = _build(source, Path(made) / "dist")
        for old in folder.glob("django_matt-*"):
            old.unlink()
        beside = folder / f".{found.name}"
        shutil.copyfile(found, beside)
        return beside.replace(folder / found.name)


def _clone(origin: dict[str, Any], folder: Path) -> Path:
    vcs = origin.get("vcs_info", {})
    git = shutil.which("git")
    if not vcs or git is None:
        raise DeployError(
            f"Django Matt was installed from {origin.get('url', 'nowhere')}, which cannot be put into the image.",
            f"pip wheel --no-deps --wheel-dir {VENDOR} django-matt",
        )
    _run([git, "clone", "--quiet", origin["url"], str(folder)])
    _run([git, "-C", str(folder), "checkout", "--quiet", vcs["commit_id"]])
    return folder


def _build(source: Path, folder: Path) -> Path:
    """Build a source distribution, without the network if this environment has what its build needs."""
    here = ["--no-isolation"] if find_spec("setuptools") and find_spec("Cython") else []
    uv = Path(sys.executable).with_name("uv")
    tool = str(uv) if uv.is_file() else shutil.which("uv")
    if find_spec("build"):
        command = [
            sys.executable,
            "-m",
            "build",
            "--sdist",
            *here,
            "--outdir",
            str(folder),
            str(source),
        ]
    elif tool:
        command = [tool, "build", "--sdist", "--quiet", "--out-dir", str(folder), str(source)]
    else:
        raise DeployError(
            "Django Matt cannot be put into the image without a builder.", "pip install build"
        )
    _run(command)
    return next(folder.glob("django_matt-*.tar.gz"))


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise DeployError(f"{command[0]} failed: {last[-1] if last else done.returncode}")
