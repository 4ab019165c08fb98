"""A peer's bytes, however bad, give a message or an ExiError; what was accepted can be encoded again."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from chargepoint.iso15118.exi.bits import LONGEST_INTEGER_GROUPS
from chargepoint.iso15118.exi.codec import (
    NS_CM,
    NS_DC,
    NS_SAP,
    NS_XMLDSIG,
    ExiError,
    decode,
    decode_element,
    encode,
    from_json,
    to_json,
)
from chargepoint.iso15118.exi.namespaces import NAMESPACE_OF
from chargepoint.iso15118.messages import app_protocol, common_messages
from chargepoint.iso15118.messages.common_types import MessageHeader, ResponseCode

pytestmark = pytest.mark.slow

VECTORS = next(p for p in Path(__file__).parents if p.name == "tests") / "vectors" / "exi"


def attempt(namespace: str, data: bytes, fragment: bool) -> bool:
    """Whether the bytes were a message; checks that it survives if so."""
    try:
        element, message = decode_element(namespace, data, fragment)
    except ExiError as error:
        assert error.bit is None or 0 <= error.bit <= 8 * len(data)
        return False
    again = encode(message, fragment, namespace, element)
    assert decode(namespace, again, fragment) == message
    assert from_json(namespace, to_json(message, element, namespace)) == message
    return True


@pytest.mark.parametrize("module", NAMESPACE_OF)
def test_random_bytes(module: str) -> None:
    source = random.Random(module)
    for number in range(600):
        data = b"\x80" + source.randbytes(source.randrange(60))
        attempt(NAMESPACE_OF[module], data if number % 20 else data[1:], number % 2 == 0)


@pytest.mark.parametrize("name", ["SAP", "XMLDSIG", "CM", "DC", "AC", "ACDP", "WPT", "ISO2", "DIN", "EDGES"])
def test_mutated_vectors(name: str) -> None:
    source = random.Random(name)
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    accepted = refused = 0
    for row in source.sample(rows, min(80, len(rows))):
        good = bytes.fromhex(row["exi"])
        fragment = row["mode"] == "fragment"
        for _ in range(12):
            data = bytearray(good)
            match source.randrange(4):
                case 0:
                    data[source.randrange(1, len(data))] ^= 1 << source.randrange(8)
                case 1:
                    del data[source.randrange(len(data)) :]
                case 2:
                    at = source.randrange(1, len(data) + 1)
                    data[at:at] = source.randbytes(source.randrange(1, 5))
                case _:
                    at = source.randrange(1, len(data) + 1)
                    data[at : at + source.randrange(4)] = b"\xff" * source.randrange(40)
            if attempt(row["schema"], bytes(data), fragment):
                accepted += 1
            else:
                refused += 1
        for end in range(len(good)):
            assert not attempt(row["schema"], good[:end], fragment), "a truncated message was accepted"
    assert accepted
    assert refused


def test_announced_lengths_are_capped_by_the_input() -> None:
    # header, SessionSetupReq, Header, SessionID, characters; then a length of 2^35 - 1 and a few bytes
    bits = "10000000" + "100011" + "0" + "0" + "0" + "1" * 32 + "01111111" + "0" * 31
    with pytest.raises(ExiError, match="announced"):
        decode(NS_CM, int(bits, 2).to_bytes(len(bits) // 8, "big"))


def test_endless_integer_is_refused() -> None:
    req = app_protocol.supportedAppProtocolReq(
        AppProtocol=(
            app_protocol.AppProtocol(
                ProtocolNamespace="", VersionNumberMajor=128, VersionNumberMinor=0, SchemaID=0, Priority=1
            ),
        )
    )
    data = encode(req)
    bits = bin(int.from_bytes(data, "big"))[2:]
    at = bits.index("1000000000000001")  # 128: first group 80, second group 01
    endless = bits[:at] + "1" * 8 * 60000
    with pytest.raises(ExiError):
        decode(NS_SAP, int(endless.ljust(-(-len(endless) // 8) * 8, "1"), 2).to_bytes(-(-len(endless) // 8), "big"))


def test_long_integer_of_the_signature_has_a_bound() -> None:
    value = {"CanonicalizationMethod": {"Algorithm": ""}, "Reference": []}
    reference = {"DigestMethod": {"Algorithm": ""}, "DigestValue": ""}
    fits = (1 << 7 * LONGEST_INTEGER_GROUPS) - 1
    for number, good in ((fits, True), (-fits - 1, True), (fits + 1, False)):
        method = {"Algorithm": "", "HMACOutputLength": number}
        info = from_json(NS_XMLDSIG, {"SignedInfo": {**value, "SignatureMethod": method, "Reference": [reference]}})
        if good:
            assert decode(NS_XMLDSIG, encode(info, True), True) == info
        else:
            with pytest.raises(ExiError):
                encode(info, True)


def test_long_streams_are_read_in_windows() -> None:
    header = MessageHeader(SessionID=bytes(8), TimeStamp=(1 << 64) - 1)
    entries = tuple(
        common_messages.ParameterSet(
            ParameterSetID=n,
            Parameter=tuple(common_messages.Parameter(Name=f"näme{m}", intValue=-m * 70000) for m in range(32)),
        )
        for n in range(32)
    )
    message = common_messages.ServiceDetailRes(
        Header=header,
        ResponseCode=ResponseCode.OK,
        ServiceID=1,
        ServiceParameterList=common_messages.ServiceParameterList(ParameterSet=entries),
    )
    data = encode(message)
    assert len(data) > 3 * 4096
    assert decode(NS_CM, data) == message
    source = random.Random(7)
    for _ in range(60):
        broken = bytearray(data)
        broken[source.randrange(len(data))] ^= 1 << source.randrange(8)
        attempt(NS_CM, bytes(broken), False)
    with pytest.raises(ExiError):
        decode(NS_CM, data[:-1])


def test_random_long_streams() -> None:
    source = random.Random(11)
    for namespace in (NS_CM, NS_DC, NS_SAP, NS_XMLDSIG):
        for fill in (0, 1, 0x55, 0x80, 0xFF):
            attempt(namespace, b"\x80" + bytes([fill]) * 200_000, fill == 0x55)
        attempt(namespace, b"\x80" + source.randbytes(200_000), False)
