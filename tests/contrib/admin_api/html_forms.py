"""Reads the form of a page as a browser would send it."""

from html.parser import HTMLParser
from typing import Any

__all__ = ["read_form", "read_rows"]


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, list[str]] = {}
        self.select: str | None = None
        self.multiple = False
        self.options: list[tuple[str, bool]] = []
        self.text: str | None = None
        self.inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        named = dict(attrs)
        if tag == "form":
            self.inside = str(named.get("id", "")).endswith("_form")
        name = named.get("name")
        if not self.inside:
            return
        if tag == "option" and self.select is not None:
            self.options.append((named.get("value") or "", "selected" in named))
        if not name or "__prefix__" in name:
            return
        if tag == "input":
            kind = named.get("type", "text")
            if kind in ("submit", "file", "button"):
                return
            if kind in ("checkbox", "radio") and "checked" not in named:
                return
            self.data.setdefault(name, []).append(
                named.get("value") or ("on" if kind == "checkbox" else "")
            )
        elif tag == "select":
            self.select, self.options, self.multiple = name, [], "multiple" in named
        elif tag == "textarea":
            self.text = name
            self.data[name] = [""]

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.data[self.text][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select is not None:
            chosen = [value for value, selected in self.options if selected]
            if not chosen and not self.multiple and self.options:
                chosen = [self.options[0][0]]
            if chosen:
                self.data[self.select] = chosen
            self.select = None
        elif tag == "textarea" and self.text is not None:
            self.data[self.text][0] = (
                self.data[self.text][0].removeprefix("\r\n").removeprefix("\n")
            )
            self.text = None
        elif tag == "form":
            self.inside = False


def read_form(page: str) -> dict[str, Any]:
    """Return the data of the object's form."""
    parser = _Form()
    parser.feed(page)
    return {name: value for name, value in parser.data.items() if name != "csrfmiddlewaretoken"}


class _Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self.cell: str | None = None

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        classes = (dict(attrs).get("class") or "").split()
        named = [each.removeprefix("field-") for each in classes if each.startswith("field-")]
        if tag in ("td", "th") and named:
            if not self.rows or named[0] in self.rows[-1]:
                self.rows.append({})
            self.cell = named[0]
            self.rows[-1][self.cell] = ""
        elif tag == "img" and self.cell:
            self.rows[-1][self.cell] = dict(attrs).get("alt") or ""

    def handle_data(self, data: str) -> None:
        if self.cell:
            self.rows[-1][self.cell] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = None


def read_rows(page: str) -> list[dict[str, str]]:
    """Return the cells of a list, by the name of their column."""
    parser = _Rows()
    parser.feed(page)
    return parser.rows
