"""No private key, Diffie-Hellman value, contract identifier or contract certificate reaches a file of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chargepoint.iso15118.trace import json_lines
from chargepoint.iso15118.trace.disclosure import UNDECODED_MAX_BYTES, disclose
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.pcapng import PacketStream
from chargepoint.iso15118.v2gtp import PayloadType

SECRET_WORDS = ("EncryptedPrivateKey", "DHPublicKey", "DHpublickey", "DHParams", "EMAID", "eMAID", "ContractID")
CHAIN_WORDS = ("ContractCertificateChain", "ContractSignatureCertChain")


@pytest.fixture
def trace_conftest(request: pytest.FixtureRequest) -> Any:
    """The module beside this one, which pytest has loaded."""
    manager = request.config.pluginmanager
    (module,) = [p for p in manager.get_plugins() if getattr(p, "__file__", "").endswith("iso15118/trace/conftest.py")]
    return module


def secret_texts(value: Any, inside: bool = False) -> Iterator[str]:
    """Texts long enough to be found, below elements that hold secrets."""
    if isinstance(value, dict):
        for name, inner in value.items():
            secret = inside or any(word in name for word in (*SECRET_WORDS, *CHAIN_WORDS))
            if not (inside and name == "Id"):
                yield from secret_texts(inner, secret)
    elif isinstance(value, list):
        for inner in value:
            yield from secret_texts(inner, inside)
    elif inside and isinstance(value, str) and len(value) >= 12:
        yield value


@pytest.mark.parametrize("name", ["CM", "ISO2", "DIN", "EXTRA", "SESSIONS"])
def test_no_secret_of_any_vector_is_written(name: str, trace_conftest: Any) -> None:
    held = 0
    for row in trace_conftest.vectors(name):
        if row["mode"] != "document":
            continue
        secrets = set(secret_texts(row["json"]))
        if not secrets:
            continue
        held += 1
        frame = trace_conftest.traced(row)
        disclosed = disclose(frame)
        assert disclosed.payload is None
        assert disclosed.length == len(frame.payload)
        written = json_lines.line(frame, disclosed), PacketStream().packets(frame, disclosed)
        for data in written:
            assert [text for text in secrets if text.encode() in data] == []
            assert frame.payload[8:] not in data
        assert row["exi"].encode() not in written[0]
        assert b"left out" in written[0]
    assert held > 0 or name == "EXTRA"


def test_a_contract_certificate_leaves_its_fingerprint(trace_conftest: Any) -> None:
    row = next(
        row
        for row in trace_conftest.vectors("CM")
        if row["mode"] == "document" and row["message"] == "AuthorizationReq" and "PnC" in str(row["json"])
    )
    message = disclose(trace_conftest.traced(row)).message
    assert message is not None
    mode = message["AuthorizationReq"]["PnC_AReqAuthorizationMode"]
    assert mode["ContractCertificateChain"]["Certificate"].startswith("sha256:")
    assert mode["GenChallenge"] == row["json"]["AuthorizationReq"]["PnC_AReqAuthorizationMode"]["GenChallenge"]


def test_a_message_without_secrets_is_written_whole(session: list[TracedFrame]) -> None:
    loops = [frame for frame in session if "ChargeLoop" in type(frame.message).__name__]
    assert loops
    for frame in loops:
        disclosed = disclose(frame)
        assert disclosed.payload == frame.payload
        assert disclosed.reason == ""


@pytest.mark.parametrize(("length", "kept"), [(UNDECODED_MAX_BYTES, True), (UNDECODED_MAX_BYTES + 1, False)])
def test_a_long_payload_that_was_not_decoded_is_left_out(length: int, kept: bool) -> None:
    frame = TracedFrame(0.0, WireDirection.FROM_CAR, PayloadType.MAINSTREAM, b"\xab" * length, None, "not decoded")
    disclosed = disclose(frame)
    assert (disclosed.payload is not None) is kept
    assert (b"ab" * length in json_lines.line(frame, disclosed)) is kept
    assert (b"\xab" * length in PacketStream().packets(frame, disclosed)) is kept
