"""The program that reads a PDF in a process of its own: it imports pypdf alone, and its memory and time are bounded.

Files of strangers have made readers of PDFs loop forever. It reads the file from standard input, and writes JSON.
"""

import json
import sys
from typing import Any

__all__: list[str] = []


def read(content: Any, most_pages: int, most_characters: int) -> dict[str, Any]:
    """Return ``{"pages": […]}``, or ``{"refused": reason}``."""
    from pypdf import PdfReader

    reader = PdfReader(content)
    # Many files are encrypted with an empty password, which readers do not ask for.
    if reader.is_encrypted and not reader.decrypt(""):
        return {"refused": "The PDF is encrypted; remove its password first."}
    count = len(reader.pages)
    if count > most_pages:
        return {"refused": f"The PDF has {count:,} pages, and may have {most_pages:,}."}
    pages, size = [], 0
    for page in reader.pages:
        # Without what no text has: control characters, and halves of surrogate pairs.
        text = (page.extract_text() or "").encode("utf-8", "ignore").decode()
        text = "".join(each for each in text if each in "\n\t" or each >= " ")
        pages.append(text)
        size += len(text)
        if size > most_characters:
            return {"refused": f"The PDF has more than {most_characters:,} characters."}
    return {"pages": pages}


if __name__ == "__main__":
    import io
    import logging

    memory, seconds, most_pages, most_characters = map(int, sys.argv[1:])
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        # The parent ends this sooner, unless it was killed itself.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    logging.disable(logging.CRITICAL)
    try:
        answer = read(io.BytesIO(sys.stdin.buffer.read()), most_pages, most_characters)
    except ImportError as error:
        answer = {"missing": str(error)}
    except MemoryError:
        answer = {"refused": "The PDF needs too much memory."}
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file is what is wrong with the file
        answer = {"refused": f"The PDF cannot be read: {type(error).__name__}."}
    sys.stdout.write(json.dumps(answer))
