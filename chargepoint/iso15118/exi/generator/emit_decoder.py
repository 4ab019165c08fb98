"""Writes one decode function.

Some bits must be zero: event codes of states with one production, starts and ends of elements. These bits are never read
alone. They are read together with the next value or event code, whose upper limit then refuses them. In the function, `v` and
`q` are the stream and the number of bits left, `n` the number of the production that comes next, `t` and `s` bits just
read.
"""

from __future__ import annotations

from chargepoint.iso15118.exi.generator.function_body import Body, Context, is_bounded, literal, mask, plain_type, tail
from chargepoint.iso15118.exi.generator.grammar import EventWindow, Regular, Slot
from chargepoint.iso15118.exi.generator.modules import Class
from chargepoint.iso15118.exi.generator.xsd import UNBOUNDED, Element, SimpleType

_LONGEST_READ = 200
"""Reads of fixed width are merged up to this many bits; `bits.EventWindow` answers at least 256."""


class Decoder(Body):
    """Writes one decode function."""

    def __init__(self, writer: Context, item: Class, shape: Regular) -> None:
        super().__init__(writer, item, shape)
        self.zeros = 0
        # values of fixed width waiting to be read at once: zeros in front, width, target, limit, expression, where
        self.waiting: list[tuple[int, int, str, int, str, str]] = []

    def text(self) -> list[str]:
        name = self.item.name
        head = f"def decode_{name}(v: int, q: int) -> tuple[{name}, int]:"
        self.live = False
        self._advance(0, 0, settle=False)
        for index, slot in enumerate(self.shape.slots):
            self._slot(index, slot)
        self._flush()
        arguments = []
        for slot in self.shape.slots:
            for field in self._fields(slot):
                value = f"tuple({field}_)" if slot.high > 1 else f"{field}_"
                arguments.append(f"{field}={value}")
        expected = tail(self.shape, self.library)
        if expected != self.zeros:
            raise AssertionError(f"{name}: tail {expected} is {self.zeros}")
        call = f"{name}({', '.join(arguments)})"
        return [head, *self.lines, f"    return {call}, q"]

    def _fields(self, slot: Slot) -> list[str]:
        return [e.qname[1] for e in slot.alternatives] if slot.kind == "choice" else [slot.name]

    def _advance(self, index: int, seen: int, settle: bool) -> None:
        """Moves to the state in front of a slot; `settle` reads its event code even if there is only one."""
        window = self.shape.window(index, seen)
        if window.count == 1 and not settle:
            self.zeros += 1
            return
        self._read_code(window, self.shape.slots[index].name if index < len(self.shape.slots) else "end")

    def _read_code(self, window: EventWindow, where: str) -> None:
        self._flush()
        width = window.width + self.zeros
        self.zeros = 0
        start = f" + {window.start}" if window.start else ""
        self.add(f"q -= {width}")
        self.add(f"n = v >> q & {mask(width)}")
        limit = window.count - 1
        last = self.shape.slots[-1]
        if last.text and window.start <= last.start < window.start + window.count:
            limit += 1  # the escape, behind which an element without characters ends
        if limit != (1 << width) - 1:
            self.add(f"if n > {limit}:" if limit else "if n:")
            self.add(f"    raise {self.writer.bits('fail')}(q, {self.where(where)}, n)")
        if start:
            self.add(f"n += {window.start}" if limit else f"n = {window.start}")

    def _slot(self, index: int, slot: Slot) -> None:
        window = self.shape.window(index, 0)
        live = self.live or window.count > 1
        if slot.high > 1:
            self._list(index, slot, live)
        elif slot.size > 1:
            self._options(index, slot)
        elif slot.low == 0:
            self._declare(slot)
            self.add(f"if n == {slot.start}:")
            self._inside(index, slot, slot.alternatives[0] if slot.alternatives else None)
            self.live = True
        else:
            self._value(slot, slot.alternatives[0] if slot.alternatives else None, f"{slot.name}_")
            self.live = False
            if self.shape.window(index + 1, 0).count > 1:
                self._advance(index + 1, 0, settle=True)
            else:
                self.zeros += 1

    def _declare(self, slot: Slot) -> None:
        annotations = {f.name: f.annotation for f in self.writer.names.fields(self.item)}
        for field in self._fields(slot):
            self.add(f"{field}_: {plain_type(annotations[field], self)} = None")

    def _inside(self, index: int, slot: Slot, element: Element | None, name: str = "") -> None:
        self.depth += 1
        self._value(slot, element, f"{name or slot.name}_")
        self._advance(index + 1, 0, settle=True)
        self.depth -= 1

    def _options(self, index: int, slot: Slot) -> None:
        if slot.kind == "choice" or slot.low == 0:
            self._declare(slot)
        else:
            annotations = {f.name: f.annotation for f in self.writer.names.fields(self.item)}
            self.add(f"{slot.name}_: {plain_type(annotations[slot.name], self)}")
        word = "if"
        for number, element in enumerate(slot.alternatives, slot.start):
            last = slot.low and number == slot.start + slot.size - 1
            self.add("else:" if last else f"{word} n == {number}:")
            word = "elif"
            if self.writer.names.abstract(element):
                self.add(f"    {self.writer.bits('impossible')}(q, {self.where(element.qname[1])})")
            else:
                self._inside(index, slot, element, element.qname[1] if slot.kind == "choice" else slot.name)
        self.live = True

    def _list(self, index: int, slot: Slot, live: bool) -> None:
        if not live:
            self._flush()
            self.add(f"q -= {self.zeros}")
            self.add(f"if n := v >> q & {mask(self.zeros)}:")
            self.add(f"    raise {self.writer.bits('fail')}(q, {self.where(slot.name)}, n)")
            self.zeros = 0
            self.add(f"n = {slot.start}")
        items, item = f"{slot.name}_", f"{slot.name}_item"
        annotations = {f.name: f.annotation for f in self.writer.names.fields(self.item)}
        listed = plain_type(annotations[slot.name], self)
        if slot.kind == "group":
            self.add(f"{item}: {listed}")
        self.add(f"{items}: list[{listed}] = []")
        stop = slot.start + slot.size
        self.add(f"while n == {slot.start}:" if slot.size == 1 else f"while {slot.start} <= n < {stop}:")
        self.depth += 1
        if slot.size == 1:
            self._value(slot, slot.alternatives[0], item)
            self._flush()
            self.add(f"{items}.append({item})")
            self._limit(slot, items)
            self._repeat(index, slot, items)
        else:
            word = "if"
            for number, element in enumerate(slot.alternatives, slot.start):
                self.add(f"{word} n == {number}:")
                word = "elif"
                self.depth += 1
                if self.writer.names.abstract(element):
                    self.add(f"{self.writer.bits('impossible')}(q, {self.where(element.qname[1])})")
                else:
                    self._value(slot, element, item)
                    self._flush()
                    self.add(f"{items}.append({item})")
                    self._limit(slot, items)
                    self._repeat(index, slot, items)
                self.depth -= 1
        self.depth -= 1
        self.live = True

    def _limit(self, slot: Slot, items: str) -> None:
        if slot.high == UNBOUNDED:
            self.add(f"if len({items}) > {self.writer.bits('LONGEST_LIST')}:")
            self.add(f"    raise {self.writer.bits('too_many')}(q, {self.where(slot.name)})")

    def _repeat(self, index: int, slot: Slot, items: str) -> None:
        zeros = self.zeros
        branches: list[tuple[str, int]] = []
        if slot.low > 1:
            branches.append((f"len({items}) < {slot.low}", 1))
        if slot.high != UNBOUNDED:
            branches.append((f"len({items}) < {slot.high}", slot.low))
            branches.append(("", slot.high))
        else:
            branches.append(("", slot.low))
        word = "if"
        if len(branches) == 1:
            self._advance(index, slot.low, settle=True)
            return
        for condition, seen in branches:
            self.add(f"{word} {condition}:" if condition else "else:")
            word = "elif"
            self.depth += 1
            self.zeros = zeros
            self._advance(index, max(seen, 1), settle=True)
            self.depth -= 1

    # -- values ----------------------------------------------------------------------------------------------

    def _value(self, slot: Slot, element: Element | None, target: str) -> None:
        where = target.rpartition("_")[0]
        if slot.attribute:
            self._simple(slot.attribute.type, target, where)
            return
        if slot.text:
            if not self.zeros:  # the event code was read because an attribute could have come instead
                self.add(f"t = n - {slot.start}" if slot.start else "t = n")
            self._text(slot.text, target, where)
            return
        if element is None:
            raise TypeError(slot)
        declared = self.library.schemas.resolve(element)
        if isinstance(declared, SimpleType):
            self.zeros += 1
            if declared.base in ("string", "hexBinary", "base64Binary") and not declared.values:
                self._text(declared, target, where)
            else:
                self._simple(declared, target, where)
            self.zeros += 1
            return
        item = self.writer.class_for(element, declared)
        self._settle(where)
        self.add(f"{target}, q = {self.writer.function('decode', item)}(v, q)")
        self.zeros = tail(item.shape, self.library)

    def _text(self, simple: SimpleType, target: str, where: str) -> None:
        # the only values that can be empty, for which some encoders send no characters at all
        self._flush()
        if simple.values or simple.base not in ("string", "hexBinary", "base64Binary"):
            raise TypeError(simple)
        take = self.writer.bits("take_string" if simple.base == "string" else "take_binary")
        nothing = self.writer.bits("NO_CHARACTERS" if simple.base == "string" else "NO_BYTES")
        if self.zeros:
            self.add(f"q -= {self.zeros}")
            self.add(f"if t := v >> q & {mask(self.zeros)}:")
        else:
            self.add("if t:")
        self.add(f"    {target}, q = {nothing}, {self.writer.bits('empty')}(v, q, t, {self.where(where)})")
        self.add("else:")
        self.add(f"    {target}, q = {take}(v, q)")
        self.zeros = 0

    def _settle(self, where: str) -> None:
        self._flush()
        if self.zeros:
            self.add(f"q -= {self.zeros}")
            self.add(f"if t := v >> q & {mask(self.zeros)}:")
            self.add(f"    raise {self.writer.bits('fail')}(q, {self.where(where)}, t)")
            self.zeros = 0

    def _simple(self, simple: SimpleType, target: str, where: str) -> None:
        if simple.values:
            table = f"_{self.writer.enum(simple)}"
            count = len(simple.values)
            self._fixed((count - 1).bit_length(), target, count - 1, f"{table}[{{}}]", where)
        elif simple.base == "boolean":
            self._fixed(1, target, 1, "{} == 1", where)
        elif simple.base == "integer":
            self._integer(simple, target, where)
        else:
            self._settle(where)
            function = self.writer.bits("take_string" if simple.base == "string" else "take_binary")
            self.add(f"{target}, q = {function}(v, q)")

    def _integer(self, simple: SimpleType, target: str, where: str) -> None:
        low, high = simple.low, simple.high
        if is_bounded(simple):
            if low is None or high is None:
                raise TypeError(simple)
            expression = "{}" if not low else f"{{}} + {low}" if low > 0 else f"{{}} - {-low}"
            self._fixed((high - low).bit_length(), target, high - low, expression, where)
            return
        fail = self.writer.bits("fail")
        more = self.writer.bits("more_groups")
        if low is not None and low >= 0:
            self._fixed(8, target, 255, "{}", where)
            self._flush()
            self.add(f"if {target} > 127:")
            self.add(f"    {target}, q = {more}(v, q, {target})")
            if high is not None:
                self.add(f"    if {target} > {literal(high)}:")
                self.add(f"        raise {fail}(q, {self.where(where)}, {target})")
            if low:
                self.add(f"if {target} < {low}:")
                self.add(f"    raise {fail}(q, {self.where(where)}, {target})")
            return
        self._fixed(9, "s", 511, "{}", where)
        self._flush()
        self.add(f"{target} = s & 255")
        self.add(f"if {target} > 127:")
        self.add(f"    {target}, q = {more}(v, q, {target})")
        if high is not None:
            self.add(f"    if {target} > {literal(high)}:")
            self.add(f"        raise {fail}(q, {self.where(where)}, {target})")
        self.add("if s > 255:")
        self.add(f"    {target} = ~{target}")
        if low is not None and high is not None and -low != high + 1:
            self.add(f"if not {low} <= {target} <= {high}:")
            self.add(f"    raise {fail}(q, {self.where(where)}, {target} & {mask(64)})")

    def _fixed(self, width: int, target: str, limit: int, expression: str, where: str) -> None:
        if sum(z + w for z, w, *_ in self.waiting) + self.zeros + width > _LONGEST_READ:
            self._flush()
        self.waiting.append((self.zeros, width, target, limit, expression, where))
        self.zeros = 0

    def _flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        fail = self.writer.bits("fail")
        total = sum(z + w for z, w, *_ in waiting)
        where = self.where(waiting[0][5])
        self.add(f"q -= {total}")
        if len(waiting) == 1:
            zeros, width, target, limit, expression, _ = waiting[0]
            full = zeros == 0 and limit == (1 << width) - 1
            if expression == "{}":
                self.add(f"{target} = v >> q & {mask(total)}")
                if not full:
                    self.add(f"if {target} > {limit}:")
                    self.add(f"    raise {fail}(q, {where}, {target})")
            else:
                self.add(f"t = v >> q & {mask(total)}")
                if not full:
                    self.add(f"if t > {limit}:")
                    self.add(f"    raise {fail}(q, {where}, t)")
                self.add(f"{target} = {expression.format('t')}")
            return
        self.add(f"t = v >> q & {mask(total)}")
        position = total
        forbidden = 0
        reads: list[tuple[int, int, str, int, str, str]] = []
        for zeros, width, target, limit, expression, place in waiting:
            position -= zeros
            forbidden |= ((1 << zeros) - 1) << position
            position -= width
            reads.append((position, width, target, limit, expression, place))
        if forbidden:
            self.add(f"if t & {forbidden:#x}:")
            self.add(f"    raise {fail}(q, {where}, t)")
        for shift, width, target, limit, expression, place in reads:
            shifted = f"t >> {shift}" if shift else "t"
            value = f"{shifted} & {mask(width)}"
            if shift + width == total and not forbidden >> shift:
                value = shifted
            if limit != (1 << width) - 1:
                self.add(f"s = {value}")
                self.add(f"if s > {limit}:")
                self.add(f"    raise {fail}(q, {self.where(place)}, s)")
                value = "s"
            elif expression != "{}":
                value = f"({value})"
            self.add(f"{target} = {expression.format(value)}")
