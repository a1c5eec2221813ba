"""Plans the files of a run, and writes all of them or none; remembers in a lock what was generated."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django_matt.generation.formatters import format_module, is_formatted
from django_matt.generation.merges import Choice, merge
from django_matt.generation.modules import merge_module
from django_matt.generation.orders import Generated, GenerationError, Order, folder_of

__all__ = ["LOCK", "FileChange", "Plan", "make_plan", "plan_texts", "write_plan"]

LOCK = ".matt-generated.json"
"""What was generated, by the path of its file. Commit it: the next run needs it to merge."""
_MARK = "\ufeff"
_WHOLE = "text"
"""The key of a file that is recorded as a whole."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file as it is and as it will be; ``before`` is None if there is none yet."""

    path: str
    before: str | None
    after: str


@dataclass(slots=True)
class Plan:
    """What a run would write. With conflicts, it must not be written."""

    project: Path
    choice: Choice = "refuse"
    changes: list[FileChange] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lock: FileChange | None = None


def make_plan(
    orders: Iterable[tuple[Order, Generated]], project: Path, choice: Choice = "refuse"
) -> Plan:
    """Return what the sources of some orders change in a project.

    Raises ``GenerationError`` for a file that cannot be read or merged, and for a lock that is damaged.
    """
    plan = Plan(project, choice)
    text = _read(project / LOCK)
    recorded = _read_lock(text, project / LOCK)
    before: dict[str, str | None] = {}
    after: dict[str, str] = {}
    for order, generated in orders:
        folder = folder_of(order.app, project)
        for source in generated.sources:
            target = (folder / source.path).resolve()
            if not target.is_relative_to(project):
                raise GenerationError(
                    f"{folder / source.path} is a link to {target}, outside of the project. Nothing was written."
                )
            path = target.relative_to(project).as_posix()
            if path not in before:
                before[path] = _read(target)
            known = (
                recorded.setdefault(path, {}) if before[path] is not None or path in after else {}
            )
            current = after[path] if path in after else _plain(before[path])
            if target.suffix == ".py":
                after[path] = _merge_module(plan, current, source.text, known, path)
            else:
                after[path] = _merge_text(plan, current, source.text, known, path)
            recorded[path] = known
    _complete(plan, before, after, text, recorded)
    return plan


def plan_texts(texts: Mapping[str, str], project: Path, choice: Choice = "refuse") -> Plan:
    """Return what whole files change in a project; ``texts`` has each by its path in the project.

    Unlike ``make_plan()``, it needs no models. Raises ``GenerationError`` as that does.
    """
    plan = Plan(project, choice)
    text = _read(project / LOCK)
    recorded = _read_lock(text, project / LOCK)
    before: dict[str, str | None] = {}
    after: dict[str, str] = {}
    for path, generated in texts.items():
        if not (project / path).resolve().is_relative_to(project.resolve()):
            raise GenerationError(
                f"{path} is a link to a place outside of the project. Nothing was written."
            )
        before[path] = _read(project / path)
        known = recorded.setdefault(path, {}) if before[path] is not None else {}
        after[path] = _merge_text(plan, _plain(before[path]), generated, known, path)
        recorded[path] = known
    _complete(plan, before, after, text, recorded)
    return plan


def _complete(
    plan: Plan,
    before: Mapping[str, str | None],
    after: Mapping[str, str],
    text: str | None,
    recorded: Mapping[str, Mapping[str, str]],
) -> None:
    """Add the files that change to the plan, and the lock, whose present text is ``text``."""
    for path, result in after.items():
        text_of_file = before[path]
        written = _written_like(result, text_of_file or "")
        if written != text_of_file:
            plan.changes.append(FileChange(path, text_of_file, written))
    content = {"version": 1, "files": dict(sorted(recorded.items()))}
    lock = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if lock != text:
        plan.lock = FileChange(LOCK, text, lock)


def write_plan(plan: Plan) -> None:
    """Write all files of a plan or none of them, the lock last. Raises ``GenerationError`` if a file cannot be written."""
    changes = [*plan.changes, *([plan.lock] if plan.lock else [])]
    ready: list[tuple[Path, Path, FileChange]] = []
    made: list[Path] = []
    replaced: list[tuple[Path, str | None]] = []
    try:
        for change in changes:
            target = plan.project / change.path
            if _read(target) != change.before:
                raise GenerationError(
                    f"{change.path} was changed meanwhile. Nothing was written; run the command again."
                )
            made += [each for each in target.parents if not each.exists() and each not in made]
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{os.getpid()}")
            ready.append((temporary, target, change))
            with temporary.open("x", encoding="utf-8", newline="") as file:
                file.write(change.after)
                file.flush()
                os.fsync(file.fileno())
            if change.before is not None:
                temporary.chmod(target.stat().st_mode)
        for temporary, target, change in ready:
            replaced.append((target, change.before))
            temporary.replace(target)
    except BaseException as error:
        _undo(replaced, [temporary for temporary, _, _ in ready], made)
        if isinstance(error, OSError):
            raise GenerationError(
                f"Nothing was written: {error.filename}: {error.strerror}. "
                "Check the permissions and the free space, and run the command again."
            ) from None
        raise


