"""The life of one EVSE's transaction: when it may begin, in which charging state it is, why and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chargepoint.evse.events import BeginTransaction, EndTransaction, SessionOutput, UpdateTransaction, WriteLog
from chargepoint.evse.permit import Permit
from chargepoint.model.car import SessionEnd
from chargepoint.model.ids import IdToken, TransactionId
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason

STOP_DEADLINE_S = 20.0
"""The car is asked to end; after that power is withdrawn anyway (docs/sources/safety.md 3, stop hard deadline, grade B)."""

END_DEADLINE_S = 8.0
"""The stage's own ramp, opening and discharge take at most this; then the transaction ends with what is known."""


CAR_ENDS = {
    SessionEnd.TERMINATED: (StopReason.STOPPED_BY_EV, TriggerReason.STOP_AUTHORIZED),  # E15.FR.04
    SessionEnd.PAUSED: (StopReason.STOPPED_BY_EV, TriggerReason.CHARGING_STATE_CHANGED),
    SessionEnd.TIMEOUT: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.CONNECTION_LOST: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.PROTOCOL_ERROR: (StopReason.OTHER, TriggerReason.EV_COMMUNICATION_LOST),
    SessionEnd.STOPPED_BY_STATION: (StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION),
}
"""Why and by what a transaction ends, by how the car's session ended."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and since when (monotonic) the transaction is stopping. `detail`: one sentence with the cause."""

    reason: StopReason
    trigger: TriggerReason
    since_s: float
    token: IdToken | None = None
    detail: str = ""


class TransactionLife:
    """At most one transaction. Outputs collect in the list given to the constructor."""

    def __init__(self, outputs: list[SessionOutput], new_id: Callable[[], TransactionId]) -> None:
        self._out = outputs
        self._new_id = new_id
        self.transaction_id: TransactionId | None = None
        self.started_s: float | None = None
        self.charging_state = ChargingState.IDLE
        self.stop: Stop | None = None

    @property
    def running(self) -> bool:
        """A transaction is open: begun and not ended."""
        return self.transaction_id is not None

    def begin(self, permit: Permit, plugged_s: float, now_s: float) -> None:
        """Open the transaction of the permitted token, at whose EVSE the car was plugged in at `plugged_s`.

        The trigger is what came last, token or plug (E01, E02, E03); after a remote start it is that in any case (F02.FR.21).
        """
        assert permit.token is not None
        self.transaction_id, self.started_s, self.stop = self._new_id(), now_s, None
        self.charging_state = ChargingState.EV_CONNECTED
        trigger = (
            TriggerReason.CABLE_PLUGGED_IN if permit.unused_s(now_s) > now_s - plugged_s else TriggerReason.AUTHORIZED
        )
        if permit.remote_start_id is not None:
            trigger = TriggerReason.REMOTE_START
        self._out.append(BeginTransaction(self.transaction_id, trigger, permit.token, permit.remote_start_id))

    def resume(self, transaction_id: TransactionId, started_s: float) -> None:
        """Go on with a transaction that the daemon's previous run left open. It began at `started_s` (monotonic)."""
        self.transaction_id, self.started_s, self.stop = transaction_id, started_s, None
        self.charging_state = ChargingState.SUSPENDED_EV

    def enter(self, state: ChargingState) -> None:
        """Set the charging state. A change is reported."""
        if state is not self.charging_state:
            self.charging_state = state
            self._out.append(UpdateTransaction(TriggerReason.CHARGING_STATE_CHANGED, state))

    def order_stop(self, stop: Stop) -> None:
        """Begin to stop. The first reason is the one that counts."""
        if self.running and self.stop is None:
            self.stop = stop
            self._out.append(WriteLog("=", f"stopping: {stop.reason.value}"))

    def end_when_due(self, *, power_on: bool, meter_fresh: bool, now_s: float) -> bool:
        """End the stopping transaction once power is off and the final registers are there, or the waiting time is over."""
        assert self.stop is not None
        waited_s = now_s - self.stop.since_s
        if power_on and waited_s < STOP_DEADLINE_S + END_DEADLINE_S:
            return False
        if not meter_fresh and waited_s < END_DEADLINE_S:
            return False  # the power process may come back, the meter may answer again
        self._out.append(EndTransaction(self.stop.trigger, self.stop.reason, self.stop.token, self.stop.detail))
        self.stop = self.transaction_id = self.started_s = None
        self.charging_state = ChargingState.IDLE
        return True
