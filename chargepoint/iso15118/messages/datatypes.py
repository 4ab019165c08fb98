"""What the generated message modules say about their fields: value ranges, lengths, textual form of binaries, groups.

All of it is `typing.Annotated` metadata: type checkers see plain `int`, `str`, `bytes` and unions; the JSON form, the
tests' random messages and a reader see the schema's facets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest value of an integer, both inclusive; None is unbounded. The codec enforces them."""

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Length:
    """Shortest and longest string (characters) or binary (bytes). Facets of the schema; EXI does not enforce them."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Occurs:
    """How many items a repeated element may have; `high` None is unbounded. The codec enforces it."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """Textual form of a binary in JSON and XML: "hex" (upper case) or "base64"."""

    form: str


@dataclass(frozen=True, slots=True)
class Group:
    """Marks a substitution group: the class of the value names the element on the wire."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Marks the members of one xs:choice by its number within the type: at most (or, if required, exactly) one is set."""

    number: int
    required: bool


@dataclass(frozen=True, slots=True)
class Content:
    """Marks ordered content of a repeated or mixed group: elements as objects, characters as `str`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyAttribute:
    """An attribute of an `AnyElement`."""

    namespace: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyElement:
    """An element that no schema of the set declares, where one allows any (xs:any)."""

    namespace: str
    name: str
    attributes: tuple[AnyAttribute, ...] = ()
    content: Annotated[tuple[AnyElement | DeclaredElement | str, ...], Content()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredElement:
    """A global element of the schema set, where a schema allows any: a message object, or a plain value."""

    namespace: str
    name: str
    value: Any


class SchemaEnum(Enum):
    """Base of the enumerations: the value is the schema's string, `code` its position, which is what EXI sends."""

    code: int

    def __init__(self, _value: str) -> None:
        self.code = len(type(self).__members__)


HexBinary = Annotated[bytes, Text("hex")]
Base64Binary = Annotated[bytes, Text("base64")]
Byte = Annotated[int, Bounds(-128, 127)]
Short = Annotated[int, Bounds(-(1 << 15), (1 << 15) - 1)]
Int = Annotated[int, Bounds(-(1 << 31), (1 << 31) - 1)]
Long = Annotated[int, Bounds(-(1 << 63), (1 << 63) - 1)]
Integer = Annotated[int, Bounds(None, None)]
UnsignedByte = Annotated[int, Bounds(0, 255)]
UnsignedShort = Annotated[int, Bounds(0, (1 << 16) - 1)]
UnsignedInt = Annotated[int, Bounds(0, (1 << 32) - 1)]
UnsignedLong = Annotated[int, Bounds(0, (1 << 64) - 1)]
