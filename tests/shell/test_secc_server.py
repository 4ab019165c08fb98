"""The car's side over real sockets on ::1: discovery, TCP and TLS, cars that misbehave, and whole sessions of the bench's car."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from certs.pki import Curve, Pki
from chargepoint.app.clock import SystemClock
from chargepoint.config.car_section import Iso15118Section
from chargepoint.iso15118 import connection, sdp, server
from chargepoint.iso15118.conversation import conversation
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.exi.codec import NS_DC, encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq, supportedAppProtocolRes
from chargepoint.iso15118.messages.common_types import MessageHeader
from chargepoint.iso15118.sdp import Security
from chargepoint.iso15118.server import SeccServer
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import (
    CarConnected,
    CarDemandChanged,
    CarEvent,
    CarIdentified,
    CarSessionEnded,
    ControlMode,
    EnergyService,
    QuestionAsked,
    ServiceSelected,
    SessionEnd,
)
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import ControlPilot, MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import StationView, Wish, WishForCar
from chargepoint.security.handshake import report_failures
from chargepoint.security.tls import evcc_context, secc_context
from hil.simulators.evcc.body import Inlet
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wire import V2gConnection, WireError, connect, discover

GIVE_UP_S = 20.0
HELLO = supportedAppProtocolReq(
    AppProtocol=(
        AppProtocol(ProtocolNamespace=NS_DC, VersionNumberMajor=1, VersionNumberMinor=0, SchemaID=1, Priority=1),
    )
)


class Stand:
    """The station's side of one connector: a server, and a power stage that follows the car's phase at once."""

    def __init__(self, keys: ssl.SSLContext | None = None, **settings: Any) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
            self.port = int(probe.getsockname()[1])
        self.events: list[CarEvent] = []
        self.battery_V = 390.0
        self.kept: list[KeptSession | None] = []
        self.inputs = StationView(
            authorized=True,
            may_energise=True,
            transaction_id=TransactionId("tx-1"),
            pilot=ControlPilot.C,
            permitted=True,
            voltage_V=5.0,
            current_A=0.0,
            capabilities=StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0),
            limits_W=Interval(-20_000.0, 22_000.0),
            meter=MeterRegisters(1000.0, 10.0, 390.0, 0.0, 0.0, 0.0),
        )
        section = Iso15118Section(**{"tls": "off" if keys is None else "required", "sdp_port": self.port, **settings})
        modes = [ControlMode(mode) for mode in section.control_modes]
        self.server = SeccServer(
            "lo",
            section,
            SeccSettings(
                1,
                "DE*OCP*E1",
                (EnergyService.DC_BPT, EnergyService.DC),
                tuple(modes),
                section.charge_loop_timeout_s,
                iso20_without_tls=keys is None,
            ),
            keys,
            lambda: self.inputs,
            self._on_events,
            self.kept.append,
            SystemClock(),
            logging.getLogger("stand"),
        )

    def _on_events(self, events: Sequence[CarEvent]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, CarDemandChanged):
                self._follow(event.demand.phase)
            if isinstance(event, QuestionAsked) and isinstance(event.question, ForeseePower):
                piece = PowerPiece(event.question.horizon_s, 22_000.0, 20_000.0)
                answer = PowerForeseen((piece,))
                asyncio.get_running_loop().call_soon(self.server.answer, event.number, answer)

    def _follow(self, phase: Phase) -> None:
        stage, volts, amperes = {
            Phase.OFF: (Stage.OFF, 10.0, 0.0),
            Phase.CABLE_CHECK: (Stage.CABLE_CHECKED, 20.0, 0.0),
            Phase.PRE_CHARGE: (Stage.PRE_CHARGED, self.battery_V, 0.0),
            Phase.TRANSFER: (Stage.TRANSFER, self.battery_V, 12.0),
        }[phase]
        self.see(stage=stage, voltage_V=volts, current_A=amperes)

    def see(self, **changes: Any) -> None:
        self.inputs = replace(self.inputs, **changes)
        asyncio.get_running_loop().call_soon(self.server.view_changed)

    def of(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(GIVE_UP_S):
            while not condition():
                await asyncio.sleep(0.01)

    async def end(self) -> CarSessionEnded:
        """The end of the only session."""
        await self.until(lambda: self.of(CarSessionEnded))
        (end,) = self.of(CarSessionEnded)
        assert isinstance(end, CarSessionEnded)
        return end

    async def car(self, tls: ssl.SSLContext | None = None) -> V2gConnection:
        return await connect("lo", tls, self.port)

    async def agreed(self, tls: ssl.SSLContext | None = None) -> V2gConnection:
        wire = await self.car(tls)
        answer = await wire.exchange(HELLO, supportedAppProtocolRes, GIVE_UP_S)
        assert answer.SchemaID == 1
        return wire


class Body:
    """The car's body: its inlet shows what the stand's output shows."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.letter, self.closed = "B", False
        self.history: list[str] = []

    async def measure(self) -> Inlet:
        seen = self.stand.inputs
        return Inlet(seen.voltage_V or 0.0, self.stand.battery_V, seen.current_A or 0.0, 50.0, 5.0, self.letter)

    async def pilot(self, state: str) -> Inlet:
        self.letter = state
        self.history.append(state)
        return await self.measure()

    async def contactors(self, *, closed: bool) -> Inlet:
        self.closed = closed
        self.history.append("closed" if closed else "open")
        return await self.measure()


