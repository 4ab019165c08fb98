"""An AC outlet: no device beside the meter and the inputs and outputs; the car converts. Its ratings, its cable, its phases."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.demand import AcOrder, StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import AcSupply, MeterRegisters, StageCapabilities
from chargepoint.model.limits import ZERO, PowerLimits
from chargepoint.ports import Device, IoState
from chargepoint.power.ac_sequence import AcSequence
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import DeviceReadings, young_enough_ac
from chargepoint.power.sequence import SequenceOutputs
from chargepoint.power.stack_wish import StackWish
from chargepoint.safety.ac_flow import AcFlow
from chargepoint.safety.cable_rating import cable_rating_A
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.temperature import AC_CONTACTS


@dataclass(frozen=True, slots=True)
class AcRatings:
    """What one AC outlet offers: from the configuration. Powers are magnitudes of all phases together."""

    supply: AcSupply
    charge_power_max_W: float
    discharge_power_max_W: float
    socket: bool = False
    """The driver brings the cable: the resistor in its plug bounds the current."""
    ventilated: bool = False
    """Cars that ask for ventilation (pilot state D) may charge here."""
    over_share: float = 0.1
    """How far a phase may be above what the car was given, as a share of that."""


class AcOutlet:
    """Fulfils `chargepoint.power.outlet.PowerOutlet`."""

    kind = Outlet.AC
    contacts = AC_CONTACTS
    not_heard_yet: frozenset[FaultCode] = frozenset()
    devices: tuple[Device, ...] = ()

    def __init__(self, ratings: AcRatings) -> None:
        self._ratings = ratings
        self.sequence = self._new_sequence()
        self.judged: tuple[object, ...] = ()
        self._offered_A = -1.0
        self._shown: StageCapabilities | None = None

    def _new_sequence(self) -> AcSequence:
        return AcSequence(ventilated=self._ratings.ventilated, demand_spent=True)

    def last_shown(self, registers: MeterRegisters | None) -> tuple[object, ...]:
        """The meter's registers alone."""
        return (registers,)

    def read(
        self, io: IoState | None, registers: MeterRegisters | None, guard: DeviceGuard, now_s: float
    ) -> DeviceReadings:
        """Inputs, outputs and meter."""
        self.judged = (registers,)
        return young_enough_ac(io, registers, now_s)

    def capabilities(self, seen: DeviceReadings, share: float) -> StageCapabilities:
        """At most the cable's current at a socket, and `share` of the rating while something is warm or lost."""
        offered_A = share * self._phase_A(seen)
        if self._shown is None or offered_A != self._offered_A:  # seldom: not made anew in each cycle
            self._offered_A, self._shown = offered_A, self._offer(offered_A)
        return self._shown

    def ac_flow(self, seen: DeviceReadings, demand: StageDemand | None) -> AcFlow:
        """What the car may draw is the smaller of order, rating and cable."""
        ratings, meter = self._ratings, seen.meter
        wired = ratings.supply.phases
        currents_A = () if meter is None or meter.ac is None else meter.ac.current_A[:wired]
        order = demand.order if demand is not None and isinstance(demand.order, AcOrder) else None
        limits_W = ZERO if demand is None else demand.limits_W
        phase_A = self._phase_A(seen)
        return AcFlow(
            currents_A=currents_A,
            power_W=None if meter is None else meter.power_W,
            car_power_W=None if order is None else order.car_power_W,
            rated_A=ratings.supply.current_max_A,
            limits_A=() if order is None else tuple(min(one_A, phase_A) for one_A in order.phase_limits_A[:wired]),
            charge_max_W=min(max(0.0, limits_W.high), ratings.charge_power_max_W),
            discharge_max_W=min(max(0.0, -limits_W.low), ratings.discharge_power_max_W),
            ventilated=ratings.ventilated,
            over_share=ratings.over_share,
        )

    def obey(self, out: SequenceOutputs, guard: DeviceGuard) -> None:
        """No device of its own."""

    def order_off(self, guard: DeviceGuard) -> None:
        """No device of its own."""

    def begin_anew(self) -> None:
        """A sequence that obeys no demand of before."""
        self.sequence = self._new_sequence()

    def reset_asked(self, seen: DeviceReadings, guard: DeviceGuard) -> None:
        """No device of its own."""

    def wish(self, demand: StageDemand | None, rated: PowerLimits) -> StackWish:
        """An AC outlet has no power modules."""
        return StackWish()

    def _phase_A(self, seen: DeviceReadings) -> float:
        """What a phase may carry: the rating, at a socket at most that of the plugged cable. A cable that is not plugged, or
        not known, bounds nothing: without one nothing closes."""
        rated_A = self._ratings.supply.current_max_A
        if not self._ratings.socket or seen.io is None or seen.io.proximity_ohm is None:
            return rated_A
        return min(rated_A, cable_rating_A(seen.io.proximity_ohm))

    def _offer(self, phase_A: float) -> StageCapabilities:
        ratings, supply = self._ratings, self._ratings.supply
        offered = AcSupply(supply.nominal_voltage_V, supply.nominal_frequency_Hz, supply.phases, phase_A)
        voltage_V, most_W = supply.nominal_voltage_V, offered.power_max_W
        charge_W, discharge_W = min(ratings.charge_power_max_W, most_W), min(ratings.discharge_power_max_W, most_W)
        return StageCapabilities(
            voltage_min_V=voltage_V,
            voltage_max_V=voltage_V,
            charge_current_max_A=charge_W / voltage_V,
            discharge_current_max_A=discharge_W / voltage_V,
            charge_power_max_W=charge_W,
            discharge_power_max_W=discharge_W,
            ac=offered,
        )
