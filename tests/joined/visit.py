"""One visit of the virtual car at the joined station, in virtual time: plugged, card shown, session, unplugged.

Conversation, control, arbiter, book and the car's core are the real ones. Only sockets and the power process are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.protocols import spoken
from chargepoint.model.car import CarEvent, CarSessionEnded, ControlMode
from chargepoint.model.car_questions import AnswerToCar
from chargepoint.model.demand import Phase
from chargepoint.model.image import ControlPilot
from chargepoint.model.transactions import TransactionEventType, TransactionRecord
from hil.simulators.evcc.body import Inlet, MemoryBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.exchange_log import LoggedMessage
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.orders import OrderConnection, OrderDisconnection
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec
from tests.joined.ac_stage import ObedientAcStage
from tests.joined.contracts import ContractDesk
from tests.joined.outlet import DC_OUTLET, Outlet
from tests.joined.station import EPOCH, JoinedStation, TimedDemand, TimedLine, settings_of

REPORT_S = 0.1
"""How often the power process reports while power may flow."""
REPORT_IDLE_S = 0.25
"""And while it may not: shorter than a lease."""
LONGEST_VISIT_S = 400.0
"""Beyond each timer of the station and of the car together."""


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event of the conversation, with its monotonic second."""

    at_s: float
    event: CarEvent


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that one visit left behind."""

    car: CarCore
    demands: Sequence[TimedDemand]
    lines: Sequence[TimedLine]
    records: Sequence[TransactionRecord]
    events: Sequence[TimedEvent]

    def ends(self) -> list[tuple[float, CarSessionEnded]]:
        """How the conversations ended, each with its second."""
        return [(e.at_s, e.event) for e in self.events if isinstance(e.event, CarSessionEnded)]

    def stop_reason(self) -> str:
        """The reason of the transaction's Ended record; empty where no transaction began."""
        if not self.records:
            return ""
        (ended,) = [r for r in self.records if r.type is TransactionEventType.ENDED]
        return "" if ended.stopped_reason is None else ended.stopped_reason.value

    def misbehaved(self) -> LoggedMessage:
        """The first request that was sent, or left out, on purpose."""
        return next(e for e in self.car.log.entries if e.direction == ">" and e.note)

    def answered(self) -> str:
        """The response code to the first misbehaviour; empty where no answer came before the connection ended."""
        entries = list(self.car.log.entries)
        later = entries[entries.index(self.misbehaved()) + 1 :]
        return next((e.code for e in later if e.direction == "<"), "")

    def power_ended_s(self) -> float:
        """Seconds from the first misbehaviour until no power was ordered any more; 0 where none was."""
        return self._last_s(
            lambda d: d.demand.phase is Phase.TRANSFER and bool(d.demand.limits_W.clamp(d.demand.power_W))
        )

    def stage_off_s(self) -> float:
        """Seconds from the first misbehaviour until the stage was ordered off for good; 0 where it was off."""
        return self._last_s(lambda d: d.demand.phase is not Phase.OFF)

    def _last_s(self, holds: Callable[[TimedDemand], bool]) -> float:
        """How long after the misbehaviour the last order with this property was replaced."""
        since_s = self.misbehaved().at_s
        last = max((i for i, d in enumerate(self.demands) if holds(d)), default=None)
        if last is None:
            return 0.0
        assert last + 1 < len(self.demands), "the last order of all still holds"
        return max(0.0, self.demands[last + 1].at_s - since_s)


