"""The shell of the virtual car over real sockets, in front of a station that is scripted from the codec."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118 import sdp
from chargepoint.iso15118.exi.codec import NS_CM, NS_SAP, decode, encode
from chargepoint.iso15118.messages import app_protocol as sap
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, ResponseCode
from chargepoint.iso15118.v2gtp import HEADER, PayloadType, frame
from hil.simulators.evcc.body import Inlet
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import Refused

GIVE_UP_S = 20.0
SESSION = b"\1" * 8


class Body:
    """An inlet that shows 5 % and notes what it is ordered to do."""

    def __init__(self) -> None:
        self.inlet = Inlet(0.0, 400.0, 0.0, 50.0, 5.0, "B")
        self.history: list[str] = []
        self.gone = False

    async def measure(self) -> Inlet:
        if self.gone:
            raise Refused("the plant is gone")
        return self.inlet

    async def pilot(self, state: str) -> Inlet:
        self.history.append(state)
        self.inlet = replace(self.inlet, pilot=state)
        return self.inlet

    async def contactors(self, *, closed: bool) -> Inlet:
        self.history.append("closed" if closed else "open")
        return self.inlet

    async def charger(self, power_W: float) -> Inlet:
        self.history.append(f"{power_W:g} W")
        return self.inlet


class Host:
    """Discovery and a TCP server. It answers supportedAppProtocol and SessionSetup, then `last` once for all."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.ends: list[str] = []
        self.last: Callable[[asyncio.StreamWriter], None] = lambda writer: writer.close()
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "::1", 0)
        tcp_port = self.server.sockets[0].getsockname()[1]
        answer = sdp.response(sdp.SdpResponse(ipaddress.IPv6Address("::1"), tcp_port, sdp.Security.NONE))
        loop = asyncio.get_running_loop()

        class Discovery(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                self.transport.sendto(answer, addr)

        transport, _ = await loop.create_datagram_endpoint(Discovery, local_addr=("::1", 0))
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, _, kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
                payload = await reader.readexactly(length)
                self.received.append(decode(NS_SAP if kind == PayloadType.EXI_SAP else NS_CM, payload))
                self._answer(writer)
        except asyncio.IncompleteReadError as error:
            self.ends.append(f"closed after {len(error.partial)} bytes")
        except ConnectionResetError:
            self.ends.append("reset")
        finally:
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter) -> None:
        match self.received[-1]:
            case sap.supportedAppProtocolReq():
                agreed = sap.supportedAppProtocolRes(ResponseCode=sap.ResponseCode.OK_SuccessfulNegotiation, SchemaID=1)
                writer.write(frame(PayloadType.EXI_SAP, encode(agreed)))
            case cm.SessionSetupReq():
                setup = cm.SessionSetupRes(
                    Header=MessageHeader(SessionID=SESSION, TimeStamp=1),
                    ResponseCode=ResponseCode.OK_NewSessionEstablished,
                    EVSEID="DE*TST*E1",
                )
                writer.write(frame(PayloadType.MAINSTREAM, encode(setup)))
            case _:
                self.last(writer)

    async def until_ended(self) -> str:
        async with asyncio.timeout(GIVE_UP_S):
            while not self.ends:
                await asyncio.sleep(0.01)
        return self.ends[0]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    found = Host()
    await found.start()
    yield found
    found.transport.close()
    found.server.close()


async def drive(host: Host, body: Body, *misbehaviours: Misbehaviour, **spec: Any) -> Drive:
    car = Drive(CarSpec(**spec), body, "lo", None, host.port, plan=CarPlan(misbehaviours=misbehaviours))
    async with asyncio.timeout(GIVE_UP_S):
        await car.run()
    return car


async def test_a_station_that_closes_is_an_error_by_name(host: Host) -> None:
    body = Body()
    car = await drive(host, body)
    assert car.progress.error == "connection lost after AuthorizationSetupReq"
    assert body.history == ["open", "B"]
    assert car.core.log.names("<") == ["supportedAppProtocolRes", "SessionSetupRes"]


async def test_a_planned_reset_is_a_reset_on_the_wire(host: Host) -> None:
    car = await drive(host, Body(), Misbehaviour("tcp_reset", at="AuthorizationSetupReq"))
    assert car.progress.error == "as planned: tcp_reset at AuthorizationSetupReq"
    assert await host.until_ended() == "reset"


async def test_a_planned_fin_is_an_orderly_end(host: Host) -> None:
    await drive(host, Body(), Misbehaviour("fin", at="AuthorizationSetupReq"))
    assert await host.until_ended() == "closed after 0 bytes"


async def test_half_a_frame_stays_half_until_the_station_closes(host: Host) -> None:
    body = Body()
    car = Drive(
        CarSpec(),
        body,
        "lo",
        None,
        host.port,
        plan=CarPlan(misbehaviours=(Misbehaviour("half_frame", at="AuthorizationSetupReq"),)),
    )
    session = asyncio.ensure_future(car.run())
    async with asyncio.timeout(GIVE_UP_S):
        while car.core.step.name != "SILENT":
            await asyncio.sleep(0.01)
    assert not session.done()
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert body.history == ["open", "B"]
    assert (await host.until_ended()).startswith("closed after ")
    assert len(host.received) == 2


async def test_a_slow_loris_arrives_byte_by_byte(host: Host) -> None:
    car = await drive(host, Body(), Misbehaviour("slow_loris", at="AuthorizationSetupReq", value=0.002))
    assert isinstance(host.received[-1], cm.AuthorizationSetupReq)
    assert car.progress.error == "connection lost after AuthorizationSetupReq"


async def test_silence_of_the_station_is_given_up_by_name(host: Host) -> None:
    host.last = lambda writer: None
    car = await drive(host, Body(), message_timeout_s=0.05)
    assert car.progress.error == "no answer to AuthorizationSetupReq within 0.05 s"


async def test_a_plant_that_goes_away_ends_the_session(host: Host) -> None:
    body = Body()

    def vanish(_: asyncio.StreamWriter) -> None:
        body.gone = True

    host.last = vanish
    car = await drive(host, body, message_timeout_s=0.05)
    assert "the plant is gone" in (car.progress.error or "") or "no answer" in (car.progress.error or "")
    assert body.history[-2:] == ["open", "B"]


async def test_stop_wakes_a_car_that_waits_for_the_pilot(host: Host) -> None:
    body = Body()
    body.inlet = replace(body.inlet, duty_percent=None)
    car = Drive(CarSpec(), body, "lo", None, host.port)
    session = asyncio.ensure_future(car.run())
    await asyncio.sleep(0)
    car.stop()
    progress = await asyncio.wait_for(session, GIVE_UP_S)
    assert progress.error == "no 5 % PWM on the pilot"
