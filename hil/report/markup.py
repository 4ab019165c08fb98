"""HTML that escapes by construction: text becomes markup only through `tag`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"input", "meta", "br", "line", "path", "polyline", "rect"})

Attribute = str | int | float | bool | None


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def showable(text: str) -> str:
    """The text with a mark in place of each character that no page can show, or that turns the direction of writing."""
    return _UNSHOWABLE.sub("\ufffd", text)


def escaped(text: str) -> Html:
    """Markup stays as it is; any other text is escaped."""
    return text if isinstance(text, Html) else Html(escape(showable(text)))


def joined(parts: Iterable[str | None]) -> Html:
    """One after the other, each escaped; None is left out."""
    return Html("".join(escaped(part) for part in parts if part is not None))


def tag(name: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """An element. `class_` is the attribute class, `data_at` is data-at; None and False leave an attribute out."""
    written = "".join(
        f" {_attribute_name(key)}" if value is True else f' {_attribute_name(key)}="{escape(showable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>" if name in ("input", "meta", "br") else f"<{name}{written}/>")
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def _attribute_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def number_text(value: float) -> str:
    """For people: six digits, no exponent for usual sizes, no zero with a sign."""
    text = f"{value:.6g}"
    return "0" if text in ("-0", "0") else text


def seconds_text(at_s: float | None) -> str:
    """A time of the record; empty where it is not known."""
    return "" if at_s is None else f"{at_s:.3f}"
