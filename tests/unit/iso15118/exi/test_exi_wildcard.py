"""Elements where xmldsig allows any: what is refused, and that nothing a peer sends makes them large or deep."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi import wildcard
from chargepoint.iso15118.exi.codec import NS_DC, NS_XMLDSIG, ExiError, decode, encode, from_json, to_json
from chargepoint.iso15118.messages.datatypes import AnyAttribute, AnyElement, DeclaredElement
from chargepoint.iso15118.messages.xmldsig import KeyInfo, KeyName, Object

XSI = "http://www.w3.org/2001/XMLSchema-instance"


def nested(depth: int) -> AnyElement:
    element = AnyElement(namespace="urn:a", name="a", content=("x",))
    for _ in range(depth - 1):
        element = AnyElement(namespace="urn:a", name="a", content=(element,))
    return element


def test_a_name_once_sent_and_a_child_once_seen_get_shorter() -> None:
    one = AnyElement(namespace="urn:some:namespace", name="Name", content=("x",))
    sizes = [len(encode(Object(content=(one,) * count))) for count in (1, 2, 3)]
    assert sizes[1] - sizes[0] < 6 < sizes[0] - 6
    family = AnyElement(namespace="urn:some:namespace", name="Family", content=(one,) * 3)
    message = Object(content=(family, "between", family))
    assert decode(NS_XMLDSIG, encode(message)) == message


def test_what_schemas_declare_is_an_object_among_the_foreign() -> None:
    message = Object(
        content=(
            DeclaredElement(namespace=NS_XMLDSIG, name="KeyInfo", value=KeyInfo(content=(KeyName(value="k"),))),
            DeclaredElement(namespace=NS_XMLDSIG, name="DigestValue", value=b"\x01\x02"),
            AnyElement(
                namespace="",
                name="plain",
                attributes=(AnyAttribute(namespace="", name="Id", value="i"),),
                content=(DeclaredElement(namespace=NS_XMLDSIG, name="KeyName", value="n"),),
            ),
        )
    )
    assert decode(NS_XMLDSIG, encode(message)) == message
    assert from_json(NS_XMLDSIG, to_json(message)) == message
    # another schema set has other tables, hence other bytes
    assert decode(NS_DC, encode(message, namespace=NS_DC)) == message
    assert encode(message, namespace=NS_DC) != encode(message)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        (AnyElement(namespace=NS_XMLDSIG, name="KeyInfo"), "DeclaredElement expected"),
        (DeclaredElement(namespace="urn:nobody", name="KeyInfo", value="x"), "not an element"),
        (DeclaredElement(namespace=NS_XMLDSIG, name="KeyInfo", value="x"), "KeyInfo expected"),
        (
            AnyElement(namespace="", name="a", attributes=(AnyAttribute(namespace=XSI, name="type", value="xs:int"),)),
            "xsi:type",
        ),
        (AnyElement(namespace="", name="a", content=(5,)), "cannot be encoded"),  # type: ignore[arg-type]
        (nested(wildcard.DEEPEST + 1), "too deep"),
        (AnyElement(namespace="", name="a", content=(AnyElement(namespace="", name="b"),) * 5000), "too many"),
    ],
)
def test_what_cannot_be_written(item: AnyElement | DeclaredElement, complaint: str) -> None:
    with pytest.raises(ExiError, match=complaint):
        encode(Object(content=(item,)))


def test_depth_and_number_are_bounded_reading_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = Object(content=(nested(wildcard.DEEPEST),))
    assert decode(NS_XMLDSIG, encode(fits)) == fits
    with monkeypatch.context() as patched:
        patched.setattr(wildcard, "DEEPEST", 10_000)
        patched.setattr(wildcard, "LONGEST_LIST", 10_000)
        deep = encode(Object(content=(nested(60),)))
        crowd = AnyElement(namespace="", name="a", content=(AnyElement(namespace="", name="b"),) * 70)
        many = encode(Object(content=(crowd,) * 70))
    for data in (deep, many):
        with pytest.raises(ExiError, match="more than"):
            decode(NS_XMLDSIG, data)


def test_numbers_of_names_that_do_not_exist_are_refused() -> None:
    data = encode(Object(content=(AnyElement(namespace="urn:a", name="a"),)))
    for bit in range(8, 8 * len(data)):
        broken = (int.from_bytes(data, "big") ^ 1 << 8 * len(data) - 1 - bit).to_bytes(len(data), "big")
        try:
            message = decode(NS_XMLDSIG, broken)
        except ExiError:
            continue
        assert decode(NS_XMLDSIG, encode(message)) == message


@pytest.mark.parametrize(
    "value",
    [
        {"namespace": NS_XMLDSIG, "name": "KeyName"},
        {"namespace": "urn:nobody", "name": "KeyName", "value": "x"},
        {"namespace": NS_XMLDSIG, "name": "Nobody", "value": "x"},
        {"namespace": NS_XMLDSIG, "name": "DigestValue", "value": "not base64!"},
        {"namespace": 5, "name": [], "value": {}},
    ],
)
def test_json_that_is_no_element_of_any_schema(value: dict[str, object]) -> None:
    with pytest.raises(ExiError):
        from_json(NS_XMLDSIG, {"Object": {"DeclaredElement": value}})
