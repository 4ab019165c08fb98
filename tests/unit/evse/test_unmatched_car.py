"""SLAC, session and the real AC stage joined in virtual time: a car without a modem ends up charging by the duty cycle."""

from __future__ import annotations

import random

from chargepoint.evse.events import AuthorizationAnswered, EndTransaction, SessionOutput, TimePassed, WriteLog
from chargepoint.evse.session import EvseSession
from chargepoint.model.data_link import DataLinkState
from chargepoint.model.demand import PilotCommand, Setpoint, Source
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import Stage, TokenPresented
from chargepoint.model.limits import Interval
from chargepoint.model.status import AuthorizationStatus
from chargepoint.slac.evse_slac import EvseSlac, SlacOutput
from chargepoint.slac.frames import SlacFrame
from hil.plant.pilot import Generator
from hil.simulators.slac.ev_slac import EvSlac
from hil.simulators.slac.powerline import CarOnLine, ModemFaults, Powerline, SimulatedModem
from tests.joined.ac_loop import AcLoop

EVSE = EvseId(1)
HOST, MODEM, CAR = (b"\x02" + bytes(4) + bytes((number,)) for number in (1, 2, 3))
STEP_S = 0.05
CARD = "04A1B2C3"


class Place:
    """One AC outlet with a modem. The car speaks SLAC only where `digital`; else it reads the duty cycle."""

    def __init__(self, faults: ModemFaults | None = None, *, digital: bool) -> None:
        self.session = EvseSession(
            EVSE,
            authorize_everybody=False,
            lease_s=0.5,
            ev_connection_timeout_s=lambda: 60.0,
            new_transaction_id=lambda: TransactionId("tx-1"),
            matches=True,
        )
        self.loop = AcLoop()
        self.slac = EvseSlac(EVSE, random.Random(1).randbytes, ac=True)
        core = EvSlac(CAR, random.Random(2).randbytes)
        self.line = Powerline(
            {"one": SimulatedModem(MODEM, faults=faults or ModemFaults())},
            {"car": CarOnLine(core, {"one": 6}, SimulatedModem(b"\x02" + bytes(4) + b"\x04"))},
        )
        self.digital = digital
        self.outputs: list[SessionOutput] = []
        self.generators: list[Generator] = []
        self._take(self.slac.interface_up(HOST, self.loop.now_s))

    def run(self, seconds: float, until: DataLinkState | None = None) -> None:
        loop = self.loop
        for _ in range(round(seconds / STEP_S)):
            if until is not None and self.slac.state is until:
                return
            loop.run(STEP_S)
            assert loop.image is not None
            now_s = loop.now_s
            self.outputs += self.session.feed(loop.image, now_s)
            self.outputs += self.session.feed(TimePassed(), now_s)
            setpoint = Setpoint(EVSE, 11_000.0, Interval(-11_000.0, 22_000.0), Source.CSMS, None, "a test", now_s + 9.0)
            loop.demand = self.session.stage_demand(setpoint, now_s)
            wanted = self.session.view.wants_data_link
            self._take(self.slac.note_pilot(loop.image.pilot, now_s, wanted=wanted))
            self._take(self.slac.keep_time(now_s))
            self._deliver(self.line.keep_time(now_s))
            generator = loop.plant.board.generator
            if not self.generators or self.generators[-1] is not generator:
                self.generators.append(generator)
                if generator is Generator.PWM and self.digital and loop.plant.board.duty_percent == 5.0:
                    self._deliver(self.line.plug_in("car", now_s))
            self._drive()

    def _drive(self) -> None:
        """A car that reads the duty cycle: it goes to C where the pilot names a current."""
        duty, car = self.loop.plant.duty_percent, self.loop.plant.car
        current_A = 0.6 * duty if duty is not None and 10.0 <= duty <= 85.0 else 0.0
        draws = car.plugged and current_A > 0.0 and not self.digital
        car.ordered_W = 690.0 * current_A if draws else 0.0
        car.pilot = "C" if draws or car.power_W > 0.0 else "B"

    def authorise(self) -> None:
        self.session.feed(TokenPresented(EVSE, CARD, self.loop.now_s), self.loop.now_s)
        answer = AuthorizationAnswered(IdToken(CARD, IdTokenType.ISO14443), AuthorizationStatus.ACCEPTED)
        self.outputs += self.session.feed(answer, self.loop.now_s)

    def logged(self) -> list[str]:
        return [output.text for output in self.outputs if isinstance(output, WriteLog)]

    def _take(self, outputs: list[SlacOutput]) -> None:
        for output in outputs:
            if isinstance(output, SlacFrame):
                self._deliver(self.line.from_station("one", output, self.loop.now_s))
            else:
                self.outputs += self.session.feed(output, self.loop.now_s)

    def _deliver(self, frames: list[tuple[str, SlacFrame]]) -> None:
        for _, frame in frames:
            self._take(self.slac.take(frame, self.loop.now_s))


def test_a_digital_car_is_matched_at_5_percent() -> None:
    place = Place(digital=True)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(3.0, DataLinkState.UP)
    assert place.slac.state is DataLinkState.UP
    assert place.loop.plant.board.duty_percent == 5.0
    place.run(30.0)
    assert Generator.F not in place.generators[1:]  # the first is the board's own, before the first order


def test_a_car_without_a_modem_charges_by_the_duty_cycle_after_two_steps() -> None:
    place = Place(digital=False)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(0.5)
    place.authorise()
    steps_before = place.generators.count(Generator.F)
    place.run(90.0, DataLinkState.DUTY_CYCLE)
    assert place.slac.state is DataLinkState.DUTY_CYCLE
    assert place.generators.count(Generator.F) - steps_before == 2
    place.run(8.0)
    assert place.loop.at(Stage.TRANSFER)
    assert place.loop.plant.currents_A[0] > 10.0
    assert "unplugged" not in place.logged()
    assert not [output for output in place.outputs if isinstance(output, EndTransaction)]


def test_after_an_unplugging_the_next_car_may_be_digital() -> None:
    place = Place(digital=False)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(90.0, DataLinkState.DUTY_CYCLE)
    place.loop.plant.unplug()
    place.run(2.0, DataLinkState.READY)
    place.digital = True
    place.run(1.0)
    place.loop.plant.plug()
    place.run(3.0, DataLinkState.UP)
    assert place.slac.state is DataLinkState.UP


def test_without_a_modem_the_pilot_shows_no_5_percent_and_then_the_duty_cycle() -> None:
    place = Place(ModemFaults(silent=True), digital=False)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(0.5)
    place.authorise()
    place.run(15.0)
    assert place.loop.demand is not None
    assert place.loop.demand.pilot is PilotCommand.X1
    place.run(20.0)
    assert place.loop.at(Stage.TRANSFER)
    assert any("does not answer its key" in text for text in place.logged())
