"""How long an editor waits for the names after ``things1.``, ``r.`` and ``body: {``. ``python -m benchmarks.completions`` prints it.

It writes the client of 1,000 operations and 2,000 schemas, starts ``tsserver`` as an editor does, and asks it for completions.
``--tools`` names a folder with ``node_modules`` (``tests/contrib/typescript/node`` has the lock file).
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import django
from django.conf import settings

from benchmarks.types import large_document

__all__ = ["measure"]

EDITED = """import { things1 } from "./api";

export async function edit() {
  const r = await things1.things10CreateThing({ path: { key: 1 }, body: { name: "a", id: 1, status: "new", tags: [] } as never });
  things1.;
  if (r.ok) r.data.;
}
"""
#: Without the semicolons, the next line would go on with the name.
PLACES = ("things1.", "r.data.")
ROUNDS = 5


def measure(tools: Path) -> Iterator[tuple[str, float, int]]:
    """Yield each place with the milliseconds of the first and the median completion, and how many names there were."""
    from django_matt.contrib.typescript.documents import Document
    from django_matt.contrib.typescript.management.verbs.write import EMITTERS
    from django_matt.contrib.typescript.settings import TypeScriptSettings

    document = Document.of(large_document())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for emit in EMITTERS:
            for file, text in emit(document, TypeScriptSettings()).items():
                (folder / file).write_text(text)
        (folder / "tsconfig.json").write_text(
            json.dumps(
                {
                    "compilerOptions": {
                        "strict": True,
                        "target": "es2022",
                        "module": "esnext",
                        "moduleResolution": "bundler",
                        "types": [],
                    }
                }
            )
        )
        (folder / "edited.ts").write_text(EDITED)
        server = tools / "node_modules" / "typescript" / "lib" / "tsserver.js"
        process = subprocess.Popen(
            ["node", str(server), "--disableAutomaticTypingAcquisition"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield from _ask(process, folder / "edited.ts")
        finally:
            process.kill()
            process.wait()


def _ask(process: "subprocess.Popen[str]", file: Path) -> Iterator[tuple[str, float, int]]:
    assert process.stdin is not None
    assert process.stdout is not None
    _send(process.stdin, 0, "open", {"file": str(file)})
    number = 0
    for place in PLACES:
        before = EDITED[: EDITED.index(f"{place};") + len(place)]
        where = {
            "file": str(file),
            "line": before.count("\n") + 1,
            "offset": len(before.rpartition("\n")[2]) + 1,
        }
        for attempt in range(1 + ROUNDS):
            number += 1
            begin = time.perf_counter()
            _send(process.stdin, number, "completionInfo", where)
            found = _answer(process.stdout, number)
            spent = 1000 * (time.perf_counter() - begin)
            if attempt in (0, ROUNDS):
                kind = "first" if attempt == 0 else "later"
                yield f"{place} ({kind})", spent, len(found["body"]["entries"])


def _send(out: IO[str], number: int, command: str, arguments: dict[str, Any]) -> None:
    request = {"seq": number, "type": "request", "command": command, "arguments": arguments}
    out.write(json.dumps(request) + "\n")
    out.flush()


def _answer(lines: IO[str], number: int) -> Any:
    for line in lines:
        if line.startswith("{"):
            found = json.loads(line)
            if found.get("request_seq") == number:
                return found
    raise RuntimeError("tsserver ended")


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="the folder with node_modules")
    settings.configure(
        INSTALLED_APPS=["ninja_extra", "django_matt"], SECRET_KEY="only-for-this-run"
    )
    django.setup()
    for what, milliseconds, names in measure(parser.parse_args().tools):
        print(f"{what:30} {milliseconds:8.0f} ms, {names} names", flush=True)


if __name__ == "__main__":
    main()
