"""One connector from plug to unplug: joins plug-in, authorisation and the life of the transaction.

A core: `feed(event, now_s) -> outputs`; `stage_demand` gives the order to the power stage, `view` what readers see. A transaction
runs while the car is connected and authorised (OCPP TxStartPoint PowerPathClosed) and ends only when power is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from chargepoint.evse.absence import Absence
from chargepoint.evse.authorization import Authorization
from chargepoint.evse.car_call import CarCall
from chargepoint.evse.car_wish import CarWishes
from chargepoint.evse.charging_state import ChargingStateRule
from chargepoint.evse.connector_status import ConnectorStatusRule
from chargepoint.evse.data_link import DataLink
from chargepoint.evse.events import (
    AuthorizationAnswered,
    AvailabilityChanged,
    ContractAnswered,
    MasterPassShown,
    PowerProcessLost,
    ReportStatus,
    ReservationChanged,
    SessionEvent,
    SessionOutput,
    StopOrdered,
    StorageChanged,
    TimePassed,
    WriteLog,
)
from chargepoint.evse.obstacle import Obstacle, ObstacleWatch
from chargepoint.evse.permit import Permission
from chargepoint.evse.plug_in import PlugIn
from chargepoint.evse.stage_order import energise, off
from chargepoint.evse.transaction_life import CAR_ENDS, STOP_DEADLINE_S, Stop, TransactionLife
from chargepoint.evse.view import CarLink, SessionView
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarIdentified,
    CarRemark,
    CarSessionEnded,
    MeterReadingConfirmed,
    ProfileNamed,
    QuestionAsked,
    ScheduleOffered,
    ServiceSelected,
    SessionEnd,
    WishFollowed,
)
from chargepoint.model.car_questions import AuthorizeContract
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.data_link import DataLinkChanged, DataLinkRemark
from chargepoint.model.demand import Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.faults import CATALOGUE, FaultCode, InterlockTripped, Severity
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, EvseImage, Stage, TokenPresented
from chargepoint.model.station_view import Wish
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import StopReason, TriggerReason

METER_MAX_AGE_S = 2.0
"""Seconds. A transaction begins with registers at most this old. Its end waits END_DEADLINE_S for registers at most this old."""

OSCILLATOR_AFTER_END_S = 1.55
"""The pilot stays at 5 % this long after the conversation's end, before X1 (docs/sources/iso15118-20.md 1.5)."""


