"""The station's decisions joined in one process without shells: control, session, arbiter, book and an obedient stage.

Effects are performed in memory and kept for the test. Time is a number that the caller moves, or the clock of a bench.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.schema import Config, CsmsSection, EnergySection
from chargepoint.control.car_plans import NeedsTaken
from chargepoint.control.effects import (
    AnswerCar,
    AskForContract,
    AskForToken,
    DropCar,
    Effect,
    ForgetCarSession,
    NotifyCar,
    RelayInstallation,
    ReportNeeds,
    SendDemand,
    StoreRecord,
    WriteLine,
)
from chargepoint.control.evse_control import ChargingVariables, ControlEvent, InstallationAnswered
from chargepoint.control.station_control import StationControl
from chargepoint.evse.events import AuthorizationAnswered, ContractAnswered
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.model.car import CarEvent, ControlMode, EnergyService
from chargepoint.model.car_questions import AnswerToCar, ContractJudged
from chargepoint.model.commands import StopTransaction
from chargepoint.model.demand import Contribution, Source, StageDemand
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.image import ControlPilot, TokenPresented
from chargepoint.model.instant import Instant
from chargepoint.model.limits import charge_only
from chargepoint.model.station_view import StationView
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import TransactionRecord
from chargepoint.transactions.sampling import SamplingIntervals
from tests.joined.contracts import ContractDesk
from tests.joined.outlet import DC_OUTLET, Outlet

EVSE = EvseId(1)
EPOCH = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
FOR_EVER_S = 1e12
LOOP_TIMEOUT_S = 0.5
ON_VOLTAGE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class TimedDemand:
    """An order to the stage, with the monotonic second at which it left."""

    at_s: float
    demand: StageDemand


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line of the log: `letter` as in `WriteLine`."""

    at_s: float
    letter: str
    text: str


def settings_of(services: tuple[EnergyService, ...], mode: ControlMode = ControlMode.DYNAMIC) -> SeccSettings:
    """The SECC's settings of this station; `mode` is offered first."""
    modes = (mode, *(m for m in ControlMode if m is not mode))
    return SeccSettings(
        int(EVSE), "DE*OCP*E1", services, modes, LOOP_TIMEOUT_S, ON_VOLTAGE_TIMEOUT_S, iso20_without_tls=True
    )


class JoinedStation:
    """One EVSE. `notify_car`, `answer_car` and `drop_car` are what a SECC would do; a harness sets them.

    `keep_history` False: a run of any length keeps the memory flat.
    """

    def __init__(self, now_s: float, outlet: Outlet = DC_OUTLET, *, keep_history: bool = True) -> None:
        config = Config(
            evse={1: outlet.section},
            csms=CsmsSection(enabled=False),
            energy=EnergySection(),
            iso15118=Iso15118Section(charge_loop_timeout_s=LOOP_TIMEOUT_S, on_voltage_timeout_s=ON_VOLTAGE_TIMEOUT_S),
        )
        self.now_s = now_s
        self._began_s = now_s
        self._keep_history = keep_history
        self._transactions = 0
        variables = ChargingVariables(60.0, SamplingIntervals(60.0, 0.0))
        self.control = StationControl(config, lambda: variables, self._new_transaction_id)
        self.stage = outlet.new_stage(EVSE)
        self.contracts: ContractDesk | None = None
        self.demands: list[TimedDemand] = []
        self.lines: list[TimedLine] = []
        self.records: list[TransactionRecord] = []
        self.notify_car: Callable[[], None] = lambda: None
        self.answer_car: Callable[[int, AnswerToCar], None] = lambda _number, _answer: None
        self.drop_car: Callable[[], None] = lambda: None
        self.forget_car: Callable[[], None] = lambda: None
        self.on_demand: Callable[[StageDemand], None] = lambda _: None
        self.on_line: Callable[[TimedLine], None] = lambda _: None
        self._effects: deque[Effect] = deque()
        self._performing = False

    def _new_transaction_id(self) -> TransactionId:
        self._transactions += 1
        return TransactionId(f"tx-{self._transactions}")

    @property
    def at(self) -> Instant:
        """This moment on both clocks."""
        return Instant(self.now_s, EPOCH + timedelta(seconds=self.now_s - self._began_s))

    def view(self) -> StationView:
        """What the SECC answers from."""
        return self.control.evses[EVSE].station_view()

    # -- what happens ----------------------------------------------------------------------------------------------

    def report_image(self) -> None:
        """The power process reports, and time passes for the decisions."""
        self.feed(self.stage.image(self.now_s))
        self._perform(self.control.tick(self.at))

    def plug(self) -> None:
        """A car is plugged in."""
        self.stage.pilot = ControlPilot.B
        self.report_image()

    def unplug(self) -> None:
        """The plug is out."""
        self.stage.pilot = ControlPilot.A
        self.report_image()

    def show_card(self) -> None:
        """A card that is accepted."""
        self.feed(TokenPresented(EVSE, "04A1B2C3", self.now_s))

    def order_power(self, power_W: float) -> None:
        """The central system wants this power, for ever."""
        wanted = Contribution(Source.CSMS, EVSE, FOR_EVER_S, "a profile", None, power_W)
        self._perform(self.control.evses[EVSE].contribute("ocpp", (wanted,), self.at))

    def limit_power(self, charge_W: float) -> None:
        """The central system allows no more than this, for ever."""
        limit = Contribution(Source.CSMS, EVSE, FOR_EVER_S, "a limit", charge_only(charge_W), None)
        self._perform(self.control.evses[EVSE].contribute("ocpp", (limit,), self.at))

    def stop_transaction(self) -> None:
        """The central system ends the transaction that runs."""
        self.feed(StopTransaction(TransactionId(f"tx-{self._transactions}")))

    def take_car_events(self, events: Iterable[CarEvent]) -> None:
        """Events of the car's conversation, in order."""
        for event in events:
            self.feed(event)

    def feed(self, event: ControlEvent) -> None:
        """One event."""
        self._perform(self.control.feed(EVSE, event, self.at))

    # -- effects -----------------------------------------------------------------------------------------------------

    def _perform(self, effects: Iterable[Effect]) -> None:
        self._effects.extend(effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._effects:
                self._perform_one(self._effects.popleft())
        finally:
            self._performing = False

    def _perform_one(self, effect: Effect) -> None:
        match effect:
            case SendDemand(demand):
                self.stage.take(demand, self.now_s)
                self._note(self.demands, TimedDemand(self.now_s, demand))
                self.on_demand(demand)
            case StoreRecord(_, record, _):
                self._note(self.records, record)
            case AskForToken(_, token):
                self.feed(AuthorizationAnswered(token, AuthorizationStatus.ACCEPTED))
            case AskForContract(_, asked, _) if self.contracts is not None:
                self.feed(ContractAnswered(asked, ContractJudged(self.contracts.status)))
            case RelayInstallation(_, number, question) if self.contracts is not None:
                self.feed(InstallationAnswered(number, self.contracts.install(question)))
            case ReportNeeds(_, int(number), _):
                self.feed(NeedsTaken(number, wait=False))
            case WriteLine(_, letter, text):
                line = TimedLine(self.now_s, letter, text)
                self._note(self.lines, line)
                self.on_line(line)
            case NotifyCar():
                self.notify_car()
            case AnswerCar(_, number, answer):
                self.answer_car(number, answer)
            case DropCar():
                self.drop_car()
            case ForgetCarSession():
                self.forget_car()
            case _:
                pass  # reports and stored values that no test here reads

    def _note(self, history: list[Any], item: Any) -> None:
        if self._keep_history:
            history.append(item)
