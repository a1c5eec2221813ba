"""``class_names`` against what Tailwind's compiler really writes for each utility."""

import re
import subprocess

import pytest
from django.template import Context, Template

from django_matt.contrib.tailwind import classes as module
from django_matt.contrib.tailwind.classes import class_names
from django_matt.contrib.tailwind.services import find_compiler

VALUES = {
    **dict.fromkeys(
        ["items", "self", "justify", "justify-items", "justify-self"], ("center", "start")
    ),
    **dict.fromkeys(["overflow", "overflow-x", "overflow-y"], ("auto", "hidden")),
    "leading": ("6", "tight"),
    "tracking": ("wide", "tight"),
    "aspect": ("square", "video"),
    "cursor": ("pointer", "wait"),
    "whitespace": ("normal", "pre"),
    "select": ("none", "all"),
    "pointer-events": ("none", "auto"),
    "basis": ("4", "full"),
    **{name: ("lg", "none") for name in module._NAMES if name.startswith("rounded")},
}
UTILITIES = [
    *module._GROUP_OF,
    *(
        f"{name}-{value}"
        for name in sorted(module._NAMES)
        for value in VALUES.get(name, ("4", "2"))
    ),
    *(f"{name}-red-500" for name in sorted(module._NAMES) if name.startswith("border")),
    *("text-red-500", "text-white", "bg-red-500/50", "bg-white", "bg-cover", "border", "rounded"),
    *("-m-2", "bg-fixed", "bg-linear-to-r", "text-[14px]", "border-[3px]", "truncate", "flex-1"),
    *("border-collapse", "border-spacing-2", "grid-flow-row", "grow"),
    *("bg-clip-text", "bg-none", "bg-center", "rounded-s-lg", "shadow-red-500"),
]
LONG = {
    **{
        box: {f"{box}-{side}" for side in ("top", "right", "bottom", "left")}
        for box in ("padding", "margin")
    },
    **{f"{box}-inline": {f"{box}-left", f"{box}-right"} for box in ("padding", "margin")},
    **{
        f"{box}-inline-{end}": {f"{box}-inline-{end}"}
        for box in ("padding", "margin")
        for end in ("start", "end")
    },
    **{f"{box}-block": {f"{box}-top", f"{box}-bottom"} for box in ("padding", "margin")},
    "inset": {"top", "right", "bottom", "left"},
    "inset-inline": {"left", "right"},
    "inset-block": {"top", "bottom"},
    "gap": {"row-gap", "column-gap"},
    "overflow": {"overflow-x", "overflow-y"},
    "flex": {"flex-grow", "flex-shrink", "flex-basis"},
}
CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")
SIDES = {"inline": ("left", "right"), "block": ("top", "bottom")}


def longhands(name: str) -> set[str]:
    if name == "border-radius":
        return {f"border-{corner}-radius" for corner in CORNERS}
    for kind in ("width", "color", "style"):
        if name == f"border-{kind}":
            return {f"border-{side}-{kind}" for pair in SIDES.values() for side in pair}
        for axis, pair in SIDES.items():
            if name == f"border-{axis}-{kind}":
                return {f"border-{side}-{kind}" for side in pair}
    return LONG.get(name, {name})


@pytest.fixture(scope="module")
def properties(tmp_path_factory):
    """Return what each utility sets, as the compiler writes it."""
    folder = tmp_path_factory.mktemp("utilities")
    lines = ['@layer theme, utilities;@import "tailwindcss/theme" layer(theme);']
    lines += ['@import "tailwindcss/utilities" layer(utilities) source(none);']
    lines += [f'@source inline("{each}");' for each in UTILITIES]
    done = subprocess.run(
        [find_compiler(), "--input", "-", "--cwd", str(folder)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, set[str]] = {}
    for utility in UTILITIES:
        selector = re.escape(re.sub(r"([\[\]/.])", r"\\\1", utility))
        block = re.search(rf"^  \.{selector} {{\n(.*?)^  }}", done.stdout, re.M | re.S)
        assert block, f"{utility} is not a utility of this Tailwind"
        names = re.findall(r"^\s+([\w-]+):", block[1], re.M)
        # The variables of a utility's own value, which other utilities do not read.
        found[utility] = {
            each
            for name in names
            for each in longhands(name)
            if not name.startswith("--tw-") and not name.startswith("-webkit-")
        } or {*names}
    return found


def test_what_is_dropped_is_set_by_what_stays(properties):
    dropped = 0
    for first in UTILITIES:
        for second in UTILITIES:
            if first == second or class_names(first, second) != second:
                continue
            dropped += 1
            missing = properties[first] - properties[second]
            # An inline start is left or right, by the direction of the text.
            if {
                each
                for each in missing
                if "inline-" not in each and "-start" not in each and "-end" not in each
            }:
                pytest.fail(f"{second} drops {first}, but does not set {missing}")
    assert dropped > 400


def test_equal_properties_conflict(properties):
    """Of two utilities in the table that set the same, the first one is dropped."""
    unknown = {"bg-cover", "bg-fixed", "bg-linear-to-r", "text-[14px]", "border-[3px]", "bg-none"}
    for first in UTILITIES:
        for second in UTILITIES:
            if properties[first] == properties[second] and not unknown & {first, second}:
                assert class_names(first, second) == second


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        (("p-2", "p-4"), "p-4"),
        (("px-2 py-1", "p-4"), "p-4"),
        (("p-4", "px-2"), "p-4 px-2"),
        (("hover:p-2 p-2", "md:p-4"), "hover:p-2 p-2 md:p-4"),
        (("md:hover:p-2", "md:hover:p-4"), "md:hover:p-4"),
        (("p-2!", "p-4"), "p-2! p-4"),
        (("!p-2", "p-4!"), "p-4!"),
        (("text-sm text-red-500 text-center", "text-lg"), "text-red-500 text-center text-lg"),
        (("border border-red-500", "border-2"), "border-red-500 border-2"),
        (("bg-cover", "bg-brand-500"), "bg-cover bg-brand-500"),
        (("bg-[url(a:b)]", "bg-white"), "bg-[url(a:b)] bg-white"),
        (("[&:hover]:p-2", "[&:hover]:p-4"), "[&:hover]:p-4"),
        (("block btn", "hidden"), "btn hidden"),
        (("card", "card"), "card"),
        (([None, "", False, ["a", {"b": 1, "c": 0}]],), "a b"),
        ((), ""),
    ],
)
def test_conflicts(given, joined):
    assert class_names(*given) == joined


def test_the_tag_escapes_and_leaves_out_what_is_not_defined():
    template = Template('{% load matt_tailwind %}<a class="{% classes "p-2" given missing %}">')
    shown = template.render(Context({"given": 'p-4 "><script>'}))
    assert shown == '<a class="p-4 &quot;&gt;&lt;script&gt;">'
