"""A file that is no TOML, in words for its writer: line, column, what stands there, and how to mend it. A core."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from chargepoint.model.unusable import Mistake


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column in a text, both from 1."""

    line: int
    column: int


_TWICE = "a key or table stands in the file once: keep one of them"
_QUOTE = 'text stands in quotes ("CP1"), numbers and true or false without them'

_WORDS: tuple[tuple[str, str, str], ...] = (
    ("Cannot declare", "this table is in the file a second time", _TWICE),
    ("Cannot overwrite a value", "this key or table is in the file a second time", _TWICE),
    ("Cannot redefine namespace", "this key is in the file a second time, as a table", _TWICE),
    (
        "Cannot mutate immutable namespace",
        "this adds to a table that is written in braces",
        "put the key into the braces",
    ),
    ("Duplicate inline table key", "this key is in the braces a second time", _TWICE),
    ("Expected '=' after a key", "a key without «=»", "write key = value"),
    ("Expected ']' at the end", "the table's name has no closing bracket", "write [table.name] on a line of its own"),
    (
        "Expected ']]' at the end",
        "the table's name has no closing brackets",
        "no table of this file needs [[ ]]: write [table.name]",
    ),
    ("Expected newline or end", "something stands after the value", "one key on each line; " + _QUOTE),
    (
        "Invalid statement",
        "this is neither a key, nor a table, nor a comment",
        "write key = value, [table] or # comment",
    ),
    ("Invalid initial character for a key", "a key cannot begin like this", "a key has letters, digits, _ and -"),
    ("Invalid value", "there is no value TOML knows", _QUOTE),
    ("Unclosed array", "the list has no end, or two of its values no comma between them", 'write ["a", "b"]'),
    (
        "Unclosed inline table",
        "the braces have no end, or two of their keys no comma",
        "write { a = 1, b = 2 } on one line",
    ),
    ("Unescaped '\\' in a string", "a backslash in quotes has no meaning here", "write it twice, or use single quotes"),
    ("Invalid hex value", "an escape in the text is not hexadecimal", "write \\u and four hexadecimal digits"),
    ("Escaped character is not", "an escape in the text names no character", "write the character itself"),
    ("Unterminated string", "the text has no closing quote", "close it on the same line"),
    ("Illegal character '\\n'", "the text has no closing quote on its line", "close it on the same line"),
    ("Illegal character", "a control character in the text", "remove it, or write an escape such as \\t"),
    ("Found invalid character", "a control character in a comment or text", "remove it"),
    (
        "Invalid date or datetime",
        "a date or time that does not exist",
        "no key of this file takes a date: write a number or text",
    ),
    ("Expected ", "the text has no closing quotes", "close it"),
)
"""How tomllib's message begins, what is wrong, how to mend it. The first that fits counts."""

_AT = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)\s*$")


def syntax_mistake(message: str, text: str) -> tuple[Place, Mistake]:
    """From the message of tomllib.TOMLDecodeError about this text: where, what, and what to do."""
    place = _place(message, text)
    lines = text.splitlines() or [""]
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    fitting = ((problem, remedy) for begins, problem, remedy in _WORDS if message.startswith(begins))
    problem, remedy = next(fitting, ("this is no TOML", "see https://toml.io"))
    return place, Mistake(("syntax",), f"{problem}, in «{_shown(line)}»", remedy)


def _place(message: str, text: str) -> Place:
    found = _AT.search(message)
    if found is not None and found[1] is not None:
        return Place(int(found[1]), int(found[2]))
    lines = text.splitlines() or [""]
    return Place(len(lines), len(lines[-1]) + 1)


def _shown(line: str) -> str:
    """At most 60 characters of a line, control characters escaped."""
    line = line.strip().encode("unicode_escape").decode() if not line.isprintable() else line.strip()
    return line if len(line) <= 60 else f"{line[:60]}…"


def unreadable(error: OSError | UnicodeDecodeError) -> Mistake:
    """A file that cannot be read at all."""
    if isinstance(error, UnicodeDecodeError):
        return Mistake(("file",), f"not UTF-8 at byte {error.start}", "save it as UTF-8 text")
    remedies = {
        errno.ENOENT: "give the site's file with --config FILE",
        errno.EACCES: "the user of this process needs the right to read it",
        errno.EISDIR: "name the file in it",
    }
    what = error.strerror or str(error)
    return Mistake(("file",), f"it cannot be read: {what}", remedies.get(error.errno or 0, "give a readable TOML file"))
