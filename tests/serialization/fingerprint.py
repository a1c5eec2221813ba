"""The digests of compiled sources, by which a test knows what was built from them; `make encoder` writes them."""

import hashlib
import re
from pathlib import Path

__all__ = ["SOURCES", "digest", "write"]

_LINE = re.compile(r'^FINGERPRINT = ".*"$', re.MULTILINE)


# What is compiled, by the file that carries the digest.
SOURCES = {
    "serialization/encoder.py": ("serialization/encoder.py", "serialization/_encoder_c.pxd"),
    "rows/_rows_c.pyx": ("rows/_rows_c.pyx",),
}


def digest(folder: Path, carrier: str) -> str:
    """Return the digest of a carrier, without the line that holds it, and of what is compiled with it."""
    source = "".join(_LINE.sub("", (folder / name).read_text()) for name in SOURCES[carrier])
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def write(folder: Path) -> None:
    """Write the digests into their carriers; a file that carries its own stays untouched."""
    for carrier in SOURCES:
        path = folder / carrier
        before = path.read_text()
        after = _LINE.sub(f'FINGERPRINT = "{digest(folder, carrier)}"', before)
        if after != before:
            path.write_text(after)


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "django_matt")
