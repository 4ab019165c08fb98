"""The power cycle and its link over a real socket: daemons come, go and are replaced; what they send may be anything."""

import asyncio
import itertools
import logging
import os
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import BusHealth, ControlPilot, EvseImage, Lock, MeterRegisters, Stage
from chargepoint.model.limits import rated
from chargepoint.model.readings import Reading
from chargepoint.ports import (
    InsulationState,
    IoCommand,
    IoState,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
    Reversal,
)
from chargepoint.power.cycle import COMPLAINTS_MAX, Cycle
from chargepoint.power.cycle_time import CycleTime
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import NOT_HEARD_YET, EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.power.latch_file import LatchFile
from chargepoint.power.link_client import LinkClient
from chargepoint.power.link_codec import MESSAGE_MAX_BYTES, ResetFaults, decode_up, encode_down
from chargepoint.power.link_server import MESSAGES_AT_ONCE, LinkServer
from chargepoint.safety.envelope import Envelope
from tests.joined.flat_io import FlatIo
from tests.joined.orders import changed, dc_order

LOG = logging.getLogger("test-power")
TICK_S = 0.01


class Steps:
    """A clock that goes on by one tick whenever it is read: the loop never waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        self.now_s += TICK_S
        return self.now_s


class Devices:
    """Board, module, meter and monitor of one EVSE in one memory; the fake bus is what moves them."""

    name = "devices"
    identity_error = ""

    def __init__(self) -> None:
        self.board, self.power = IoCommand(), PowerModuleCommand()
        self.resets = 0
        self.orders: list[IoCommand] = []
        self.now_s = 0.0

    def poll(self, now_s: float) -> None: ...

    def enable(self, measuring: bool) -> None: ...

    def start_self_test(self) -> None: ...

    def clear_latched(self) -> None:
        self.resets += 1


class Board(FlatIo, Devices):
    car = ControlPilot.C

    def __init__(self) -> None:
        Devices.__init__(self)
        FlatIo.__init__(self)

    def order(self, command: IoCommand) -> None:
        if command != self.ordered:
            self.orders.append(command)
        self.ordered = self.board = command

    @property  # type: ignore[misc]
    def state(self) -> Reading[IoState] | None:
        closed = self.board.contactor
        lock = Lock.LOCKED if self.board.lock else Lock.UNLOCKED
        pilot = ControlPilot.F if self.board.pilot is PilotCommand.F else self.car
        state = IoState(
            pilot, 5.0, 6.0, -12.0, 1500.0, lock, closed, closed, closed, False, False, frozenset(), frozenset(),
            (30.0, 30.0),
        )  # fmt: skip
        return Reading(state, self.now_s)


class Module(Devices):
    capabilities = PowerModuleCapabilities(0, 1000, 40, 40, 3e4, 3e4, 1000, Reversal.SEAMLESS, 0, None)

    def command(self, command: PowerModuleCommand) -> None:
        self.power = command

    @property
    def state(self) -> Reading[PowerModuleState]:
        return Reading(PowerModuleState(0.0, 0.0, self.power.output_on, ()), self.now_s)


class Meter(Devices):
    @property
    def registers(self) -> MeterRegisters:
        return MeterRegisters(10.0, 5.0, 0.0, 0.0, 0.0, self.now_s)


class Monitor(Devices):
    @property
    def state(self) -> Reading[InsulationState]:
        return Reading(InsulationState(1e6, True, None, True), self.now_s)


class Wire:
    """A bus without a wire: pumping it lets the devices answer now."""

    name = "fast1"
    deadline_s: float | None = None

    def __init__(self, devices: list[Devices]) -> None:
        self.devices = devices
        self.pumped = self.dropped = 0
        self.closed = False
        self.trouble = ""

    def fileno(self) -> int | None:
        return None

    @property
    def patience_s(self) -> float:
        return 0.0

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        self.pumped += 1
        for device in self.devices:
            device.now_s = now_s
        return False  # nothing comes between two ticks

    def drop_queued(self, now_s: float) -> None:
        self.dropped += 1

    def health(self) -> BusHealth:
        return BusHealth(self.name, self.pumped, 0, 0, 0, 0, not self.trouble, self.trouble)

    def close(self) -> None:
        self.closed = True


class Station:
    """The real server, cycle and stage; `plan` runs at given ticks; the loop ends by `stop`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.link = LinkServer(path)
        self.board, self.module = Board(), Module()
        meter, monitor = Meter(), Monitor()
        ratings = StageRatings(
            Envelope(
                rated(920.0, 40.0, voltage_min_V=150.0, charge_power_max_W=22_000.0, discharge_power_max_W=20_000.0)
            ),
            100.0,
            0.5,
        )
        hardware = EvseHardware(IoWiring.of_one(self.board), DcOutlet(self.module, monitor, ratings), meter)
        self.stage = EvseStage(EvseId(1), hardware, ratings)
        self.bus = Wire([self.board, self.module, meter, monitor])
        self.clock = Steps()
        self.beats = 0
        self.ticks = 0
        self.each: Callable[[int], None] = lambda tick: None
        self.cycle = Cycle(
            {EvseId(1): self.stage}, [self.bus], self.link, TICK_S, self._beat, LOG, CycleTime(now=self.clock)
        )

    def _beat(self) -> None:
        self.beats += 1
        self.each(self.beats)

    def run(self, ticks: int, each: Callable[[int], None] = lambda tick: None) -> None:
        """At most so many ticks, then stop and run to the end."""

        def step(tick: int) -> None:
            each(tick)
            if tick == ticks:
                self.cycle.stop()

        self.beats, self.each = 0, step
        self.cycle.run()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path / "run" / "power.sock")
    yield made
    made.link.close()


