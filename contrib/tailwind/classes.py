"""``class_names``: joins classes, and drops a utility of Tailwind if a later one sets the same properties.

The tables are small on purpose. A class that they do not have is never dropped.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Union

__all__ = ["Classes", "class_names"]

Classes = Union[str, bool, None, Mapping[str, object], Iterable["Classes"]]  # noqa: UP007 - it names itself
"""A string, a dictionary of classes with their conditions, or a list of these. What is false is left out."""

_WORDS = """
display: block inline inline-block flex inline-flex grid inline-grid contents hidden table flow-root
position: static relative absolute fixed sticky
flex-direction: flex-row flex-row-reverse flex-col flex-col-reverse
flex-wrap: flex-wrap flex-nowrap flex-wrap-reverse
font-style: italic not-italic
font-weight: font-thin font-extralight font-light font-normal font-medium font-semibold font-bold font-extrabold font-black
font-family: font-sans font-serif font-mono
text-transform: uppercase lowercase capitalize normal-case
text-align: text-left text-center text-right text-justify text-start text-end
text-wrap: text-wrap text-nowrap text-balance text-pretty
text-overflow: text-ellipsis text-clip
text-size: text-xs text-sm text-base text-lg text-xl text-2xl text-3xl text-4xl text-5xl text-6xl text-7xl text-8xl text-9xl
decoration-line: underline overline line-through no-underline
border-style: border-solid border-dashed border-dotted border-double border-hidden border-none
shadow: shadow-2xs shadow-xs shadow-sm shadow-md shadow-lg shadow-xl shadow-2xl shadow-none
"""
"""The utilities that have no value, by the property that they set."""
_WIDER = """
p: px py pt pr pb pl ps pe
px: pr pl ps pe
py: pt pb
m: mx my mt mr mb ml ms me
mx: mr ml ms me
my: mt mb
inset: inset-x inset-y top right bottom left start end
inset-x: right left start end
inset-y: top bottom
gap: gap-x gap-y
overflow: overflow-x overflow-y
size: w h
rounded: rounded-t rounded-r rounded-b rounded-l rounded-tl rounded-tr rounded-br rounded-bl rounded-s rounded-e rounded-ss rounded-se rounded-es rounded-ee
rounded-t: rounded-tl rounded-tr
rounded-r: rounded-tr rounded-br
rounded-b: rounded-br rounded-bl
rounded-l: rounded-tl rounded-bl
border: border-x border-y border-t border-r border-b border-l
border-x: border-r border-l
border-y: border-t border-b
"""
"""Utilities with a value, and the narrower ones that they replace: ``p-4`` replaces ``px-2``, not the reverse."""
_OTHERS = """
min-w max-w min-h max-h z opacity order basis grow shrink items justify justify-items justify-self self leading tracking
aspect cursor grid-cols grid-rows whitespace select pointer-events
"""


def _read(table: str) -> dict[str, list[str]]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {name: names.split() for name, _, names in lines}


_GROUP_OF = {word: group for group, words in _read(_WORDS).items() for word in words}
_NARROWER = _read(_WIDER)
_NAMES = {*_NARROWER, *(each for names in _NARROWER.values() for each in names), *_OTHERS.split()}
# The longest first: `rounded-t-lg` is not a value of `rounded`.
_VALUED = re.compile(rf"-?({'|'.join(sorted(_NAMES, key=len, reverse=True))})(?:-(.+))?")
_BARE = re.compile(r"grow|shrink|rounded.*|border.*")
_NOT_A_COLOR = re.compile(
    r"(fixed|local|scroll|auto|cover|contain|center|top|bottom|left|right|repeat|no-repeat|clip|origin|blend|gradient"
    r"|linear|radial|conic|none|position|size|opacity|collapse|separate|spacing|shadow|s|e|bs|be)\b|[\[(]"
)


def class_names(*given: Classes) -> str:
    """Join classes; a later utility replaces an earlier one that it conflicts with.

    >>> class_names("px-2 py-1 btn", "p-4", {"font-bold": True, "hidden": False}, None)
    'btn p-4 font-bold'
    >>> class_names("p-2 hover:p-2", "px-4")
    'p-2 hover:p-2 px-4'
    """
    kept: list[str] = []
    taken: set[tuple[str, str]] = set()
    for each in reversed(list(_words(given))):
        # A colon between brackets belongs to a value: `[&:hover]:p-2`, `bg-[url(a:b)]`.
        *variants, utility = re.split(r":(?![^\[]*\])", each)
        # Both places of the exclamation mark are valid, and `!` wins over what has none.
        where = ":".join([*variants, "!" * ("!" in utility)])
        group, narrower = _classify(utility.strip("!"))
        if (where, group) not in taken:
            kept.append(each)
            taken |= {(where, name) for name in (group, *narrower)}
    return " ".join(reversed(kept))


def _words(given: Classes) -> Iterable[str]:
    if isinstance(given, str):
        yield from given.split()
    elif isinstance(given, Mapping):
        for names, condition in given.items():
            if condition:
                yield from str(names).split()
    elif given is not None and not isinstance(given, bool):
        for each in given:
            yield from _words(each)


def _classify(utility: str) -> tuple[str, list[str]]:
    """Return what a utility sets and what narrower ones set; an unknown one sets something of its own."""
    name = re.sub(r"/[\w.%-]+$", "", utility)
    if name in _GROUP_OF:
        return _GROUP_OF[name], []
    prefix, _, value = name.partition("-")
    if prefix in ("text", "bg") and value:
        return (utility if _NOT_A_COLOR.match(value) else f"{prefix}-color"), []
    found = _VALUED.fullmatch(name)
    if found is None:
        return utility, []
    group, value = found[1], found[2] or ""
    narrower = _NARROWER.get(group, [])
    if not value and not _BARE.fullmatch(group):
        return utility, []
    if prefix != "border" or not value or value.isdigit():
        return group, narrower
    # `border-red-500` and `border-2` set different properties.
    is_color = not _NOT_A_COLOR.match(value)
    return (f"{group} color", [f"{each} color" for each in narrower]) if is_color else (utility, [])
