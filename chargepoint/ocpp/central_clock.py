"""The central system's clock: what must be added to the station's UTC to get it. B01.FR.06, G02.FR.06.

The first answer of a station's life sets the clock. After that one answer moves it by little. A larger step needs a second answer that says the same, has a bound, waits for the end of a
running transaction, and is written to the journal: what is billed carries these times. The rules of confirmation and the figures
are this project's own (unverified); the standard only says that the station should use the central system's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.timestamps import from_answer

PLAUSIBLE_UTC_S = (1_577_836_800.0, 4_102_444_800.0)
"""2020-01-01 to 2100-01-01: another time is never taken, wherever it comes from."""
TRUSTED_FROM_UTC_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""A station whose own clock is before this software existed has no clock to defend: it takes the first plausible answer."""
OFFSET_MIN_S = 1.0
"""A smaller difference is the network's share, and changes nothing."""
STEP_MAX_S = 86_400.0
"""A larger step is refused: a person must set the station's clock."""
AGREEMENT_S = 2.0
"""Two answers confirm each other where they differ by at most this, plus what their round trips leave open."""
CONFIRM_WITHIN_S = 600.0
"""A first answer that nobody confirmed for so long is forgotten."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The clock moved by `step_s`; `offset_s` is to be kept."""

    offset_s: float
    step_s: float


@dataclass(frozen=True, slots=True)
class AskAgain:
    """One answer wants a step of `step_s`: a second one must confirm it."""

    step_s: float


@dataclass(frozen=True, slots=True)
class RefusedTime:
    """An answer cannot be taken. `text` says why, for the journal."""

    text: str


ClockVerdict = Adopted | AskAgain | RefusedTime


@dataclass(frozen=True, slots=True)
class _Wanted:
    offset_s: float
    round_trip_s: float
    at_s: float
    confirmed: bool = False


class CentralClock:
    """A core. `offset_s` is what a restart keeps; None: no answer was ever taken."""

    def __init__(self, offset_s: float | None = None) -> None:
        self.offset_s = offset_s or 0.0
        self._first = offset_s is None
        self._wanted: _Wanted | None = None
        self._refused_step_s: float | None = None

    @property
    def correction(self) -> timedelta:
        """What the station's UTC lacks; zero below `OFFSET_MIN_S`."""
        return timedelta(seconds=self.offset_s) if abs(self.offset_s) >= OFFSET_MIN_S else timedelta()

    def at(self, own: Moment) -> Moment:
        """The station's moment on the central system's clock."""
        return Moment(own.monotonic_s, own.utc_s + self.correction.total_seconds())

    def learn(
        self, current_time: str, own: Moment, round_trip_s: float, *, in_transaction: bool
    ) -> ClockVerdict | None:
        """Take a `currentTime` that arrived at `own`, so long after the question. None: nothing follows from it."""
        utc_s = from_answer(current_time).timestamp()
        if not PLAUSIBLE_UTC_S[0] <= utc_s < PLAUSIBLE_UTC_S[1]:
            return RefusedTime(f"the central system's time {current_time[:40]!r} is no time of today")
        least_s = utc_s - own.utc_s
        offset_s = min(
            max(self.offset_s, least_s), least_s + round_trip_s
        )  # what the answer allows, nearest to the present
        step_s = offset_s - self.offset_s
        first, self._first = self._first, False
        if abs(step_s) < OFFSET_MIN_S:
            self._wanted = None
            return None
        if own.utc_s < TRUSTED_FROM_UTC_S or (first and abs(step_s) <= STEP_MAX_S and not in_transaction):
            return self._adopt(offset_s)
        if abs(step_s) > STEP_MAX_S:
            if self._refused_step_s is not None and abs(self._refused_step_s - step_s) <= AGREEMENT_S + round_trip_s:
                return None  # the journal has it
            self._refused_step_s = step_s
            return RefusedTime(
                f"the central system's time differs by {step_s:+.0f} s; at most {STEP_MAX_S:.0f} s are taken: set the station's clock"
            )
        before = self._wanted
        agrees = before is not None and (
            own.monotonic_s - before.at_s <= CONFIRM_WITHIN_S
            and abs(before.offset_s - offset_s) <= AGREEMENT_S + before.round_trip_s + round_trip_s
        )
        self._wanted = _Wanted(offset_s, round_trip_s, own.monotonic_s, confirmed=agrees)
        if not agrees:
            return AskAgain(step_s)
        return None if in_transaction else self._adopt(offset_s)

    def transaction_over(self) -> Adopted | None:
        """No transaction runs: a confirmed step is taken now."""
        if self._wanted is None or not self._wanted.confirmed:
            return None
        return self._adopt(self._wanted.offset_s)

    def _adopt(self, offset_s: float) -> Adopted:
        step_s, self.offset_s, self._wanted, self._refused_step_s = offset_s - self.offset_s, offset_s, None, None
        return Adopted(offset_s, step_s)