def _undo(
    replaced: list[tuple[Path, str | None]], temporaries: list[Path], made: list[Path]
) -> None:
    for target, text in replaced:
        with suppress(OSError):
            if text is None:
                target.unlink(missing_ok=True)
            elif _read(target) != text:
                target.write_bytes(text.encode())
    for temporary in temporaries:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    for folder in sorted(made, key=lambda each: len(each.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _merge_module(
    plan: Plan, current: str | None, text: str, known: dict[str, str], path: str
) -> str:
    target = plan.project / path
    merged = merge_module(
        current or "",
        format_module(text, target),
        known,
        path=path,
        project=plan.project,
        choice=plan.choice,
    )
    known.update(merged.recorded)
    if merged.conflicts and plan.choice == "refuse":
        for name, conflict in merged.conflicts:
            plan.conflicts.append(
                _tell(path, conflict.line, conflict.edited, conflict.generated, name)
            )
    plan.notes += [
        f"{path}: {name} was generated before and is gone, so it is not written again."
        for name in merged.gone
    ]
    is_new = not (current or "").strip()
    if merged.text != current and (is_new or is_formatted(current or "", target)):
        return format_module(merged.text, target)
    return merged.text


def _merge_text(
    plan: Plan, current: str | None, text: str, known: dict[str, str], path: str
) -> str:
    base = known.get(_WHOLE)
    known[_WHOLE] = text
    if current is None or current == text:
        return text
    if base is None:
        if plan.choice == "replace":
            return text
        raise GenerationError(
            f"{path} is there and was not generated. Move it away, or add --on-conflict replace; nothing was written."
        )
    result, conflicts = merge(base, current, text, plan.choice)
    if plan.choice == "refuse":
        for conflict in conflicts:
            plan.conflicts.append(_tell(path, conflict.line, conflict.edited, conflict.generated))
    return result


def _plain(text: str | None) -> str | None:
    """Return the text of a file without a byte order mark, and with the ends of lines that are generated."""
    if text is None:
        return None
    text = text.removeprefix(_MARK)
    return text.replace("\r\n", "\n") if _has_windows_lines(text) else text


def _written_like(text: str, before: str) -> str:
    """Return a text with the ends of lines and the byte order mark that the file had."""
    if _has_windows_lines(before):
        text = text.replace("\n", "\r\n")
    return f"{_MARK}{text}" if before.startswith(_MARK) else text


def _has_windows_lines(text: str) -> bool:
    return 0 < text.count("\r\n") == text.count("\n")


def _tell(path: str, line: int, edited: Any, generated: Any, name: str = "") -> str:
    parts = [f"{path}:{line}: you and the generator have both changed {name or 'these lines'}."]
    parts += [f"  yours      | {each.rstrip()}" for each in edited] or ["  yours      | (deleted)"]
    parts += [f"  generated  | {each.rstrip()}" for each in generated] or [
        "  generated  | (deleted)"
    ]
    return "\n".join(parts)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise GenerationError(
            f"{path} is not UTF-8. Save it as UTF-8 first; nothing was written."
        ) from None
    except OSError as error:
        raise GenerationError(
            f"{path} cannot be read: {error.strerror}. Nothing was written."
        ) from None


def _read_lock(text: str | None, path: Path) -> dict[str, dict[str, str]]:
    if text is None:
        return {}
    version: Any = None
    try:
        found = json.loads(text)
        version = found["version"]
        files: Mapping[str, Mapping[str, str]] = found["files"]
        if version == 1 and all(
            isinstance(v, str) for each in files.values() for v in each.values()
        ):
            return {name: dict(each) for name, each in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if isinstance(version, int) and version > 1:
        raise GenerationError(
            f"{path} was written by a newer Django Matt. Update Django Matt; nothing was written."
        )
    raise GenerationError(
        f"{path} is damaged. Restore it from version control, or delete it: "
        "then matt_generate knows no file that it has written. Nothing was written."
    )
