"""What was released: revisions of git, the tools that are run, and which secrets were sent."""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence

from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.projects import Project
from django_matt.contrib.deploy.targets import Command, Target

__all__ = [
    "check_value",
    "current",
    "is_tracked",
    "migrations_of",
    "need_revision",
    "need_tool",
    "previous",
    "record",
    "record_secrets",
    "resolve",
    "run",
    "sent_secrets",
    "shown",
]

_LENGTH = 12


def git(project: Project, *arguments: str) -> str | None:
    """Return what git prints, without the line break at the end; None if it fails."""
    tool = shutil.which("git")
    if tool is None:
        return None
    done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
        [tool, *arguments],
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def need_revision(project: Project) -> str:
    """Return the tag of an image of the tree as it is: its commit. Raises ``DeployError`` for changes without one."""
    status = git(project, "status", "--porcelain", "--", ".")
    if status is None:
        raise DeployError(
            f"{project.folder} is not a git repository, so a release could not be told from another.",
            "git init && git add --all && git commit --message Begin",
        )
    if status:
        changed = [line[3:] for line in status.splitlines()]
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise DeployError(
            f"Not committed: {', '.join(changed[:3])}{more}. A release is a commit, so that it can be rolled back to.",
            "git add --all && git commit",
        )
    return resolve(project, "HEAD")


def resolve(project: Project, revision: str) -> str:
    """Return the tag of the image of a revision. Raises ``DeployError`` if there is none."""
    found = git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if not found:
        raise DeployError(f"There is no revision {revision!r}.", "git log --oneline")
    return found[:_LENGTH]


def current(project: Project, target: str) -> str:
    """Return the revision that this clone has released last; empty if there is none."""
    return (
        git(project, "rev-parse", "--verify", "--quiet", f"refs/matt-deploy/{target}/current") or ""
    )[:_LENGTH]


def previous(project: Project, target: str) -> str:
    """Return the revision of the release before that; empty if there is none."""
    return (
        git(project, "rev-parse", "--verify", "--quiet", f"refs/matt-deploy/{target}/previous")
        or ""
    )[:_LENGTH]


def record(project: Project, target: str, release: str) -> None:
    """Remember a release, in references of this clone. They also keep its commit."""
    before = current(project, target)
    if before and before != release:
        git(project, "update-ref", f"refs/matt-deploy/{target}/previous", before)
    git(project, "update-ref", f"refs/matt-deploy/{target}/current", release)


def is_tracked(project: Project, path: str) -> bool:
    """Return whether a file is in the repository."""
    return bool(git(project, "ls-files", "--", path))


def migrations_of(project: Project, revision: str) -> tuple[list[str], list[str]]:
    """Return the migrations of a revision, and those of them that were changed since, as paths in the project."""
    files = git(project, "ls-tree", "-r", "--name-only", revision)
    if files is None:
        raise DeployError(
            f"There is no revision {revision!r}, or it has no file of the project.",
            "git fetch --unshallow",
        )
    changed = (
        git(project, "diff", "--name-only", "--relative", "--diff-filter=M", revision, "--", ".")
        or ""
    )
    return [each for each in files.splitlines() if _is_migration(each)], [
        each for each in changed.splitlines() if _is_migration(each)
    ]


def _is_migration(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return folder.endswith("migrations") and name.endswith(".py") and name != "__init__.py"


def sent_secrets(project: Project, target: str) -> set[str]:
    """Return the names of the secrets that were sent from this clone. Their values are nowhere."""
    return set((git(project, "config", "--local", "--get", f"matt-deploy.{target}") or "").split())


def record_secrets(project: Project, target: str, names: Iterable[str]) -> None:
    """Remember that secrets were sent."""
    found = sent_secrets(project, target) | set(names)
    git(project, "config", "--local", f"matt-deploy.{target}", " ".join(sorted(found)))


def check_value(name: str, value: str) -> None:
    """Raise ``DeployError`` for a value that not every platform stores as it is."""
    if not value:
        raise DeployError(f"The value of {name} is empty.")
    if any(sign in value for sign in "\n\r"):
        raise DeployError(
            f"The value of {name} has a line break, which the platforms store in different ways.",
            "Encode it, and decode it in your settings: base64 --wrap=0 FILE",
        )
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        raise DeployError(f"The value of {name} has a control character.")
    if value != value.strip():
        raise DeployError(f"The value of {name} begins or ends with a space.")


def shown(command: Command) -> str:
    """Return a command as it is typed."""
    text = shlex.join(command.argv)
    return f"{text}   # gets its input from here, not from a file" if command.stdin else text


def need_tool(target: Target, commands: Sequence[Command]) -> None:
    """Raise ``DeployError`` if a tool is missing, or if the user has not signed in."""
    wanted = dict.fromkeys(each for command in commands for each in _tools(command, target.tool))
    for name in wanted:
        if shutil.which(name) is None:
            place = (
                target.install if name == target.tool else "https://docs.docker.com/engine/install/"
            )
            raise DeployError(
                f"{name} is not installed. Install it from {place}, then",
                *([target.sign_in] if name == target.tool else []),
            )
    if target.signed_in and shutil.which(target.signed_in[0]):
        done = subprocess.run(  # noqa: S603 - the tool of the platform
            target.signed_in, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        if done.returncode:
            raise DeployError(
                f"You are not signed in: `{shlex.join(target.signed_in)}` fails. Type",
                target.sign_in,
            )


def _tools(command: Command, tool: str) -> list[str]:
    argv = [each for each in command.argv if "=" not in each]
    first = argv[1] if argv[0] == "env" else argv[0]
    # A script of the target runs its tool.
    return [first, tool] if first == "sh" and tool != "docker" else [first]


def run(project: Project, commands: Sequence[Command], say: Callable[[str], None]) -> None:
    """Run the commands in the project's folder, in order. Raises ``DeployError`` at the first that fails."""

    def ask(argv: Sequence[str]) -> str:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are the target's
            list(argv),
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()
            raise DeployError(f"`{shlex.join(argv)}` failed{f': {last[-1]}' if last else ''}.")
        return done.stdout

    for number, command in enumerate(commands, 1):
        say(f"{number}/{len(commands)} {command.why}\n    {shown(command)}")
        text = command.stdin(ask) if command.stdin else None
        code = _call(
            project,
            command.argv,
            text,
            f"step {number} of {len(commands)} ({command.why}). {_again(number)}",
        )
        if code:
            raise DeployError(
                f"Step {number} of {len(commands)} failed ({command.why}), with exit code {code}. {_again(number)}"
            )


def _call(project: Project, argv: Sequence[str], text: str | None, place: str) -> int:
    """Run a command that prints to the terminal itself, and return its exit code. The text is its standard input."""
    try:
        with subprocess.Popen(  # noqa: S603 - what the target says, and the user has seen
            list(argv),
            cwd=project.folder,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            text=True,
        ) as process:
            process.communicate(text)
            return process.returncode
    except KeyboardInterrupt:
        raise DeployError(f"Interrupted in {place}") from None


def _again(number: int) -> str:
    done = "" if number == 1 else "The steps before it are done. "
    return f"{done}Each step can be repeated: run the command again. What runs now: matt deploy status --run"
