"""What the writers of decode and encode functions share: the codec module around them and the body of one function."""

from __future__ import annotations

import re
from typing import Protocol

from chargepoint.iso15118.exi.generator.emit_messages import Imports, MessageWriter
from chargepoint.iso15118.exi.generator.grammar import Irregular, Regular
from chargepoint.iso15118.exi.generator.modules import Class, Library
from chargepoint.iso15118.exi.generator.xsd import ComplexType, Element, SimpleType

MESSAGES = "chargepoint.iso15118.messages"
GENERATED = "chargepoint.iso15118.exi.generated"


class Context(Protocol):
    """What a function writer needs to know of the module it writes for."""

    library: Library
    imports: Imports
    names: MessageWriter

    def bits(self, name: str) -> str:
        """Imports a word of `chargepoint.iso15118.exi.bits`."""

    def function(self, verb: str, item: Class) -> str:
        """Imports the decode or encode function of a class."""

    def enum(self, simple: SimpleType) -> str:
        """Imports an enumeration."""

    def class_for(self, element: Element, declared: ComplexType) -> Class:
        """The class of an element."""

    def local_type(self, name: str) -> None:
        """Imports the name of a local variable's type."""


def tail(shape: Regular | Irregular, library: Library) -> int:
    """How many zero bits a type leaves to its caller: the ends of its last required element and of itself."""
    if isinstance(shape, Irregular):
        return 0
    if not shape.slots:
        return 1
    last = shape.slots[-1]
    if last.low == 0 or last.high > 1 or last.size > 1:
        return 0
    if last.kind in ("attribute", "text"):
        return 1
    declared = library.schemas.resolve(last.alternatives[0])
    if isinstance(declared, SimpleType):
        return 2
    return tail(library.class_of(declared).shape, library) + 1


def is_bounded(simple: SimpleType) -> bool:
    """Whether an integer is coded in a fixed number of bits (EXI 1.0, clause 7.1.5: a range of at most 4096)."""
    return simple.low is not None and simple.high is not None and simple.high - simple.low < 4096


class Body:
    """Lines of one function at a growing and shrinking depth."""

    def __init__(self, writer: Context, item: Class, shape: Regular) -> None:
        self.writer = writer
        self.library = writer.library
        self.item = item
        self.shape = shape
        self.lines: list[str] = []
        self.depth = 1

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def where(self, name: str) -> str:
        return f'"{self.item.name}.{name}"' if name else f'"{self.item.name}"'


def plain_type(annotation: str, body: Body) -> str:
    """The type of a local variable: the annotation without the metadata."""
    text = annotation
    while found := re.fullmatch(r"Annotated\[(.*), \w+\([^()]*\)\]|tuple\[(.*), \.\.\.\]", text):
        text = found[1] or found[2]
    for part in text.split(" | "):
        if part not in ("None", "str", "bool", "int", "bytes"):
            body.writer.local_type(part)
    return text


def mask(width: int) -> str:
    return f"{(1 << width) - 1:#x}" if width > 3 else str((1 << width) - 1)


def literal(value: int | None) -> str:
    return "None" if value is None else str(value) if abs(value) < 100000 else f"{value:#x}"
