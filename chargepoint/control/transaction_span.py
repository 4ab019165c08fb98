"""From where to where a transaction runs: TxStartPoint and TxStopPoint of OCPP 2.0.1 (E01, E06, C15).

The session knows when a car may charge: a token is accepted, the car is plugged in, power may flow. The transaction that is
billed may begin before that (at the plug, at the token) or after it (with the first energy), and may last longer (to the unplug).
A core. No energy flows without the session's permission, whatever the points are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from chargepoint.control.billing import Billing
from chargepoint.control.effects import Effect, NotifyReaders, WriteLine
from chargepoint.evse.events import BeginTransaction, EndTransaction, UpdateTransaction
from chargepoint.evse.session import EvseSession
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason


class TxPoint(Enum):
    """A point of TxStartPointEnum and TxStopPointEnum that this station can observe."""

    EV_CONNECTED = "EVConnected"
    AUTHORIZED = "Authorized"
    POWER_PATH_CLOSED = "PowerPathClosed"
    ENERGY_TRANSFER = "EnergyTransfer"


@dataclass(frozen=True, slots=True)
class TxPoints:
    """A transaction begins at the first point of `start` that is reached, and ends at the first of `stop` that is left."""

    start: frozenset[TxPoint] = frozenset({TxPoint.POWER_PATH_CLOSED})
    stop: frozenset[TxPoint] = frozenset({TxPoint.AUTHORIZED, TxPoint.EV_CONNECTED})


DEFAULT_POINTS = TxPoints()

_ALWAYS_END = (StopReason.IMMEDIATE_RESET, StopReason.REBOOT, StopReason.POWER_LOSS)
_ENDS_WITH_PERMISSION = frozenset({TxPoint.AUTHORIZED, TxPoint.POWER_PATH_CLOSED, TxPoint.ENERGY_TRANSFER})


class TransactionSpan:
    """One EVSE's billed transaction around the session's own. `points` are read when needed; a running span keeps to them."""

    def __init__(
        self,
        evse_id: EvseId,
        billing: Billing,
        effects: list[Effect],
        points: Callable[[], TxPoints],
        new_id: Callable[[], TransactionId],
    ) -> None:
        self._evse_id = evse_id
        self._billing = billing
        self._effects = effects
        self._points = points
        self._new_id = new_id
        self._held: BeginTransaction | None = None
        self._over: StopReason | None = None
        self._first_token: IdToken | None = None
        self._plugged = self._granted = False
        self._opened_s: float | None = None

    # -- for readers ---------------------------------------------------------------------------------------------------

    @property
    def open_id(self) -> TransactionId | None:
        """The transaction that is billed now."""
        state = self._billing.transaction
        return None if state is None else state.transaction_id

    @property
    def held(self) -> bool:
        """The session's transaction is not billed yet: it waits for its first energy."""
        return self._held is not None

    def started_s(self, of_session_s: float | None) -> float | None:
        """When the transaction began (monotonic): `of_session_s`, where the session's own is the first thing of it."""
        return self._opened_s if self._opened_s is not None and self.open_id is not None else of_session_s

    def next_id(self) -> TransactionId:
        """The id for the session's next transaction: that of the span which is open already, or a new one."""
        return self.open_id or self._new_id()

    def belongs_to_another(self, token_value: str) -> bool:
        """The open transaction goes on without a permission, and another card than that of this value began it (C01.FR.23)."""
        first = self._first_token
        return (
            first is not None
            and self.open_id is not None
            and (token_value, IdTokenType.ISO14443) != (first.value, first.type)
        )

    # -- what happens --------------------------------------------------------------------------------------------------

    def note(self, session: EvseSession, at: Instant, *, may_open: bool) -> None:
        """The session after an event. `may_open` False: a transaction of the previous run still waits for its car."""
        plugged, token = session.plugged_in, session.granted
        if plugged == self._plugged and (token is not None) == self._granted:
            return
        came, went = plugged and not self._plugged, self._plugged and not plugged
        lapsed, became_granted = self._granted and token is None, token is not None and not self._granted
        self._plugged, self._granted = plugged, token is not None
        if self.open_id is not None and session.transaction_id is None:
            if went:
                self._end(self._over or StopReason.EV_DISCONNECTED, TriggerReason.EV_COMMUNICATION_LOST, None, at)
            elif lapsed and not plugged:
                self._end(StopReason.TIMEOUT, TriggerReason.EV_CONNECT_TIMEOUT, None, at)
        if came and self.open_id is not None:
            self._billing.update(UpdateTransaction(TriggerReason.CABLE_PLUGGED_IN, ChargingState.EV_CONNECTED))
        if self.open_id is not None or self._held is not None or not may_open:
            return
        start = self._points().start
        if came and TxPoint.EV_CONNECTED in start:
            self._open(TriggerReason.CABLE_PLUGGED_IN, None, None, ChargingState.EV_CONNECTED, at)
        elif became_granted and not plugged and TxPoint.AUTHORIZED in start:
            remote = session.remote_start_id
            trigger = TriggerReason.AUTHORIZED if remote is None else TriggerReason.REMOTE_START
            self._open(trigger, token, remote, ChargingState.IDLE, at)

    def begin(self, begin: BeginTransaction, at: Instant) -> bool:
        """The session's own begins: power may flow from now on. False where the meter gives no reading."""
        self._over = None
        state = self._billing.transaction
        if state is not None:
            if state.id_token is not None and state.id_token == begin.token:
                return True
            trigger = begin.trigger
            if trigger is TriggerReason.CABLE_PLUGGED_IN:
                trigger = TriggerReason.AUTHORIZED
            return self._billing.authorized(replace(begin, trigger=trigger))
        if self._points().start == {TxPoint.ENERGY_TRANSFER}:
            self._held = begin
            self._log(f"transaction {begin.transaction_id} begins with its first energy")
            return True
        return self._opened(self._billing.begin(begin, at), begin.transaction_id, at)

    def update(self, update: UpdateTransaction, at: Instant) -> StopReason | None:
        """The charging state changed. A reason where that ends the session: the stop point EnergyTransfer is left."""
        held = self._held
        if held is not None:
            if update.charging_state is ChargingState.CHARGING:
                trigger = TriggerReason.CHARGING_STATE_CHANGED if held.remote_start_id is None else held.trigger
                begun = self._billing.begin(replace(held, trigger=trigger), at, ChargingState.CHARGING)
                if not self._opened(begun, held.transaction_id, at):
                    return StopReason.OTHER  # no energy without a record
                self._held = None
            return None
        state = self._billing.transaction
        was_charging = state is not None and state.charging_state is ChargingState.CHARGING
        self._billing.update(update)
        if not was_charging or TxPoint.ENERGY_TRANSFER not in self._points().stop:
            return None
        match update.charging_state:
            case ChargingState.SUSPENDED_EV:
                return StopReason.STOPPED_BY_EV
            case ChargingState.SUSPENDED_EVSE:
                return StopReason.OTHER
            case _:
                return None

    def end(self, end: EndTransaction, at: Instant, *, plugged: bool) -> None:
        """The session's own is over: no power flows any more. The billed one may last to the unplug."""
        if self._held is not None:
            self._log(f"transaction {self._held.transaction_id} ends without energy: nothing to bill")
            self._held = None
            return
        if not plugged or end.reason in _ALWAYS_END or self._points().stop & _ENDS_WITH_PERMISSION:
            self._billing.end(end, at, plugged=plugged)
            self._opened_s = self._first_token = None
            return
        self._over = end.reason
        if self._first_token is None and self._billing.transaction is not None:
            self._first_token = self._billing.transaction.id_token
        self._billing.permission_over(end)
        self._log(f"{end.reason.value}: the transaction goes on without power until the car is unplugged")

    def stop(self, reason: StopReason, trigger: TriggerReason, token: IdToken | None, at: Instant) -> None:
        """End the billed transaction while the session has none."""
        if self.open_id is not None:
            self._end(reason, trigger, token, at)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _open(
        self,
        trigger: TriggerReason,
        token: IdToken | None,
        remote_start_id: int | None,
        state: ChargingState,
        at: Instant,
    ) -> None:
        begin = BeginTransaction(self._new_id(), trigger, token, remote_start_id)
        if not self._opened(self._billing.begin(begin, at, state), begin.transaction_id, at):
            self._log("no meter reading: the transaction begins later", "!")

    def _opened(self, begun: bool, transaction_id: TransactionId, at: Instant) -> bool:
        if begun:
            self._opened_s = at.monotonic_s
            self._log(f"transaction {transaction_id} started")
            self._effects.append(NotifyReaders(self._evse_id))
        return begun

    def _end(self, reason: StopReason, trigger: TriggerReason, token: IdToken | None, at: Instant) -> None:
        self._billing.end(EndTransaction(trigger, reason, token, reason.value), at, plugged=self._plugged)
        self._opened_s = self._over = self._first_token = None
        self._log(f"transaction ended: {reason.value}")
        self._effects.append(NotifyReaders(self._evse_id))

    def _log(self, text: str, letter: str = "=") -> None:
        self._effects.append(WriteLine(self._evse_id, letter, text))
