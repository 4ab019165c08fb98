"""Elements where a schema allows any (xs:any): names through string tables, grammars that learn as the stream goes on.

Only xmldsig has such places (Object, Transform, KeyInfo...), and no ISO 15118 message a use for them. The string tables of
names and the learnt grammars belong to one stream, so they travel with it: the generated functions know nothing of them.
A stream is first read without them; at the first wildcard `NeedsNames` asks the codec to begin again with a `Stream`. Writing
goes the same way: `prepared` codes the wildcards of a message ahead, in their order, and leaves their bits in their place.

W3C EXI 1.0, clauses 7.3 (string tables), 8.4.3 (built-in element grammars) and appendix D (initial entries), from memory;
held against EXIficient 1.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from chargepoint.iso15118.exi.bits import (
    LONGEST_LIST,
    Window,
    fail,
    put_characters,
    put_string,
    put_unsigned,
    take_characters,
    take_string,
    take_unsigned,
    too_many,
)
from chargepoint.iso15118.exi.errors import ExiError
from chargepoint.iso15118.exi.leaf import Leaf
from chargepoint.iso15118.exi.namespaces import generated, generated_by_name
from chargepoint.iso15118.messages.datatypes import AnyAttribute, AnyElement, DeclaredElement

DEEPEST = 32
"""Wildcard elements within wildcard elements; more are refused, reading and writing."""

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSD = "http://www.w3.org/2001/XMLSchema"
_XSD_NAMES = (
    "ENTITIES ENTITY ID IDREF IDREFS NCName NMTOKEN NMTOKENS NOTATION Name QName anySimpleType anyType anyURI base64Binary "
    "boolean byte date dateTime decimal double duration float gDay gMonth gMonthDay gYear gYearMonth hexBinary int integer "
    "language long negativeInteger nonNegativeInteger nonPositiveInteger normalizedString positiveInteger short string time "
    "token unsignedByte unsignedInt unsignedLong unsignedShort"
)
_BEFORE_SCHEMAS = {
    "": (),
    "http://www.w3.org/XML/1998/namespace": ("base", "id", "lang", "space"),
    _XSI: ("nil", "type"),
    _XSD: tuple(_XSD_NAMES.split()),
}

QName = tuple[str, str]
Decode = Callable[[int, int], tuple[Any, int]]
Encode = Callable[[int, Any], int]

# events of the built-in grammar
_END, _TEXT = ("end",), ("text",)
_Event = tuple[str, ...]


class NeedsNames(Exception):
    """A wildcard was met by a reader or writer without string tables."""


@dataclass(frozen=True, slots=True)
class Coded:
    """The bits of a wildcard element, behind a leading 1, in the place of the element."""

    bits: int


@dataclass(frozen=True)
class Vocabulary:
    """What a schema set knows before the stream begins."""

    names: dict[str, tuple[str, ...]]
    """namespace -> local names, both in the order of their numbers"""
    declared: dict[QName, tuple[Decode, Encode]]
    """global elements: how they are coded behind their name"""


@lru_cache(maxsize=16)
def vocabulary(namespace: str) -> Vocabulary:
    """That of the schema set of this namespace."""
    module = generated(namespace)
    spoken: dict[str, set[str]] = {}
    for part in (module, *map(generated_by_name, module.SEES)):
        for space, names in part.LOCAL_NAMES.items():
            spoken.setdefault(space, set()).update(names.split())
    names = dict(_BEFORE_SCHEMAS)
    names[""] = tuple(sorted(spoken.pop("", ())))
    names.update({space: tuple(sorted(spoken[space])) for space in sorted(spoken)})
    declared: dict[QName, tuple[Decode, Encode]] = {}
    for qname, code in module.GLOBALS.items():
        if code in module.LEAVES:
            leaf = Leaf(*module.LEAVES[code])
            declared[qname] = (leaf.decode, leaf.encode)
        else:
            _, kind, decode, encode, tail = module.FRAGMENT[code]
            declared[qname] = (_closing(decode, tail), _checking(kind, encode, tail))
    return Vocabulary(names, declared)


def _closing(decode: Decode, tail: int) -> Decode:
    def closed(v: int, q: int) -> tuple[Any, int]:
        value, q = decode(v, q)
        q -= tail
        if rest := v >> q & ((1 << tail) - 1):
            raise fail(q, type(value).__name__, rest)
        return value, q

    return closed


def _checking(kind: type, encode: Encode, tail: int) -> Encode:
    def checked(a: int, value: Any) -> int:
        if not isinstance(value, kind):
            raise ExiError(f"{kind.__name__} expected, {type(value).__name__} found")
        return encode(a, value) << tail

    return checked


@dataclass
class _Learnt:
    """The productions a built-in grammar has learnt; the newest has code 0."""

    events: list[_Event]
    places: dict[_Event, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = {event: place for place, event in enumerate(self.events)}

    def learn(self, event: _Event) -> None:
        if event not in self.places:
            self.places[event] = len(self.events)
            self.events.append(event)


class Tables:
    """String tables of names and built-in grammars of one stream."""

    def __init__(self, namespace: str) -> None:
        self._vocabulary = vocabulary(namespace)
        self._names = {space: list(names) for space, names in self._vocabulary.names.items()}
        self._numbers = {space: {n: i for i, n in enumerate(names)} for space, names in self._names.items()}
        self._spaces = list(self._names)
        self._starts: dict[QName, _Learnt] = {}
        self._contents: dict[QName, _Learnt] = {}
        self._depth = 0
        self._count = 0

    # -- names ------------------------------------------------------------------------------------------------------

    def _take_name(self, v: int, q: int) -> tuple[QName, int]:
        width = len(self._spaces).bit_length()
        q -= width
        number = v >> q & ((1 << width) - 1)
        if number > len(self._spaces):
            raise fail(q, "namespace", number)
        if number:
            space = self._spaces[number - 1]
        else:
            count, q = take_unsigned(v, q)
            space, q = take_characters(v, q, count)
            self._add_space(space)
        known = self._names[space]
        count, q = take_unsigned(v, q)
        if count:
            name, q = take_characters(v, q, count - 1)
            self._add_name(space, name)
            return (space, name), q
        width = (len(known) - 1).bit_length() if known else 0
        q -= width
        number = v >> q & ((1 << width) - 1)
        if number >= len(known):
            raise fail(q, "local name", number)
        return (space, known[number]), q

    def _put_name(self, a: int, qname: QName) -> int:
        space, name = qname
        width = len(self._spaces).bit_length()
        if space in self._names:
            a = a << width | self._spaces.index(space) + 1
        else:
            a = put_characters(put_unsigned(a << width, len(space), 0, None, "namespace"), space)
            self._add_space(space)
        number = self._numbers[space].get(name)
        if number is not None:
            return a << 8 + (len(self._names[space]) - 1).bit_length() | number
        a = put_characters(put_unsigned(a, len(name) + 1, 0, None, "local name"), name)
        self._add_name(space, name)
        return a

    def _add_space(self, space: str) -> None:
        if space not in self._names:
            self._names[space], self._numbers[space] = [], {}
        self._spaces.append(space)

    def _add_name(self, space: str, name: str) -> None:
        self._numbers[space].setdefault(name, len(self._names[space]))
        self._names[space].append(name)

    # -- elements ---------------------------------------------------------------------------------------------------

    def take(self, v: int, q: int) -> tuple[AnyElement | DeclaredElement, int]:
        """The element behind SE(*), past its end."""
        qname, q = self._take_name(v, q)
        return self._take_element(v, q, qname)

    def _take_element(self, v: int, q: int, qname: QName) -> tuple[AnyElement | DeclaredElement, int]:
        self._count += 1
        if self._count > LONGEST_LIST or self._depth >= DEEPEST:
            raise too_many(q, "wildcard elements")
        self._depth += 1
        found: AnyElement | DeclaredElement
        if qname in self._vocabulary.declared:
            value, q = self._vocabulary.declared[qname][0](v, q)
            found = DeclaredElement(namespace=qname[0], name=qname[1], value=value)
        else:
            found, q = self._take_foreign(v, q, qname)
        self._depth -= 1
        return found, q

    def _take_foreign(self, v: int, q: int, qname: QName) -> tuple[AnyElement, int]:
        attributes: list[AnyAttribute] = []
        content: list[AnyElement | DeclaredElement | str] = []
        grammar = self._start(qname)
        while True:
            event, q = self._take_event(v, q, grammar, starting=grammar is self._starts[qname])
            if event == _END:
                grammar.learn(_END)
                return AnyElement(
                    namespace=qname[0], name=qname[1], attributes=tuple(attributes), content=tuple(content)
                ), q
            if event == _TEXT:
                grammar.learn(_TEXT)
                text, q = take_string(v, q)
                content.append(text)
            else:
                kind, *known = event
                (space, name), q = ((known[0], known[1]), q) if known else self._take_name(v, q)
                grammar.learn((kind, space, name))
                if kind == "attribute":
                    _refuse_xsi(space)
                    text, q = take_string(v, q)
                    attributes.append(AnyAttribute(namespace=space, name=name, value=text))
                    continue
                child, q = self._take_element(v, q, (space, name))
                content.append(child)
            grammar = self._content(qname)
            if len(content) + len(attributes) > LONGEST_LIST:
                raise too_many(q, qname[1])

    def _take_event(self, v: int, q: int, grammar: _Learnt, *, starting: bool) -> tuple[_Event, int]:
        count = len(grammar.events)
        width = count.bit_length()
        q -= width
        code = v >> q & ((1 << width) - 1)
        if code < count:
            return grammar.events[count - 1 - code], q
        if code > count:
            raise fail(q, "wildcard element", code)
        second = _SECOND_START if starting else _SECOND_CONTENT
        width = (len(second) - 1).bit_length()
        q -= width
        return second[v >> q & ((1 << width) - 1)], q

    def put(self, a: int, item: AnyElement | DeclaredElement) -> int:
        """Appends the element behind SE(*)."""
        qname = (item.namespace, item.name)
        return self._put_element(self._put_name(a, qname), item, qname)

    def _put_element(self, a: int, item: Any, qname: QName) -> int:
        self._count += 1
        if self._count > LONGEST_LIST or self._depth >= DEEPEST:
            raise ExiError("wildcard elements: too many, or too deep")
        self._depth += 1
        coding = self._vocabulary.declared.get(qname)
        if isinstance(item, DeclaredElement):
            if coding is None:
                raise ExiError(f"{item.name} is not an element of this schema set")
            a = coding[1](a, self.prepared(item.value))
        elif coding is not None:
            raise ExiError(f"{item.name} is an element of this schema set: a DeclaredElement expected")
        else:
            a = self._put_foreign(a, item, qname)
        self._depth -= 1
        return a

    def _put_foreign(self, a: int, item: AnyElement, qname: QName) -> int:
        grammar = self._start(qname)
        for attribute in item.attributes:
            _refuse_xsi(attribute.namespace)
            a = self._put_event(a, grammar, "attribute", (attribute.namespace, attribute.name), starting=True)
            a = put_string(a, attribute.value)
        for child in item.content:
            starting = grammar is self._starts[qname]
            if isinstance(child, str):
                a = put_string(self._put_event(a, grammar, "text", None, starting=starting), child)
            elif isinstance(child, (AnyElement, DeclaredElement)):
                name = (child.namespace, child.name)
                a = self._put_event(a, grammar, "element", name, starting=starting)
                a = self._put_element(a, child, name)
            else:
                raise ExiError(f"{item.name}: {repr(child)[:120]} cannot be encoded")
            grammar = self._content(qname)
        return self._put_event(a, grammar, "end", None, starting=grammar is self._starts[qname])

    def _put_event(self, a: int, grammar: _Learnt, kind: str, qname: QName | None, *, starting: bool) -> int:
        event: _Event = (kind,) if qname is None else (kind, *qname)
        count = len(grammar.events)
        width = count.bit_length()
        place = grammar.places.get(event)
        if place is not None:
            return a << width | count - 1 - place
        second = _SECOND_START if starting else _SECOND_CONTENT
        a = (a << width | count) << (len(second) - 1).bit_length() | second.index((kind,))
        if qname is not None:
            a = self._put_name(a, qname)
        grammar.learn(event)
        return a

    def _start(self, qname: QName) -> _Learnt:
        if qname not in self._starts:
            self._starts[qname] = _Learnt([])
        return self._starts[qname]

    def _content(self, qname: QName) -> _Learnt:
        if qname not in self._contents:
            self._contents[qname] = _Learnt([_END])
        return self._contents[qname]

    def prepared(self, value: Any) -> Any:
        """The same value with the bits of its wildcard elements in their place, coded in document order."""
        if isinstance(value, (AnyElement, DeclaredElement)):
            return Coded(self.put(1, value))
        if isinstance(value, tuple):
            return tuple(self.prepared(item) for item in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            old = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            new = {name: self.prepared(item) for name, item in old.items()}
            return dataclasses.replace(value, **new) if any(new[n] is not old[n] for n in old) else value
        return value


# second-level events by their code: those of start-tag content and of element content
_SECOND_START: tuple[_Event, ...] = (_END, ("attribute",), ("element",), _TEXT)
_SECOND_CONTENT: tuple[_Event, ...] = (("element",), _TEXT)


def _refuse_xsi(space: str) -> None:
    if space == _XSI:
        raise ExiError("xsi:type and xsi:nil are not understood in wildcard elements")


class Stream(Window):
    """A stream with its tables."""

    __slots__ = ("tables",)

    def __init__(self, data: bytes, namespace: str) -> None:
        super().__init__(data)
        self.tables = Tables(namespace)


def take_wildcard(v: object, q: int) -> tuple[AnyElement | DeclaredElement, int]:
    """The element behind SE(*) of a stream with tables; raises NeedsNames if it has none."""
    if not isinstance(v, Stream):
        raise NeedsNames
    return v.tables.take(v, q)  # type: ignore[arg-type]  # answers >> as the int it stands for


def put_wildcard(a: int, item: object) -> int:
    """Appends a wildcard element that was coded ahead; raises NeedsNames if it was not."""
    if not isinstance(item, Coded):
        raise NeedsNames
    count = item.bits.bit_length() - 1
    return a << count | item.bits ^ 1 << count
