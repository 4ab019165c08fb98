"""A transaction that the daemon's previous run left open: it waits for its car, goes on with it, or ends with a reason.

A core. Source of the case: docs/car-conversation.md, «A session outlives its connection».
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.control.billing import Billing
from chargepoint.control.effects import Effect, ForgetCarSession, WriteLine
from chargepoint.evse.session import EvseSession
from chargepoint.model.ids import EvseId, IdTokenType
from chargepoint.model.image import ControlPilot, EvseImage, TokenPresented
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import StopReason, TriggerReason
from chargepoint.transactions.book import RESTORE_PATIENCE_S, Closing
from chargepoint.transactions.ledger import LedgerState


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A transaction of the daemon's previous run whose car may go on. `until_s`: how long a clear pilot is waited for.

    `reason`: with which it ends if its car does not go on. `started_s`: when the transaction began, in monotonic seconds of
    this run; charging profiles count from there.
    """

    state: LedgerState
    reason: StopReason
    car_paused: bool
    until_s: float
    started_s: float


class InterruptedTransaction:
    """At most one transaction of the previous run, while it is not known whether its car goes on. Effects go to `effects`."""

    def __init__(self, evse_id: EvseId, session: EvseSession, billing: Billing, effects: list[Effect]) -> None:
        self._evse_id = evse_id
        self._session = session
        self._billing = billing
        self._effects = effects
        self._waiting: Interrupted | None = None

    @property
    def waiting(self) -> Interrupted | None:
        """The transaction that waits for its car; None where none does."""
        return self._waiting

    def restore(self, state: LedgerState, reason: StopReason, at: Instant, *, car_paused: bool | None) -> None:
        """This transaction was open when the daemon ended. `car_paused` None: no session of its car is kept, so it ends."""
        if car_paused is None or state.id_token is None:
            self._close(state, Closing(reason), at)
            return
        until_s = at.monotonic_s + RESTORE_PATIENCE_S
        self._waiting = Interrupted(state, reason, car_paused, until_s, started_s(state, at))
        self._session.hold_begin()
        self._log(f"transaction {state.transaction_id} was open when the daemon ended; its car may go on")

    def take_up(self, image: EvseImage | None, at: Instant) -> None:
        """Go on where the car is still there, and end where it is gone. An unclear pilot is waited for."""
        left = self._waiting
        if left is None:
            return
        token, number = left.state.id_token, left.state.transaction_id
        if image is not None and image.pilot.plugged and token is not None and self._billing.resume(left.state, at):
            self._waiting = None
            self._session.resume(
                number, token, left.reason, at.monotonic_s, paused=left.car_paused, started_s=left.started_s
            )
            self._log(f"transaction {number} goes on: its car is still plugged in")
            return
        gone = image is not None and image.pilot is ControlPilot.A
        if gone or at.monotonic_s >= left.until_s:
            self.end(Closing(left.reason), at)

    def end(self, closing: Closing, at: Instant) -> None:
        """The transaction does not go on: it ends so, with the first fresh reading."""
        left, self._waiting = self._waiting, None
        if left is None:
            return
        self._session.release_begin()
        self._effects.append(ForgetCarSession(self._evse_id))
        self._close(left.state, closing, at)

    def stopped_by(self, shown: TokenPresented, at: Instant) -> bool:
        """Whether the driver ended the waiting transaction with the token it began with."""
        token = None if self._waiting is None else self._waiting.state.id_token
        if token is None or (shown.value, IdTokenType.ISO14443) != (token.value, token.type):  # C01.FR.25
            return False
        detail = "the token it began with was shown again"
        self.end(Closing(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, token, detail), at)
        return True

    def _close(self, state: LedgerState, closing: Closing, at: Instant) -> None:
        self._billing.close_left_open(state, closing, at)
        self._log(f"transaction {state.transaction_id} was open when the daemon ended; closing it")

    def _log(self, text: str) -> None:
        self._effects.append(WriteLine(self._evse_id, "*", text))


def started_s(state: LedgerState, at: Instant) -> float:
    """When the transaction began on the present monotonic clock, from its first record; not after `at`."""
    return at.monotonic_s - max(0.0, (at.utc - state.begin.at_utc).total_seconds())
