"""The lamps of a connector: state from image and the daemon's word, light from state and time, the word's expiry."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, cast

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, Stage
from chargepoint.model.indicator import ConnectorWord, IndicatorState, Lamp, ShowConnector
from chargepoint.power.cycle import Cycle
from chargepoint.power.indicator import PATTERNS, SHOWN_AGAIN_S, WORD_HOLDS_S, ConnectorLamps, lit, state_of
from chargepoint.power.link_codec import LinkError, decode_down, encode_down
from tests.unit.power.test_order_before_report import RecordingBus, RecordingLink, TrippingStage

EVSE = EvseId(1)
IN_SERVICE, RESERVED, UNAVAILABLE = ConnectorWord.IN_SERVICE, ConnectorWord.RESERVED, ConnectorWord.UNAVAILABLE
AT_REST = EvseImage(
    evse_id=EVSE, seq=1, taken_at_s=0.0, demand_seq=1, phase=Phase.OFF, stage=Stage.OFF, pilot=ControlPilot.A,
    duty_percent=100.0, contactor=Contactor.OPEN, lock=Lock.UNLOCKED, voltage_V=0.0, current_A=0.0, applied_W=0.0,
    target_W=0.0, limited_by_stage="", insulation_ohm=None, meter=None, temperature_degC=25.0, capabilities=None,
    faults=frozenset(), permitted=True,
)  # fmt: skip
PLUGGED = replace(AT_REST, pilot=ControlPilot.B)
FLOWING = replace(AT_REST, pilot=ControlPilot.C, stage=Stage.TRANSFER, applied_W=10_000.0)
FAULTED = replace(AT_REST, faults=frozenset({FaultCode.EMERGENCY_STOP}), permitted=False)


class Lamps:
    name = "lamps1"
    identity_error = ""

    def __init__(self) -> None:
        self.shown: list[frozenset[Lamp]] = []
        self.broken = False

    def poll(self, now_s: float) -> None: ...

    def show(self, lit: frozenset[Lamp]) -> None:
        if self.broken:
            raise RuntimeError("no such line")
        self.shown.append(lit)


@pytest.mark.parametrize(
    ("image", "word", "state"),
    [
        (None, IN_SERVICE, IndicatorState.UNAVAILABLE),
        (AT_REST, IN_SERVICE, IndicatorState.AVAILABLE),
        (AT_REST, RESERVED, IndicatorState.RESERVED),
        (AT_REST, UNAVAILABLE, IndicatorState.UNAVAILABLE),
        (AT_REST, None, IndicatorState.UNAVAILABLE),
        (PLUGGED, IN_SERVICE, IndicatorState.OCCUPIED),
        (PLUGGED, RESERVED, IndicatorState.OCCUPIED),
        (FLOWING, IN_SERVICE, IndicatorState.CHARGING),
        (replace(FLOWING, applied_W=-10_000.0), IN_SERVICE, IndicatorState.DISCHARGING),
        (replace(FLOWING, applied_W=10.0), IN_SERVICE, IndicatorState.OCCUPIED),
        (FAULTED, IN_SERVICE, IndicatorState.FAULTED),
        (FAULTED, None, IndicatorState.FAULTED),
    ],
)
def test_image_and_word_make_a_state(
    image: EvseImage | None, word: ConnectorWord | None, state: IndicatorState
) -> None:
    assert state_of(image, word) is state


def test_every_state_has_a_pattern_and_no_two_look_the_same() -> None:
    assert set(PATTERNS) == set(IndicatorState)
    assert len({PATTERNS[state] for state in IndicatorState}) == len(IndicatorState)


def test_a_pattern_blinks_with_the_clock() -> None:
    charging = [lit(IndicatorState.CHARGING, second) for second in (100.5, 101.5, 102.5)]
    assert charging == [frozenset({Lamp.BLUE}), frozenset(), frozenset({Lamp.BLUE})]
    assert lit(IndicatorState.AVAILABLE, 7.7) == lit(IndicatorState.AVAILABLE, 8.9) == frozenset({Lamp.GREEN})


def test_a_silent_daemon_makes_the_connector_unavailable() -> None:
    port = Lamps()
    lamps = ConnectorLamps(port)
    lamps.note(IN_SERVICE, 99.0)
    lamps.step(AT_REST, 99.0)
    assert port.shown[-1] == {Lamp.GREEN}
    lamps.step(AT_REST, 99.0 + WORD_HOLDS_S)
    assert port.shown[-1] == {Lamp.RED}, "102 s is the begin of the pattern"


def test_the_driver_hears_of_changes_and_once_a_second() -> None:
    port = Lamps()
    lamps = ConnectorLamps(port)
    for tick in range(100):
        lamps.note(IN_SERVICE, tick * 0.05)
        lamps.step(AT_REST, tick * 0.05)
    assert len(port.shown) == pytest.approx(5.0 / SHOWN_AGAIN_S, abs=1)


def test_a_driver_that_raises_is_named_and_left_alone() -> None:
    port = Lamps()
    port.broken = True
    lamps = ConnectorLamps(port)
    lamps.step(AT_REST, 1.0)
    port.broken = False
    lamps.step(PLUGGED, 2.0)
    assert (lamps.trouble, port.shown) == ("lamps1: its driver failed: RuntimeError: no such line", [])


def test_the_word_travels_over_the_link() -> None:
    for word in ConnectorWord:
        message = ShowConnector(EVSE, word)
        assert decode_down(encode_down(message)) == message
    with pytest.raises(LinkError):
        decode_down(encode_down(ShowConnector(EVSE, IN_SERVICE))[:-1] + b"\x07")


def test_the_cycle_drives_the_lamps_and_hears_the_word() -> None:
    done: list[str] = []
    port = Lamps()

    class TalkingLink(RecordingLink):
        lost = False
        errors: list[str] = []  # noqa: RUF012

        def receive(self) -> tuple[list[ShowConnector], bool]:
            return [ShowConnector(EVSE, IN_SERVICE), ShowConnector(EvseId(9), IN_SERVICE)], False

    class RestingStage(TrippingStage):
        def cycle(self, now_s: float) -> Any:
            return replace(AT_REST, taken_at_s=now_s)

        def events(self) -> list[Any]:
            return []

    cycle = Cycle(
        {EVSE: cast(Any, RestingStage(done))},
        [cast(Any, RecordingBus(done))],
        cast(Any, TalkingLink(done)),
        0.01,
        lambda: None,
        logging.getLogger("lamps"),
        lamps={EVSE: ConnectorLamps(port)},
    )
    cycle.tick(3.0)
    assert port.shown[-1] == {Lamp.RED}
    cycle._obey(3.1)
    cycle.tick(3.2)
    assert port.shown[-1] == {Lamp.GREEN}