class VirtualSite:
    """The joined station and its connector; cars come one after the other."""

    def __init__(
        self,
        mode: ControlMode = ControlMode.DYNAMIC,
        outlet: Outlet = DC_OUTLET,
        contracts: ContractDesk | None = None,
        *,
        certificate: bytes | None = None,
        iso2_discharge: bool = False,
        sae_services: tuple[Literal["V2H", "V2G"], ...] = (),
    ) -> None:
        """`certificate`: that of each car's TLS connection; None: plain TCP, on which no car is recognised.

        `iso2_discharge` and `sae_services`: as the settings of the SECC.
        """
        self._peer = Peer("fe80::1") if certificate is None else Peer("fe80::1", "TLSv1.3", certificate)
        self.now_s = 1000.0
        self.station = JoinedStation(self.now_s, outlet)
        self.station.contracts = contracts
        self.outlet = outlet
        settings = settings_of(outlet.services, mode)
        settings = settings if contracts is None else contracts.settings(settings)
        self._settings = replace(settings, iso2_discharge=iso2_discharge, sae_services=sae_services)
        self._soon: deque[Callable[[], None]] = deque()
        self._report_s = self.now_s
        self._body = MemoryBody()
        self._pilot_stuck = False
        self._car: CarCore | None = None
        self._conversation: Conversation | None = None
        self._kept: KeptSession | None = None
        self._events: list[TimedEvent] = []
        station = self.station
        station.notify_car = lambda: self._soon.append(self._update)
        station.answer_car = lambda number, answer: self._soon.append(lambda: self._answer(number, answer))
        station.drop_car = self._plug_pulled
        station.forget_car = self._forget

    # -- a visit -----------------------------------------------------------------------------------------------------

    def visit(
        self,
        plan: CarPlan | None = None,
        spec: CarSpec | None = None,
        *,
        loops: int = 5,
        stays_s: float = 0.0,
        power_W: float = 8000.0,
        pilot_stuck: bool = False,
        card: bool = True,
        credentials: Credentials | None = None,
        stopped_at_loop: int | None = None,
        soc_percent: float = 50.0,
    ) -> Visit:
        """The whole visit. The driver stops the car after `loops`; the car stays plugged in for `stays_s` after its end.

        `pilot_stuck`: a car that went to pilot C stays there, as one whose controller stopped. `card`: the driver shows a card.
        `credentials`: the certificates of a car that pays with its contract. `stopped_at_loop`: the central system ends the
        transaction then.
        """
        station, demands, lines = self.station, len(self.station.demands), len(self.station.lines)
        records, self._events = len(station.records), []
        self._body, self._pilot_stuck = MemoryBody(), pilot_stuck
        self._body.inlet = replace(self._body.inlet, soc_percent=soc_percent)
        station.plug()
        if card:
            station.show_card()
        station.order_power(power_W)
        plan = plan or CarPlan(energy=(self.outlet.energy,))
        utc_s = EPOCH.timestamp() + self.now_s
        car = CarCore(spec or CarSpec(), plan, self.now_s, utc_s, credentials)
        self._car = car
        limit_s = self.now_s + LONGEST_VISIT_S
        while not car.ended:
            if car.progress.loops >= loops and not car.memory.stop_wanted:
                car.stop(self.now_s)
            if stopped_at_loop is not None and car.progress.loops >= stopped_at_loop:
                stopped_at_loop = None
                station.stop_transaction()
            self._step(self.now_s + REPORT_IDLE_S)
            assert self.now_s < limit_s, f"the car still does {car.step}"
        self._car = None
        self._pass_time(1.0 + stays_s)
        station.unplug()
        self._pass_time(2.0)
        assert self.station.control.idle, "the transaction did not end"
        return Visit(
            car, station.demands[demands:], station.lines[lines:], station.records[records:], tuple(self._events)
        )

    def _pass_time(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self._step(until_s)

    # -- time --------------------------------------------------------------------------------------------------------

    def _step(self, until_s: float) -> None:
        """To the next deadline of anybody, at most to `until_s`."""
        due = [self._report_s, until_s]
        due += [c.deadline_s for c in (self._car, self._conversation) if c is not None and c.deadline_s is not None]
        self.now_s = self.station.now_s = max(self.now_s, min(due))
        if self._report_s <= self.now_s:
            self.station.report_image()
            idle = self.station.stage.phase(self.now_s) is Phase.OFF
            self._report_s = self.now_s + (REPORT_IDLE_S if idle else REPORT_S)
        if self._conversation is not None and (deadline_s := self._conversation.deadline_s) is not None:
            if deadline_s <= self.now_s:
                self._conversation.tick(self._now)
            self._pass_on()
        self._run_soon()
        car = self._car
        if car is not None and car.deadline_s is not None and car.deadline_s <= self.now_s:
            car.measured(self._inlet())
            car.tick(self.now_s)
        self._perform_car()
        self._run_soon()

    def _run_soon(self) -> None:
        while self._soon:
            self._soon.popleft()()

    @property
    def _now(self) -> Now:
        return Now(self.now_s, int(EPOCH.timestamp() + self.now_s))

    # -- the car's side ----------------------------------------------------------------------------------------------

    def _inlet(self) -> Inlet:
        image = self.station.stage.image(self.now_s)
        assert image.voltage_V is not None
        assert image.current_A is not None
        return replace(
            self._body.inlet, inlet_V=image.voltage_V, current_A=image.current_A, duty_percent=image.duty_percent
        )

    def _perform_car(self) -> None:
        """As the shell of the car: orders to the body, then bytes, then the connection."""
        car = self._car
        if car is None:
            return
        orders = car.orders()
        for order in orders:
            self._body.perform(order)
        self._show_body()
        if (data := car.to_send(self.now_s)) and self._conversation is not None:
            self._conversation.update(self.station.view(), self._now)
            self._conversation.receive(data, self._now)
            self._pass_on()
        for order in orders:
            if isinstance(order, OrderConnection):
                self._connect(car)
            elif isinstance(order, OrderDisconnection):
                self._disconnect("the car closed the connection")

    def _show_body(self) -> None:
        stage = self.station.stage
        if isinstance(stage, ObedientAcStage):
            stage.charger_W = self._body.inlet.charger_W
        pilot = ControlPilot.C if self._body.inlet.pilot == "C" else ControlPilot.B
        released = pilot is ControlPilot.B and stage.pilot is ControlPilot.C
        if stage.pilot.plugged and pilot is not stage.pilot and not (released and self._pilot_stuck):
            stage.pilot = pilot
            self.station.report_image()

    def _connect(self, car: CarCore) -> None:
        self._conversation = Conversation(
            self._settings, spoken(self._settings, self._peer), self._peer, _random_bytes, self._now, kept=self._kept
        )
        self._conversation.update(self.station.view(), self._now)
        car.connected(None, self.now_s)

    # -- the station's side --------------------------------------------------------------------------------------------

    def _pass_on(self) -> None:
        """As the shell of the station: bytes to the car, events to the decisions, the end of the connection."""
        conversation, car = self._conversation, self._car
        if conversation is None:
            return
        if (data := conversation.to_send()) and car is not None:
            car.receive(data, self.now_s)
        self._kept = conversation.kept
        events = conversation.events()
        self._events += [TimedEvent(self.now_s, event) for event in events]
        self.station.take_car_events(events)
        if conversation.ended and self._conversation is conversation:
            self._conversation = None
            if car is not None:
                car.connection_lost("", self.now_s)

    def _update(self) -> None:
        if self._conversation is not None:
            self._conversation.update(self.station.view(), self._now)
            self._pass_on()

    def _answer(self, number: int, answer: AnswerToCar) -> None:
        if self._conversation is not None:
            self._conversation.answer(number, answer, self._now)
            self._pass_on()

    def _disconnect(self, why: str) -> None:
        if self._conversation is not None:
            self._conversation.peer_gone(why)
            self._pass_on()

    def _plug_pulled(self) -> None:
        self._disconnect("the plug was pulled")
        self._kept = None

    def _forget(self) -> None:
        self._kept = None


def _random_bytes(count: int) -> bytes:
    """The same bytes each time: a test must be repeatable."""
    return bytes(range(1, count + 1))
