"""GPIO lines over a chip that is made up: this machine has no gpiochip and no gpio-sim. gpiod itself is only seen to refuse."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import pytest

from chargepoint.model.image import Lock
from chargepoint.model.io import SafetyInput
from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec
from drivers.catalog import build_device
from drivers.gpio.bus import EDGES_PER_READ, REREAD_S, GpioBus
from drivers.gpio.chip import Bias, ChipUnusable, LineUse, open_gpiod
from drivers.gpio.io_lines import GpioIo, line_use
from drivers.gpio.line import ACTIVE_S, INACTIVE_S, EdgeSeen


class Chip:
    """A chip whose lines a test moves. `values` are active or not; outputs land there too."""

    def __init__(self) -> None:
        self.values: dict[int, bool] = {}
        self.uses: dict[int, LineUse] = {}
        self.history: list[tuple[int, bool]] = []
        self.waiting: list[EdgeSeen] = []
        self.numbers: dict[int, int] = {}
        self.broken = self.taken = False
        self.released = 0
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)

    def open(self, path: str, uses: Sequence[LineUse]) -> Chip:
        if self.taken:
            raise ChipUnusable(f"{path}: busy")
        self.uses = {use.offset: use for use in uses}
        for use in uses:
            self.values[use.offset] = False if use.output else self.values.get(use.offset, False)
        return self

    def move(self, offset: int, active: bool, at_s: float, *, lost: bool = False) -> None:
        self.values[offset] = active
        self.numbers[offset] = self.numbers.get(offset, 0) + 1
        if not lost:
            self.waiting.append(EdgeSeen(offset, active, at_s, self.numbers[offset]))

    def edges(self, most: int) -> Sequence[EdgeSeen]:
        self._check()
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return taken

    def levels(self, offsets: Sequence[int]) -> Mapping[int, bool]:
        self._check()
        return {offset: self.values[offset] for offset in offsets}

    def set(self, offset: int, active: bool) -> None:
        self._check()
        self.values[offset] = active
        self.history.append((offset, active))

    def release(self) -> None:
        self.released += 1

    def _check(self) -> None:
        if self.broken:
            raise OSError(19, "No such device")


PARAMS: dict[str, float | int | str | bool] = {
    "emergency_chain": 17,
    "door": "22 low pull-up",
    "contactor": "23 open-drain",
    "contactor_positive_feedback": 24,
    "contactor_negative_feedback": 25,
    "lock": 5,
    "lock_feedback": 6,
    "discharge": 12,
    "discharge_feedback": 13,
}


def spec(**params: float | int | str | bool) -> DeviceSpec:
    return DeviceSpec("gpio", "pilot_board", "gpio", "chip", 1, None, params)


class Rig:
    def __init__(self) -> None:
        self.now_s = 1.0
        self.chip = Chip()
        self.bus = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: self.now_s, self.chip.open)
        device = build_device(spec(**PARAMS), self.bus)
        assert isinstance(device, GpioIo)
        self.device = device
        self.chip.values.update({17: True, 22: True})
        self.pump(0.0)
        self.pump(ACTIVE_S)
        self.pump(0.01)

    def pump(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.bus.pump(self.now_s)

    @property
    def open_inputs(self) -> frozenset[SafetyInput]:
        inputs = self.device.ports.inputs
        assert inputs is not None and inputs.state is not None
        return inputs.state.value

    def contactor(self, closed: bool) -> None:
        assert self.device.ports.contactors is not None
        self.device.ports.contactors.request(closed)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.bus.close()
    os.close(rig.chip.fd)


def test_lines_are_requested_as_configured(rig: Rig) -> None:
    assert rig.chip.uses[22] == LineUse(22, False, active_low=True, bias=Bias.PULL_UP)
    assert rig.chip.uses[23] == LineUse(23, True, open_drain=True)
    inputs = rig.device.ports.inputs
    assert inputs is not None and inputs.watched == {SafetyInput.EMERGENCY_CHAIN, SafetyInput.DOOR}
    assert rig.open_inputs == frozenset()


def test_an_opened_chain_shows_within_its_time_and_wakes_the_loop_then(rig: Rig) -> None:
    rig.chip.move(17, False, rig.now_s)
    rig.pump(0.0005)
    assert rig.bus.deadline_s == pytest.approx(rig.now_s - 0.0005 + INACTIVE_S)
    rig.pump(INACTIVE_S)
    assert rig.open_inputs == {SafetyInput.EMERGENCY_CHAIN}


def test_a_dip_of_four_milliseconds_shows_for_fifty(rig: Rig) -> None:
    rig.chip.move(22, False, rig.now_s)
    rig.chip.move(22, True, rig.now_s + 0.004)
    rig.pump(0.01)
    assert rig.open_inputs == {SafetyInput.DOOR}
    rig.pump(0.03)
    assert rig.open_inputs == {SafetyInput.DOOR}
    rig.pump(0.03)
    assert rig.open_inputs == frozenset()


def test_lost_edges_are_made_up_for_by_a_reading(rig: Rig) -> None:
    rig.chip.move(17, False, rig.now_s, lost=True)
    rig.pump(REREAD_S)
    rig.pump(INACTIVE_S)
    assert rig.open_inputs == {SafetyInput.EMERGENCY_CHAIN}
    rig.chip.move(17, True, rig.now_s, lost=True)
    rig.chip.move(17, False, rig.now_s)
    rig.pump(0.0)
    rig.chip.move(17, True, rig.now_s)
    rig.chip.numbers[17] += 3
    rig.chip.move(17, False, rig.now_s)
    rig.pump(0.001)
    assert rig.bus.health().mismatches == 3


def test_a_chattering_line_costs_a_bounded_number_of_edges(rig: Rig) -> None:
    for _ in range(2 * EDGES_PER_READ):
        rig.chip.move(17, False, rig.now_s)
    rig.pump(0.001)
    assert len(rig.chip.waiting) == EDGES_PER_READ
    assert rig.bus.fileno() is None
    rig.pump(0.006)
    assert rig.chip.waiting == []
    rig.pump(0.006)
    assert rig.bus.fileno() == rig.chip.fd


def test_outputs_are_off_first_driven_at_once_and_off_when_closed(rig: Rig) -> None:
    assert rig.chip.values[23] is False
    rig.contactor(True)
    assert rig.chip.history == [(23, True)]
    contactors = rig.device.ports.contactors
    assert contactors is not None and contactors.state is not None
    assert contactors.state.value.coil_on and not contactors.state.value.positive_closed
    rig.chip.move(24, True, rig.now_s)
    rig.chip.move(25, True, rig.now_s)
    rig.pump(ACTIVE_S)
    assert contactors.state.value.positive_closed and contactors.state.value.negative_closed
    rig.bus.close()
    assert rig.chip.values[23] is False and rig.chip.released == 1


def test_a_dip_of_a_contactors_feedback_is_seen_by_a_later_cycle(rig: Rig) -> None:
    contactors = rig.device.ports.contactors
    assert contactors is not None and contactors.state is not None
    for offset in (24, 25):
        rig.chip.move(offset, True, rig.now_s)
    rig.pump(0.1)
    assert contactors.state.value.positive_closed
    rig.chip.move(24, False, rig.now_s)
    rig.chip.move(24, True, rig.now_s + 0.005)
    rig.pump(0.02)
    assert not contactors.state.value.positive_closed and contactors.state.value.negative_closed
    rig.pump(0.1)
    assert contactors.state.value.positive_closed


def test_the_same_order_is_driven_once(rig: Rig) -> None:
    for _ in range(3):
        rig.contactor(True)
        rig.pump(0.01)
    assert rig.chip.history == [(23, True)]


def test_a_stall_drives_nothing_and_leaves_the_lock_alone(rig: Rig) -> None:
    assert rig.device.ports.lock is not None
    rig.device.ports.lock.request(True)
    rig.bus.drop_queued(rig.now_s)
    rig.pump(0.3)
    assert rig.chip.history == [(5, True)] and rig.chip.values[5]


def test_a_lost_chip_is_reopened_with_everything_off_and_its_state_ages(rig: Rig) -> None:
    rig.contactor(True)
    contactors = rig.device.ports.contactors
    assert contactors is not None and contactors.state is not None
    before_s = contactors.state.taken_at_s
    rig.chip.broken = rig.chip.taken = True
    rig.pump(REREAD_S)
    assert not rig.bus.health().connected and "No such device" in rig.bus.health().trouble
    rig.contactor(True)
    rig.pump(1.1)
    assert contactors.state.taken_at_s == before_s and not contactors.state.value.coil_on
    rig.chip.broken = rig.chip.taken = False
    rig.pump(1.1)
    assert rig.bus.health().connected
    assert rig.chip.values[23] is False  # what was ordered before is old
    rig.contactor(True)
    assert rig.chip.values[23] is True


def test_the_lock_moves_agrees_or_fails(rig: Rig) -> None:
    lock = rig.device.ports.lock
    assert lock is not None and lock.state is not None
    assert lock.state.value is Lock.UNLOCKED
    lock.request(True)
    assert lock.state.value is Lock.MOVING
    rig.pump(2.5)
    assert lock.state.value is Lock.FAULT
    rig.chip.move(6, True, rig.now_s)
    rig.pump(0.01)
    assert lock.state.value is Lock.LOCKED


def test_discharge_shows_its_feedback(rig: Rig) -> None:
    discharge = rig.device.ports.discharge
    assert discharge is not None and discharge.state is not None and discharge.state.value is False
    discharge.request(True)
    rig.chip.move(13, True, rig.now_s)
    rig.pump(0.01)
    assert discharge.state.value is True and rig.chip.values[12]


@pytest.mark.parametrize(
    ("params", "key", "word"),
    [
        ({"door": "x"}, "door", "a line number"),
        ({"door": True}, "door", "a line number"),
        ({"door": "3 sideways"}, "door", "'sideways' is no word of a line"),
        ({"door": "3 open-drain"}, "door", "'open-drain' is no word of a line"),
        ({"gate": 3}, "gate", "no such parameter"),
        ({"contactor": 3}, "contactor_positive_feedback", "missing"),
        ({"door": 3, "fan": 3}, "", "line 3 of chip is used twice"),
        ({}, "", "names no line"),
    ],
)
def test_mistakes_are_named(params: dict[str, float | int | str | bool], key: str, word: str) -> None:
    with pytest.raises(UnusableDevice) as refused:
        build_device(spec(**params), GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0")))
    (mistake,) = refused.value.mistakes
    assert mistake.key[1:] == ((key,) if key else ()) and word in mistake.problem


def test_words_of_a_line() -> None:
    assert line_use("4 pull-down low", output=False) == LineUse(4, False, True, Bias.PULL_DOWN)
    assert line_use(4, output=True) == LineUse(4, True)


def test_gpiod_says_what_is_wrong_with_a_chip_that_is_not_there() -> None:
    with pytest.raises(ChipUnusable, match=r"/dev/nochip: no such chip; see `gpiodetect`"):
        open_gpiod("/dev/nochip", [LineUse(1, False)])


def test_an_emergency_stop_that_nobody_pressed_is_not_seen_at_the_start() -> None:
    chip = Chip()
    bus = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: 1.0, chip.open)
    device = build_device(spec(emergency_chain=17), bus)
    assert isinstance(device, GpioIo) and device.ports.inputs is not None
    chip.values[17] = True
    shown = []
    for tick in range(12):
        bus.pump(1.0 + tick / 100)
        state = device.ports.inputs.state
        shown.append(None if state is None else state.value)
    assert set(shown) == {None, frozenset()}
    chip.values[17] = False
    pressed = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: 1.0, chip.open)
    device = build_device(spec(emergency_chain=17), pressed)
    assert isinstance(device, GpioIo) and device.ports.inputs is not None
    for tick in range(12):
        pressed.pump(1.0 + tick / 100)
    assert device.ports.inputs.state is not None
    assert device.ports.inputs.state.value == frozenset({SafetyInput.EMERGENCY_CHAIN})
    os.close(chip.fd)
