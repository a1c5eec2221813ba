"""Text in Markdown: what a reader would take for markup is escaped."""

import re

__all__ = ["anchor", "code", "escape", "prose"]

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}


def escape(text: object) -> str:
    """Return a text on one line, without a character that Markdown or HTML would read as markup."""
    one_line = " ".join(str(text).split())
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), one_line)


def code(text: object) -> str:
    """Return a text as inline code that is safe in a table, whatever it contains."""
    one_line = " ".join(str(text).split())
    if not one_line:
        return ""
    if "`" in one_line or "|" in one_line:
        return f"<code>{escape(one_line)}</code>"
    return f"`{one_line}`"


_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    """Return text that may be Markdown, such as a docstring: HTML is escaped, and lines are no headings of the page."""
    parts = _CODE.split(text.strip())
    shown = [
        part
        if number % 2
        else re.sub(
            r"^(\s*)#",
            r"\1\\#",
            part.replace("&", "&amp;").replace("<", "&lt;"),
            flags=re.MULTILINE,
        )
        for number, part in enumerate(parts)
    ]
    return "".join(shown)


def anchor(name: str) -> str:
    """Return the id of a place in a page."""
    return re.sub(r"[^\w.-]+", "-", name).lower()
