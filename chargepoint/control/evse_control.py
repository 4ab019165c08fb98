"""One EVSE's decisions: the session, the arbiter and the transaction book joined, with time as a number.

`feed(event, at)` takes one event and returns effects. In the same call the event reaches session, arbiter and the order to
the power stage. A demand of the car or of the central system leaves when it changes. It does not wait for the next image.
`feed(TimePassed(), at)` must come at least each `TICK_S`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from chargepoint.config.schema import AuthorizationMode, Config
from chargepoint.control.billing import Billing, Circumstances
from chargepoint.control.car_plans import CarPlans, NeedsTaken
from chargepoint.control.car_side import CarSide
from chargepoint.control.effects import (
    AnswerCar,
    AskForContract,
    AskForToken,
    DropCar,
    Effect,
    ForgetCarSession,
    NotifyCar,
    NotifyReaders,
    RelayInstallation,
    ReportConnector,
    ResetLatches,
    SendDemand,
    StopAll,
    WriteLine,
)
from chargepoint.control.interrupted import InterruptedTransaction
from chargepoint.control.last_session import LastSession
from chargepoint.control.own_voice import OwnVoice
from chargepoint.control.power_pieces import power_pieces, price_pieces
from chargepoint.control.schedule_watch import ScheduleWatch
from chargepoint.control.setpoint_log import SetpointLog
from chargepoint.control.transaction_span import DEFAULT_POINTS, TransactionSpan, TxPoints
from chargepoint.energy import own_contributions
from chargepoint.energy.arbiter import Arbiter
from chargepoint.energy.connection import ConnectionShare, EvseNeed
from chargepoint.energy.fallback_ramp import FallbackRamp
from chargepoint.energy.forecast import Outlook, foresee
from chargepoint.evse.events import (
    AnswerAboutContract,
    AskAboutContract,
    AskAuthorization,
    BeginTransaction,
    EndTransaction,
    MasterPassShown,
    PowerProcessLost,
    ReportStatus,
    SessionEvent,
    SessionOutput,
    StopOrdered,
    TimePassed,
    UpdateTransaction,
    WriteLog,
)
from chargepoint.evse.session import EvseSession
from chargepoint.evse.view import SessionView
from chargepoint.model.car import (
    CarDemandChanged,
    CarSessionEnded,
    ProfileNamed,
    QuestionAsked,
    ScheduleOffered,
    ServiceSelected,
)
from chargepoint.model.car_questions import (
    AuthorizeContract,
    CertificateRelayed,
    ForeseePower,
    InstallCertificate,
    PowerForeseen,
    PowerPiece,
)
from chargepoint.model.charging_needs import PlannedPower
from chargepoint.model.commands import DriverWish, ReportKind, StopTransaction
from chargepoint.model.demand import Contribution, Phase, Setpoint, Source, StageDemand
from chargepoint.model.faults import CATALOGUE, FaultCleared
from chargepoint.model.forecast import Forecast, Plan
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.image import EvseImage, Stage, TokenPresented
from chargepoint.model.instant import Instant
from chargepoint.model.limits import ZERO
from chargepoint.model.station_view import StationView, Wish
from chargepoint.model.status import ConnectorStatusChanged, EvseState
from chargepoint.model.transactions import StopReason, TriggerReason
from chargepoint.transactions.book import CONNECTOR_ID, Closing
from chargepoint.transactions.ledger import LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

TICK_S = 0.1
"""`TimePassed` is fed this often, in seconds."""

RENEWALS_PER_LEASE = 5
"""An unchanged demand is sent again this many times within one lease: four may be lost."""


@dataclass(frozen=True, slots=True)
class ChargingVariables:
    """What the central system may change while the station runs. Seconds; an interval of 0 means never."""

    ev_connection_timeout_s: float
    sampling: SamplingIntervals
    points: TxPoints = DEFAULT_POINTS


@dataclass(frozen=True, slots=True)
class InstallationAnswered:
    """The central system's answer to the car's question of this number: a contract certificate, or none."""

    number: int
    relayed: CertificateRelayed


ControlEvent = SessionEvent | FaultCleared | InstallationAnswered | NeedsTaken


class EvseControl:
    """One EVSE's decisions. `variables` is read when needed and answers at once."""

    def __init__(
        self,
        evse_id: EvseId,
        config: Config,
        variables: Callable[[], ChargingVariables],
        new_transaction_id: Callable[[], TransactionId],
    ) -> None:
        self.evse_id = evse_id
        self._config = config
        self._section = config.evse[int(evse_id)]
        self._variables = variables
        self._lease_s = config.power.lease_s
        self._session = EvseSession(
            evse_id,
            authorize_everybody=config.energy.authorization is AuthorizationMode.NONE,
            lease_s=self._lease_s,
            ev_connection_timeout_s=lambda: variables().ev_connection_timeout_s,
            new_transaction_id=lambda: self._span.next_id(),
            speaks=self._section.outlet != "ac" or self._section.interface is not None,
            matches=self._section.slac == "modem" and config.iso15118.enabled,
        )
        self._effects: list[Effect] = []
        self._billing = Billing(evse_id, self._effects, self._circumstances, self._intervals)
        self._span = TransactionSpan(
            evse_id, self._billing, self._effects, lambda: variables().points, new_transaction_id
        )
        self._interrupted = InterruptedTransaction(evse_id, self._session, self._billing, self._effects)
        self._plans = CarPlans(evse_id, self._section.ac_phases, self._effects)
        self._arbiter = Arbiter(evse_id, tuple(Source(party) for party in config.energy.ranking))
        self._own = OwnVoice(config.energy, self._section.share_weight, self._lease_s, self._arbiter)
        self._ramp = FallbackRamp(config.energy.fallback_ramp_W_per_s)
        self._setpoint_log = SetpointLog()
        self._car_side = CarSide(self._section.meter or "", config.energy.minimum_soc_percent)
        self._schedule_watch = ScheduleWatch()
        self._at: Instant | None = None
        self._image_s: float | None = None
        self._reset_author: str | None = None
        self._demand: StageDemand | None = None
        self._demand_sent_s = 0.0
        self._shown_to_car: tuple[object, ...] = ()
        self.setpoint = Setpoint(evse_id, 0.0, ZERO, Source.DEFAULT, None, "0 W: no process image yet", 0.0)

    # -- what goes in ----------------------------------------------------------------------------------------------

    def feed(self, event: ControlEvent, at: Instant) -> list[Effect]:
        """Take one event; give what is to be done, in order."""
        self._at = at
        if isinstance(event, FaultCleared):
            self._log("=", f"{CATALOGUE[event.code].title}: cleared")
            return self._taken()
        if isinstance(event, InstallationAnswered):
            self._effects.append(AnswerCar(self.evse_id, event.number, event.relayed))
            return self._taken()
        if isinstance(event, NeedsTaken):
            self._answer_held(self._plans.taken(event), at)
            return self._taken()
        if isinstance(event, TokenPresented) and self._interrupted.stopped_by(event, at):
            return self._taken()
        if isinstance(event, TokenPresented) and self._span.belongs_to_another(event.value):
            self._log("!", "token refused: another one began the open transaction; unplug the car first")
            return self._taken()
        if isinstance(event, QuestionAsked):
            self._answer_car(event, at)
        elif isinstance(event, ScheduleOffered):
            self._schedule_watch.offered(event.offer if event.renegotiable else None, at.monotonic_s)
            self._plans.offered(event.offer)
        elif isinstance(event, (ServiceSelected, CarSessionEnded)):
            self._schedule_watch.offered(None, at.monotonic_s)
            self._plans.forget()
        elif isinstance(event, ProfileNamed):
            named = (event.schedule_id, event.anchor_utc_s, event.pieces)
            self._plans.planned(PlannedPower(self.evse_id, *named, by_car=True))
        elif isinstance(event, CarDemandChanged):
            self._plans.note_demand(event.demand)
        if isinstance(event, TimePassed):
            self._keep_time(at)
        else:
            self._feed_session(event, at)
        if isinstance(event, EvseImage):
            self._after_image(event, at)
        elif isinstance(event, (CarDemandChanged, CarSessionEnded)):
            self._renew_car(at)
        self._decide(at, renew_car=isinstance(event, EvseImage))
        return self._taken()

    def contribute(
        self, owner: str, contributions: tuple[Contribution, ...], at: Instant, plan: Plan | None = None
    ) -> list[Effect]:
        """From now on these are all contributions of `owner`, and `plan` is its plan; an empty tuple withdraws them.

        Raises ValueError where `owner` is one of the station's own names.
        """
        if owner in own_contributions.OWN_NAMES:
            raise ValueError(f"owner {owner!r} is a name of the station itself: choose another one")
        self._at = at
        decided = self._arbiter.target_owner(at.monotonic_s) == owner
        self._arbiter.replace(owner, contributions, plan)
        if decided and all(c.target_W is None for c in contributions) and self._session.view.transaction_id is not None:
            self._ramp.withdrawn(owner, self.setpoint.power_W, at.monotonic_s)
        self._decide(at)
        return self._taken()

    def schedule_arrived(self, at: Instant) -> list[Effect]:
        """The central system sent a schedule for this car; its limits are among the contributions already."""
        self._at = at
        self._answer_held(self._plans.schedule_arrived(), at)
        return self._taken()

    def share_connection(self, share: ConnectionShare, at: Instant) -> list[Effect]:
        """This is the EVSE's part of the site's connection from now on."""
        if share == self._own.share:
            return []
        self._at = at
        self._own.share = share
        self._renew_own_contributions(at)
        self._decide(at)
        return self._taken()

    def need(self, now_s: float, *, alone: bool) -> EvseNeed:
        """What this EVSE would take or give if the site's connection had no end; see `OwnVoice.need`."""
        return self._own.need(self._session.view, now_s, at_work=self._billing.transaction is not None, alone=alone)

    def wish_for_driver(self, wish: DriverWish | None, at: Instant) -> list[Effect]:
        """Somebody's wish for the car at this EVSE, in its driver's name; None: no wish any more."""
        self._at = at
        self._own.wish = wish
        self._renew_car(at)
        self._decide(at)
        return self._taken()

    def reset_faults_when_idle(self, author: str, at: Instant) -> list[Effect]:
        """Let latched faults go, where their cause is gone, as soon as no transaction runs (B12.FR.07)."""
        self._at = at
        self._reset_author = author
        self._maybe_reset()
        return self._taken()

    def ask_car(self, wish: Wish | None, at: Instant) -> list[Effect]:
        """Ask the car for this; None: for nothing any more, and a car that paused is called back."""
        self._at = at
        self._session.ask_car(wish, at.monotonic_s)
        self._log("=", "the car is asked for nothing" if wish is None else f"the car is asked: {wish.value}")
        self._decide(at)
        return self._taken()

    def stop_for_reset(self, at: Instant) -> list[Effect]:
        """An immediate reset ends the transaction in good order, and one of the previous run as well."""
        if self._interrupted.waiting is not None:
            closing = Closing(StopReason.IMMEDIATE_RESET, TriggerReason.RESET_COMMAND, detail="ordered by a reset")
            return self.end_interrupted(closing, at)
        reason, trigger = StopReason.IMMEDIATE_RESET, TriggerReason.RESET_COMMAND
        open_id = self._span.open_id
        if open_id is not None and self._session.transaction_id is None:
            return self.stop_span(StopTransaction(open_id, trigger, reason), at) or []
        return self.feed(StopOrdered(reason, trigger), at)

    def report(self, kind: ReportKind, trigger: TriggerReason, at: Instant) -> list[Effect]:
        """Read the meter now and report it."""
        self._at = at
        self._billing.report(kind, trigger)
        return self._taken()

    def restore(
        self, state: LedgerState, reason: StopReason, at: Instant, *, car_paused: bool | None = None
    ) -> list[Effect]:
        """A previous run of the daemon left this transaction open. The transaction ends with the first fresh reading.

        `car_paused` not None: the car's session is kept too (paused, or its connection was lost). Then the transaction goes on
        if the first image shows the car still plugged in.
        """
        self._at = at
        self._interrupted.restore(state, reason, at, car_paused=car_paused)
        return self._taken()

    def end_interrupted(self, closing: Closing, at: Instant) -> list[Effect]:
        """The transaction of the daemon's previous run does not go on: it ends so, with the first fresh reading."""
        self._at = at
        self._interrupted.end(closing, at)
        return self._taken()

    # -- what readers see ------------------------------------------------------------------------------------------

    @property
    def interrupted_id(self) -> TransactionId | None:
        """The transaction of the daemon's previous run that waits for its car; None where none does."""
        waiting = self._interrupted.waiting
        return None if waiting is None else waiting.state.transaction_id

    @property
    def view(self) -> SessionView:
        """A frozen picture of the session."""
        return self._session.view

    @property
    def transaction(self) -> LedgerState | None:
        """The running transaction as billed so far."""
        return self._billing.transaction

    @property
    def last_session(self) -> LastSession | None:
        """The result of the last session; None before the first."""
        return self._billing.last_session

    @last_session.setter
    def last_session(self, last: LastSession) -> None:
        self._billing.last_session = last

    @property
    def idle(self) -> bool:
        """True when no transaction runs, and none that a previous run left open waits for its end."""
        return self._billing.idle and self._interrupted.waiting is None

    @property
    def energy_now_Wh(self) -> tuple[float, float]:
        """Import and export of the open transaction by the meter as last read; what is billed is in the records."""
        return self._billing.energy_now_Wh

    def foreseen(self, horizon_s: float, at: Instant, *, with_car: bool = True) -> Forecast:
        """What will be allowed over the next `horizon_s` > 0 seconds if nothing changes; see `energy/forecast.py`.

        `with_car` False leaves the car's own limits out: what the station could give any car.
        """
        arbiter = self._arbiter
        outlook = Outlook(
            self.evse_id, arbiter.contributions, arbiter.plans, own_contributions.OWN_NAMES, arbiter.ranking
        )
        return foresee(outlook, at.monotonic_s, horizon_s, with_car=with_car)

    def evse_state(self, now_s: float) -> EvseState:
        """The status of this EVSE as the OCPP room needs it.

        A transaction of the previous run that waits for its car counts: its charging profiles hold on.
        """
        view = self._session.view
        image = view.image
        can = None if image is None else image.capabilities
        section, left = self._section, self._interrupted.waiting
        return EvseState(
            evse_id=self.evse_id,
            status=view.status,
            plugged=view.plugged,
            transaction_id=self._transaction_id if left is None else left.state.transaction_id,
            id_token=view.token if left is None else left.state.id_token,
            discharge_negotiated=view.car is not None and view.car.service.bidirectional,
            charge_max_W=section.charge_power_max_W if can is None else can.charge_power_max_W,
            discharge_max_W=section.discharge_power_max_W if can is None else can.discharge_power_max_W,
            voltage_V=None if image is None else image.voltage_V,
            transaction_started_s=self._span.started_s(view.transaction_started_s) if left is None else left.started_s,
            meter_fresh=self._session.meter_fresh(now_s),
            connector_type=section.connector_type,
            faults=frozenset() if image is None else image.faults,
            charged_Wh=self._charged_Wh(),
            heard=view.status_settled,
            outlet_is_ac=section.outlet == "ac",
            ac_phases=section.ac_phases,
            image=image,
            car=view.car,
            car_protocol=None if view.car_link is None else view.car_link.protocol,
            evcc_id=None if view.car_link is None else view.car_link.evcc_id,
            reserve_soc_percent=self._own.reserve_percent(view.car),
        )

    @property
    def _transaction_id(self) -> TransactionId | None:
        """The transaction as the central system knows it."""
        if self._span.held:
            return None
        return self._span.open_id or self._session.transaction_id

    def stop_span(self, stop: StopTransaction, at: Instant) -> list[Effect] | None:
        """End the billed transaction of this id while the session has none of its own; None: it is another one."""
        if self._span.open_id != stop.transaction_id or self._session.transaction_id is not None:
            return None
        self._at = at
        self._session.withdraw_permission()
        self._span.stop(stop.stopped_reason, stop.trigger, stop.id_token, at)
        self._span.note(self._session, at, may_open=False)
        return self._taken()

    def _charged_Wh(self) -> float | None:
        """Energy into the car in the present transaction, or in that of the previous run which waits for its car."""
        if (left := self._interrupted.waiting) is not None:
            return left.state.last.import_Wh - left.state.begin.import_Wh
        return None if self._transaction_id is None else self.energy_now_Wh[0]

    def station_view(self) -> StationView:
        """The values from which the SECC makes its answers: the last image and the last setpoint."""
        view = self._session.view
        return self._car_side.view(view, self.setpoint, self._demand, self._at, self._transaction_going_on(view))

    def _transaction_going_on(self, view: SessionView) -> TransactionId | None:
        """The transaction with which a car may go on: neither stopping nor ended. One of the previous run counts as well."""
        if self._interrupted.waiting is not None:
            return self.interrupted_id
        return view.transaction_id if view.stop is None else None

    # -- the car's questions -------------------------------------------------------------------------------------------

    def _answer_car(self, asked: QuestionAsked, at: Instant) -> None:
        match asked.question:
            case ForeseePower():
                if not self._plans.hold(asked, self._session.car, at):
                    self._answer_held(asked, at)
            case InstallCertificate() as question:
                size = len(question.exi_request)
                self._log("=", f"contract certificate: the car's request of {size} bytes goes to the central system")
                self._effects.append(RelayInstallation(self.evse_id, asked.number, question))
            case AuthorizeContract():
                pass  # the session's: it decides who pays
            case _:
                assert_never(asked.question)

    def _answer_held(self, asked: QuestionAsked | None, at: Instant) -> None:
        """The car gets its schedule now."""
        if asked is not None and isinstance(asked.question, ForeseePower):
            horizon_s = asked.question.horizon_s
            forecast = self.foreseen(horizon_s, at, with_car=False)
            answer = PowerForeseen(power_pieces(forecast, horizon_s), price_pieces(forecast))
            self._effects.append(AnswerCar(self.evse_id, asked.number, answer))

    def _foreseen_pieces(self, horizon_s: float, at: Instant) -> tuple[PowerPiece, ...]:
        """What the station could give any car."""
        return power_pieces(self.foreseen(horizon_s, at, with_car=False), horizon_s)

    def _watch_schedule(self, at: Instant) -> None:
        """In Scheduled mode the car is asked for a new schedule where the old one does not fit any more."""
        view = self._session.view
        in_transfer = view.car is not None and view.car.phase is Phase.TRANSFER and not view.car.standby
        if not self._schedule_watch.due(at.monotonic_s) or not in_transfer or view.stop is not None:
            return
        limits = self.setpoint.limits_W
        now_with_car = PowerPiece(0.0, max(limits.high, 0.0), max(-limits.low, 0.0))
        if self._schedule_watch.renegotiate(lambda s: self._foreseen_pieces(s, at), now_with_car, at):
            self._session.ask_car(Wish.SCHEDULE_RENEGOTIATION, at.monotonic_s)
            self._plans.station_asked()
            self._log("=", "the schedule does not fit any more: the car is asked for a renegotiation")

    # -- events ------------------------------------------------------------------------------------------------------

    def _keep_time(self, at: Instant) -> None:
        silent_s = None if self._image_s is None else at.monotonic_s - self._image_s
        if silent_s is not None and silent_s > self._lease_s:
            self._image_s = None
            self._log("!", f"power process silent for {silent_s:.1f} s")
            self._feed_session(PowerProcessLost(), at)
        else:
            self._feed_session(TimePassed(), at)
        self._interrupted.take_up(None, at)
        self._watch_schedule(at)
        self._answer_held(self._plans.due(at), at)
        self._billing.keep_time(at)

    def _after_image(self, image: EvseImage, at: Instant) -> None:
        self._image_s = at.monotonic_s
        self._interrupted.take_up(image, at)
        if image.stage in (Stage.OFF, Stage.FAULTED):
            self._billing.power_is_off(at)
        self._renew_own_contributions(at)
        self._renew_car(at)

    def _feed_session(self, event: SessionEvent, at: Instant) -> None:
        if isinstance(event, EvseImage):
            self._billing.note_meter(event.meter)  # a transaction that begins or ends with this image reads it
        was_plugged_in = self._session.plugged_in
        for output in self._session.feed(event, at.monotonic_s):
            self._take_output(output, at)
        if was_plugged_in and not self._session.plugged_in:
            self._effects.append(DropCar(self.evse_id))
        self._span.note(self._session, at, may_open=self._interrupted.waiting is None)
        self._maybe_reset()

    def _take_output(self, output: SessionOutput, at: Instant) -> None:
        match output:
            case WriteLog(letter, text):
                self._log(letter, text)
            case ReportStatus(status):
                change = ConnectorStatusChanged(self.evse_id, CONNECTOR_ID, status, at.utc)
                self._effects += [ReportConnector(change), NotifyReaders(self.evse_id)]
            case AskAuthorization(token, running):
                self._effects.append(AskForToken(self.evse_id, token, running))
            case MasterPassShown(token):
                self._effects.append(StopAll(token))
            case AskAboutContract(asked, contract):
                self._effects.append(AskForContract(self.evse_id, asked, contract))
            case AnswerAboutContract(asked, judged):
                self._effects.append(AnswerCar(self.evse_id, asked.number, judged))
            case BeginTransaction():
                self._begin(output, at)
            case UpdateTransaction():
                if (reason := self._span.update(output, at)) is not None:
                    self._feed_session(StopOrdered(reason, TriggerReason.CHARGING_STATE_CHANGED), at)
            case EndTransaction():
                self._end(output, at)
            case _:
                assert_never(output)

    def _begin(self, begin: BeginTransaction, at: Instant) -> None:
        if not self._span.begin(begin, at):  # the session found a fresh reading a moment ago
            self._log("!", "no meter reading at the begin of a transaction")
            self._feed_session(StopOrdered(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION), at)

    def _end(self, end: EndTransaction, at: Instant) -> None:
        self._log("=", f"transaction ended: {end.reason.value}")
        self._span.end(end, at, plugged=self._session.plugged_in)
        self._arbiter.withdraw(own_contributions.CAR)
        self._own.wish = None
        self._effects += [ForgetCarSession(self.evse_id), NotifyReaders(self.evse_id)]

    def _maybe_reset(self) -> None:
        if self._reset_author is not None and self._billing.idle:
            self._effects.append(ResetLatches(self.evse_id, self._reset_author))
            self._reset_author = None

    # -- what follows ------------------------------------------------------------------------------------------------

    def _renew_own_contributions(self, at: Instant) -> None:
        if self._session.image is not None:
            self._own.renew_by_image(self._session.image, at.monotonic_s)

    def _renew_car(self, at: Instant) -> None:
        if self._session.image is not None:
            self._own.renew_by_car(self._session.car, self._session.image, at.monotonic_s)

    def _decide(self, at: Instant, *, renew_car: bool = False) -> None:
        """One setpoint of all contributions, and the order to the stage: sent where it changed or its lease needs renewing."""
        now_s = at.monotonic_s
        decided = self._arbiter.decide(now_s)
        if self._ramp.active:
            decided = self._ramp.apply(decided, self._arbiter.target_owner(now_s), now_s)
        self.setpoint = decided
        view = self._session.view
        line = self._setpoint_log.note(
            self.setpoint, at_work=view.transaction_id is not None and view.stop is None, now_s=now_s
        )
        if line is not None:
            self._log("*" if line.other_party else "=", line.text)
        demand = self._session.stage_demand(self.setpoint, now_s)
        if view.image is not None and (
            demand != self._demand or now_s - self._demand_sent_s >= self._lease_s / RENEWALS_PER_LEASE
        ):
            self._demand, self._demand_sent_s = demand, now_s
            self._effects.append(SendDemand(demand))
        shown = (
            view.image is None,
            view.authorized,
            view.stop_requested,
            view.wish,
            self.setpoint.power_W,
            self.setpoint.limits_W,
        )
        if renew_car or shown != self._shown_to_car:
            self._shown_to_car = shown
            self._effects.append(NotifyCar(self.evse_id))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _circumstances(self) -> Circumstances | None:
        if self._at is None:
            return None
        car = self._session.car
        soc_percent = None if car is None else car.energy.soc_percent
        fresh = self._session.meter_fresh(self._at.monotonic_s)
        return Circumstances(self._at, fresh, soc_percent, self.setpoint.power_W)

    def _intervals(self) -> SamplingIntervals:
        return self._variables().sampling

    def _log(self, letter: str, text: str) -> None:
        self._effects.append(WriteLine(self.evse_id, letter, text))

    def _taken(self) -> list[Effect]:
        effects = list(self._effects)
        self._effects.clear()
        return effects
