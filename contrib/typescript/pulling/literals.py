"""The values of TypeScript's string and number literals."""

import math
import re

__all__ = ["number_of", "text_of"]

ESCAPE = re.compile(
    r"\\(?:u\{(?P<point>[0-9a-fA-F]{1,6})\}|u(?P<unit>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})"
    r"|(?P<line>\r\n|[\n\r\u2028\u2029])|(?P<other>.))",
    re.S,
)
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def text_of(literal: str) -> str:
    r"""Return the text that a literal with its quotes means (ECMA-262, 12.9.4); ``ValueError`` for half a surrogate pair.

    >>> text_of(r"'caf\u00e9'")
    'café'
    """

    def replace(match: re.Match[str]) -> str:
        if digits := match["point"] or match["unit"] or match["byte"]:
            return chr(int(digits, 16))
        if match["line"]:
            return ""
        return LETTERS.get(match["other"], match["other"])

    text = ESCAPE.sub(replace, literal[1:-1])
    # Two escapes may be one character; alone, each of them can be written to no file.
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def number_of(literal: str) -> int | float:
    """Return the number that a literal means (ECMA-262, 12.9.3); ``ValueError`` if it is not a finite number.

    >>> [number_of(each) for each in ("0x10", "1_000", "1.50", "2e3", "10n")]
    [16, 1000, 1.5, 2000, 10]
    """
    text = literal.replace("_", "").removesuffix("n")
    try:
        return int(text, 0)
    except ValueError:
        value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{literal} is not a finite number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
