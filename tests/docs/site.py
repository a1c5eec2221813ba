"""What ``mkdocs`` needs to know of our pages: the colours of ``http`` blocks, and the examples in docstrings."""

import re
from typing import Any

import griffe
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import RegexLexer, bygroups, default
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String, Text

__all__ = ["Doctests", "ExchangeLexer", "on_config", "write_exchange"]

METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|QUERY"


class ExchangeLexer(RegexLexer):
    """Requests, and after an arrow their responses. ``CONTRIBUTING.md`` describes the notation."""

    name = "HTTP exchanges"
    tokens = {
        "root": [
            (rf"^({METHODS})( )(\S+)", bygroups(Keyword, Text, Name.Namespace), "head"),
            (r"^(→)( )(\d+)", bygroups(Operator, Text, Number), "head"),
            (r'"(?:[^"\\\n]|\\.)*"(?=\s*:)', Name.Tag),
            (r'"(?:[^"\\\n]|\\.)*"', String),
            (r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", Number),
            (r"\b(?:true|false|null)\b", Keyword.Constant),
            (r"…", Comment),
            (r"[^\W\d]+|.|\n", Text),
        ],
        "head": [
            (r"[^\n]*\n", Text, "headers"),
            default("#pop"),
        ],
        "headers": [
            (r"^([A-Z][\w-]*)(:)([^\n]*\n)", bygroups(Name.Attribute, Operator, Generic.Output)),
            default("#pop:2"),
        ],
    }


def write_exchange(source: str, language: str, css: str, *_: Any, **__: Any) -> str:
    """Return the HTML of an ``http`` block, as pymdown writes that of others."""
    formatter = HtmlFormatter(cssclass="highlight", wrapcode=True)
    return str(highlight(source, ExchangeLexer(), formatter))


def on_config(config: Any) -> Any:
    """Let our lexer colour ``http`` blocks: that of Pygments wants a version in each request line."""
    config.mdx_configs["pymdownx.superfences"] = {
        "custom_fences": [{"name": "http", "class": "http", "format": write_exchange}]
    }
    return config


class Doctests(griffe.Extension):
    """Makes fenced blocks of the ``>>>`` lines in docstrings, which Markdown takes for quotations."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^(?:>>> .*\n?(?:(?!>>>).+\n?)*)+",
                lambda example: f"```pycon\n{example[0].rstrip()}\n```\n",
                obj.docstring.value,
                flags=re.M,
            )