@pytest.fixture
async def new_stand() -> AsyncIterator[Callable[..., Stand]]:
    """Makes a stand whose server runs until the test ends."""
    tasks = []

    def make(keys: ssl.SSLContext | None = None, **settings: Any) -> Stand:
        stand = Stand(keys, **settings)
        tasks.append(asyncio.get_running_loop().create_task(stand.server.run()))
        return stand

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "p521"
    Pki(Curve.P521).write(folder)
    return folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another world's certificates, on P-256."""
    folder = tmp_path_factory.mktemp("pki") / "foreign"
    Pki(Curve.P256).write(folder)
    return folder


def car_of(vehicle: Path, trusts: Path) -> ssl.SSLContext:
    """A car with the certificate of one PKI that trusts the stations of another."""
    context = evcc_context(vehicle)
    context.load_verify_locations(trusts / "v2g_root.pem")
    return context


async def refused(stand: Stand, context: ssl.SSLContext) -> None:
    """The station closes without a word, and no session begins."""
    with contextlib.suppress(WireError, OSError, ssl.SSLError):
        wire = await stand.car(context)
        with pytest.raises((WireError, OSError, ssl.SSLError)):
            await wire.exchange(HELLO, supportedAppProtocolRes, GIVE_UP_S)
    assert stand.events == []


# -- discovery --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", list(Security))
async def test_discovery_names_a_port_of_the_dynamic_range(new_stand: Callable[..., Stand], wish: Security) -> None:
    stand = new_stand()
    found, _ = await discover("lo", wish, stand.port)
    assert str(found.address) == "::1"
    assert 49152 <= found.port <= 65535
    assert found.security is Security.NONE  # TLS is off here, whatever the car wished


async def test_discovery_insists_on_tls_where_it_is_required(new_stand: Callable[..., Stand], pki: Path) -> None:
    stand = new_stand(secc_context(pki))
    found, _ = await discover("lo", Security.NONE, stand.port)
    assert found.security is Security.TLS


async def test_discovery_follows_the_car_where_tls_is_optional(new_stand: Callable[..., Stand], pki: Path) -> None:
    stand = new_stand(secc_context(pki), tls="optional")
    plain, _ = await discover("lo", Security.NONE, stand.port)
    secure, _ = await discover("lo", Security.TLS, stand.port)
    assert (plain.security, secure.security) == (Security.NONE, Security.TLS)
    assert plain.port != secure.port


