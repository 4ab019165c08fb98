"""The car's needs on their way to the central system, and its schedule on the way back: OCPP 2.0.1 K15 to K17.

A core. The answer to a car that asks for a schedule is held while the central system makes one; never longer than PATIENCE_S.
Without a central system, or where it makes none, the car gets at once what the station foresees by itself (K15.FR.15).
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.control.effects import Effect, ReportNeeds, ReportPlan
from chargepoint.model.car import CarDemand, ControlMode, QuestionAsked
from chargepoint.model.car_questions import ForeseePower
from chargepoint.model.charging_needs import ChargingNeeds, PlannedPower
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.instant import Instant
from chargepoint.model.schedule_offer import ScheduleOffer

PATIENCE_S = 20.0
"""So long a car waits for the central system's schedule: well inside the 60 s of the car's own patience (K15.FR.08)."""


NAMED_WITHIN_S = 1.0
"""A car that transfers for so long and named no profile follows the schedule it was offered."""


@dataclass(frozen=True, slots=True)
class NeedsTaken:
    """The central system answered the needs of question `number`. `wait`: it will send a schedule for this car now."""

    number: int
    wait: bool


@dataclass(frozen=True, slots=True)
class _Held:
    asked: QuestionAsked
    until_s: float


class CarPlans:
    """One EVSE's car. Effects go to `effects`."""

    def __init__(self, evse_id: EvseId, phases: int, effects: list[Effect]) -> None:
        self._evse_id = evse_id
        self._phases = phases
        self._effects = effects
        self._held: _Held | None = None
        self._known = False
        self._station_asked = False
        self._offer: ScheduleOffer | None = None
        self._planned: PlannedPower | None = None
        self._transfer_since_s: float | None = None

    def station_asked(self) -> None:
        """The station asked the car for a new schedule: its needs are known, and not reported again (K16.FR.09)."""
        self._station_asked = True

    def forget(self) -> None:
        """The car's session is over, or begins anew."""
        self._held = self._offer = self._planned = None
        self._known = self._station_asked = False

    # -- needs ---------------------------------------------------------------------------------------------------------

    def hold(self, asked: QuestionAsked, car: CarDemand | None, at: Instant) -> bool:
        """A car asks for a schedule. True where the answer waits for the central system (`due` gives it back)."""
        question = asked.question
        assert isinstance(question, ForeseePower)
        if self._station_asked or car is None:
            return False
        self._report(asked.number, car, question.points)
        self._held = _Held(asked, min(at.monotonic_s + PATIENCE_S, asked.until_s - 1.0))
        return True

    def taken(self, answer: NeedsTaken) -> QuestionAsked | None:
        """The central system answered. The question that is to be answered now, if it sends no schedule."""
        held = self._held
        if held is None or held.asked.number != answer.number or answer.wait:
            return None
        return self._release()

    def schedule_arrived(self) -> QuestionAsked | None:
        """The central system sent its schedule. The question that is to be answered now."""
        return None if self._held is None else self._release()

    def due(self, at: Instant) -> QuestionAsked | None:
        """The question whose time is over."""
        held = self._held
        return self._release() if held is not None and at.monotonic_s >= held.until_s else None

    def note_demand(self, car: CarDemand) -> None:
        """A car that follows set-points (Dynamic mode) has needs too: they are reported once, when its session gets to power."""
        if car.control_mode is ControlMode.DYNAMIC and not self._known and car.phase is not Phase.OFF:
            self._report(None, car, None)
            return
        if car.phase is not Phase.TRANSFER or self._offer is None or self._planned is not None:
            self._transfer_since_s = None
            return
        if self._transfer_since_s is None:
            self._transfer_since_s = car.at_s
        if car.at_s - self._transfer_since_s >= NAMED_WITHIN_S:
            pieces = tuple((piece.duration_s, piece.charge_W) for piece in self._offer.pieces)
            self.planned(
                PlannedPower(self._evse_id, self._offer.tuple_id, self._offer.anchor_utc_s, pieces, by_car=False)
            )

    def _report(self, number: int | None, car: CarDemand, points: int | None) -> None:
        self._known = True
        needs = ChargingNeeds(
            self._evse_id,
            car.service,
            car.control_mode,
            car.limits,
            car.energy,
            points,
            min(self._phases, car.phases),
            car.display.capacity_Wh,
            car.display.maximum_soc_percent,
        )
        self._effects.append(ReportNeeds(self._evse_id, number, needs))

    def _release(self) -> QuestionAsked | None:
        held, self._held = self._held, None
        return None if held is None else held.asked

    # -- plans ---------------------------------------------------------------------------------------------------------

    def offered(self, offer: ScheduleOffer) -> None:
        """The car may plan with this from now on."""
        self._offer, self._planned, self._station_asked = offer, None, False

    def planned(self, plan: PlannedPower) -> None:
        """The car plans so (K15.FR.10), or follows the schedule it was offered (K15.FR.19)."""
        if plan != self._planned:
            self._planned = plan
            self._effects.append(ReportPlan(plan))
