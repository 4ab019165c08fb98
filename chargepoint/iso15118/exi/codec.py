"""Messages to EXI bytes and back: the public functions of the codec.

Bytes are EXI 1.0, bit-packed, schema-informed, not strict, header byte 0x80, no string tables: the profile of ISO
15118-2, ISO 15118-20 and DIN SPEC 70121. A document is one message; a fragment is one element of a message, as it is
hashed for signatures. `SignedInfo` is a fragment of `NS_XMLDSIG`, the stand-alone xmldsig schema.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

from chargepoint.iso15118.exi.bits import Window, put_string, take_string
from chargepoint.iso15118.exi.errors import ExiError
from chargepoint.iso15118.exi.json_form import from_dict, to_dict
from chargepoint.iso15118.exi.leaf import Leaf
from chargepoint.iso15118.exi.namespaces import (
    NAMESPACE_OF,
    NS_AC,
    NS_ACDP,
    NS_CM,
    NS_COMMON_TYPES,
    NS_DC,
    NS_DIN,
    NS_ISO2,
    NS_SAP,
    NS_WPT,
    NS_XMLDSIG,
    generated,
)
from chargepoint.iso15118.exi.wildcard import NeedsNames, Stream, Tables

__all__ = [
    "NS_AC",
    "NS_ACDP",
    "NS_CM",
    "NS_COMMON_TYPES",
    "NS_DC",
    "NS_DIN",
    "NS_ISO2",
    "NS_SAP",
    "NS_WPT",
    "NS_XMLDSIG",
    "ExiError",
    "decode",
    "decode_element",
    "encode",
    "from_json",
    "namespace_of",
    "preload",
    "root_name",
    "to_json",
]

_HEADER = 0x80
_LONG_STREAM = 4096
"""Streams longer than this many bytes are read through a `Window`: below, shifting the whole int is faster."""

_BROKEN = (AttributeError, TypeError, KeyError, IndexError, OverflowError, ValueError)
"""What the generated code raises on objects whose fields are missing or of the wrong type."""


class Root(NamedTuple):
    """An element that can stand at the top of a stream."""

    code: int
    name: str
    message: type
    decode: Callable[[int, int], tuple[object, int]]
    encode: Callable[[int, object], int]
    tail: int


class Roots(NamedTuple):
    """The top-level states of one schema set."""

    by_code: dict[int, Root]
    by_class: dict[type, list[Root]]
    width: int
    end: int
    leaves: dict[int, Leaf]
    relaxed: dict[int, tuple[str, type, dict[str, int], tuple[int, int, int, int]]]


@lru_cache(maxsize=32)
def _roots(namespace: str, fragment: bool) -> Roots:
    module = generated(namespace)
    table = module.FRAGMENT if fragment else module.DOCUMENT
    by_code = {code: Root(code, *entry) for code, entry in table.items()}
    by_class: dict[type, list[Root]] = {}
    for root in by_code.values():
        by_class.setdefault(root.message, []).append(root)
    if fragment:
        leaves = {code: Leaf(*entry) for code, entry in module.LEAVES.items()}
        return Roots(by_code, by_class, module.FRAGMENT_WIDTH, module.FRAGMENT_END, leaves, module.RELAXED)
    return Roots(by_code, by_class, module.DOCUMENT_WIDTH, -1, {}, {})


def namespace_of(message: object) -> str:
    """The namespace whose schema set encodes this message unless the caller names another one. ExiError if it is no message."""
    package, _, module = type(message).__module__.rpartition(".")
    if package != "chargepoint.iso15118.messages" or module not in NAMESPACE_OF:
        raise ExiError(f"{type(message).__name__} is not a message class")
    return NAMESPACE_OF[module]


def preload(*namespaces: str) -> None:
    """Imports the grammars of these namespaces now, so that the first message does not pay for it."""
    for namespace in namespaces:
        _roots(namespace, False)


def decode(namespace: str, data: bytes, fragment: bool = False, *, zeros_may_follow: bool = False) -> object:
    """The message in `data`, an instance of a dataclass of `chargepoint.iso15118.messages`.

    `namespace` is that of the message's schema (`NS_DC`...). Raises ExiError, and nothing else, for any bytes that are
    not exactly one document (or one fragment) of that schema. That is a wrong header, an unknown event code, a value out of
    range, too few bytes, or more than the 7 bits of padding left over. The values of the padding bits are ignored.
    `zeros_may_follow`: whole zero bytes after the end are ignored too, as a known car sends one.
    Source: docs/sources/iso15118-2-din.md 7.
    The time it takes grows no faster than the size of `data`, which the caller bounds (V2GTP announces it).
    """
    return decode_element(namespace, data, fragment, zeros_may_follow=zeros_may_follow)[1]


def decode_element(
    namespace: str, data: bytes, fragment: bool = False, *, zeros_may_follow: bool = False
) -> tuple[str, object]:
    """Like `decode`, with the name of the element, which for fragments does not always follow from the class.

    Where a schema set has elements of one name in two namespaces, a fragment's name is `{namespace}name`. A fragment of
    an element with a simple type is that type's value: str, int, bool, bytes or a member of an enumeration.
    """
    name, message, _ = _decoded(namespace, data, fragment, zeros_may_follow)
    return name, message


def document_of(namespace: str, data: bytes) -> bytes:
    """The bytes of the one document in `data`, without the whole zero bytes that may follow it. Raises ExiError as `decode`."""
    _, _, length = _decoded(namespace, data, False, True)
    return data[:length]


def _decoded(namespace: str, data: bytes, fragment: bool, zeros_may_follow: bool) -> tuple[str, object, int]:
    """Name, message, and how many bytes they fill."""
    try:
        return _decode(namespace, data, fragment, None, zeros_may_follow)
    except NeedsNames:
        return _decode(namespace, data, fragment, cast(int, Stream(bytes(data), namespace)), zeros_may_follow)


def _decode(
    namespace: str, data: bytes, fragment: bool, v: int | None, zeros_may_follow: bool
) -> tuple[str, object, int]:
    roots = _roots(namespace, fragment)
    size = len(data)
    if not size or data[0] != _HEADER:
        cookie = " (an EXI cookie, which this profile does not have)" if data[:4] == b"$EXI" else ""
        raise ExiError(f"EXI header 0x80 expected, found {data[:1].hex() or 'nothing'}{cookie}", 0)
    q = 8 * size - 8
    # a Window answers the one operator that the generated code uses on the stream
    if v is None:
        v = int.from_bytes(data, "big") if size <= _LONG_STREAM else cast(int, Window(bytes(data)))
    width = roots.width
    try:
        q -= width
        code = v >> q & ((1 << width) - 1)
        root = roots.by_code.get(code)
        if root is None and code in roots.leaves:
            name = roots.leaves[code].name
            message, q = roots.leaves[code].decode(v, q)
        elif root is None:
            if code not in roots.relaxed:
                kind = "fragment element" if fragment else "document element"
                raise ExiError(f"event code {code} is not a {kind} of {namespace}", 8)
            name, message, q = _decode_relaxed(v, q, roots, code)
        else:
            name = root.name
            message, q = root.decode(v, q)
            q -= root.tail
            if rest := v >> q & ((1 << root.tail) - 1):
                raise ExiError(f"{name}: end expected, found {rest:#x}", remaining=q)
        if fragment:
            q -= width
            if (code := v >> q & ((1 << width) - 1)) != roots.end:
                raise ExiError(f"end of fragment expected, found event code {code}", remaining=q)
    except ExiError as error:
        if error.bit is None and error.remaining is not None:
            error.bit = 8 * size - error.remaining
        raise
    except ValueError:
        # the only ValueError left: a shift by the negative number of bits that are missing
        raise ExiError("the stream ends within the message", 8 * size) from None
    if q > 7 and not (zeros_may_follow and not any(data[size - q // 8 :])):
        raise ExiError(f"{q} bits left after the end of {name}", 8 * size - q)
    return name, message, size - q // 8


def encode(message: object, fragment: bool = False, namespace: str | None = None, element: str | None = None) -> bytes:
    """The EXI bytes of a message, or of one element of it as a fragment.

    `namespace` picks the schema set (event codes of roots differ); by default that of the message's own module.
    `element` names the element where several have the same class (fragments of certificate chains in -2), or where the
    message is a plain value; both as `decode_element` gives it. A name without its namespace will do.
    Raises ExiError, and nothing else, if the object does not fit its schema.
    """
    roots = _roots(namespace or namespace_of(message), fragment)
    found = [r for r in roots.by_class.get(type(message), ()) if element is None or _is_called(r.name, element)]
    if len(found) > 1:
        own = [r for r in found if r.name == type(message).__name__]
        names = {r.name for r in found}
        if element is None and not own and len(names) > 1:
            raise ExiError(f"{type(message).__name__} can be {', '.join(sorted(names))}: name the element")
        found = own or found
    a = 1 << 8 | _HEADER
    try:
        if found:
            root = found[0]
            try:
                a = root.encode(a << roots.width | root.code, message) << root.tail
            except NeedsNames:
                ready = Tables(namespace or namespace_of(message)).prepared(message)
                a = root.encode(a << roots.width | root.code, ready) << root.tail
        else:
            a = _encode_other(a, message, roots, element)
    except ExiError:
        raise
    except _BROKEN as error:
        what = f"{type(message).__name__} has a field that does not fit its schema"
        raise ExiError(f"{what}: {str(error)[:200]}") from error
    if fragment:
        a = a << roots.width | roots.end
    padding = -(a.bit_length() - 1) % 8
    a <<= padding
    return a.to_bytes(a.bit_length() // 8 + 1, "big")[1:]


def _decode_relaxed(v: int, q: int, roots: Roots, code: int) -> tuple[str, object, int]:
    # the element fragment grammar (EXI 1.0, clause 8.5.3) of an element with several types, simple content only
    name, kind, attributes, (first_width, first_text, later_width, later_end) = roots.relaxed[code]
    values: dict[str, Any] = {}
    while True:
        q -= first_width
        event = v >> q & ((1 << first_width) - 1)
        attribute = next((n for n, c in attributes.items() if c == event), None)
        if attribute is None or attribute in values:
            break
        values[attribute], q = take_string(v, q)
    if event != first_text:
        raise ExiError(f"{name}: characters expected, found event code {event}", remaining=q)
    text, q = take_string(v, q)
    q -= later_width
    if (event := v >> q & ((1 << later_width) - 1)) != later_end:
        raise ExiError(f"{name}: end expected, found event code {event}", remaining=q)
    return name, kind(value=text, **values) if values else text, q


def _is_called(name: str, wanted: str) -> bool:
    return name == wanted or name.rpartition("}")[2] == wanted


def _encode_other(a: int, message: object, roots: Roots, element: str | None) -> int:
    for code, leaf in roots.leaves.items():
        if element is not None and _is_called(leaf.name, element):
            return leaf.encode(a << roots.width | code, message)
    for code, (name, kind, attributes, (first_width, first_text, later_width, later_end)) in roots.relaxed.items():
        plain = isinstance(message, str) and element == name
        if not plain and (type(message) is not kind or element not in (None, name)):
            continue
        a = a << roots.width | code
        for attribute, event in attributes.items():
            if not plain and (value := getattr(message, attribute)) is not None:
                a = put_string(a << first_width | event, value)
        text = message if isinstance(message, str) else cast(Any, message).value
        return put_string(a << first_width | first_text, text) << later_width | later_end
    raise ExiError(f"{element or type(message).__name__} is not an element at the top of this schema set")


def root_name(message: object) -> str:
    """What a message is called in traces: its class, or in DIN and -2 the class of the element in its body."""
    body = getattr(getattr(message, "Body", None), "BodyElement", None)
    return type(message if body is None else body).__name__


def to_json(message: object, element: str | None = None, namespace: str | None = None) -> dict[str, Any]:
    """The message as plain dicts, lists, strings and numbers under its element name.

    Attributes are plain keys. Simple content with attributes is {"value": ...}. A repeated element is always a list. Binaries
    are text: hex or base64, as the schema has them. A member of a substitution group has its own name as key.
    `namespace` is needed for a fragment that is a plain value.
    """
    name = (element or type(message).__name__).rpartition("}")[2]
    if namespace is not None and (leaf := _leaf(namespace, element or "")) is not None:
        return {name: leaf.to_json(message)}
    return {name: to_dict(message)}


def _leaf(namespace: str, element: str) -> Leaf | None:
    return next((leaf for leaf in _roots(namespace, True).leaves.values() if _is_called(leaf.name, element)), None)


def from_json(namespace: str, data: dict[str, Any]) -> object:
    """The reverse of `to_json`. Raises ExiError if a name or a value does not fit the schema of `namespace`."""
    if not isinstance(data, dict) or len(data) != 1:
        raise ExiError("one element name expected")
    ((name, value),) = data.items()
    kinds = {
        root.message
        for fragment in (False, True)
        for root in _roots(namespace, fragment).by_code.values()
        if _is_called(root.name, str(name))
    }
    leaves = [leaf for leaf in _roots(namespace, True).leaves.values() if _is_called(leaf.name, str(name))]
    for position, leaf in enumerate(leaves, 1):
        try:
            return leaf.from_json(value)
        except ExiError:
            # one of another namespace, or an element with content, may have this name too
            if position == len(leaves) and not kinds:
                raise
    relaxed = [kind for n, kind, *_ in _roots(namespace, True).relaxed.values() if n == name]
    if relaxed and isinstance(value, str):
        return value
    if not kinds and not relaxed:
        raise ExiError(f"{str(name)[:100]!r} is not an element of {namespace}")
    try:
        return from_dict((list(kinds) + relaxed)[0], value)
    except ExiError:
        raise
    except _BROKEN as error:
        raise ExiError(f"{name}: {str(error)[:200]}") from error