async def test_noise_on_the_discovery_port_is_met_with_silence(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    await discover("lo", Security.NONE, stand.port)
    for noise in (b"", b"\x00" * 10, sdp.request(Security.NONE)[:-1], b"\x01\xfe\x90\x00\x00\x00\x00\x02\x55\x00"):
        assert stand.server.discover(noise) is None
    assert (await discover("lo", Security.NONE, stand.port))[0].port >= 49152


# -- whole sessions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "bidirectional", "secure"),
    [("dynamic", True, False), ("scheduled", True, False), ("dynamic", False, False), ("dynamic", True, True)],
    ids=["dynamic", "scheduled", "dc-only", "tls"],
)
async def test_the_benchs_car_finishes_its_session(
    new_stand: Callable[..., Stand], pki: Path, mode: str, bidirectional: bool, secure: bool
) -> None:
    stand = new_stand(secc_context(pki) if secure else None, charge_loop_timeout_s=3.0)
    body = Body(stand)
    spec = CarSpec(control_mode=mode, bidirectional=bidirectional, loop_period_s=0.02, loop_timeout_s=5.0)
    keys = evcc_context(pki) if secure else None
    drive = Drive(spec, body, "lo", keys, stand.port)  # type: ignore[arg-type]  # a body without a plant
    session = asyncio.get_running_loop().create_task(drive.run())
    await stand.until(lambda: drive.progress.loops >= 3 or session.done())
    drive.stop()
    progress = await asyncio.wait_for(session, GIVE_UP_S)
    assert progress.error is None
    assert progress.loops >= 3
    assert (progress.control_mode, progress.service_id) == (mode, 6 if bidirectional else 2)
    assert progress.tls == ("TLSv1.3" if secure else None)
    assert (progress.present_voltage_V, progress.present_current_A) == (390.0, 12.0)
    assert progress.charge_limit_W == 22_000.0
    assert body.history == ["C", "closed", "open", "open", "B"]
    assert (await stand.end()).end is SessionEnd.TERMINATED
    assert [c.tls for c in stand.of(CarConnected)] == [progress.tls]
    assert stand.of(CarIdentified)[0].evcc_id == spec.evcc_id
    assert stand.of(ServiceSelected)[0].control_mode is ControlMode(mode)
    assert {e.demand.phase for e in stand.of(CarDemandChanged)} == set(Phase)


