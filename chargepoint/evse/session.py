"""One connector from plug to unplug: who may charge, what the stage shall do, and why it stopped.

A core: `feed(event, now_s) -> outputs`; `stage_demand` and the properties for the SECC are read each cycle. A transaction
runs while the car is connected and authorised (OCPP TxStartPoint PowerPathClosed) and ends only when power is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from chargepoint.evse.events import (
    AskAuthorization,
    AuthorizationAnswered,
    AvailabilityChanged,
    BeginTransaction,
    EndTransaction,
    PowerProcessLost,
    SessionEvent,
    SessionOutput,
    StopOrdered,
    Tell,
    TellStatus,
    TimePassed,
    UpdateTransaction,
)
from chargepoint.evse.permit import Permission, Permit
from chargepoint.evse.stage_order import energise, off
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarIdentified,
    CarSessionEnded,
    ServiceSelected,
    SessionEnd,
)
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.demand import Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.faults import CATALOGUE, FaultCode, InterlockTripped, Severity
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, EvseImage, Stage, TokenPresented
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason

STOP_DEADLINE_S = 20.0
"""The car is asked to end; after that power is withdrawn anyway (docs/sources/safety.md 3, stop hard deadline, grade B)."""

END_DEADLINE_S = 8.0
"""The stage's own ramp, opening and discharge take at most this; then the transaction ends with what is known."""

METER_MAX_AGE_S = 2.0
"""A transaction begins with registers at most this old, and waits END_DEADLINE_S for such to end with."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and since when the session is stopping."""

    reason: StopReason
    trigger: TriggerReason
    since_s: float
    token: IdToken | None = None


@dataclass(frozen=True, slots=True)
class CarLink:
    """The car's connection as told: `open` until its session ended, shown until the car is unplugged.

    `next`: it asked for authorisation while the transaction before it was still ending, and waits for one of its own.
    """

    protocol: str
    tls: str | None
    evcc_id: str | None = None
    open: bool = True
    next: bool = False


@dataclass(slots=True)
class PlugIn:
    """What is true from plug to unplug. `spent`: it had its transaction; the next needs a new permission."""

    spent: bool = False
    cable_check_failed: bool = False


_FAULT_REASONS = {
    FaultCode.EMERGENCY_STOP: StopReason.EMERGENCY_STOP,
    FaultCode.INSULATION: StopReason.GROUND_FAULT,
    FaultCode.RCD: StopReason.GROUND_FAULT,
    FaultCode.OVER_CURRENT: StopReason.OVERCURRENT_FAULT,
    FaultCode.CURRENT_EXCEEDED: StopReason.OVERCURRENT_FAULT,
    FaultCode.OVER_VOLTAGE: StopReason.POWER_QUALITY,
    FaultCode.OVER_VOLTAGE_EMERGENCY: StopReason.POWER_QUALITY,
}

_CAR_ENDS = {
    SessionEnd.TERMINATED: (StopReason.STOPPED_BY_EV, TriggerReason.STOP_AUTHORIZED),  # E15.FR.04
    SessionEnd.PAUSED: (StopReason.STOPPED_BY_EV, TriggerReason.CHARGING_STATE_CHANGED),
    SessionEnd.TIMEOUT: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.CONNECTION_LOST: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.PROTOCOL_ERROR: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.STOPPED_BY_STATION: (StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION),
}