class EvseSession:
    """The session of one EVSE.
    `ev_connection_timeout_s` is asked when it is needed (OCPP variable EVConnectionTimeOut); `new_transaction_id` gives a
    fresh id for each transaction. `speaks` False: cars have no protocol here and read the duty cycle (`pwm_car.py`).
    `matches`: cars are matched by SLAC (`data_link.py`).
    """

    def __init__(
        self,
        evse_id: EvseId,
        *,
        authorize_everybody: bool,
        lease_s: float,
        ev_connection_timeout_s: Callable[[], float],
        new_transaction_id: Callable[[], TransactionId],
        speaks: bool = True,
        matches: bool = False,
    ) -> None:
        self.evse_id = evse_id
        self._data_link = DataLink(evse_id, lease_s, speaks=speaks, matches=matches)
        self._authorize_everybody = authorize_everybody
        self._lease_s = lease_s
        self._ev_connection_timeout_s = ev_connection_timeout_s
        self._out: list[SessionOutput] = []
        self._authorization = Authorization(self._out)
        self._transaction = TransactionLife(self._out, new_transaction_id)
        self._connector = ConnectorStatusRule()
        self._charging = ChargingStateRule()
        self._obstacles = ObstacleWatch()
        self._image: EvseImage | None = None
        self._car: CarDemand | None = None
        self._car_link: CarLink | None = None
        self._plug_in: PlugIn | None = None  # as last seen: an unclear pilot says nothing about the plug
        self._operative = True
        self._reserved = False
        self._confirmed: MeterReadingConfirmed | None = None
        self._waiting_contract: QuestionAsked | None = None
        self._wishes = CarWishes()
        self._absence: Absence | None = None
        self._car_ended_s: float | None = None
        self._refused_for_good = False
        self._begin_held = False
        self._car_unproven = False

    # -- for readers -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> SessionView:
        """A frozen picture for readers."""
        life, authorization = self._transaction, self._authorization
        return SessionView(
            status=self._connector.status,
            status_settled=self._connector.settled,
            plugged=self.plugged,
            plugged_in=self.plugged_in,
            operative=self._operative,
            permission=authorization.permit.state,
            token=authorization.permit.token,
            refusal=authorization.refusal,
            obstacle=None if self._obstacles.now is None else self._obstacles.now.text,
            transaction_id=life.transaction_id,
            transaction_started_s=life.started_s,
            charging_state=life.charging_state,
            stop=life.stop,
            image=self._image,
            car=self._car,
            car_link=self._car_link,
            authorized=self.authorized,
            stop_requested=self.stop_requested,
            wish=self._wishes.now,
            paused=self._absence is not None and self._absence.paused,
            must_stay_locked=self.must_stay_locked,
            confirmed=self._confirmed,
            cable_check_failed=self._plug_in is not None and self._plug_in.cable_check_failed,
            data_link=self._data_link.now,
            wants_data_link=self._data_link.wanted,
        )

    @property
    def image(self) -> EvseImage | None:
        """The last process image; None where there is none, or the power process fell silent."""
        return self._image

    @property
    def car(self) -> CarDemand | None:
        """What the car asks now; None without a conversation, or before it asks anything."""
        return self._car

    @property
    def granted(self) -> IdToken | None:
        """The token that may charge now."""
        permit = self._authorization.permit
        return permit.token if permit.state is Permission.GRANTED else None

    @property
    def remote_start_id(self) -> int | None:
        """The number of the remote start that the present permission comes from."""
        return self._authorization.permit.remote_start_id

    @property
    def transaction_id(self) -> TransactionId | None:
        """The session's transaction: a car may charge."""
        return self._transaction.transaction_id

    def withdraw_permission(self) -> None:
        """The permission of a token is taken back before the car may charge."""
        if not self._transaction.running:
            self._authorization.permit.forget()

    @property
    def plugged(self) -> bool:
        """The pilot shows a connected car now."""
        return self._image is not None and self._image.pilot.plugged

    @property
    def plugged_in(self) -> bool:
        """A plug-in is under way; an unclear pilot does not end it."""
        return self._plug_in is not None

    @property
    def must_stay_locked(self) -> bool:
        """The connector stays locked: power is on, or the car's conversation is open."""
        return self._car_talks or self._power_on()

    @property
    def stop_requested(self) -> bool:
        """The car shall be asked to end: the session is stopping, or its transaction is over and the car goes on."""
        goes_on = self._car is not None and self._car.phase is not Phase.OFF
        return self._transaction.stop is not None or (goes_on and not self._transaction.running)

    @property
    def authorized(self) -> bool | None:
        """What the SECC answers AuthorizationReq with: None while undecided.

        False at once where the station cannot charge: a car must not poll until its own time-out.
        """
        life = self._transaction
        if life.running:
            if life.stop is not None and self._car_link is not None and self._car_link.next:
                return None
            return life.stop is None
        return False if self._authorization.permit.state is Permission.REFUSED or self._refused_for_good else None

    # -- orders -----------------------------------------------------------------------------------------------------

    def ask_car(self, wish: Wish | None, now_s: float) -> None:
        """Ask the car for this; None: for nothing any more, and a car that paused is called back."""
        if wish is None:
            self._wishes.withdraw()
            if self._absence is not None:
                self._absence.called = True
        else:
            self._wishes.order(wish, now_s)

    def resume(
        self,
        transaction_id: TransactionId,
        token: IdToken,
        reason: StopReason,
        now_s: float,
        *,
        paused: bool,
        started_s: float,
    ) -> None:
        """A transaction of the daemon's previous run goes on: its car is still plugged in, and its session is kept.

        `reason`: with which it ends if the car does not come back. `started_s`: when it began (monotonic).
        Nobody watched the plug meanwhile. So the car goes on only where its certificate is that of the kept session; the transaction does not pay for another car.
        """
        self._authorization.permit.grant(token, now_s)
        self._transaction.resume(transaction_id, started_s)
        self._begin_held, self._car_unproven = False, True
        link = self._car_link
        if link is None or not link.open:
            stop = Stop(reason, TriggerReason.ABNORMAL_CONDITION, now_s, None, "open when the daemon ended")
            if self._data_link.pwm_car is not None:  # such a car can prove nothing
                self._transaction.order_stop(stop)
                return
            self._absence = Absence(paused, now_s, stop)
            self._absence.wake(now_s)  # the car may have called while nobody listened
        elif link.evcc_id is not None:
            self._prove_car(known=link.known, now_s=now_s)

    def hold_begin(self) -> None:
        """A transaction of the previous run waits for its car or its end: no other transaction begins until then."""
        self._begin_held = True

    def release_begin(self) -> None:
        """That transaction does not go on."""
        self._begin_held = False

    # -- events in -------------------------------------------------------------------------------------------------

    def feed(self, event: SessionEvent, now_s: float) -> list[SessionOutput]:
        """Take one event. Returns what is to be done, in order."""
        self._take(event, now_s)
        self._advance(now_s)
        out = list(self._out)
        self._out.clear()
        return out

    def _take(self, event: SessionEvent, now_s: float) -> None:
        match event:
            case EvseImage():
                self._take_image(event, now_s)
            case DataLinkChanged() | DataLinkRemark():
                self._out += self._data_link.take(event)
            case CarDemandChanged(demand):
                if demand.phase is not Phase.OFF and (self._car is None or self._car.phase is not demand.phase):
                    self._log("=", f"car asks {demand.phase.name}")
                self._car = demand
            case CarConnected():
                self._car_link = CarLink(event.protocol, event.tls)
                self._absence = None
                self._log("=", f"car connected from {event.peer}: {event.protocol}, {event.tls or 'no TLS'}")
            case CarIdentified():
                if self._car_link is not None:
                    self._car_link = replace(self._car_link, evcc_id=event.evcc_id, known=event.known)
                self._log("=", f"car is {event.evcc_id}" + (", back in its session" if event.joined else ""))
                self._prove_car(known=event.known, now_s=now_s)
            case AuthorizationWanted():
                if self._car_link is not None:
                    self._car_link = replace(self._car_link, next=self._transaction.stop is not None)
                self._maybe_grant_everybody(now_s)
            case ServiceSelected():
                self._log("=", f"service {event.service.value}, {event.control_mode.value}")
            case QuestionAsked(question=AuthorizeContract()):
                self._take_contract(event, now_s)
            case QuestionAsked() | ScheduleOffered() | ProfileNamed():
                pass  # the control's
            case CarRemark(_, text):
                self._log("=", text)
            case MeterReadingConfirmed():
                if event != self._confirmed:  # a car may repeat its confirmation as often as it likes
                    signed = "signed with its contract" if event.signed else "without a contract"
                    self._log("=", f"car confirmed {event.charged_Wh} Wh in, {event.discharged_Wh} Wh out, {signed}")
                self._confirmed = event
            case WishFollowed(_, wish):
                if self._wishes.followed(wish):
                    self._log("=", f"the car follows: {wish.value}")
            case CarSessionEnded():
                self._take_car_end(event, now_s)
            case TokenPresented():
                self._take_token(event, now_s)
            case StartTransaction():
                if self._transaction.running:
                    self._log("!", "start ignored: a transaction is running")
                else:
                    self._authorization.take_start(event, now_s)
            case StopTransaction():
                if event.transaction_id == self._transaction.transaction_id:
                    by = "the central system" if event.id_token is None else "a master pass"
                    self._stop(event.stopped_reason, event.trigger, now_s, event.id_token, f"ordered by {by}")
            case InterlockTripped():
                self._take_trip(event, now_s)
            case AuthorizationAnswered():
                self._take_answer(event, now_s)
            case ContractAnswered():
                self._authorization.take_contract_answer(event, now_s)
            case PowerProcessLost():
                self._image = None
                detail = "the power process fell silent"
                self._stop(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s, detail=detail)
            case AvailabilityChanged():
                self._operative = event.operative
            case ReservationChanged():
                self._reserved = event.reserved
            case StopOrdered():
                self._stop(event.reason, event.trigger, now_s, detail="ordered by a reset")
            case StorageChanged():
                self._obstacles.unstored.note(event.trouble, now_s)
            case TimePassed():
                pass
            case _:
                assert_never(event)

    def _take_image(self, seen: EvseImage, now_s: float) -> None:
        self._image = image = self._data_link.seen(seen, now_s)
        if image.pilot.plugged and self._plug_in is None:
            self._log("=", "plugged in")
            self._plug_in = PlugIn(CarCall(), now_s)
        elif image.pilot is ControlPilot.F and not self._transaction.running:
            self._plug_in = None  # under F a car may come and go unseen
        elif image.pilot is ControlPilot.A and self._plug_in is not None:
            self._take_unplugged(now_s)
        pwm_car = self._data_link.pwm_car
        if pwm_car is not None and self._plug_in is not None:
            self._car = pwm_car.demand(image, now_s)
            if not self._plug_in.spent:
                self._maybe_grant_everybody(now_s)
        if self._absence is not None and image.pilot.plugged:
            self._absence.note_pilot(ready=image.pilot.ready, now_s=now_s)
        if not image.permitted and image.faults:  # also where nobody heard the trip itself
            codes = sorted(image.faults)
            kinds = [CATALOGUE[code] for code in codes]
            named = (kind.stop_reason for kind in kinds if kind.stop_reason is not StopReason.OTHER)
            reason, detail = next(named, StopReason.OTHER), "; ".join(kind.title for kind in kinds)
            self._stop(reason, TriggerReason.ABNORMAL_CONDITION, now_s, detail=detail)

    def _take_unplugged(self, now_s: float) -> None:
        self._log("=", "unplugged")
        self._plug_in = self._car = self._car_link = self._absence = self._confirmed = None
        self._wishes.withdraw()
        self._stop(StopReason.EV_DISCONNECTED, TriggerReason.EV_COMMUNICATION_LOST, now_s, detail="unplugged")
        if not self._transaction.running:
            self._authorization.permit.forget()

    def _take_car_end(self, event: CarSessionEnded, now_s: float) -> None:
        text = f"car session {event.end.value}: {event.detail}"
        self._log("=" if event.end is SessionEnd.TERMINATED else "!", text)
        # an AC car that goes to pilot B opens the contactor before its connection is lost
        in_transfer = self._car is not None and self._car.phase is Phase.TRANSFER
        self._car = None
        self._authorization.forget_contract()
        self._waiting_contract = None
        if self._car_link is not None:
            self._car_link = replace(self._car_link, open=False)
        self._wishes.withdraw()
        self._car_ended_s = now_s
        reason, trigger = CAR_ENDS[event.end]
        stopping = self._transaction.stop is not None
        if event.end is SessionEnd.PAUSED and not stopping:
            self._absence = Absence(True, now_s, Stop(reason, trigger, now_s, None, text))
        elif event.end is SessionEnd.TERMINATED:
            self._stop(reason, trigger, now_s, detail=text)
        elif event.resumable and not stopping and (in_transfer or self._power_on()):
            self._absence = Absence(False, now_s, Stop(reason, trigger, now_s, None, text))
        elif self._power_on():
            self._stop(reason, trigger, now_s, detail=text)

    def _take_contract(self, asked: QuestionAsked, now_s: float) -> None:
        """A contract waits while the transaction before is still ending: the token of that one does not pay for the next."""
        if self._transaction.stop is not None:
            self._waiting_contract = asked
        elif isinstance(asked.question, AuthorizeContract):
            self._authorization.take_contract(asked, asked.question, self._obstacle_now(now_s))

    def _take_token(self, event: TokenPresented, now_s: float) -> None:
        if not self._transaction.running:
            self._authorization.take_token(event.value, self._obstacle_now(now_s), now_s)
            return
        token = self._authorization.read(event.value, now_s)
        used = self._authorization.permit.token
        if token is None:
            return
        if token == used:  # C01.FR.25: value and type
            detail = "the token it began with was shown again"
            self._stop(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, event.at_s, token, detail)
        elif self._transaction.stop is None:
            self._authorization.ask_to_stop(token, used)

    def _take_answer(self, answer: AuthorizationAnswered, now_s: float) -> None:
        """A token may stop the running transaction where it is of the same group, or a master pass (C09, C16)."""
        if not self._authorization.answers_stop(answer):
            self._authorization.take_answer(answer, now_s)
        elif not self._transaction.running or answer.master_pass:
            pass  # a master pass stops it by its own order
        elif answer.may_stop and answer.status is AuthorizationStatus.ACCEPTED:
            detail = "a token of the same group was shown"
            self._stop(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, now_s, answer.token, detail)
        else:
            self._log("!", "token ignored: another one is in use")
        if answer.master_pass and answer.status is AuthorizationStatus.ACCEPTED:
            self._out.append(MasterPassShown(answer.token))

    def _take_trip(self, event: InterlockTripped, now_s: float) -> None:
        kind = CATALOGUE[event.code]
        self._log("!", f"{kind.title}: {event.detail}; {kind.remedy}")
        if self._plug_in is not None:
            self._plug_in.cable_check_failed |= event.code in (FaultCode.CABLE_CHECK, FaultCode.INSULATION)
        if kind.severity not in (Severity.WARNING, Severity.DERATE):
            detail = f"{kind.title}: {event.detail}"
            self._stop(kind.stop_reason, TriggerReason.ABNORMAL_CONDITION, now_s, detail=detail)

    # -- what follows ----------------------------------------------------------------------------------------------

    def _advance(self, now_s: float) -> None:
        life = self._transaction
        self._judge_absence(now_s)
        if self._obstacles.unstored.too_long(now_s):
            self._stop(
                StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s, detail=self._obstacles.unstored.detail
            )
        self._obstacles.note(self._obstacle_now(now_s), now_s)
        self._refused_for_good = self._obstacles.lasting(now_s) is not None
        if not life.running:
            self._maybe_begin(now_s)
        elif life.stop is None:
            absent = self._absence is not None
            life.enter(self._charging.note(self._image, self._car, life.charging_state, absent=absent))
        else:
            self._maybe_end(now_s)
        if not self.plugged and not life.running:
            self._authorization.forget_when_due(self._ev_connection_timeout_s(), now_s)
        self._maybe_call_car(now_s)
        if self._connector.note(
            self._image,
            operative=self._operative,
            in_transaction=life.running,
            now_s=now_s,
            reserved=self._reserved,
        ):
            self._out.append(ReportStatus(self._connector.status))

    def _judge_absence(self, now_s: float) -> None:
        if (given_up := self._wishes.give_up_when_due(now_s)) is not None:
            self._log("!", f"the car does not follow: {given_up.value}")
        if self._absence is not None and self._absence.over(now_s):
            stop, self._absence = self._absence.stop, None
            self._stop(stop.reason, stop.trigger, now_s, detail=f"{stop.detail}; the car did not come back")
        if not self._transaction.running or self._transaction.stop is not None:
            self._absence = None

    def _prove_car(self, *, known: bool, now_s: float) -> None:
        """The first car after a restart: the transaction of before goes on with the same car, and ends with another one."""
        if not self._car_unproven:
            return
        self._car_unproven = False
        if not known:
            detail = "after a restart of the station the plugged-in car is not proven to be the same"
            self._log("!", f"{detail}: its transaction ends")
            self._stop(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s, detail=detail)

    def _maybe_begin(self, now_s: float) -> None:
        if self._begin_held:
            return
        permit = self._authorization.permit
        if permit.state is Permission.GRANTED and self.plugged and self._obstacles.now is None:
            plugged_s = now_s if self._plug_in is None else self._plug_in.since_s
            self._transaction.begin(permit, plugged_s, now_s)

    def _maybe_end(self, now_s: float) -> None:
        if not self._transaction.end_when_due(
            power_on=self._power_on(), meter_fresh=self.meter_fresh(now_s), now_s=now_s
        ):
            return
        self._car_unproven = False
        if self._plug_in is not None:
            self._plug_in.spent = True
            self._plug_in.call.not_wanted()
        self._authorization.permit.forget()
        if self._car_link is not None and self._car_link.open and self._car_link.next:
            self._car_link = replace(self._car_link, next=False)
            self._maybe_grant_everybody(now_s)
        waiting, self._waiting_contract = self._waiting_contract, None
        if waiting is not None:
            self._take_contract(waiting, now_s)

    def _maybe_call_car(self, now_s: float) -> None:
        """A car that may charge and sleeps is called: only from B, where a step of the pilot is allowed."""
        if self._plug_in is None or self._data_link.pwm_car is not None:
            return
        call, life = self._plug_in.call, self._transaction
        may_charge = life.running and life.stop is None and (self._absence is None or self._absence.called)
        if not may_charge or self._data_link.under_way or self._car_talks or self._power_on():
            call.not_wanted()
        elif call.stepping or (self._image is not None and self._image.pilot is ControlPilot.B):
            line = call.wanted(had_session=self._car_link is not None, now_s=now_s)
            if line is not None:
                self._log("!" if call.gave_up else "=", line)

    def _stop(
        self, reason: StopReason, trigger: TriggerReason, now_s: float, token: IdToken | None = None, detail: str = ""
    ) -> None:
        self._transaction.order_stop(Stop(reason, trigger, now_s, token, detail))

    def _maybe_grant_everybody(self, now_s: float) -> None:
        if self._authorize_everybody and not self._reserved and self._authorization.permit.state is Permission.NONE:
            self._authorization.grant(IdToken("", IdTokenType.NO_AUTHORIZATION), now_s)

    def _obstacle_now(self, now_s: float) -> Obstacle | None:
        return self._obstacles.find(self._image, operative=self._operative, meter_fresh=self.meter_fresh(now_s))

    def _power_on(self) -> bool:
        return self._image is not None and self._image.stage not in (Stage.OFF, Stage.FAULTED)

    @property
    def _car_talks(self) -> bool:
        return self._car_link is not None and self._car_link.open

    def _log(self, letter: str, text: str) -> None:
        self._out.append(WriteLog(letter, text))

    # -- the order to the power stage --------------------------------------------------------------------------------

    def meter_fresh(self, now_s: float) -> bool:
        """There is a reading recent enough to be billed."""
        meter = None if self._image is None else self._image.meter
        return meter is not None and now_s - meter.taken_at_s <= METER_MAX_AGE_S

    def car_fresh(self, now_s: float) -> bool:
        """The car spoke recently enough for power to flow (`CarDemand.good_for_s`; docs/sources/safety.md 3)."""
        car = self._car
        return car is not None and (car.phase is not Phase.TRANSFER or now_s - car.at_s <= car.good_for_s)

    def stage_demand(self, setpoint: Setpoint, now_s: float) -> StageDemand:
        """The order to the power stage for the next lease."""
        pwm_car = self._data_link.pwm_car
        if pwm_car is not None and self._image is not None and (self._operative or self._transaction.running):
            return pwm_car.order(self._image, setpoint, now_s, permitted=self._may_energise(now_s))
        car, can = self._car, None if self._image is None else self._image.capabilities
        if car is None or car.phase is Phase.OFF or can is None or not self._may_energise(now_s):
            return off(self.evse_id, self._lease_s, self._pilot(now_s), lock=self.must_stay_locked)
        flowing = self._transaction.stop is None and self.car_fresh(now_s) and not car.standby
        frequency_Hz = None if self._image is None else self._image.frequency_Hz
        return energise(car, can, setpoint, frequency_Hz, self._lease_s, self._pilot(now_s), flowing=flowing)

    def _may_energise(self, now_s: float) -> bool:
        stop = self._transaction.stop
        if not self._transaction.running or self._image is None:
            return False
        return stop is None or (now_s - stop.since_s < STOP_DEADLINE_S and self._car_talks and self._image.permitted)

    def _pilot(self, now_s: float) -> PilotCommand:
        return self._data_link.pilot(self._wanted_pilot(now_s), in_use=self._car_talks or self._power_on())

    def _wanted_pilot(self, now_s: float) -> PilotCommand:
        plug_in, running = self._plug_in, self._transaction.running
        if not self._operative and not running:
            return PilotCommand.F
        if not self.plugged or plug_in is None or plug_in.call.stepping:
            return PilotCommand.X1
        sleeps = plug_in.spent and not running
        sleeps |= self._absence is not None and self._absence.asleep(now_s)
        talked = self._car_ended_s is not None and now_s - self._car_ended_s < OSCILLATOR_AFTER_END_S
        return PilotCommand.X1 if sleeps and not self._car_talks and not talked else PilotCommand.PWM