async def test_the_benchs_car_ends_when_told(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand(charge_loop_timeout_s=3.0)
    spec = CarSpec(loop_period_s=0.02, loop_timeout_s=5.0)
    drive = Drive(spec, Body(stand), "lo", None, stand.port)  # type: ignore[arg-type]
    session = asyncio.get_running_loop().create_task(drive.run())
    await stand.until(lambda: drive.progress.loops >= 2 or session.done())
    stand.see(wish=WishForCar(Wish.TERMINATE, 0.0))
    progress = await asyncio.wait_for(session, GIVE_UP_S)
    assert (progress.error, progress.asked_to_stop) == (None, True)
    assert (await stand.end()).end is SessionEnd.TERMINATED


async def test_an_emergency_reaches_the_car(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand(charge_loop_timeout_s=3.0)
    body = Body(stand)
    drive = Drive(CarSpec(loop_period_s=0.02, loop_timeout_s=5.0), body, "lo", None, stand.port)  # type: ignore[arg-type]
    session = asyncio.get_running_loop().create_task(drive.run())
    await stand.until(lambda: drive.progress.loops >= 2 or session.done())
    stand.see(emergency=True, permitted=False)
    progress = await asyncio.wait_for(session, GIVE_UP_S)
    assert "FAILED_ContactorError" in (progress.error or "")
    assert body.history[-2:] == ["open", "B"]
    assert (await stand.end()).end is SessionEnd.STOPPED_BY_STATION


def looped_twice_or_ended(drive: Drive, session: asyncio.Task[Any]) -> bool:
    return drive.progress.loops >= 2 or session.done()


async def test_two_sessions_on_one_server(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand(charge_loop_timeout_s=3.0)
    for _ in range(2):
        drive = Drive(CarSpec(loop_period_s=0.02, loop_timeout_s=5.0), Body(stand), "lo", None, stand.port)  # type: ignore[arg-type]
        session = asyncio.get_running_loop().create_task(drive.run())
        await stand.until(partial(looped_twice_or_ended, drive, session))
        drive.stop()
        assert (await asyncio.wait_for(session, GIVE_UP_S)).error is None
    await stand.until(lambda: len(stand.of(CarSessionEnded)) == 2)
    first, second = (e.session_id for e in stand.of(CarIdentified))
    assert first != second


# -- certificates -----------------------------------------------------------------------------------------------------


async def test_a_car_without_a_certificate_is_refused(new_stand: Callable[..., Stand], pki: Path) -> None:
    stand = new_stand(secc_context(pki))
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.load_verify_locations(pki / "v2g_root.pem")
    await refused(stand, bare)


async def test_a_car_of_a_foreign_root_is_refused(new_stand: Callable[..., Stand], pki: Path, foreign: Path) -> None:
    stand = new_stand(secc_context(pki), allow_p256=True)
    await refused(stand, car_of(foreign, pki))


def longer_than(messages: list[str], count: int) -> bool:
    return len(messages) > count


async def test_why_a_handshake_failed_is_told(new_stand: Callable[..., Stand], pki: Path, foreign: Path) -> None:
    told: list[str] = []
    context = secc_context(pki)
    report_failures(context, lambda failure: told.append(failure.sentence))
    stand = new_stand(context)
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.load_verify_locations(pki / "v2g_root.pem")
    old = evcc_context(pki)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    posing = car_of(pki, pki)
    posing.load_cert_chain(pki / "secc_chain.pem", pki / "secc.key")
    reasons = (
        (car_of(foreign, pki), "certificate verify failed: unable to get local issuer certificate; the car's root"),
        (posing, "certificate verify failed: unsuitable certificate purpose"),
        (bare, "peer did not return a certificate; a car must show its certificate"),
        (old, "unsupported protocol; TLS 1.3, or TLS 1.2 for ISO 15118-2"),
    )
    for number, (car, reason) in enumerate(reasons):
        await refused(stand, car)
        await stand.until(partial(longer_than, told, number))
        assert told[number].startswith(f"TLS handshake with a car failed: {reason}")
    found, _ = await discover("lo", Security.TLS, stand.port)

    def distrust() -> None:  # asyncio's own client would close without the alert
        with socket.create_connection(("::1", found.port)) as raw, pytest.raises(ssl.SSLCertVerificationError):
            evcc_context(foreign).wrap_socket(raw)

    assert told[1].endswith("purpose")  # no remedy that would not help
    await asyncio.to_thread(distrust)
    await stand.until(lambda: len(told) > len(reasons))
    assert told[-1].endswith("tlsv1 alert unknown ca; the car does not know the V2G root of secc_chain.pem")
    await (await stand.agreed(evcc_context(pki))).close()
    assert len(told) == len(reasons) + 1


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_car_on_p256_is_a_matter_of_the_bench(
    new_stand: Callable[..., Stand], pki: Path, foreign: Path, tmp_path: Path, allowed: bool
) -> None:
    trusting = tmp_path / "trusting"
    shutil.copytree(pki, trusting)
    shutil.copy(foreign / "oem_root.pem", trusting / "oem_roots" / "another.pem")
    stand = new_stand(secc_context(trusting), allow_p256=allowed)
    if not allowed:
        await refused(stand, car_of(foreign, pki))
        return
    wire = await stand.agreed(car_of(foreign, pki))
    assert wire.tls == "TLSv1.3"
    await wire.close()


async def test_tls_older_than_1_3_is_refused(new_stand: Callable[..., Stand], pki: Path) -> None:
    stand = new_stand(secc_context(pki))
    old = evcc_context(pki)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    await refused(stand, old)


async def test_plain_bytes_on_the_tls_port_are_refused(new_stand: Callable[..., Stand], pki: Path) -> None:
    stand = new_stand(secc_context(pki))
    found, _ = await discover("lo", Security.TLS, stand.port)
    reader, writer = await asyncio.open_connection("::1", found.port)
    writer.write(frame(PayloadType.EXI_SAP, encode(HELLO)))
    async with asyncio.timeout(GIVE_UP_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024):
                pass
    writer.close()
    assert stand.events == []


# -- cars that misbehave ----------------------------------------------------------------------------------------------


async def test_a_second_car_is_refused_while_one_is_connected(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    first = await stand.agreed()
    second = await stand.car()
    with pytest.raises((WireError, OSError)):
        await second.exchange(HELLO, supportedAppProtocolRes, GIVE_UP_S)
    setup = cm.SessionSetupReq(Header=MessageHeader(SessionID=bytes(8), TimeStamp=1), EVCCID="FIRST")
    assert (await first.exchange(setup, cm.SessionSetupRes, GIVE_UP_S)).EVSEID == "DE*OCP*E1"
    assert len(stand.of(CarConnected)) == 1
    await first.close()
    await (await stand.agreed()).close()


async def test_a_car_may_return_before_its_ended_connection_is_closed(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    first = await stand.agreed()
    first.writer.write(b"garbage, then silence")
    await stand.end()
    again = await stand.agreed()
    assert len(stand.of(CarConnected)) == 2
    assert stand.server.status().connected is True
    await again.close()
    await first.close()


async def test_a_car_that_fell_silent_may_connect_anew(
    new_stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = new_stand()
    first = await stand.agreed()
    monkeypatch.setattr(conversation, "V2G_EVCC_MSG_TIMEOUT_LONGEST_S", 0.0)  # as if that time had passed
    again = await stand.agreed()
    end = await stand.end()
    assert (end.end, end.detail) == (SessionEnd.CONNECTION_LOST, "the car fell silent and connected anew")
    assert [type(e) for e in stand.events] == [CarConnected, CarSessionEnded, CarConnected]
    setup = cm.SessionSetupReq(Header=MessageHeader(SessionID=bytes(8), TimeStamp=1), EVCCID="AGAIN")
    assert (await again.exchange(setup, cm.SessionSetupRes, GIVE_UP_S)).EVSEID == "DE*OCP*E1"
    with contextlib.suppress(WireError, OSError):
        await first.close()
    await again.close()
    await stand.until(lambda: stand.server.status().connected is False)
    assert len(stand.of(CarSessionEnded)) == 2


async def test_a_car_that_vanishes_is_told_once(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    wire = await stand.agreed()
    wire.writer.transport.abort()
    end = await stand.end()
    assert (end.end, end.evse_id) == (SessionEnd.CONNECTION_LOST, 1)
    await stand.until(lambda: stand.server.status().connected is False)
    assert stand.server.status().messages


async def test_a_pulled_plug_frees_the_place_for_the_next_car(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    first = await stand.agreed()
    stand.server.unplugged()
    end = await stand.end()
    assert (end.end, end.detail) == (SessionEnd.CONNECTION_LOST, "the plug was pulled")
    second = await stand.agreed()
    assert len(stand.of(CarConnected)) == 2
    stand.server.unplugged()
    await stand.until(lambda: stand.server.status().connected is False)
    stand.server.unplugged()
    assert len(stand.of(CarSessionEnded)) == 2
    await first.close()
    await second.close()


async def test_a_car_that_closes_in_order_is_told_too(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    await (await stand.agreed()).close()
    end = await stand.end()
    assert (end.end, end.detail) == (SessionEnd.CONNECTION_LOST, "the car closed the connection")


async def test_garbage_ends_the_connection_with_a_reason(
    new_stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLOSE_GRACE_S", 0.05)
    stand = new_stand()
    wire = await stand.agreed()
    wire.writer.write(b"\xde\xad\xbe\xef" * 100)
    end = await stand.end()
    assert end.end is SessionEnd.PROTOCOL_ERROR
    assert "V2GTP" in end.detail
    async with asyncio.timeout(GIVE_UP_S):
        assert await wire.reader.read() == b""
    await stand.until(lambda: stand.server.status().connected is False)
    await wire.close()


async def test_an_ended_session_is_no_car_to_the_status_page(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand()
    wire = await stand.agreed()
    setup = cm.SessionSetupReq(Header=MessageHeader(SessionID=bytes(8), TimeStamp=1), EVCCID="GONE SOON")
    session_id = (await wire.exchange(setup, cm.SessionSetupRes, GIVE_UP_S)).Header.SessionID
    seen = stand.server.status()
    assert (seen.connected, seen.evcc_id, seen.state) == (True, "GONE SOON", "AuthorizationSetup")
    stop = cm.SessionStopReq(
        Header=MessageHeader(SessionID=session_id, TimeStamp=1), ChargingSession=cm.ChargingSession.Terminate
    )
    await wire.exchange(stop, cm.SessionStopRes, GIVE_UP_S)
    seen = stand.server.status()  # the car has not closed the connection yet
    assert (seen.connected, seen.evcc_id, seen.state) == (False, None, None)
    assert seen.messages
    await wire.close()


class Unread(asyncio.Transport):
    """A transport whose other end does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.aborted, self.closed = 0, False, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.held += len(data)

    def get_write_buffer_size(self) -> int:
        return self.held

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        assert not self.closed

    def is_closing(self) -> bool:
        return self.aborted

    def can_write_eof(self) -> bool:
        return True


async def test_answers_are_not_piled_up_for_a_car_that_does_not_read() -> None:
    stand = Stand()
    transport, car = Unread(), connection.CarConnection(stand.server)
    car.connection_made(transport)
    car.data_received(frame(PayloadType.EXI_SAP, encode(HELLO)))
    setup = cm.SessionSetupReq(Header=MessageHeader(SessionID=bytes(8), TimeStamp=1), EVCCID="DEAF")
    car.data_received(frame(PayloadType.MAINSTREAM, encode(setup)))
    (identified,) = stand.of(CarIdentified)
    again = cm.AuthorizationSetupReq(Header=MessageHeader(SessionID=identified.session_id, TimeStamp=1))
    data = frame(PayloadType.MAINSTREAM, encode(again))
    for _ in range(connection.UNREAD_MAX_BYTES):
        car.data_received(data)
        if transport.aborted:
            break
    assert transport.aborted
    assert transport.held < connection.UNREAD_MAX_BYTES + 1000
    end = await stand.end()
    assert end.end is SessionEnd.CONNECTION_LOST
    assert "unread" in end.detail
    car.connection_lost(None)


async def test_new_inputs_do_not_put_off_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_GRACE_S", 0.05)
    transport, car = Unread(), connection.CarConnection(Stand().server)
    car.connection_made(transport)
    car.data_received(b"garbage, then silence")
    assert car.over
    async with asyncio.timeout(GIVE_UP_S):
        while not transport.closed:
            car.update()
            await asyncio.sleep(0.005)
    car.connection_lost(None)


async def test_a_discovery_port_in_use_is_named_with_what_to_do(
    new_stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "INTERFACE_RETRY_S", 0.001)
    first = new_stand()
    await first.agreed()
    new_stand(sdp_port=first.port)
    await first.until(lambda: "in use" in caplog.text)
    said = next(r.getMessage() for r in caplog.records if "in use" in r.getMessage())
    assert f"UDP port {first.port}" in said
    assert "on lo" in said
    assert "[iso15118] sdp_port" in said
    assert "End it" in said
    assert caplog.text.count("in use") == 1


async def test_half_a_frame_and_silence_times_out_by_name(
    new_stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S", 0.2)
    stand = new_stand()
    wire = await stand.car()
    wire.writer.write(frame(PayloadType.EXI_SAP, encode(HELLO))[:12])
    end = await stand.end()
    assert end.end is SessionEnd.TIMEOUT
    assert "V2G_SECC_CommunicationSetup_Timeout" in end.detail
    await wire.close()


async def test_a_car_silent_in_its_loop_is_ended(new_stand: Callable[..., Stand]) -> None:
    stand = new_stand(charge_loop_timeout_s=0.5)
    spec = CarSpec(loop_period_s=30.0, loop_timeout_s=5.0)
    drive = Drive(spec, Body(stand), "lo", None, stand.port)  # type: ignore[arg-type]
    session = asyncio.get_running_loop().create_task(drive.run())
    end = await stand.end()
    assert end.end is SessionEnd.TIMEOUT
    assert "charge loop" in end.detail
    session.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await session


async def test_an_interface_that_is_not_there_yet_is_said_once_and_awaited(
    new_stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked: list[str] = []
    index_of = socket.if_nametoindex

    def look(interface: str) -> int:
        looked.append(interface)
        if len(looked) < 4:
            raise OSError("no such device")
        return index_of(interface)

    monkeypatch.setattr(server, "INTERFACE_RETRY_S", 0.001)
    monkeypatch.setattr(socket, "if_nametoindex", look)
    stand = new_stand()
    await stand.until(lambda: "waiting for cars" in caplog.text or len(looked) >= 4)
    assert caplog.text.count("no such device") == 1
    assert (await discover("lo", Security.NONE, stand.port))[0].port >= 49152
