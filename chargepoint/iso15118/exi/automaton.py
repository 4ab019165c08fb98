"""Types whose content is not a plain sequence: mixed content, wildcards and repeated groups, all of them in xmldsig.

The generated code gives each such type one `Automaton`; nothing of it is on the path of a charge loop. What stands where
any element may (SE(*)) is the business of `wildcard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chargepoint.iso15118.exi.bits import (
    LONGEST_LIST,
    NO_BYTES,
    NO_CHARACTERS,
    empty,
    fail,
    take_integer,
    take_string,
    too_many,
    wrong,
)
from chargepoint.iso15118.exi.errors import ExiError
from chargepoint.iso15118.exi.wildcard import Coded, put_wildcard, take_wildcard
from chargepoint.iso15118.messages.datatypes import AnyElement, DeclaredElement

_PIECE_BITS = 1 << 15

Take = Callable[[int, int], tuple[Any, int]]
Put = Callable[[int, Any], int]


@dataclass(frozen=True, slots=True)
class Step:
    """One production: `kind` is attribute, leaf, element, any, end or text; `tail` zero bits close an element."""

    kind: str
    name: str = ""
    target: int = 0
    take: Take | None = None
    put: Put | None = None
    tail: int = 0
    wrap: type | None = None


@dataclass(slots=True)
class Automaton:
    """The grammar of one type as states of productions in event-code order."""

    where: str
    states: tuple[tuple[Step, ...], ...]
    _codes: list[dict[tuple[str, str], tuple[int, Step]]] = field(default_factory=list)

    def decode(self, v: int, q: int) -> tuple[dict[str, Any], list[Any], int]:
        """Named values (attributes, fields), ordered content, and what is left to read, past the end of the element."""
        named: dict[str, Any] = {}
        content: list[Any] = []
        state = 0
        while True:
            steps = self.states[state]
            width = len(steps).bit_length()
            q -= width
            code = v >> q & ((1 << width) - 1)
            if code >= len(steps):
                raise fail(q, self.where, code)
            step = steps[code]
            state = step.target
            if step.kind == "end":
                return named, content, q
            value: Any
            if step.take is None:
                value, q = take_wildcard(v, q)
            elif step.kind == "leaf":
                q -= 1
                if found := v >> q & 1:
                    if step.take is take_integer:
                        raise fail(q, f"{self.where}.{step.name}", found)
                    q = empty(v, q, found, f"{self.where}.{step.name}")
                    value = NO_CHARACTERS if step.take is take_string else NO_BYTES
                else:
                    value, q = step.take(v, q)
            else:
                value, q = step.take(v, q)
            if step.tail:
                q -= step.tail
                if rest := v >> q & ((1 << step.tail) - 1):
                    raise fail(q, f"{self.where}.{step.name}", rest)
            if step.kind == "attribute":
                named[step.name] = value
            elif step.wrap is not None and step.kind == "leaf":
                content.append(step.wrap(value=value))
            elif step.kind == "leaf":
                named[step.name] = value
            else:
                content.append(value)
            if len(content) > LONGEST_LIST:
                raise too_many(q, self.where)

    def encode(self, a: int, named: Iterable[tuple[str, Any]], content: Sequence[Any] = ()) -> int:
        """Appends attributes or fields (None is left out), then the content, then the end of the element."""
        if len(content) > LONGEST_LIST:
            raise wrong(f"{self.where}.content", content)
        state = 0
        for name, value in named:
            if value is not None:
                a, state = self._append(a, state, ("", name), value)
        whole, a = a, 1
        for item in content:
            if a.bit_length() > _PIECE_BITS:
                # appending to a long int costs its length: gather pieces, so that long content does not cost its square
                whole, a = _join(whole, a), 1
            if isinstance(item, str):
                a, state = self._append(a, state, ("text", ""), item)
            elif isinstance(item, (AnyElement, DeclaredElement, Coded)):
                a, state = self._append(a, state, ("any", ""), item)
            else:
                a, state = self._append(a, state, ("content", type(item).__name__), item)
        code, _, width = self._find(state, ("end", ""), None)
        return _join(whole, a) << width | code

    def _append(self, a: int, state: int, key: tuple[str, str], value: Any) -> tuple[int, int]:
        code, step, width = self._find(state, key, value)
        a = a << width | code
        if step.put is None:
            a = put_wildcard(a, value)
        elif step.kind == "leaf":
            a = step.put(a << 1, value.value if step.wrap else value)
        else:
            a = step.put(a, value)
        return a << step.tail, step.target

    def _find(self, state: int, key: tuple[str, str], value: Any) -> tuple[int, Step, int]:
        if not self._codes:
            self._codes = [{_key(s): (i, s) for i, s in enumerate(steps)} for steps in self.states]
        found = self._codes[state].get(key)
        if found is None:
            possible = ", ".join(step.name or step.kind for step in self.states[state])
            raise ExiError(f"{self.where}: {key[1] or key[0]} cannot come here, only {possible}")
        return found[0], found[1], len(self.states[state]).bit_length()


def _join(whole: int, piece: int) -> int:
    """Both behind one leading 1."""
    count = piece.bit_length() - 1
    return whole << count | piece ^ 1 << count


def _key(step: Step) -> tuple[str, str]:
    if step.kind in ("end", "text", "any"):
        return (step.kind, "")
    if step.kind == "element" or step.wrap is not None:
        return ("content", step.name)
    return ("", step.name)
