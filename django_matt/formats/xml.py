"""XML with a small fixed mapping, read by expat without DTDs and entities."""

import re
from typing import Any
from xml.sax.saxutils import escape

from django_matt.errors.exceptions import MissingExtra
from django_matt.formats.limits import decode, refuse
from django_matt.formats.protocol import Format

__all__ = ["XML"]

# Letters that both editions of XML 1.0's name rules allow; every other character becomes _xHHHH_.
_NAME = "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0410-\u044f\u4e00-\u9fa5\uac00-\ud7a3"
_FOREIGN = re.compile(rf"_(?=x[0-9A-Fa-f]*_)|[^{_NAME}0-9.\-]|\A[0-9.\-]")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4,6})?_")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_RETURN = "\r"


def element_name(key: str) -> str:
    """Return the element's name for a key: ``a b`` is ``a_x0020_b``, the empty key ``_x_``."""
    return _FOREIGN.sub(lambda found: f"_x{ord(found[0]):04X}_", key) or "_x_"


def key_of(name: str) -> str:
    """Return the key for an element's name, what ``element_name`` escaped restored."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", name)


class XML(Format):
    """The root is ``<response>``; an object's keys are elements, and a list's values are ``<item>`` elements.

    ``type`` marks values that are not strings: ``integer``, ``number``, ``boolean``, ``null``, ``array``, ``object`` (the
    last only if it is ambiguous otherwise). Strings that XML 1.0 does not allow have ``encoding="base64"``.
    """

    name = "xml"
    media_type = "application/xml"
    aliases = ("text/xml",)

    def __init__(self) -> None:
        """Raise ``MissingExtra`` without defusedxml."""
        super().__init__()
        try:
            from defusedxml import ElementTree
        except ImportError:
            raise MissingExtra("defusedxml", "formats") from None
        self._tree = ElementTree

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the class. The library is a module, which cannot be pickled; ``__init__`` imports it again."""
        return type(self), ()

    def dump(self, data: Any) -> bytes:
        """Write an XML document."""
        parts = ['<?xml version="1.0" encoding="utf-8"?>\n']
        _write(parts.append, "response", data)
        return "".join(parts).encode()

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read an XML document; a charset that the client names outranks the document's (RFC 7303, 3)."""
        from defusedxml.common import DefusedXmlException

        # Here, as it is needed by bodies in XML alone.
        from django_matt.formats.xml_elements import ElementReader

        reader = ElementReader(key_of)
        if charset is not None:
            body = decode(body, charset).encode()
        parser = self._tree.XMLParser(target=reader, encoding=charset and "utf-8", forbid_dtd=True)
        try:
            parser.feed(body)
            return parser.close()
        except DefusedXmlException:
            refuse("XML: a document type or an entity is declared")
        except self._tree.ParseError as error:
            line, column = error.position
            refuse(f"XML: {str(error).partition(':')[0]}", line=line, column=column + 1)
        except (LookupError, ValueError):
            refuse("XML: the encoding that the document declares is not known")


def _write(write: Any, name: str, data: Any) -> None:
    if isinstance(data, str):
        if _UNWRITABLE.search(data) is None:
            # A bare carriage return would be read back as a line feed.
            write(f"<{name}>{escape(data, {_RETURN: '&#13;'})}</{name}>")
        else:
            from base64 import b64encode

            write(f'<{name} encoding="base64">{b64encode(data.encode()).decode()}</{name}>')
    elif isinstance(data, dict):
        write(f"<{name}>" if data and set(data) != {"item"} else f'<{name} type="object">')
        for key, value in data.items():
            _write(write, element_name(key), value)
        write(f"</{name}>")
    elif isinstance(data, list):
        write(f'<{name} type="array">')
        for value in data:
            _write(write, "item", value)
        write(f"</{name}>")
    elif data is None:
        write(f'<{name} type="null"/>')
    elif isinstance(data, bool):
        write(f'<{name} type="boolean">{"true" if data else "false"}</{name}>')
    elif isinstance(data, int):
        write(f'<{name} type="integer">{data}</{name}>')
    else:
        write(f'<{name} type="number">{data!r}</{name}>')