class Daemon:
    """The raw other end of the socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.seq = 0
        self.begun: set[EvseId] = set()

    def demand(self, phase: Phase, **changes: Any) -> None:
        """The first one of an EVSE asks for nothing before it, as the daemon's does."""
        evse_id = changes.get("evse_id", EvseId(1))
        if evse_id not in self.begun and phase is not Phase.OFF:
            self._send(Phase.OFF, evse_id=evse_id)
        self.begun.add(evse_id)
        self._send(phase, **changes)

    def _send(self, phase: Phase, **changes: Any) -> None:
        self.seq += 1
        order = StageDemand(
            EvseId(1),
            self.seq,
            0.5,
            phase,
            PilotCommand.PWM,
            5.0,
            True,
            order=dc_order(450.0, 400.0, 300.0),
        )
        self.socket.send(encode_down(changed(order, **changes)))

    def told(self) -> list[Any]:
        heard: list[Any] = []
        while True:
            try:
                data = self.socket.recv(MESSAGE_MAX_BYTES)
            except BlockingIOError:
                return heard
            if not data:
                return heard
            heard.append(decode_up(data))

    def close(self) -> None:
        self.socket.close()


def test_without_a_daemon_everything_is_off_and_the_loop_beats(station: Station) -> None:
    station.run(20)
    assert station.beats >= 20
    assert station.board.orders == []
    assert station.cycle.lateness.wakeups >= station.beats


def test_demands_are_obeyed_and_images_events_and_health_come_up(station: Station) -> None:
    daemon = Daemon(station.path)
    seen: list[bool] = []

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        seen.append(station.board.board.contactor)

    station.run(60, each)
    assert any(seen)
    told = daemon.told()
    images = [message for message in told if isinstance(message, EvseImage)]
    assert {Stage.OFF, Stage.CABLE_CHECK} <= {image.stage for image in images}
    assert any(isinstance(message, BusHealth) and message.name == "fast1" for message in told)
    assert all(b.seq > a.seq for a, b in itertools.pairwise(images))
    daemon.close()


def test_a_daemon_that_vanishes_takes_its_demands_with_it(station: Station, caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon(station.path)
    closed_at: list[int] = []

    def each(tick: int) -> None:
        if tick <= 30:
            daemon.demand(Phase.CABLE_CHECK)
        if tick == 30:
            assert station.board.board.contactor
            daemon.close()
        if station.board.board.contactor:
            closed_at.append(tick)

    station.run(400, each)
    assert 30 < closed_at[-1] < 400
    assert "daemon gone" in caplog.text
    assert station.stage.cycle(station.clock()).permitted  # lease lost has cleared; the next daemon finds it ready


def test_stop_ramps_down_opens_and_returns(station: Station) -> None:
    daemon = Daemon(station.path)

    closed: list[bool] = []

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)  # goes on demanding: a stopping process obeys nobody
        closed.append(station.board.board.contactor)

    station.run(30, each)
    assert closed[29]
    assert not closed[-1]  # by the sequence, before the last order of all
    assert not station.board.board.contactor
    assert station.board.board.pilot is PilotCommand.F
    assert station.module.power == PowerModuleCommand()
    daemon.close()


