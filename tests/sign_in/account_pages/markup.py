"""What the tests read from a page: its elements, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["Element", "faults_of", "read"]

Element = tuple[str, dict[str, str]]
UNLABELLED = {"hidden", "submit", "button"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


def read(html: str) -> list[Element]:
    """Return the elements of a page in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.elements


def faults_of(html: str) -> list[str]:
    """Return what a strict policy would block, and what assistive technology would miss."""
    return list(_faults(read(html)))


def _faults(elements: list[Element]) -> Iterator[str]:
    ids = Counter(attrs["id"] for _, attrs in elements if "id" in attrs)
    yield from (f"the id {name} is used {count} times" for name, count in ids.items() if count > 1)
    labelled = {attrs.get("for") for tag, attrs in elements if tag == "label"}
    tags = Counter(tag for tag, _ in elements)
    if tags["h1"] != 1 or tags["main"] != 1 or tags["title"] != 1:
        yield f"{tags['h1']} h1, {tags['main']} main, {tags['title']} title"
    if not dict(elements)["html"].get("lang"):
        yield "no language"
    for tag, attrs in elements:
        if "style" in attrs or any(name.startswith("on") for name in attrs) or tag == "style":
            yield f"inline style or script: {tag} {attrs}"
        if tag == "script" and "src" not in attrs and attrs.get("type") != "application/json":
            yield f"inline script: {attrs}"
        for name in ("src", "href"):
            if tag in {"script", "link", "img"} and not attrs.get(name, "/").startswith("/"):
                yield f"loaded from elsewhere: {attrs}"
        needs_label = tag in {"select", "textarea"} or (
            tag == "input"
            and attrs.get("type") not in UNLABELLED
            and attrs.get("aria-hidden") != "true"
        )
        if needs_label and attrs.get("id") not in labelled:
            yield f"no label: {attrs}"
        for name in attrs.get("aria-describedby", "").split():
            if name not in ids:
                yield f"described by {name}, which does not exist"
