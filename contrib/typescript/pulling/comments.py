"""Documentation comments (``/** … */``): their text and their tags."""

import re

from django_matt.contrib.typescript.pulling.syntax import Comment

__all__ = ["read_comment"]

#: A tag behind another one in its line.
AGAIN = re.compile(
    r"(?<=\S) +(?=@(?:min|max|exclusive|multipleOf|pattern|format|default|deprecated|asType|unique))"
)
TAG = re.compile(r"@(?P<name>[A-Za-z][\w-]*)[^\S\n]*(?P<text>.*)", re.S)


def read_comment(text: str) -> Comment:
    r"""Return the text and the tags of a comment; a comment that does not begin with ``/**`` has none.

    >>> read_comment("/** A name.\n * @minLength 3 */")
    Comment(text='A name.', tags=(('minLength', '3'),))
    """
    if not text.startswith("/**") or text == "/**/":
        return Comment()
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in text[3:-2].split("\n")]
    lines = [AGAIN.sub("\n", line) if line.startswith("@") else line for line in lines]
    # A tag begins a line; what comes before the first of them is the text.
    parts = re.split(r"^(?=@[A-Za-z])", "\n".join(lines), flags=re.M)
    description = "" if parts[0].startswith("@") else parts.pop(0).strip()
    tags = [
        (found["name"], found["text"].replace("*\\/", "*/").strip())
        for part in parts
        if (found := TAG.match(part))
    ]
    # `matt_types write` escapes what would end the comment, and a line that would begin with a tag.
    description = re.sub(r"^\\@", "@", description, flags=re.M)
    return Comment(description.replace("*\\/", "*/"), tuple(tags))