def test_stop_gives_up_on_what_does_not_switch_off(station: Station) -> None:
    image = replace(station.stage.cycle(station.clock()), stage=Stage.OPENING)
    station.stage.cycle = lambda now_s: image  # type: ignore[method-assign]
    station.run(10)
    assert 100 < station.beats < 1000


def test_whatever_ends_the_loop_the_outputs_are_ordered_off(station: Station) -> None:
    daemon = Daemon(station.path)

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        if station.board.board.contactor:
            raise RuntimeError("a defect in the cycle")

    with pytest.raises(RuntimeError, match="defect"):
        station.run(200, each)
    assert station.board.orders[-1] == IoCommand(lock=True)
    closed = [order.contactor for order in station.board.orders]
    assert True in closed
    assert not closed[closed.index(True) + 1 :].count(True), "once open it stays open, port by port"
    daemon.close()


def test_a_tick_that_comes_far_too_late_is_told_as_such_and_switches_off(station: Station) -> None:
    daemon = Daemon(station.path)
    told: list[Any] = []

    def each(tick: int) -> None:
        if tick <= 60:
            told.extend(daemon.told())
        daemon.demand(Phase.CABLE_CHECK)
        if tick == 30:
            assert station.board.board.contactor
            station.clock.now_s += 3.0

    station.run(60, each)
    trips = [message for message in told if isinstance(message, InterlockTripped)]
    assert [trip.code for trip in trips if trip.code not in NOT_HEARD_YET] == [FaultCode.PROCESS_STALLED]
    assert "did not run for 3.0 s" in trips[-1].detail
    assert not station.board.board.contactor
    daemon.close()


def test_a_tick_a_little_late_is_only_counted(station: Station) -> None:
    daemon = Daemon(station.path)
    told: list[Any] = []

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        if tick == 30:
            station.clock.now_s += 0.15
        if tick == 35:
            told.extend(daemon.told())

    station.run(35, each)
    assert told
    assert not [message for message in told if isinstance(message, InterlockTripped)]
    assert station.cycle.lateness.worst_s > 0.15
    daemon.close()


class Two(Station):
    """A second EVSE with devices of its own, whose stage a test breaks."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.board_2, module, meter, monitor = Board(), Module(), Meter(), Monitor()
        ratings = StageRatings(
            Envelope(
                rated(920.0, 40.0, voltage_min_V=150.0, charge_power_max_W=22_000.0, discharge_power_max_W=20_000.0)
            ),
            100.0,
            0.5,
        )
        self.stage_2 = EvseStage(
            EvseId(2), EvseHardware(IoWiring.of_one(self.board_2), DcOutlet(module, monitor, ratings), meter), ratings
        )
        self.bus.devices += [self.board_2, module, meter, monitor]
        stages = {EvseId(1): self.stage, EvseId(2): self.stage_2}
        self.cycle = Cycle(stages, [self.bus], self.link, TICK_S, self._beat, LOG, CycleTime(now=self.clock))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path / "run" / "power.sock")
    yield made
    made.link.close()


def test_a_defect_in_one_evses_cycle_switches_that_one_off_and_leaves_the_other_alone(two: Two) -> None:
    daemon = Daemon(two.path)
    whole = two.stage_2.cycle
    closed: list[tuple[bool, bool]] = []

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        daemon.demand(Phase.CABLE_CHECK, evse_id=EvseId(2))
        closed.append((two.board.board.contactor, two.board_2.board.contactor))
        if tick == 30:
            two.stage_2.cycle = raising  # type: ignore[method-assign]

    def raising(now_s: float) -> EvseImage:
        two.stage_2.cycle = whole  # type: ignore[method-assign]
        raise RuntimeError("a defect")

    two.run(60, each)
    assert closed[29] == (True, True)
    assert closed[31] == closed[59] == (True, False)
    told = daemon.told()
    trips = [message for message in told if isinstance(message, InterlockTripped) and message.evse_id == 2]
    assert (trips[-1].code, trips[-1].detail) == (FaultCode.INTERNAL, "RuntimeError: a defect")
    last = [message for message in told if isinstance(message, EvseImage) and message.evse_id == 2][-1]
    assert FaultCode.INTERNAL in last.faults
    daemon.close()


def test_defects_without_end_let_the_others_ramp_down_and_end_the_process(
    two: Two, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(two.path)

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        if tick == 30:
            assert two.board.board.contactor
            two.stage_2.cycle = raising  # type: ignore[method-assign]

    def raising(now_s: float) -> EvseImage:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        two.run(10_000, each)
    assert 40 < two.beats < 700
    assert Stage.DISCHARGING_OUTPUT in {m.stage for m in daemon.told() if isinstance(m, EvseImage) and m.evse_id == 1}
    assert not two.board.board.contactor
    assert caplog.text.count("defect 1 of") == 1
    assert "defect 11" not in caplog.text
    daemon.close()


def test_an_unknown_evse_is_told_and_harms_nobody(station: Station, caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon(station.path)

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK, evse_id=EvseId(7))

    station.run(20, each)
    assert "EVSE 7, which is not configured" in caplog.text
    assert not any(order.contactor for order in station.board.orders)
    daemon.close()


def test_malformed_datagrams_are_told_and_the_next_good_one_is_obeyed(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(station.path)
    good = encode_down(StageDemand(EvseId(1), 1, 0.5, Phase.OFF, PilotCommand.PWM, 5.0, True))
    nan = encode_down(
        replace(StageDemand(EvseId(1), 1, 0.5, Phase.OFF, PilotCommand.F, 5.0, True), power_W=float("nan"))
    )
    for data in (b"x", b"cp\x09\x01rest", good[:-3], good + b"tail", nan, os.urandom(2000), b"z" * 8000):
        daemon.socket.send(data)
    seen: list[bool] = []

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        seen.append(station.board.board.contactor)

    station.run(40, each)
    assert caplog.text.count("! power link:") == 7
    assert any(seen)
    daemon.close()


def test_a_trip_is_told_after_the_image_that_shows_its_cause(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also between two images: else a pulled plug would be a lost pilot for one transaction and an unplugging for the next."""
    daemon = Daemon(station.path)

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        if tick == 25:
            monkeypatch.setattr("chargepoint.power.cycle.IMAGE_PERIOD_S", 1e6)
        if tick == 30:
            station.board.car = ControlPilot.A

    station.run(60, each)
    told = daemon.told()
    tripped = next(n for n, message in enumerate(told) if isinstance(message, InterlockTripped))
    shown = [message for message in told[:tripped] if isinstance(message, EvseImage)][-1]
    assert told[tripped].code is FaultCode.PILOT_LOST
    assert shown.pilot is ControlPilot.A and FaultCode.PILOT_LOST in shown.faults
    daemon.close()


