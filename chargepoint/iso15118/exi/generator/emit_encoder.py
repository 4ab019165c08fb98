"""Writes one encode function.

The mirror image of `emit_decoder`: constant bits wait until a value is appended, so that one shift moves them all. In
the function, `a` is what has been written. `b` is the number of the current state's first production, and `w` the width of
its event codes. `b` and `w` exist only where optional elements make them depend on the message.
"""

from __future__ import annotations

import re

from chargepoint.iso15118.exi.generator.function_body import MESSAGES, Body, Context, is_bounded, literal, tail
from chargepoint.iso15118.exi.generator.grammar import EventWindow, Regular, Slot
from chargepoint.iso15118.exi.generator.modules import Class
from chargepoint.iso15118.exi.generator.xsd import UNBOUNDED, ComplexType, Element, SimpleType

_LONG_LIST = 8
"""Lists that can be longer than this are appended item by item, each built on its own."""


class Encoder(Body):
    """Writes one encode function."""

    def __init__(self, writer: Context, item: Class, shape: Regular) -> None:
        super().__init__(writer, item, shape)
        # bits waiting to be written: width and expression, or constant
        self.waiting: list[tuple[int, str | int]] = []
        self.state: EventWindow | None = None

    def text(self) -> list[str]:
        name = self.item.name
        head = f"def encode_{name}(a: int, o: {name}) -> int:"
        self.state = self.shape.window(0, 0)
        for index, slot in enumerate(self.shape.slots):
            self._slot(index, slot)
        self._code(self.shape.end)
        expected = tail(self.shape, self.library)
        # the zero bits at the end are the caller's to write, together with what it has
        while expected and self.waiting and self.waiting[-1][1] == 0 and self.waiting[-1][0] <= expected:
            expected -= self.waiting.pop()[0]
        if expected:
            raise AssertionError(f"{name}: tail {expected} is {self.waiting}")
        self._flush()
        return [head, *self.lines, "    return a"]

    def _code(self, number: int) -> None:
        """Writes the event code of a production in the current state, known now or at run time."""
        if self.state is None:
            self._flush()
            self.add(f"a = a << w | {number} - b" if number else "a = a << w")
        else:
            self._put(self.state.width, number - self.state.start)

    def _put(self, width: int, value: str | int) -> None:
        if width:
            self.waiting.append((width, value))

    def _flush(self, last: str = "") -> None:
        line = self._pending()
        if line:
            self.add(f"a = {line}")

    def _pending(self) -> str:
        waiting, self.waiting = self.waiting, []
        total = sum(w for w, _ in waiting)
        if not total:
            return ""
        constant = 0
        position = total
        parts: list[str] = []
        for width, value in waiting:
            position -= width
            if isinstance(value, int):
                constant |= value << position
            else:
                atom = value if re.fullmatch(r"[\w.]+(\[[\w.]+\])?", value) else f"({value})"
                parts.append(f"{atom} << {position}" if position else atom)
        if constant:
            parts.append(f"{constant:#x}")
        return " | ".join([f"a << {total}", *parts])

    def _slot(self, index: int, slot: Slot) -> None:
        if slot.high > 1:
            self._list(index, slot)
        elif slot.kind == "choice":
            self._choice(index, slot)
        elif slot.low == 0:
            self.add_state()
            local = f"{slot.name}_"
            self.add(f"{local} = o.{slot.name}")
            self.add(f"if {local} is not None:")
            self.depth += 1
            self._option(slot, local)
            self._after(index + 1, 0)
            self.depth -= 1
            self.state = None
        else:
            expression = f"o.{slot.name}"
            if slot.kind == "group":
                self._flush()
                self.add(f"{slot.name}_ = {expression}")
                self._group(slot, f"{slot.name}_")
                self.state = self.shape.window(index + 1, 0)
            else:
                self._code(slot.start)
                self._value(slot, slot.alternatives[0] if slot.alternatives else None, expression)
                self.state = self.shape.window(index + 1, 0)

    def add_state(self) -> None:
        """Makes the current state a run-time value, so that branches can change it."""
        self._flush()
        if self.state is not None:
            self.add(f"b, w = {self.state.start}, {self.state.width}")

    def _after(self, index: int, seen: int) -> None:
        window = self.shape.window(index, seen)
        self._flush()
        self.add(f"b, w = {window.start}, {window.width}")

    def _option(self, slot: Slot, expression: str) -> None:
        if slot.kind == "group":
            self._group(slot, expression)
            return
        self._code(slot.start)
        self._value(slot, slot.alternatives[0] if slot.alternatives else None, expression)
        self._flush()

    def _group(self, slot: Slot, expression: str) -> None:
        state = self.state
        word = "if"
        for number, element in enumerate(slot.alternatives, slot.start):
            if self.writer.names.abstract(element):
                continue
            declared = self.library.schemas.resolve(element)
            if not isinstance(declared, ComplexType):
                raise NotImplementedError("substitution group of simple elements")
            item = self.writer.class_for(element, declared)
            self.writer.imports.add(f"{MESSAGES}.{item.module}", item.name)
            self.add(f"{word} isinstance({expression}, {item.name}):")
            word = "elif"
            self.depth += 1
            self.state = state
            self._code(number)
            self._complex(item, expression)
            self._flush()
            self.depth -= 1
        self.add("else:")
        self.add(f"    raise {self.writer.bits('wrong')}({self.where(slot.name)}, {expression})")

    def _choice(self, index: int, slot: Slot) -> None:
        names = [e.qname[1] for e in slot.alternatives]
        if slot.low == 0:
            self.add_state()
        else:
            self._flush()
        state = self.state
        wrong = self.writer.bits("wrong")
        count = " + ".join(f"(o.{name} is not None)" for name in names)
        self.add(f"if {count} {'!= 1' if slot.low else '> 1'}:")
        self.add(f"    raise {wrong}({self.where(' | '.join(names))}, o)")
        word = "if"
        for number, element in enumerate(slot.alternatives, slot.start):
            name = element.qname[1]
            self.add(f"{word} o.{name} is not None:")
            word = "elif"
            self.depth += 1
            self.state = state
            self._code(number)
            self._value(slot, element, f"o.{name}")
            if slot.low == 0:
                self._after(index + 1, 0)
            else:
                self._flush()
            self.depth -= 1
        self.state = None if slot.low == 0 else self.shape.window(index + 1, 0)

    def _list(self, index: int, slot: Slot) -> None:
        self.add_state()
        wrong = self.writer.bits("wrong")
        items, item = f"{slot.name}_", f"{slot.name}_item"
        self.add(f"{items} = o.{slot.name}")
        most = slot.high if slot.high != UNBOUNDED else self.writer.bits("LONGEST_LIST")
        self.add(f"if not {slot.low} <= len({items}) <= {most}:")
        self.add(f"    raise {wrong}({self.where(slot.name)}, {items})")
        counted = slot.low > 1
        self.add(f"for i, {item} in enumerate({items}, 1):" if counted else f"for {item} in {items}:")
        self.depth += 1
        long = slot.high > _LONG_LIST
        if long:
            # an item is built on its own and appended in one move, so that long lists do not cost their square
            self.add("whole, a = a, 1")
        self.state = None
        if slot.kind == "group":
            self._group(slot, item)
        else:
            self._code(slot.start)
            self._value(slot, slot.alternatives[0], item)
            self._flush()
        if long:
            self.add("t = a.bit_length() - 1")
            self.add("a = whole << t | a ^ 1 << t")
        middle = self.shape.window(index, max(1, slot.low))
        if counted:
            early = self.shape.window(index, 1)
            self.add(f"b, w = {early.start}, ({early.width} if i < {slot.low} else {middle.width})")
        else:
            self.add(f"b, w = {middle.start}, {middle.width}")
        self.depth -= 1
        if slot.high != UNBOUNDED:
            end = self.shape.window(index, slot.high)
            self.add(f"if len({items}) == {slot.high}:")
            self.add(f"    b, w = {end.start}, {end.width}")
        self.state = None

    # -- values ----------------------------------------------------------------------------------------------

    def _value(self, slot: Slot, element: Element | None, expression: str) -> None:
        where = self.where(slot.name or expression.removeprefix("o.").removesuffix("_"))
        if slot.attribute:
            self._simple(slot.attribute.type, expression, where, attribute=True)
            return
        if slot.text:
            self._simple(slot.text, expression, where)
            return
        if element is None:
            raise TypeError(slot)
        declared = self.library.schemas.resolve(element)
        if isinstance(declared, SimpleType):
            self._put(1, 0)
            self._simple(declared, expression, where)
            self._put(1, 0)
            return
        self._complex(self.writer.class_for(element, declared), expression)

    def _complex(self, item: Class, expression: str) -> None:
        pending = self._pending() or "a"
        self.add(f"a = {self.writer.function('encode', item)}({pending}, {expression})")
        zeros = tail(item.shape, self.library)
        if zeros:
            self._put(zeros, 0)

    def _name(self, expression: str) -> str:
        if not expression.startswith("o."):
            return expression
        name = f"{expression.removeprefix('o.')}_"
        self.add(f"{name} = {expression}")
        return name

    def _simple(self, simple: SimpleType, expression: str, where: str, attribute: bool = False) -> None:
        wrong = self.writer.bits("wrong")
        if simple.values:
            name = self._name(expression)
            enum = self.writer.enum(simple)
            self.add(f"if {name}.__class__ is not {enum}:")
            self.add(f"    raise {wrong}({where}, {name})")
            self._put((len(simple.values) - 1).bit_length(), f"{name}.code")
        elif simple.base == "boolean":
            self._put(1, f"{self.writer.bits('BIT')}[{expression}]")
        elif simple.base == "integer":
            self._integer(simple, expression, where)
        else:
            text, octets = ("put_string", "put_binary") if attribute else ("put_text", "put_octets")
            function = self.writer.bits(text if simple.base == "string" else octets)
            self.add(f"a = {function}({self._pending() or 'a'}, {expression})")

    def _integer(self, simple: SimpleType, expression: str, where: str) -> None:
        low, high = simple.low, simple.high
        name = self._name(expression)
        if is_bounded(simple):
            if low is None or high is None:
                raise TypeError(simple)
            self.add(f"if not {low} <= {name} <= {high}:")
            self.add(f"    raise {self.writer.bits('wrong')}({where}, {name})")
            value = name if not low else f"{name} - {low}" if low > 0 else f"{name} + {-low}"
            self._put((high - low).bit_length(), value)
            return
        waiting = list(self.waiting)
        if low is not None and low >= 0:
            self.add(f"if {low} <= {name} < 128:")
            self._put(8, name)
            self.add(f"    a = {self._pending()}")
            self.waiting = waiting
            put = self.writer.bits("put_unsigned")
        else:
            self.add(f"if 0 <= {name} < 128:")
            self._put(9, name)
            self.add(f"    a = {self._pending()}")
            self.waiting = waiting
            put = self.writer.bits("put_integer")
        self.add("else:")
        self.add(f"    a = {put}({self._pending() or 'a'}, {name}, {literal(low)}, {literal(high)}, {where})")
