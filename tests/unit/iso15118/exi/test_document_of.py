"""The bytes of a document, without the zero bytes that some cars send behind it."""

from __future__ import annotations

import time

import pytest

from chargepoint.iso15118.exi.codec import NS_CM, ExiError, decode, document_of, encode
from chargepoint.iso15118.messages.common_messages import AuthorizationSetupReq, SessionSetupReq
from chargepoint.iso15118.messages.common_types import MessageHeader

HEADER = MessageHeader(SessionID=bytes(range(8)), TimeStamp=1_800_000_000)
MESSAGES = (AuthorizationSetupReq(Header=HEADER), SessionSetupReq(Header=HEADER, EVCCID="WMIOCP0000000001"))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("zeros", [0, 1, 7, 60_000])
def test_zeros_behind_the_document_are_left_out(message: object, zeros: int) -> None:
    whole = encode(message)
    began_s = time.process_time()
    assert document_of(NS_CM, whole + bytes(zeros)) == whole
    assert time.process_time() - began_s < 1.0
    assert decode(NS_CM, document_of(NS_CM, whole + bytes(zeros))) == message


@pytest.mark.parametrize("behind", [b"\x01", b"\x00\x01", b"\x01\x00"])
def test_anything_else_behind_it_is_no_document(behind: bytes) -> None:
    with pytest.raises(ExiError):
        document_of(NS_CM, encode(MESSAGES[0]) + behind)
