"""The digest of the encoder's source, by which a test knows what the compiled one was built from; `make encoder` writes it."""

import hashlib
import re
from pathlib import Path

__all__ = ["digest", "write"]

_LINE = re.compile(r'^FINGERPRINT = ".*"$', re.MULTILINE)


def digest(folder: Path) -> str:
    """Return the digest of ``encoder.py``, without the line that holds it, and of its pxd."""
    source = _LINE.sub("", (folder / "encoder.py").read_text())
    source += (folder / "_encoder_c.pxd").read_text()
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def write(folder: Path) -> None:
    """Write the digest into ``encoder.py``; a file that carries it stays untouched."""
    path = folder / "encoder.py"
    before = path.read_text()
    after = _LINE.sub(f'FINGERPRINT = "{digest(folder)}"', before)
    if after != before:
        path.write_text(after)


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "django_matt" / "serialization")
