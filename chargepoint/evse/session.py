"""One connector from plug to unplug: who may charge, what the stage shall do, and why it stopped.

A core: `feed(event, now_s) -> outputs`; `stage_demand` and `secc_inputs` are read each cycle. A transaction runs while the
car is connected and authorised (OCPP TxStartPoint and TxStopPoint PowerPathClosed) and ends only when power is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
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
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarIdentified,
    CarSessionEnded,
    ControlMode,
    ServiceSelected,
    SessionEnd,
)
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.demand import Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.faults import CATALOGUE, FaultCode, InterlockTripped, Severity
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, EvseImage, Stage, StageCapabilities, TokenPresented
from chargepoint.model.limits import ZERO
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason

STOP_DEADLINE_S = 20.0
"""The car is asked to end; after that power is withdrawn anyway (facts/safety.md 3, stop hard deadline, grade B)."""

END_DEADLINE_S = 8.0
"""The stage's own ramp, opening and discharge take at most this; then the transaction ends with what is known."""

EV_CONNECTION_TIMEOUT_S = 60.0
"""Authorised but not plugged in: the authorisation lapses (OCPP EVConnectionTimeOut)."""

METER_MAX_AGE_S = 2.0
"""A transaction begins and ends with registers at most this old."""

HLC_DUTY_PERCENT = 5.0
"""IEC 61851-1: 5 % duty means digital communication (facts/safety.md 2)."""