class EvseSession:
    """The session of one EVSE."""

    def __init__(
        self,
        evse_id: EvseId,
        *,
        authorize_everybody: bool,
        lease_s: float,
        loop_timeout_s: float,
        ev_connection_timeout_s: Callable[[], float],
    ) -> None:
        self.evse_id = evse_id
        self._authorize_everybody = authorize_everybody
        self._lease_s = lease_s
        self._loop_timeout_s = loop_timeout_s
        self._ev_connection_timeout_s = ev_connection_timeout_s
        self.image: EvseImage | None = None
        self.car: CarDemand | None = None
        self.car_link: CarLink | None = None
        self.plug_in: PlugIn | None = None
        """As last seen: an unclear pilot or a lost power process says nothing about the plug and ends nothing."""
        self.permit = Permit()
        self.transaction_id: TransactionId | None = None
        self.transaction_started_s: float | None = None
        self.charging_state = ChargingState.IDLE
        self.status = ConnectorStatus.UNAVAILABLE
        self.stop: Stop | None = None
        self.operative = True
        self._out: list[SessionOutput] = []

    @property
    def plugged(self) -> bool:
        """A car is connected, by what the pilot says now."""
        return self.image is not None and self.image.pilot.plugged

    @property
    def _in_transaction(self) -> bool:
        return self.transaction_started_s is not None

    @property
    def _car_talks(self) -> bool:
        return self.car_link is not None and self.car_link.open

    def feed(self, event: SessionEvent, now_s: float) -> list[SessionOutput]:
        """Take one event; give what is to be done, in order."""
        self._take(event, now_s)
        self._advance(now_s)
        out, self._out = self._out, []
        return out

    # -- events ---------------------------------------------------------------------------------------------------

    def _take(self, event: SessionEvent, now_s: float) -> None:
        match event:
            case EvseImage():
                self._take_image(event, now_s)
            case CarDemandChanged(demand):
                if demand.phase is not Phase.OFF and (self.car is None or self.car.phase is not demand.phase):
                    self._tell("=", f"car asks {demand.phase.name}")
                self.car = demand
            case CarConnected():
                self.car_link = CarLink(event.protocol, event.tls)
                self._tell("=", f"car connected from {event.peer}: {event.protocol}, {event.tls or 'no TLS'}")
            case CarIdentified():
                if self.car_link is not None:
                    self.car_link = replace(self.car_link, evcc_id=event.evcc_id)
                self._tell("=", f"car is {event.evcc_id}")
            case AuthorizationWanted():
                if self.car_link is not None:
                    self.car_link = replace(self.car_link, next=self.stop is not None)
                self._maybe_grant_everybody(now_s)
            case ServiceSelected():
                self._tell("=", f"service {event.service.value}, {event.control_mode.value}")
            case CarSessionEnded():
                self._take_car_end(event, now_s)
            case TokenPresented():
                self._take_token(event)
            case StartTransaction():
                self._take_start(event, now_s)
            case StopTransaction():
                if event.transaction_id == self.transaction_id:
                    self._stop(event.stopped_reason, event.trigger, now_s)
            case InterlockTripped():
                self._take_trip(event, now_s)
            case AuthorizationAnswered():
                self._take_answer(event, now_s)
            case PowerProcessLost():
                self.image = None
                self._stop(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s)
            case AvailabilityChanged():
                self.operative = event.operative
            case StopOrdered():
                self._stop(event.reason, event.trigger, now_s)
            case TimePassed():
                pass
            case _:
                assert_never(event)

    def _take_image(self, image: EvseImage, now_s: float) -> None:
        self.image = image
        if image.pilot.plugged and self.plug_in is None:
            self._tell("=", "plugged in")
            self.plug_in = PlugIn()
        elif image.pilot is ControlPilot.F and not self._in_transaction:
            self.plug_in = None  # under F a car may come and go unseen
        elif image.pilot is ControlPilot.A and self.plug_in is not None:
            self._take_unplugged(now_s)
        if not image.permitted and image.faults:  # also where the trip itself was told to nobody
            reason = next((_FAULT_REASONS[code] for code in sorted(image.faults) if code in _FAULT_REASONS), None)
            self._stop(reason or StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s)

    def _take_unplugged(self, now_s: float) -> None:
        self._tell("=", "unplugged")
        self.plug_in = self.car = self.car_link = None
        self._stop(StopReason.EV_DISCONNECTED, TriggerReason.EV_COMMUNICATION_LOST, now_s)
        if not self._in_transaction:
            self.permit.forget()

    def _take_car_end(self, event: CarSessionEnded, now_s: float) -> None:
        self._tell("=" if event.end is SessionEnd.TERMINATED else "!", f"car session {event.end.value}: {event.detail}")
        self.car = None
        if self.car_link is not None:
            self.car_link = replace(self.car_link, open=False)
        reason, trigger = _CAR_ENDS[event.end]
        if event.end in (SessionEnd.TERMINATED, SessionEnd.PAUSED) or self._power_on():
            self._stop(reason, trigger, now_s)

    def _take_token(self, event: TokenPresented) -> None:
        try:
            token = IdToken(event.value, IdTokenType.ISO14443)
        except ValueError as error:
            self._tell("!", f"token refused: {error}")
            return
        used = self.permit.token
        if self._in_transaction and used is not None and token.value == used.value:
            self._stop(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, event.at_s, token)
        elif self._in_transaction or self.permit.state is Permission.ASKED:
            self._tell("!", "token ignored: another one is in use")
        else:
            self.permit.ask(token)
            self._out.append(AskAuthorization(token))

    def _take_start(self, event: StartTransaction, now_s: float) -> None:
        if self._in_transaction:
            self._tell("!", "start ignored: a transaction is running")
        elif event.authorize:
            self.permit.ask(event.id_token, event.remote_start_id)
            self._out.append(AskAuthorization(event.id_token))
        else:
            self._grant(event.id_token, now_s, event.remote_start_id)

    def _take_answer(self, event: AuthorizationAnswered, now_s: float) -> None:
        if not self.permit.waits_for(event.token):
            return
        if event.status is AuthorizationStatus.ACCEPTED:
            self._grant(event.token, now_s, self.permit.remote_start_id)
        else:
            self.permit.refuse()
            self._tell("!", f"token refused: {event.status.value}")

    def _take_trip(self, event: InterlockTripped, now_s: float) -> None:
        kind = CATALOGUE[event.code]
        self._tell("!", f"{kind.title}: {event.detail}; {kind.remedy}")
        if self.plug_in is not None:
            self.plug_in.cable_check_failed |= event.code in (FaultCode.CABLE_CHECK, FaultCode.INSULATION)
        if kind.severity is not Severity.WARNING:
            reason = _FAULT_REASONS.get(event.code, StopReason.OTHER)
            self._stop(reason, TriggerReason.ABNORMAL_CONDITION, now_s)

    # -- what follows ---------------------------------------------------------------------------------------------

    def _advance(self, now_s: float) -> None:
        if not self._in_transaction:
            self._maybe_begin(now_s)
        elif self.stop is None:
            self._maybe_state(self._state_now())
        else:
            self._maybe_end(now_s)
        if not self.plugged and not self._in_transaction:
            self._maybe_forget(now_s)
        status = self._status_now()
        if status is not self.status:
            self.status = status
            self._out.append(TellStatus(status))

    def _maybe_forget(self, now_s: float) -> None:
        patience_s = self._ev_connection_timeout_s()
        if self.permit.state is Permission.REFUSED:
            self.permit.forget()
        elif self.permit.unused_s(now_s) > patience_s:
            self._tell("!", f"authorisation lapsed: no car within {patience_s:.0f} s")
            self.permit.forget()

    def _maybe_begin(self, now_s: float) -> None:
        token = self.permit.token
        if self.permit.state is not Permission.GRANTED or token is None or not self.plugged or not self.operative:
            return
        if self.image is None or not self.image.permitted:
            return
        if not self.meter_fresh(now_s):
            return  # what cannot be counted is not begun
        self.transaction_started_s, self.stop = now_s, None
        self.charging_state = ChargingState.EV_CONNECTED
        remote = self.permit.remote_start_id is not None
        trigger = TriggerReason.REMOTE_START if remote else TriggerReason.AUTHORIZED
        self._out.append(BeginTransaction(trigger, token, self.permit.remote_start_id))

    def _maybe_state(self, state: ChargingState) -> None:
        if state is not self.charging_state:
            self.charging_state = state
            self._out.append(UpdateTransaction(TriggerReason.CHARGING_STATE_CHANGED, state))

    def _state_now(self) -> ChargingState:
        if self.image is None or self.image.stage is not Stage.TRANSFER:
            return ChargingState.EV_CONNECTED
        if self.image.target_W == 0.0 and abs(self.image.applied_W) < 1.0:
            willing = self.car is not None and self.car.allows_power
            return ChargingState.SUSPENDED_EVSE if willing else ChargingState.SUSPENDED_EV
        return ChargingState.CHARGING

    def _maybe_end(self, now_s: float) -> None:
        assert self.stop is not None
        waited_s = now_s - self.stop.since_s
        if self._power_on() and waited_s < STOP_DEADLINE_S + END_DEADLINE_S:
            return
        if not self.meter_fresh(now_s) and waited_s < END_DEADLINE_S:
            return  # the final registers: the power process may come back, the meter may answer again
        self._out.append(EndTransaction(self.stop.trigger, self.stop.reason, self.stop.token))
        if self.plug_in is not None:
            self.plug_in.spent = True
        self.stop = self.transaction_id = self.transaction_started_s = None
        self.charging_state = ChargingState.IDLE
        self.permit.forget()
        if self.car_link is not None and self.car_link.open and self.car_link.next:
            self.car_link = replace(self.car_link, next=False)
            self._maybe_grant_everybody(now_s)

    def _stop(self, reason: StopReason, trigger: TriggerReason, now_s: float, token: IdToken | None = None) -> None:
        """The first reason is the one that counts."""
        if self._in_transaction and self.stop is None:
            self.stop = Stop(reason, trigger, now_s, token)
            self._tell("=", f"stopping: {reason.value}")

    def _maybe_grant_everybody(self, now_s: float) -> None:
        if self._authorize_everybody and self.permit.state is Permission.NONE:
            self._grant(IdToken("", IdTokenType.NO_AUTHORIZATION), now_s)

    def _grant(self, token: IdToken, now_s: float, remote_start_id: int | None = None) -> None:
        self.permit.grant(token, now_s, remote_start_id)
        self._tell("=", "authorised")

    def _power_on(self) -> bool:
        return self.image is not None and self.image.stage not in (Stage.OFF, Stage.FAULTED)

    def _status_now(self) -> ConnectorStatus:
        if self.image is None:
            return ConnectorStatus.UNAVAILABLE
        if not self.image.permitted and self.image.faults:
            return ConnectorStatus.FAULTED
        if self._in_transaction:
            return ConnectorStatus.OCCUPIED
        if not self.operative:
            return ConnectorStatus.UNAVAILABLE
        return ConnectorStatus.OCCUPIED if self.plugged else ConnectorStatus.AVAILABLE

    def _tell(self, letter: str, text: str) -> None:
        self._out.append(Tell(letter, text))

    # -- what is read each cycle -----------------------------------------------------------------------------------

    def meter_fresh(self, now_s: float) -> bool:
        """There is a reading recent enough to be billed."""
        meter = None if self.image is None else self.image.meter
        return meter is not None and now_s - meter.taken_at_s <= METER_MAX_AGE_S

    def car_fresh(self, now_s: float) -> bool:
        """The car spoke recently enough for power to flow (0.5 s in the charge loop; docs/sources/safety.md 3)."""
        return self.car is not None and (
            self.car.phase is not Phase.TRANSFER or now_s - self.car.at_s <= self._loop_timeout_s
        )

    def stage_demand(self, setpoint: Setpoint, now_s: float) -> StageDemand:
        """The order to the power stage for the next lease."""
        car, can = self.car, None if self.image is None else self.image.capabilities
        if car is None or car.phase is Phase.OFF or can is None or not self._may_energise(now_s):
            return off(self.evse_id, self._lease_s, self._pilot(), lock=self.must_stay_locked)
        flowing = self.stop is None and self.car_fresh(now_s)
        return energise(car, can, setpoint, self._lease_s, self._pilot(), flowing=flowing)

    def _may_energise(self, now_s: float) -> bool:
        if not self._in_transaction or self.image is None:
            return False
        return self.stop is None or (
            now_s - self.stop.since_s < STOP_DEADLINE_S and self._car_talks and self.image.permitted
        )

    def _pilot(self) -> PilotCommand:
        if not self.operative and not self._in_transaction:
            return PilotCommand.F
        over = self.plug_in is not None and self.plug_in.spent and not self._in_transaction and not self._car_talks
        return PilotCommand.PWM if self.plugged and not over else PilotCommand.X1

    @property
    def must_stay_locked(self) -> bool:
        """Something may still be on the connector, or the car is about to ask for it."""
        return self._car_talks or self._power_on()

    @property
    def stop_requested(self) -> bool:
        """The car shall be asked to end: the session is stopping, or its transaction is over and the car still at it."""
        still_at_it = self.car is not None and self.car.phase is not Phase.OFF
        return self.stop is not None or (still_at_it and not self._in_transaction)

    @property
    def authorized(self) -> bool | None:
        """What the SECC answers AuthorizationReq with: None while undecided."""
        if self._in_transaction:
            if self.stop is not None and self.car_link is not None and self.car_link.next:
                return None
            return self.stop is None
        return False if self.permit.state is Permission.REFUSED else None

    @property
    def cable_check_failed(self) -> bool:
        """Cable check or insulation failed in this plug-in."""
        return self.plug_in is not None and self.plug_in.cable_check_failed
