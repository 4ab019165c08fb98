"""What one EVSE contributes itself to its set-point, and what it needs of the site's connection.

Hardware, connection, car, driver and default are the station's own owners of contributions; `energy/own_contributions.py` makes them.
"""

from __future__ import annotations

from chargepoint.config.schema import EnergySection
from chargepoint.energy import own_contributions
from chargepoint.energy.arbiter import Arbiter
from chargepoint.energy.connection import ConnectionShare, EvseNeed
from chargepoint.evse.view import SessionView
from chargepoint.model.car import CarDemand, ControlMode
from chargepoint.model.commands import DriverWish
from chargepoint.model.demand import Phase
from chargepoint.model.image import EvseImage


class OwnVoice:
    """Keeps this EVSE's part of the connection and the wish for its driver, and renews the own contributions.

    `share_weight`: its part where there is not enough for all. `image_good_for_s`: an older image shows no power.
    """

    def __init__(self, energy: EnergySection, share_weight: float, image_good_for_s: float, arbiter: Arbiter) -> None:
        self._energy = energy
        self._weight = share_weight
        self._image_good_for_s = image_good_for_s
        self._arbiter = arbiter
        whole = own_contributions.CONNECTION
        self.share = ConnectionShare(energy.site_import_max_W, energy.site_export_max_W, whole, whole)
        self.wish: DriverWish | None = None

    def renew_by_image(self, image: EvseImage, now_s: float) -> None:
        """A new process image, or another part of the connection."""
        self._replace(own_contributions.by_image(self._energy, image, self.share, now_s))

    def renew_by_car(self, car: CarDemand | None, image: EvseImage, now_s: float) -> None:
        """The car's last demand, or another wish for its driver."""
        if self.wish is not None and self.wish.until_s <= now_s:
            self.wish = None
        self._replace(own_contributions.by_car(self._energy, car, self.wish, image, now_s))

    def _replace(self, renewed: own_contributions.ByOwner) -> None:
        for owner, contributions in renewed.items():
            self._arbiter.replace(owner, contributions)

    def reserve_percent(self, car: CarDemand | None) -> float:
        """The state of charge at or below which nothing is given back."""
        return own_contributions.reserve_percent(self._energy, car, self.wish)

    def need(self, view: SessionView, now_s: float, *, at_work: bool, alone: bool) -> EvseNeed:
        """What this EVSE would take or give if the site's connection had no end.

        Before the transfer, and for a car in Scheduled mode, that is all it could take: the car plans with what it is offered.
        `at_work`: a transaction runs. `alone` True: no other EVSE is at work, so what it needs makes no difference.
        """
        image = view.image
        stale = image is None or now_s - image.taken_at_s > self._image_good_for_s
        flow_W = None if image is None or stale else image.power_W
        if not at_work or alone or view.paused:
            return EvseNeed(0.0, 0.0, flow_W, self._weight, at_work)
        car = view.car
        planning = car is None or car.phase is not Phase.TRANSFER or car.control_mode is ControlMode.SCHEDULED
        setpoint = self._arbiter.decide_without(own_contributions.CONNECTION, now_s, car_must_speak=car is not None)
        if planning or setpoint.law is not None:
            low_W, high_W = setpoint.limits_W.low, setpoint.limits_W.high
        else:
            low_W = high_W = setpoint.power_W
        return EvseNeed(max(0.0, high_W), max(0.0, -low_W), flow_W, self._weight, at_work)