class Permission(Enum):
    """Whether this plug-in may charge."""

    NONE = "none"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and since when the session is stopping."""

    reason: StopReason
    trigger: TriggerReason
    since_s: float
    token: IdToken | None = None


_FAULT_REASONS = {
    FaultCode.EMERGENCY_STOP: StopReason.EMERGENCY_STOP,
    FaultCode.INSULATION: StopReason.GROUND_FAULT,
    FaultCode.RCD: StopReason.GROUND_FAULT,
    FaultCode.OVER_CURRENT: StopReason.OVERCURRENT_FAULT,
    FaultCode.OVER_VOLTAGE: StopReason.POWER_QUALITY,
    FaultCode.OVER_VOLTAGE_EMERGENCY: StopReason.POWER_QUALITY,
}

_CAR_ENDS = {
    SessionEnd.TERMINATED: (StopReason.STOPPED_BY_EV, TriggerReason.CHARGING_STATE_CHANGED),
    SessionEnd.PAUSED: (StopReason.STOPPED_BY_EV, TriggerReason.CHARGING_STATE_CHANGED),
    SessionEnd.TIMEOUT: (StopReason.TIMEOUT, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.CONNECTION_LOST: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.PROTOCOL_ERROR: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.STOPPED_BY_STATION: (StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION),
}


class EvseSession:
    """The session of one EVSE."""

    def __init__(self, evse_id: EvseId, *, authorize_everybody: bool, lease_s: float, loop_timeout_s: float) -> None:
        self.evse_id = evse_id
        self._authorize_everybody = authorize_everybody
        self._lease_s = lease_s
        self._loop_timeout_s = loop_timeout_s
        self.image: EvseImage | None = None
        self.car: CarDemand | None = None
        self.evcc_id: str | None = None
        self.protocol: str | None = None
        self.tls: str | None = None
        self.token: IdToken | None = None
        self.permission = Permission.NONE
        self.transaction_id: TransactionId | None = None
        self.transaction_started_s: float | None = None
        self.charging_state = ChargingState.IDLE
        self.status = ConnectorStatus.UNAVAILABLE
        self.stop: Stop | None = None
        self.operative = True
        self._in_transaction = False
        self._remote_start_id: int | None = None
        self._granted_s = 0.0
        self._plugged = False  # as last seen: E, UNKNOWN and a lost power process say nothing about the plug
        self._spent = False  # this plug-in had its transaction; the next needs a new permission
        self._car_active = False
        self._cable_check_failed = False
        self._out: list[SessionOutput] = []

    @property
    def plugged(self) -> bool:
        """A car is connected, as far as known."""
        return self.image is not None and self.image.pilot.plugged

    @property
    def plug_seen(self) -> bool:
        """A car is plugged in as last seen: an unclear pilot or a lost power process does not end that."""
        return self._plugged

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
                self.protocol, self.tls, self._car_active = event.protocol, event.tls, True
                self._tell("=", f"car connected from {event.peer}: {event.protocol}, {event.tls or 'no TLS'}")
            case CarIdentified():
                self.evcc_id = event.evcc_id
                self._tell("=", f"car is {event.evcc_id}")
            case AuthorizationWanted():
                if self._authorize_everybody and self.permission is Permission.NONE:
                    self._grant(IdToken("", IdTokenType.NO_AUTHORIZATION), now_s)
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
        if image.pilot.plugged and not self._plugged:
            self._tell("=", "plugged in")
            self._plugged, self._spent, self._cable_check_failed = True, False, False
        elif image.pilot is ControlPilot.F and not self._in_transaction:
            self._plugged = False  # under F a car may come and go unseen
        elif image.pilot is ControlPilot.A and self._plugged:
            self._tell("=", "unplugged")
            self._plugged = False
            self._stop(StopReason.EV_DISCONNECTED, TriggerReason.EV_COMMUNICATION_LOST, now_s)
            self.car = None
            if not self._in_transaction:
                self._forget_permission()
        if not image.permitted and image.faults:  # also where the trip itself was told to nobody
            reason = next((_FAULT_REASONS[code] for code in sorted(image.faults) if code in _FAULT_REASONS), None)
            self._stop(reason or StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION, now_s)

    def _take_car_end(self, event: CarSessionEnded, now_s: float) -> None:
        self._tell("=" if event.end is SessionEnd.TERMINATED else "!", f"car session {event.end.value}: {event.detail}")
        self._car_active = False
        self.car = None
        reason, trigger = _CAR_ENDS[event.end]
        if event.end in (SessionEnd.TERMINATED, SessionEnd.PAUSED) or self._power_on():
            self._stop(reason, trigger, now_s)

    def _take_token(self, event: TokenPresented) -> None:
        try:
            token = IdToken(event.value, IdTokenType.ISO14443)
        except ValueError as error:
            self._tell("!", f"token refused: {error}")
            return
        if self._in_transaction and self.token is not None and token.value == self.token.value:
            self._stop(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, event.at_s, token)
        elif self._in_transaction or self.permission is Permission.ASKED:
            self._tell("!", "token ignored: another one is in use")
        else:
            self.token, self.permission, self._remote_start_id = token, Permission.ASKED, None
            self._out.append(AskAuthorization(token))

    def _take_start(self, event: StartTransaction, now_s: float) -> None:
        if self._in_transaction:
            self._tell("!", "start ignored: a transaction is running")
            return
        self.token, self._remote_start_id = event.id_token, event.remote_start_id
        if event.authorize:
            self.permission = Permission.ASKED
            self._out.append(AskAuthorization(event.id_token))
        else:
            self._grant(event.id_token, now_s)

    def _take_answer(self, event: AuthorizationAnswered, now_s: float) -> None:
        if self.token != event.token or self.permission is not Permission.ASKED:
            return
        if event.status is AuthorizationStatus.ACCEPTED:
            self._grant(event.token, now_s)
        else:
            self.permission = Permission.REFUSED
            self._tell("!", f"token refused: {event.status.value}")

    def _take_trip(self, event: InterlockTripped, now_s: float) -> None:
        kind = CATALOGUE[event.code]
        self._tell("!", f"{kind.title}: {event.detail}; {kind.remedy}")
        self._cable_check_failed |= event.code in (FaultCode.CABLE_CHECK, FaultCode.INSULATION)
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
        if self.permission is Permission.REFUSED and not self.plugged:
            self._forget_permission()
        if (
            self.permission is Permission.GRANTED
            and not self._in_transaction
            and not self.plugged
            and now_s - self._granted_s > EV_CONNECTION_TIMEOUT_S
        ):
            self._tell("!", f"authorisation lapsed: no car within {EV_CONNECTION_TIMEOUT_S:.0f} s")
            self._forget_permission()
        status = self._status_now()
        if status is not self.status:
            self.status = status
            self._out.append(TellStatus(status))

    def _maybe_begin(self, now_s: float) -> None:
        if self.permission is not Permission.GRANTED or not self.plugged or self.token is None or not self.operative:
            return
        if self.image is None or not self.image.permitted:
            return
        if not self._meter_fresh(now_s):
            return  # what cannot be counted is not begun
        self._in_transaction, self.stop = True, None
        self.transaction_started_s = now_s
        self.charging_state = ChargingState.EV_CONNECTED
        trigger = TriggerReason.AUTHORIZED
        if self._remote_start_id is not None:
            trigger = TriggerReason.REMOTE_START
        self._out.append(BeginTransaction(trigger, self.token, self._remote_start_id))

    def _meter_fresh(self, now_s: float) -> bool:
        meter = None if self.image is None else self.image.meter
        return meter is not None and now_s - meter.taken_at_s <= METER_MAX_AGE_S

    def _maybe_state(self, state: ChargingState) -> None:
        if state is not self.charging_state:
            self.charging_state = state
            self._out.append(UpdateTransaction(TriggerReason.CHARGING_STATE_CHANGED, state))

    def _state_now(self) -> ChargingState:
        if self.image is None or self.image.stage is not Stage.TRANSFER:
            return ChargingState.EV_CONNECTED
        if self.image.target_W == 0.0 and abs(self.image.applied_W) < 1.0:
            return ChargingState.SUSPENDED_EVSE
        return ChargingState.CHARGING

    def _maybe_end(self, now_s: float) -> None:
        assert self.stop is not None
        waited_s = now_s - self.stop.since_s
        if self._power_on() and waited_s < STOP_DEADLINE_S + END_DEADLINE_S:
            return
        if not self._meter_fresh(now_s) and waited_s < END_DEADLINE_S:
            return  # the final registers: the power process may come back, the meter may answer again
        self._out.append(EndTransaction(self.stop.trigger, self.stop.reason, self.stop.token))
        self._in_transaction, self._spent, self.stop = False, True, None
        self.transaction_id = self.transaction_started_s = None
        self.charging_state = ChargingState.IDLE
        self._forget_permission()

    def _stop(self, reason: StopReason, trigger: TriggerReason, now_s: float, token: IdToken | None = None) -> None:
        """The first reason is the one that counts."""
        if self._in_transaction and self.stop is None:
            self.stop = Stop(reason, trigger, now_s, token)
            self._tell("=", f"stopping: {reason.value}")

    def _grant(self, token: IdToken, now_s: float) -> None:
        self.token, self.permission, self._granted_s = token, Permission.GRANTED, now_s
        self._tell("=", "authorised")

    def _forget_permission(self) -> None:
        self.token, self.permission, self._remote_start_id = None, Permission.NONE, None

    def _power_on(self) -> bool:
        return self.image is not None and self.image.stage not in (Stage.OFF, Stage.FAULTED)

    def _status_now(self) -> ConnectorStatus:
        if self.image is None:
            return ConnectorStatus.UNAVAILABLE
        if not self.image.permitted and self.image.faults:
            return ConnectorStatus.FAULTED
        if self.plugged or self._in_transaction:
            return ConnectorStatus.OCCUPIED
        return ConnectorStatus.AVAILABLE if self.operative else ConnectorStatus.UNAVAILABLE

    def _tell(self, letter: str, text: str) -> None:
        self._out.append(Tell(letter, text))

    # -- what is read each cycle -----------------------------------------------------------------------------------

    def car_fresh(self, now_s: float) -> bool:
        """The car spoke recently enough for power to flow (0.5 s in the charge loop; facts/safety.md 3)."""
        return self.car is not None and (
            self.car.phase is not Phase.TRANSFER or now_s - self.car.at_s <= self._loop_timeout_s
        )

    def stage_demand(self, setpoint: Setpoint, now_s: float) -> StageDemand:
        """The order to the power stage for the next lease."""
        pilot, duty = self._pilot()
        car, image = self.car, self.image
        phase = Phase.OFF
        if car is not None and self._may_energise(now_s):
            phase = car.phase
        if car is None or phase is Phase.OFF or image is None or image.capabilities is None:
            locked = self._car_active or self._power_on()
            return StageDemand(self.evse_id, 0, self._lease_s, Phase.OFF, pilot, duty, lock=locked)
        flowing = self.stop is None and self.car_fresh(now_s)
        rating_V = image.capabilities.voltage_max_V
        charge_A, discharge_A = _current_limits(car, image.capabilities)
        return StageDemand(
            evse_id=self.evse_id,
            seq=0,
            lease_s=self._lease_s,
            phase=phase,
            pilot=pilot,
            duty_percent=duty,
            lock=True,
            voltage_limit_V=min(car.limits.voltage_max_V, rating_V),
            voltage_target_V=min(max(car.target_voltage_V or 0.0, 0.0), rating_V),
            voltage_floor_V=min(car.limits.voltage_min_V, rating_V),
            charge_current_limit_A=charge_A,
            discharge_current_limit_A=discharge_A,
            power_W=setpoint.power_W if flowing else 0.0,
            limits_W=setpoint.limits_W if flowing else ZERO,
            law=setpoint.law if flowing else None,
        )

    def _may_energise(self, now_s: float) -> bool:
        if not self._in_transaction or self.image is None:
            return False
        return self.stop is None or (
            now_s - self.stop.since_s < STOP_DEADLINE_S and self._car_active and self.image.permitted
        )

    def _pilot(self) -> tuple[PilotCommand, float]:
        if not self.operative and not self._in_transaction:
            return PilotCommand.F, 0.0
        if self.plugged and not (self._spent and not self._in_transaction and not self._car_active):
            return PilotCommand.PWM, HLC_DUTY_PERCENT
        return PilotCommand.X1, 100.0

    @property
    def stop_requested(self) -> bool:
        """The car shall be asked to end: the session is stopping, or its transaction is over and the car still at it."""
        still_at_it = self.car is not None and self.car.phase is not Phase.OFF
        return self.stop is not None or (still_at_it and not self._in_transaction)

    @property
    def authorized(self) -> bool | None:
        """What the SECC answers AuthorizationReq with: None while undecided."""
        if self._in_transaction:
            return self.stop is None
        return False if self.permission is Permission.REFUSED else None

    @property
    def cable_check_failed(self) -> bool:
        """Cable check or insulation failed in this plug-in."""
        return self._cable_check_failed


def _current_limits(car: CarDemand, can: StageCapabilities) -> tuple[float, float]:
    """Magnitudes, charge and discharge: of car and stage the lesser, and in Scheduled mode no more than the car asks."""
    charge_A = min(car.limits.charge_current_max_A, can.charge_current_max_A)
    discharge_A = min(car.limits.discharge_current_max_A, can.discharge_current_max_A)
    if not car.service.bidirectional:
        discharge_A = 0.0
    if car.control_mode is ControlMode.SCHEDULED:
        asked_A = car.target_current_A or 0.0
        charge_A, discharge_A = min(charge_A, max(asked_A, 0.0)), min(discharge_A, max(-asked_A, 0.0))
    return charge_A, discharge_A
