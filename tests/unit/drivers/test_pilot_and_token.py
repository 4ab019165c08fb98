"""The generic IO board's driver, the token reader, and the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot, Lock
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.readings import fresh
from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec, IoCommand
from drivers import catalog
from drivers.line_bus import LineBus
from drivers.modbus.frame import sealed
from drivers.pilot.generic_io import GenericIoBoard, decode, encode
from drivers.profile.load import PROFILES
from drivers.serial_bus import SerialBus
from drivers.token.line import LineReader
from hil.plant.board import Board
from hil.simulators.registers.generic_io import GenericIo

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus, Table


READY = IoCommand(PilotCommand.PWM, 5.0, lock=True)
CLOSED = IoCommand(PilotCommand.PWM, 5.0, contactor=True, lock=True)


class Rig:
    """A board with its rules, and its driver."""

    def __init__(self, scripted_bus: type[ScriptedBus]) -> None:
        # the least a board must do: one that can more is in test_pilot_rounds.py
        self.board = Board(reads_parts=False, reads_and_writes=False)
        self.car = "C"
        self.bus = scripted_bus([GenericIo(1, self.board)], self.step)
        self.driver = GenericIoBoard("io", 1, self.bus.master)

    def step(self, dt_s: float) -> None:
        for _ in range(5):
            self.board.step(self.car, True, True, dt_s / 5)

    def run(self, seconds: float) -> None:
        self.bus.run([self.driver], seconds)

    def state(self) -> Any:
        assert self.driver.state is not None
        return self.driver.state.value


@pytest.fixture
def rig(scripted_bus: type[ScriptedBus]) -> Rig:
    return Rig(scripted_bus)


def test_one_read_and_one_write_per_cycle_keep_the_watchdog_quiet(rig: Rig) -> None:
    rig.driver.order(READY)
    rig.run(3.0)
    reads = sum(frame[1] == 4 for _, frame in rig.bus.sent)
    writes = sum(frame[1] == 16 for _, frame in rig.bus.sent)
    assert 140 <= reads <= 160
    assert abs(reads - writes) <= 2
    assert rig.state().latched == frozenset()
    assert rig.board.armed


def test_nothing_is_switched_before_the_board_took_our_watchdog_time(rig: Rig) -> None:
    refused = bytes((1, 0x86, 4))
    rig.bus.spoil = lambda request, reply: sealed(refused) if request[1] == 6 else reply
    rig.driver.order(CLOSED)
    rig.run(0.5)
    assert rig.driver.state is None
    assert "watchdog of 500 ms refused" in rig.driver.identity_error
    assert all(frame[1] in (4, 6) for _, frame in rig.bus.sent)
    rig.bus.spoil = lambda request, reply: reply
    rig.run(0.5)
    assert rig.board.watchdog_timeout_s == 0.5
    assert rig.state().contactor_positive_closed


def test_a_silent_host_is_noticed_by_the_board_within_its_watchdog_time(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.5)
    assert rig.board.positive.closed
    for _ in range(55):
        rig.step(0.01)
    assert not rig.board.positive.closed


def test_pilot_lock_and_contactor(rig: Rig) -> None:
    rig.driver.order(READY)
    rig.run(0.5)
    assert rig.state().pilot is ControlPilot.C
    assert rig.state().duty_percent == 5.0
    assert rig.state().pilot_high_V == pytest.approx(6.0, abs=0.1)
    assert rig.state().pilot_low_V == pytest.approx(-12.0, abs=0.1)
    assert rig.state().lock is Lock.LOCKED
    rig.driver.order(CLOSED)
    rig.run(0.2)
    assert rig.state().contactor_positive_closed
    assert rig.state().contactor_negative_closed
    assert rig.state().contactor_commanded


def test_asking_for_less_goes_before_everything_else(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.5)
    sent = len(rig.bus.sent)
    rig.driver.order(READY)
    rig.run(0.01)
    assert rig.bus.sent[sent][1][1] == 16
    rig.run(0.05)
    assert not rig.state().contactor_positive_closed


def test_a_board_whose_counter_stands_still_ages(rig: Rig) -> None:
    rig.run(0.5)
    rig.bus._step = None
    rig.run(1.0)
    assert fresh(rig.driver.state, rig.bus.now_s, 0.5) is None


def test_an_answer_from_the_past_is_not_believed_but_a_restarted_board_is(rig: Rig) -> None:
    rig.run(1.0)
    past = GenericIo(1, rig.board)._inputs()
    rig.board.inputs.door_closed = False
    rig.run(0.5)
    assert SafetyInput.DOOR in rig.state().open_inputs
    body = bytes((1, 4, 48)) + b"".join(word.to_bytes(2, "big") for word in past)
    once = iter([sealed(body)])
    rig.bus.spoil = lambda request, reply: next(once, reply) if request[1] == 4 else reply
    for _ in range(10):
        rig.run(0.01)
        assert SafetyInput.DOOR in rig.state().open_inputs
    assert next(once, None) is None
    rig.board.sequence, rig.board.inputs.door_closed = 0, True
    rig.run(0.2)
    assert not rig.state().open_inputs


def test_silence_and_return(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.5)
    rig.board.silent = True
    rig.run(2.0)
    assert not rig.board.positive.closed  # its own watchdog
    rig.board.silent = False
    rig.run(2.0)
    assert BoardFault.WATCHDOG in rig.state().latched
    assert not rig.state().contactor_positive_closed
    rig.driver.order(READY)
    rig.driver.clear_latched()
    rig.run(0.2)
    assert rig.state().latched == frozenset()
    rig.driver.order(CLOSED)
    rig.run(0.2)
    assert rig.state().contactor_positive_closed


def test_latched_faults_do_not_clear_while_an_output_is_asked_for(rig: Rig) -> None:
    rig.driver.order(CLOSED)
    rig.run(0.3)
    rig.board.inputs.emergency_chain = False
    rig.run(0.1)
    assert SafetyInput.EMERGENCY_CHAIN in rig.state().open_inputs
    rig.board.inputs.emergency_chain = True
    rig.driver.clear_latched()
    rig.run(0.2)
    assert BoardFault.EMERGENCY_STOP in rig.state().latched
    assert not rig.state().contactor_positive_closed


def test_another_map_version_is_refused(scripted_bus: type[ScriptedBus], register_table: type[Table]) -> None:
    bus = scripted_bus([register_table(1, {}, dict.fromkeys(range(24), 2))])
    driver = GenericIoBoard("io", 1, bus.master)
    bus.run([driver], 0.5)
    assert driver.state is None
    assert "map version = 2: expected 1" in driver.identity_error
    assert all(frame[1] == 4 for _, frame in bus.sent)


@given(st.lists(st.integers(0, 0xFFFF), min_size=24, max_size=24))
def test_no_registers_make_decoding_raise(registers: list[int]) -> None:
    decode(tuple(registers))


def test_the_request_is_written_twice() -> None:
    registers = encode(IoCommand(PilotCommand.PWM, 5.0, True, True, True), 77)
    assert registers == (77, 3, 500, 0b1101, 0xFFFF ^ 0b1101)


def _line_bus() -> LineBus:
    return LineBus(BusSpec("r", "line", "/nowhere", 9600, "8N1"))


@pytest.mark.parametrize(
    ("line", "token"),
    [
        (b"04A1B2C3", "04A1B2C3"),
        (b"UID: 04:a1:b2:c3:d4:e5:f6", "04A1B2C3D4E5F6"),
        (b"04 a1 b2 c3", "04A1B2C3"),
        (b"\x02DE-AD-BE-EF\x03", "DEADBEEF"),
        (b"04A1B2C3D4", None),  # five bytes are no UID
        (b"hello", None),
        (b"\xff\xfe", None),
    ],
)
def test_tokens_are_normalised(line: bytes, token: str | None) -> None:
    assert LineReader("reader", _line_bus()).normalise(line) == token


def test_the_same_card_held_on_is_one_presentation() -> None:
    bus = _line_bus()
    reader = LineReader("reader", bus)
    reader.poll(1.0)
    bus.lines.extend([b"04A1B2C3", b"04A1B2C3", b"11223344", b"junk"])
    assert list(reader.tokens()) == ["04A1B2C3", "11223344"]
    assert reader.refused == 1
    reader.poll(1.5)
    bus.lines.append(b"04A1B2C3")
    assert list(reader.tokens()) == []
    reader.poll(9.0)
    bus.lines.append(b"04A1B2C3")
    assert list(reader.tokens()) == ["04A1B2C3"]


def _spec(**changes: Any) -> DeviceSpec:
    values: dict[str, Any] = {
        "name": "x",
        "kind": "meter",
        "driver": "profile",
        "bus": "b",
        "unit": 1,
        "profile": "acrel_djsf1352",
        "params": {},
    }
    return DeviceSpec(**{**values, **changes})


def test_catalogue_builds_every_kind() -> None:
    serial = catalog.open_bus(BusSpec("b", "serial", "/nowhere"))
    line = catalog.open_bus(BusSpec("r", "line", "/nowhere"))
    assert isinstance(serial, SerialBus)
    nominal = {"nominal_voltage_V": 1000, "nominal_current_A": 40, "nominal_power_W": 30_000}
    for spec, bus in (
        (_spec(), serial),
        (_spec(profile="sunspec_714_dc", params={"base_address": 40_070}), serial),
        (_spec(kind="power_module", profile="ea_psb_10000", params=nominal), serial),
        (_spec(kind="insulation_monitor", driver="bender", profile="bender_isoev425"), serial),
        (_spec(kind="pilot_board", driver="generic_io", profile=None), serial),
        (_spec(kind="token_reader", driver="line", profile=None), line),
    ):
        assert catalog.build_device(spec, bus).name == "x"


def test_a_profile_may_be_a_file_of_ones_own() -> None:
    path = str(PROFILES / "acrel_djsf1352.toml")
    assert catalog.build_device(_spec(profile=path), catalog.open_bus(BusSpec("b", "serial", "/nowhere"))).name == "x"
    with pytest.raises(UnusableDevice, match="give the path of a readable file"):
        catalog.build_device(_spec(profile="/nowhere/x.toml"), catalog.open_bus(BusSpec("b", "serial", "/nowhere")))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"driver": "modbus9"}, "driver = 'modbus9': no such driver; known for meter: profile"),
        ({"kind": "oven"}, "known for oven: none"),
        ({"profile": None}, "profile: required by this driver"),
        ({"profile": "ea_psb_10000"}, "the profile of a psu_dc; name one of a powermeter"),
        ({"profile": "nothing"}, "profile = 'nothing': no such profile; known are abb_b23, acrel_adw300"),
        ({"params": {"ct": 5}}, r"\[params\] ct: profile acrel_djsf1352 knows no such parameter; known are invert"),
        ({"kind": "token_reader", "driver": "line"}, "not a line of text"),
        ({"kind": "pilot_board", "driver": "generic_io", "params": {"a": 1}}, "known are watchdog_ms"),
    ],
)
def test_catalogue_says_what_is_known(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UnusableDevice, match=expected):
        catalog.build_device(_spec(**changes), catalog.open_bus(BusSpec("b", "serial", "/nowhere")))


def test_catalogue_bus_kinds_and_wrong_wires() -> None:
    with pytest.raises(UnusableDevice, match="one of serial, tcp, line, bytes, keyboard, can, gpio"):
        catalog.open_bus(BusSpec("b", "lin", "lin0"))
    with pytest.raises(UnusableDevice, match="not a Modbus line"):
        catalog.build_device(_spec(), catalog.open_bus(BusSpec("r", "line", "/nowhere")))
    with pytest.raises(UnusableDevice, match="correct the regular expression"):
        catalog.build_device(
            _spec(kind="token_reader", driver="line", params={"pattern": "("}),
            catalog.open_bus(BusSpec("r", "line", "/nowhere")),
        )
