"""Whatever the types allow survives encode and decode: random messages drawn from the annotations of every class."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.iso15118.exi.codec import ExiError, decode, decode_element, encode, from_json, to_json
from chargepoint.iso15118.exi.namespaces import NAMESPACE_OF, generated
from chargepoint.iso15118.messages import xmldsig
from chargepoint.iso15118.messages.datatypes import (
    AnyAttribute,
    AnyElement,
    Bounds,
    Choice,
    Content,
    DeclaredElement,
    Length,
    Occurs,
)

pytestmark = pytest.mark.slow

XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"


def roots(namespace: str, fragment: bool) -> list[tuple[str, type]]:
    module = generated(namespace)
    table = module.FRAGMENT if fragment else module.DOCUMENT
    return [(name, kind) for name, kind, *_ in table.values()]


DOCUMENTS = [(ns, name, kind) for ns in NAMESPACE_OF.values() for name, kind in roots(ns, False)]
FRAGMENTS = sorted(
    {(kind, ns, name) for ns in NAMESPACE_OF.values() for name, kind in roots(ns, True)},
    key=lambda item: (item[1], item[2]),
)
OWN_MODULE = {namespace: f".{module}" for module, namespace in NAMESPACE_OF.items()}
LISTS = [
    (ns, name, kind, field.name, mark.low, mark.high)
    for kind, ns, name in FRAGMENTS
    if kind.__module__.endswith(OWN_MODULE[ns])
    for field in dataclasses.fields(kind)
    for mark in getattr(get_type_hints(kind, include_extras=True)[field.name], "__metadata__", ())
    if isinstance(mark, Occurs) and mark.high is not None
]


def marks_of(hint: Any) -> tuple[Any, list[Any]]:
    marks: list[Any] = []
    while get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks.extend(rest)
    return hint, marks


def one_of_type(hint: Any) -> st.SearchStrategy[Any]:
    hint, marks = marks_of(hint)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return st.one_of(*[one_of_type(part) for part in get_args(hint)])
    if origin is tuple:
        occurs = next((m for m in marks if isinstance(m, Occurs)), Occurs(0, None))
        most = min(occurs.high or 4, max(3, occurs.low))
        return st.lists(one_of_type(get_args(hint)[0]), min_size=occurs.low, max_size=most).map(tuple)
    if hint is NoneType:
        return st.none()
    if hint is int:
        bounds = next((m for m in marks if isinstance(m, Bounds)), Bounds(None, None))
        edges = [e for e in (bounds.low, bounds.high, 0, 127, 128, -1, -128, -129, 1 << 70) if e is not None]
        low = -(1 << 200) if bounds.low is None else bounds.low
        high = 1 << 200 if bounds.high is None else bounds.high
        return st.one_of(st.integers(low, high), st.sampled_from([e for e in edges if low <= e <= high]))
    length = next((m for m in marks if isinstance(m, Length)), Length(0, 40))
    if hint is bytes:
        return st.binary(min_size=length.low, max_size=max(length.low, min(length.high, 200)))
    if hint is str:
        characters = st.characters(exclude_categories=["Cs"])
        return st.text(characters, min_size=length.low, max_size=max(length.low, min(length.high, 40)))
    if hint is bool:
        return st.booleans()
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return message_of(hint)


CACHE: dict[type, st.SearchStrategy[Any]] = {}


def message_of(kind: type) -> st.SearchStrategy[Any]:
    if kind not in CACHE:
        CACHE[kind] = st.deferred(lambda: SPECIAL.get(kind, plain)(kind))
    return CACHE[kind]


def plain(kind: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    fixed: dict[str, st.SearchStrategy[Any]] = {}
    choices: dict[int, tuple[bool, dict[str, Any]]] = {}
    for field in dataclasses.fields(kind):
        bare, marks = marks_of(hints[field.name])
        choice = next((m for m in marks if isinstance(m, Choice)), None)
        if choice is None:
            fixed[field.name] = one_of_type(hints[field.name])
        else:
            (value,) = [part for part in get_args(bare) if part is not NoneType]
            choices.setdefault(choice.number, (choice.required, {}))[1][field.name] = value
    chosen = [
        st.one_of(
            *([] if required else [st.just({})]),
            *[st.fixed_dictionaries({name: one_of_type(value)}) for name, value in members.items()],
        )
        for required, members in choices.values()
    ]

    def build(values: dict[str, Any], *options: dict[str, Any]) -> Any:
        for option in options:
            values = values | option
        return kind(**values)

    return st.builds(build, st.fixed_dictionaries(fixed), *chosen)


def with_content(elements: list[type], low: int, high: int, mixed: bool) -> Callable[[type], st.SearchStrategy[Any]]:
    def make(kind: type) -> st.SearchStrategy[Any]:
        hints = get_type_hints(kind, include_extras=True)
        others = {
            f.name: one_of_type(hints[f.name])
            for f in dataclasses.fields(kind)
            if not any(isinstance(m, Content) for m in marks_of(hints[f.name])[1])
        }
        text = st.lists(st.text(max_size=5), max_size=2) if mixed else st.just([])
        items = [st.lists(st.one_of(*map(message_of, elements)), min_size=low, max_size=high)] if elements else []

        def order(named: dict[str, Any], before: list[str], after: list[str], *middle: list[Any]) -> Any:
            return kind(content=(*before, *(middle[0] if middle else []), *after), **named)

        return st.builds(order, st.fixed_dictionaries(others), text, text, *items)

    return make


def digital_signature_key(kind: type) -> st.SearchStrategy[Any]:
    value = st.binary(max_size=9)
    pairs = [{}, {"P": b"p", "Q": b"q"}, {"Seed": b"s", "PgenCounter": b"c"}, {"G": b"g"}, {"J": b""}]
    return st.builds(lambda y, *some: kind(Y=y, **{k: v for d in some for k, v in d.items()}), value,
                     *[st.sampled_from(pairs)] * 3)  # fmt: skip


def foreign(_: type) -> st.SearchStrategy[Any]:
    spaces, names = st.sampled_from(["", "urn:a", "urn:b", XMLDSIG]), st.sampled_from(["a", "b", "Seed", "é"])
    attributes = st.lists(st.builds(AnyAttribute, namespace=spaces, name=names, value=st.text(max_size=4)), max_size=2)
    text = st.text(min_size=1, max_size=4)

    def element(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        content = st.lists(inner, max_size=3).map(tuple)
        return st.builds(AnyElement, namespace=spaces, name=names, attributes=attributes.map(tuple), content=content)

    return element(st.recursive(text, lambda inner: element(st.one_of(text, inner)), max_leaves=6))


DECLARED = st.sampled_from(
    [
        DeclaredElement(namespace=XMLDSIG, name="KeyName", value="k"),
        DeclaredElement(namespace=XMLDSIG, name="DigestValue", value=b"d"),
        DeclaredElement(namespace=XMLDSIG, name="SPKIData", value=xmldsig.SPKIData(content=(xmldsig.SPKISexp(value=b"s"),))),
        DeclaredElement(
            namespace=XMLDSIG,
            name="Object",
            value=xmldsig.Object(Id="o", content=(AnyElement(namespace="urn:a", name="a"), "text")),
        ),
    ]
)  # fmt: skip
WILD: list[type] = [AnyElement, DeclaredElement]

SPECIAL: dict[type, Callable[[type], st.SearchStrategy[Any]]] = {
    AnyElement: foreign,
    DeclaredElement: lambda _: DECLARED,
    xmldsig.CanonicalizationMethod: with_content(WILD, 0, 2, True),
    xmldsig.DigestMethod: with_content([], 0, 0, True),
    xmldsig.SignatureProperty: with_content(WILD, 1, 3, True),
    xmldsig.SignatureMethod: with_content([xmldsig.HMACOutputLength], 0, 1, True),
    xmldsig.Transform: with_content([xmldsig.XPath, AnyElement], 0, 3, True),
    xmldsig.Object: with_content(WILD, 0, 4, True),
    xmldsig.KeyValue: with_content([xmldsig.DSAKeyValue, xmldsig.RSAKeyValue], 1, 1, True),
    xmldsig.X509Data: with_content(
        [xmldsig.X509IssuerSerial, xmldsig.X509SKI, xmldsig.X509SubjectName, xmldsig.X509Certificate, xmldsig.X509CRL],
        1,
        4,
        False,
    ),
    xmldsig.SPKIData: with_content([xmldsig.SPKISexp], 1, 3, False),
    xmldsig.KeyInfo: with_content(
        [
            xmldsig.KeyName,
            xmldsig.KeyValue,
            xmldsig.RetrievalMethod,
            xmldsig.X509Data,
            xmldsig.PGPData,
            xmldsig.SPKIData,
            xmldsig.MgmtData,
        ],
        1,
        3,
        True,
    ),
    xmldsig.PGPData: lambda kind: st.sampled_from(
        [kind(PGPKeyID=b"i"), kind(PGPKeyID=b"", PGPKeyPacket=b"p"), kind(PGPKeyPacket=b"p")]
    ),
    xmldsig.DSAKeyValue: digital_signature_key,
}

FEW = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def check(message: Any, namespace: str, element: str, fragment: bool) -> None:
    data = encode(message, fragment, namespace, element)
    assert decode_element(namespace, data, fragment)[1] == message
    text = json.dumps(to_json(message, element))
    assert from_json(namespace, json.loads(text)) == message


def run(kind: type, namespace: str, element: str, fragment: bool, examples: int) -> None:
    @settings(FEW, max_examples=examples)
    @given(message_of(kind))
    def one(message: Any) -> None:
        check(message, namespace, element, fragment)

    one()


@pytest.mark.parametrize("module", NAMESPACE_OF)
def test_random_documents(module: str) -> None:
    namespace = NAMESPACE_OF[module]
    for ns, name, kind in DOCUMENTS:
        # the roots that every set imports (xmldsig, CommonTypes) once, in their own set
        if ns == namespace and kind.__module__.endswith(f".{module}"):
            run(kind, namespace, name, False, 6)


@pytest.mark.parametrize("module", ["xmldsig", "common_types", "common_messages", "dc", "iso15118_2"])
def test_random_fragments(module: str) -> None:
    namespace = NAMESPACE_OF[module]
    for kind, ns, name in FRAGMENTS:
        if ns == namespace and kind.__module__.endswith(f".{module}"):
            run(kind, namespace, name, True, 3)


def smallest(hint: Any) -> Any:
    """The first value that comes to mind for an annotation: no options, shortest lists."""
    hint, marks = marks_of(hint)
    if get_origin(hint) in (Union, UnionType):
        return smallest(get_args(hint)[0])
    if get_origin(hint) is tuple:
        occurs = next((m for m in marks if isinstance(m, Occurs)), Occurs(0, None))
        return (smallest(get_args(hint)[0]),) * occurs.low
    if hint is int:
        return next((m.low for m in marks if isinstance(m, Bounds)), 0) or 0
    if hint in (str, bytes):
        return hint()
    if hint is bool:
        return False
    if issubclass(hint, Enum):
        return next(iter(hint))
    hints = get_type_hints(hint, include_extras=True)
    values: dict[str, Any] = {}
    seen: set[int] = set()
    for field in dataclasses.fields(hint):
        choice = next((m for m in marks_of(hints[field.name])[1] if isinstance(m, Choice)), None)
        if choice is not None and choice.required and choice.number not in seen:
            seen.add(choice.number)
            values[field.name] = smallest(hints[field.name])
        elif field.default is dataclasses.MISSING:
            values[field.name] = smallest(hints[field.name])
    return hint(**values)


@pytest.mark.parametrize("module", NAMESPACE_OF)
def test_lists_at_their_bounds(module: str) -> None:
    namespace = NAMESPACE_OF[module]
    tried = 0
    for ns, name, kind, field, low, high in LISTS:
        if ns != namespace:
            continue
        tried += 1
        hints = get_type_hints(kind, include_extras=True)
        item = smallest(get_args(marks_of(hints[field])[0])[0])
        base = smallest(kind)
        for count in {low, low + 1, max(low, high - 1), high}:
            message = dataclasses.replace(base, **{field: (item,) * count})
            data = encode(message, True, namespace, name)
            assert decode(namespace, data, True) == message, (name, field, count)
        with pytest.raises(ExiError):
            encode(dataclasses.replace(base, **{field: (item,) * (high + 1)}), True, namespace, name)
        if low:
            with pytest.raises(ExiError):
                encode(dataclasses.replace(base, **{field: (item,) * (low - 1)}), True, namespace, name)
    assert tried or module in ("xmldsig", "dc", "ac", "acdp", "din70121")
