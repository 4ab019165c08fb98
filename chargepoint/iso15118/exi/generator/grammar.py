"""EXI grammars from the schema model: which event may come next, under which code, in how many bits.

Two shapes cover everything (EXI 1.0, clause 8.5; its sub-clause numbers here and elsewhere are from memory, unverified,
the resulting states and codes were compared with those of EXIficient, state by state):

* `Regular`: attributes, then a sequence of particles, each an element, a choice of elements or a substitution group.
  Productions are numbered once through the whole type; a state is a window of that numbering, so that the event code is
  the number minus the start of the window. Straight-line code comes out of this.
* `Irregular`: mixed content, wildcards, repeated groups (all in xmldsig): a small deterministic automaton.

The profile is schema-informed, not strict: every element state keeps one more code for the second level, hence
n productions take `n.bit_length()` bits. The document and fragment states have no such escape.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chargepoint.iso15118.exi.generator.xsd import (
    Attribute,
    ComplexType,
    Element,
    Particle,
    QName,
    SchemaFolder,
    SimpleType,
    walk,
)


@dataclass
class Slot:
    """A place in a regular type: one attribute, the character content, or alternatives of elements."""

    kind: str
    """attribute, text, element, choice or group"""
    name: str
    low: int = 1
    high: int = 1
    attribute: Attribute | None = None
    text: SimpleType | None = None
    alternatives: list[Element] = field(default_factory=list)
    start: int = 0
    """number of the first production of this slot"""

    @property
    def size(self) -> int:
        return max(1, len(self.alternatives))


@dataclass
class EventWindow:
    """The productions allowed in one state: numbers `start` to `start + count - 1`, coded in `width` bits."""

    start: int
    count: int

    @property
    def width(self) -> int:
        return self.count.bit_length()


@dataclass
class Regular:
    """A type whose content is a plain sequence of slots."""

    slots: list[Slot]

    @property
    def end(self) -> int:
        """Number of the end-element production."""
        return self.slots[-1].start + self.slots[-1].size if self.slots else 0

    def window(self, index: int, seen: int) -> EventWindow:
        """The state in front of slot `index` when `seen` occurrences of it have passed."""
        if index == len(self.slots):
            return EventWindow(self.end, 1)
        slot = self.slots[index]
        if seen >= slot.high:
            return self.window(index + 1, 0)
        start = slot.start
        stop = slot.start + slot.size
        if seen >= slot.low:
            follower = self.window(index + 1, 0)
            stop = follower.start + follower.count
        return EventWindow(start, stop - start)


@dataclass(frozen=True)
class Step:
    """One production of an irregular type."""

    kind: str
    """attribute, element, any, end or text"""
    name: str = ""
    type: SimpleType | ComplexType | None = None
    target: int = -1


@dataclass
class Irregular:
    """A type coded by an automaton; `repeats` says whether the order of its children is content."""

    states: list[list[Step]]
    attributes: list[Attribute]
    children: list[tuple[Element, int]]
    """element and how often it may come at most"""
    repeats: bool
    mixed: bool
    wild: bool = False
    """whether any element may come somewhere"""


class SchemaSet:
    """The schemas that one namespace sees: its grammars, document roots and fragment elements."""

    def __init__(self, schemas: SchemaFolder, namespace: str) -> None:
        self.schemas = schemas
        self.namespace = namespace
        self.namespaces = schemas.closure(namespace)

    def global_elements(self) -> list[Element]:
        """All global elements in the order of their document event codes (EXI 1.0, 8.5.1)."""
        found = [e for e in self.schemas.elements.values() if e.qname[0] in self.namespaces]
        return sorted(found, key=lambda e: (e.qname[1], e.qname[0]))

    def fragment_elements(self) -> list[tuple[QName, list[Element]]]:
        """All element names with their declarations in the order of their fragment event codes (EXI 1.0, 8.5.2)."""
        found: dict[QName, list[Element]] = {}
        for namespace in self.namespaces:
            for element in self.schemas.locals[namespace]:
                found.setdefault(element.qname, []).append(element)
        for element in self.global_elements():
            found.setdefault(element.qname, []).append(element)
        return sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))

    def group(self, head: Element) -> list[Element]:
        """The head and every element that may stand for it, sorted; an abstract head keeps its event code."""
        members = [head]
        for element in members:
            members.extend(e for e in self.global_elements() if e.head == element.qname and e not in members)
        return sorted(members, key=lambda e: (e.qname[1], e.qname[0]))

    def element_of(self, particle: Particle) -> Element:
        """The declaration behind an element particle."""
        return self.schemas.elements[particle.ref] if particle.ref else _present(particle.element)

    def shape(self, declared: ComplexType) -> Regular | Irregular:
        """The grammar of a complex type."""
        attributes = sorted(declared.attributes, key=lambda a: (a.name, a.namespace))
        if not declared.mixed and _plain(declared.content):
            return self._regular(declared, attributes)
        return self._irregular(declared, attributes)

    def _regular(self, declared: ComplexType, attributes: list[Attribute]) -> Regular:
        slots = [Slot("attribute", a.name, int(a.required), 1, attribute=a) for a in attributes]
        if declared.text:
            slots.append(Slot("text", "value", text=declared.text))
        self._flatten(declared.content, slots)
        number = 0
        for slot in slots:
            slot.start = number
            number += slot.size
        return Regular(slots)

    def _flatten(self, particle: Particle | None, slots: list[Slot]) -> None:
        if particle is None:
            return
        if particle.kind == "sequence":
            for child in particle.children:
                self._flatten(child, slots)
        elif particle.kind == "choice":
            options = [self.element_of(p) for p in particle.children]
            slots.append(Slot("choice", "", particle.low, 1, alternatives=options))
        else:
            element = self.element_of(particle)
            members = self.group(element) if particle.ref else [element]
            kind = "group" if len(members) > 1 else "element"
            slots.append(Slot(kind, element.qname[1], particle.low, particle.high, alternatives=members))

    def _irregular(self, declared: ComplexType, attributes: list[Attribute]) -> Irregular:
        automaton = _Positions(self, declared.content)
        # states are sets of positions just matched; -1 stands for "nothing yet"
        numbers: dict[frozenset[int], int] = {}
        order: list[frozenset[int]] = []

        def number(state: frozenset[int]) -> int:
            if state not in numbers:
                numbers[state] = len(order) + len(attributes)
                order.append(state)
            return numbers[state]

        number(frozenset({-1}))
        content: list[list[Step]] = []
        for state in order:
            follow = sorted({p for s in state for p in automaton.follow(s)})
            steps: dict[str, tuple[Particle, set[int]]] = {}
            for position in follow:
                leaf = automaton.leaves[position]
                key = "*" if leaf.kind == "any" else self.element_of(leaf).qname[1]
                steps.setdefault(key, (leaf, set()))[1].add(position)
            elements: list[Step] = []
            wildcards: list[Step] = []
            for key, (leaf, targets) in steps.items():
                target = number(frozenset(targets))
                if leaf.kind == "any":
                    wildcards.append(Step("any", "*", None, target))
                else:
                    declared_type = self.schemas.resolve(self.element_of(leaf))
                    elements.append(Step("element", key, declared_type, target))
            productions = elements + wildcards
            if any(automaton.ends(s) for s in state):
                productions.append(Step("end"))
            if declared.mixed:
                productions.append(Step("text", target=numbers[state]))
            content.append(productions)
        states: list[list[Step]] = []
        for index in range(len(attributes)):
            productions = []
            for offset, attribute in enumerate(attributes[index:], index):
                productions.append(Step("attribute", attribute.name, attribute.type, offset + 1))
                if attribute.required:
                    break
            else:
                productions.extend(content[0])
            states.append(productions)
        children: dict[str, tuple[Element, int]] = {}
        for leaf in automaton.leaves:
            if leaf.kind == "element":
                element = self.element_of(leaf)
                children.setdefault(element.qname[1], (element, leaf.high))
        repeats = any(p.high > 1 for p in walk(declared.content) if p.kind in ("sequence", "choice"))
        wild = any(leaf.kind == "any" for leaf in automaton.leaves)
        return Irregular(states + content, attributes, list(children.values()), repeats, declared.mixed, wild)


class _Positions:
    """Glushkov's construction over a content model: first, last and follow sets of its leaves."""

    def __init__(self, schema_set: SchemaSet, content: Particle | None) -> None:
        self.leaves: list[Particle] = []
        self._follow: dict[int, set[int]] = {-1: set()}
        self._nullable = True
        self._last: set[int] = set()
        if content is not None:
            self._nullable, first, self._last = self._visit(content)
            self._follow[-1] = first

    def follow(self, position: int) -> set[int]:
        return self._follow[position]

    def ends(self, position: int) -> bool:
        return self._nullable if position == -1 else position in self._last

    def _visit(self, particle: Particle) -> tuple[bool, set[int], set[int]]:
        if particle.low > 1 or (1 < particle.high < 1 << 31):
            raise NotImplementedError("counted particle in an irregular type")
        nullable = particle.kind != "choice"
        first: set[int] = set()
        last: set[int] = set()
        if particle.kind in ("element", "any"):
            position = len(self.leaves)
            self.leaves.append(particle)
            self._follow[position] = set()
            nullable, first, last = False, {position}, {position}
        for child in particle.children:
            child_nullable, child_first, child_last = self._visit(child)
            if particle.kind == "choice":
                nullable = nullable or child_nullable
                first |= child_first
                last |= child_last
            else:
                for position in last:
                    self._follow[position] |= child_first
                first = first | child_first if nullable else first
                last = last | child_last if child_nullable else child_last
                nullable = nullable and child_nullable
        if particle.high > 1:
            for position in last:
                self._follow[position] |= first
        return nullable or particle.low == 0, first, last


def _plain(particle: Particle | None) -> bool:
    """Whether a content model is a plain sequence of elements and choices of single elements."""
    if particle is None or particle.kind == "element":
        return True
    if particle.kind == "any":
        return False
    if particle.kind == "choice":
        return particle.high == 1 and all(p.kind == "element" and p.low == p.high == 1 for p in particle.children)
    return particle.low == particle.high == 1 and all(_plain(p) for p in particle.children)


def _present(element: Element | None) -> Element:
    if element is None:
        raise ValueError("element particle without a declaration")
    return element
