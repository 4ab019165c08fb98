"""The simulated car's wire in front of a station that answers nonsense: an error of the session, by name."""

from __future__ import annotations

import asyncio

import pytest

from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, ResponseCode
from chargepoint.iso15118.v2gtp import PayloadType, frame
from hil.simulators.evcc.wire import V2gConnection, WireError

HEADER = MessageHeader(SessionID=bytes(8), TimeStamp=1)
ASKED = cm.AuthorizationSetupReq(Header=HEADER)
OTHER = encode(cm.ServiceSelectionRes(Header=HEADER, ResponseCode=ResponseCode.OK))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (frame(PayloadType.SDP_RESPONSE, b"\0" * 20), "payload type 0x9001"),
        (frame(0xFFFF, b""), "payload type 0xffff"),
        (frame(PayloadType.MAINSTREAM, b"\x80\xff\xff"), "no message"),
        (frame(PayloadType.MAINSTREAM, OTHER), "answered with ServiceSelectionRes"),
        (b"\x02\xfd" + frame(PayloadType.MAINSTREAM, OTHER)[2:], "version bytes 02 fd"),
        (b"\x01\xfe\x80\x02\xff\xff\xff\xff", "answer of 4294967295 bytes"),
        (frame(PayloadType.MAINSTREAM, OTHER)[:-1], "connection lost"),
        (b"", "connection lost"),
    ],
)
async def test_nonsense_is_an_error_of_the_wire(answer: bytes, complaint: str) -> None:
    async def station(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(station, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        wire = V2gConnection(*await asyncio.open_connection("::1", port), None)
        with pytest.raises(WireError, match=complaint):
            await wire.exchange(ASKED, cm.AuthorizationSetupRes, 20.0)
        await wire.close()
