"""A car at an AC outlet that speaks no protocol: it reads its current from the pilot's duty cycle (IEC 61851-1 mode 3).

An EVSE without a network interface has such cars only. State C asks for power, state B ends it. The set-point of the arbiter becomes
a duty cycle. Source: docs/sources/safety.md 2.
"""

from __future__ import annotations

from chargepoint.model.car import CarDemand, CarEnergy, ControlMode, EnergyService
from chargepoint.model.demand import AcOrder, Phase, PilotCommand, Setpoint, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.limits import Interval
from chargepoint.model.pilot_duty import LEAST_A, duty_percent

CHANGE_EVERY_S = 5.0
"""A duty changes not more often than this; a car adapts within 5 s (docs/sources/safety.md 2, grade B)."""

GOOD_FOR_S = 2.0
"""The pilot is read with each image: a state is good for as long as a meter's reading is."""


class PwmCar:
    """What the car asks follows from the pilot; what it is ordered is a duty cycle. Time is a number."""

    def __init__(self, evse_id: EvseId, lease_s: float) -> None:
        self._evse_id = evse_id
        self._lease_s = lease_s
        self._current_A = 0.0
        self._changed_s: float | None = None

    def demand(self, image: EvseImage, now_s: float) -> CarDemand | None:
        """What the car asks now: all that the outlet can give, while it is in C or D. None: no car, or no AC outlet."""
        can = image.capabilities
        if not image.pilot.plugged or can is None or can.ac is None:
            return None
        return CarDemand(
            evse_id=self._evse_id,
            at_s=now_s,
            phase=Phase.TRANSFER if image.pilot.ready else Phase.OFF,
            service=EnergyService.AC,
            control_mode=ControlMode.DYNAMIC,
            limits=can.one_way(),
            energy=CarEnergy(),
            good_for_s=GOOD_FOR_S,
        )

    def order(self, image: EvseImage, setpoint: Setpoint, now_s: float, *, permitted: bool) -> StageDemand:
        """The order for the next lease. `permitted`: a transaction runs that may go on. Without that, and below 6 A in each
        phase, the pilot shows no PWM, which asks a car in C to stop."""
        ac = None if image.capabilities is None else image.capabilities.ac
        wanted_A = 0.0
        if permitted and ac is not None:
            wanted_W = max(0.0, setpoint.power_at(image.frequency_Hz))
            wanted_A = min(wanted_W / ac.nominal_voltage_V / ac.phases, ac.current_max_A)
        shown_A = self._shown_A(wanted_A, now_s)
        offers = ac is not None and shown_A >= LEAST_A
        phases, voltage_V = (1, 0.0) if ac is None else (ac.phases, ac.nominal_voltage_V)
        power_W = phases * voltage_V * shown_A
        return StageDemand(
            evse_id=self._evse_id,
            seq=0,
            lease_s=self._lease_s,
            phase=Phase.TRANSFER if offers and image.pilot.ready else Phase.OFF,
            pilot=PilotCommand.PWM if offers else PilotCommand.X1,
            duty_percent=duty_percent(shown_A),
            lock=permitted or image.stage not in (Stage.OFF, Stage.FAULTED),
            power_W=power_W,
            limits_W=Interval(0.0, power_W),
            order=AcOrder.even(phases, shown_A),
        )

    def _shown_A(self, wanted_A: float, now_s: float) -> float:
        """The current that the pilot names: the wanted one, or for a while the one before. The end comes at once."""
        offered_A = wanted_A if wanted_A >= LEAST_A else 0.0
        if offered_A == self._current_A:
            return offered_A
        settled = self._changed_s is None or now_s - self._changed_s >= CHANGE_EVERY_S
        if settled or offered_A == 0.0:
            self._current_A, self._changed_s = offered_A, now_s
        return self._current_A