def test_a_latch_is_noted_before_anybody_hears_of_the_trip(
    station: Station, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever kills the process at the first word about a trip must not find the latch unknown."""
    happened: list[str] = []
    note = LatchFile(tmp_path / "state", LOG)
    monkeypatch.setattr(note, "keep", lambda latches: happened.append(f"noted {sorted(latches[EvseId(1)])}"))
    station.cycle._latch_file = note
    told = station.link.send

    def send(message: Any) -> None:
        if isinstance(message, InterlockTripped) and message.code is FaultCode.INTERNAL:
            happened.append("logged already" if "INTERNAL" in caplog.text else "told")
        told(message)

    monkeypatch.setattr(station.link, "send", send)

    def fail(now_s: float) -> EvseImage:
        raise OverflowError("a defect")

    monkeypatch.setattr(station.stage, "cycle", fail)
    station.run(3)
    assert happened.index(f"noted {[FaultCode.INTERNAL]}") < happened.index("told")


def test_a_missing_port_and_a_wrong_device_are_told_when_that_changes_and_not_each_time(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    station.bus.trouble = "/dev/x: no such device"
    station.board.identity_error = "io1: map version = 2: expected 1"

    def mend(tick: int) -> None:
        if tick == 350:
            station.bus.trouble = station.board.identity_error = ""

    station.run(650, mend)
    lines = [record.getMessage() for record in caplog.records if record.name == LOG.name]
    assert [line for line in lines if "fast1" in line or "io1" in line or "well" in line] == [
        "! bus fast1: /dev/x: no such device",
        "! io1: map version = 2: expected 1",
        "* bus fast1: well again",
        "* io: well again",
    ]


def test_a_flood_of_malformed_datagrams_does_not_write_the_log_full(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(station.path)

    def flood(tick: int) -> None:
        if tick <= 100:
            for _ in range(5):
                daemon.socket.send(b"nonsense")

    began_s = station.clock.now_s
    station.run(400, flood)
    seconds = station.clock.now_s - began_s
    told = [record.getMessage() for record in caplog.records if "power link" in record.getMessage()]
    more = [int(line.split()[3]) for line in told if "more of these" in line]
    assert len(told) <= (COMPLAINTS_MAX + 1) * (seconds + 1)
    assert len(told) < 100
    assert len(told) - len(more) + sum(more) == 500
    daemon.close()


def test_a_reset_goes_through(station: Station) -> None:
    daemon = Daemon(station.path)
    heard: list[str] = []
    station.stage.reset_faults = lambda author: heard.append(author)  # type: ignore[method-assign]
    daemon.socket.send(encode_down(ResetFaults(EvseId(1), "central system")))
    station.run(5)
    assert heard == ["central system"]
    daemon.close()


def test_a_second_daemon_replaces_the_first_and_counts_afresh(station: Station) -> None:
    first = Daemon(station.path)
    first.seq = 10_000
    daemons = [first]
    phases: list[Phase] = []

    def each(tick: int) -> None:
        if tick == 20:
            daemons.append(Daemon(station.path))
        with_now = daemons[-1]
        with_now.demand(Phase.CABLE_CHECK if with_now is not first else Phase.OFF, pilot=PilotCommand.PWM)
        phases.append(station.stage.cycle(station.clock.now_s).phase)

    station.run(40, each)
    assert phases[15] is Phase.OFF
    assert phases[30] is Phase.CABLE_CHECK  # long before the old lease of 10 000 would have run out
    for daemon in daemons:
        daemon.close()


def test_the_server_tells_the_loss_after_the_last_words(tmp_path: Path) -> None:
    server = LinkServer(tmp_path / "power.sock")
    daemon = Daemon(tmp_path / "power.sock")
    daemon.demand(Phase.OFF)
    daemon.close()
    messages, lost = server.receive()
    assert ([message.seq for message in messages if isinstance(message, StageDemand)], lost) == ([1], True)
    assert server.receive() == ([], False)
    server.close()


def test_the_server_tells_a_loss_it_noticed_while_sending(tmp_path: Path) -> None:
    server = LinkServer(tmp_path / "power.sock")
    daemon = Daemon(tmp_path / "power.sock")
    server.receive()
    assert server.connected
    daemon.close()
    event = InterlockTripped(EvseId(1), FaultCode.DOOR_OPEN, 1.0, "door")
    server.send(event)
    assert not server.connected
    assert server.receive() == ([], True)
    server.close()


def test_a_replacement_is_a_loss_before_the_new_ones_messages(tmp_path: Path) -> None:
    server = LinkServer(tmp_path / "power.sock")
    first = Daemon(tmp_path / "power.sock")
    server.receive()
    second = Daemon(tmp_path / "power.sock")
    second.demand(Phase.OFF)
    assert server.receive() == ([], True)
    messages, lost = server.receive()
    assert (len(messages), lost) == (1, False)
    first.close()
    second.close()
    server.close()


def test_a_flood_is_read_in_portions(tmp_path: Path) -> None:
    server = LinkServer(tmp_path / "power.sock")
    daemon = Daemon(tmp_path / "power.sock")
    server.receive()
    sent = 0
    try:
        while sent < 4 * MESSAGES_AT_ONCE:
            daemon.demand(Phase.OFF)
            sent += 1
    except BlockingIOError:
        pass  # the socket's own buffer is smaller: then it is that which bounds
    read = 0
    while messages := server.receive()[0]:
        assert len(messages) <= MESSAGES_AT_ONCE
        read += len(messages)
    assert read == sent
    server.close()
    daemon.close()


def test_a_daemon_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    server = LinkServer(tmp_path / "power.sock")
    daemon = Daemon(tmp_path / "power.sock")
    server.receive()
    event = InterlockTripped(EvseId(1), FaultCode.DOOR_OPEN, 1.0, "d" * 1000)
    for _ in range(5000):
        server.send(event)
    assert server.connected
    assert 0 < len(daemon.told()) < 5000
    server.close()
    daemon.close()


def test_the_socket_is_for_owner_and_group_and_a_left_over_one_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "power.sock"
    LinkServer(path)._listener.close()  # as if killed: the file stays
    server = LinkServer(path)
    assert path.stat().st_mode & 0o777 == 0o660
    Daemon(path).close()
    server.close()
    assert not path.exists()


def test_a_changed_demand_is_acted_on_at_once_and_a_repeated_one_at_the_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = Station(tmp_path / "run" / "power.sock")
    tick_s = 1.0
    station.cycle = Cycle(
        {EvseId(1): station.stage},
        [station.bus],
        station.link,
        tick_s,
        station._beat,
        LOG,
        CycleTime(now=station.clock),
    )
    daemon = Daemon(station.path)
    sent_s: list[float] = []
    acted_s: list[float] = []
    cycles: list[float] = []
    whole, wait = station.stage.cycle, select.select

    def cycle(now_s: float) -> EvseImage:
        cycles.append(now_s)
        before = len(station.board.orders)
        image = whole(now_s)
        if len(station.board.orders) > before and sent_s:
            acted_s.append(now_s)
        return image

    def send_between_ticks(reading: Any, writing: Any, failing: Any, _: float) -> Any:
        now_s = station.clock()
        if cycles and now_s - cycles[-1] > 0.3 and len(sent_s) < 2:
            sent_s.append(now_s)
            daemon.demand(Phase.OFF)  # the second is the first once more
        return wait(reading, writing, failing, 0.0)  # the clock moves by itself: nothing has to be slept

    station.stage.cycle = cycle  # type: ignore[method-assign]
    monkeypatch.setattr(EvseStage, "has_news", False)  # demands and ticks alone count here
    monkeypatch.setattr("chargepoint.power.cycle_time.select.select", send_between_ticks)
    station.run(3)
    assert acted_s[0] - sent_s[0] < 0.1
    after_second = next(now_s for now_s in cycles if now_s > sent_s[1])
    assert after_second - sent_s[1] > 0.1
    daemon.close()
    station.link.close()


def test_a_flood_of_changed_demands_does_not_take_the_processor(station: Station) -> None:
    daemon = Daemon(station.path)
    cycles: list[float] = []
    whole = station.stage.cycle

    def cycle(now_s: float) -> EvseImage:
        cycles.append(now_s)
        return whole(now_s)

    def flood(tick: int) -> None:
        for power_W in range(20):
            daemon.demand(Phase.OFF, power_W=float(power_W))

    station.stage.cycle = cycle  # type: ignore[method-assign]
    station.run(30, flood)
    assert len(cycles) <= 2 * station.beats + 2
    daemon.close()


# -- the daemon's own end --------------------------------------------------------------------------------------------------


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not true():
            await asyncio.sleep(0.001)


class Client:
    """A LinkClient with what it heard."""

    def __init__(self, path: Path) -> None:
        self.images: list[EvseImage] = []
        self.events: list[Any] = []
        self.here: list[bool] = []
        self.link = LinkClient(path, self.images.append, self.events.append, self.here.append, LOG)
        self.task = asyncio.get_running_loop().create_task(self.link.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_client_and_server_understand_each_other(tmp_path: Path) -> None:
    path = tmp_path / "power.sock"
    client = Client(path)
    order = StageDemand(EvseId(1), 0, 0.5, Phase.OFF, PilotCommand.PWM, 5.0, True)
    client.link.demand(order)  # nobody there: dropped, a demand is only worth its lease
    server = LinkServer(path)
    await until(lambda: client.link.connected)
    server.receive()
    for _ in range(3):
        client.link.demand(order)
    client.link.reset_faults(EvseId(1), "central system")
    messages: list[Any] = []

    def all_four_came() -> bool:
        messages.extend(server.receive()[0])
        return len(messages) == 4

    await until(all_four_came)
    assert messages[3] == ResetFaults(EvseId(1), "central system")
    assert [message.seq for message in messages[:3]] == [2, 3, 4]
    event = InterlockTripped(EvseId(1), FaultCode.RCD, 5.0, "trip")
    server.send(event)
    server.send(BusHealth("fast1", 1, 2, 3, 4, 5, True))
    await until(lambda: "fast1" in client.link.buses)
    assert client.events == [event]
    await client.end()
    assert client.here == [True, False]
    server.close()


async def test_client_comes_back_to_a_restarted_power_process(tmp_path: Path) -> None:
    path = tmp_path / "power.sock"
    client = Client(path)
    server = LinkServer(path)
    await until(lambda: client.link.connected)
    server.receive()
    server.close()
    await until(lambda: not client.link.connected)
    server = LinkServer(path)
    await until(lambda: client.link.connected)
    assert client.here == [True, False, True]
    await client.end()
    server.close()


async def test_client_survives_what_it_cannot_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "power.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()
    client = Client(path)
    await until(lambda: client.link.connected)
    peer, _ = listener.accept()
    peer.send(b"not a message at all")
    peer.send(b"c" * 5000)
    await until(lambda: caplog.text.count("! power link:") == 2)
    assert client.link.connected
    await client.end()
    peer.close()
    listener.close()
