"""The plant's requests that are different at an AC outlet: plug, unplug, car, car_auto, fault. `control.py` has the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hil.plant.ac_faults import AC_FAULTS, inject_ac
from hil.plant.ac_outlet import LOCKED, AcOutletPlant
from hil.simulators.requests import Answer, Request, RequestRefused, flag, number, one_of

_CAR_BOUNDS = {
    "power_W": (-100_000.0, 100_000.0),
    "charge_power_max_W": (0.0, 100_000.0),
    "discharge_power_max_W": (0.0, 100_000.0),
    "slope_W_per_s": (1.0, 1e7),
    "soc_percent": (0.0, 100.0),
    "capacity_Wh": (1.0, 1e6),
}


class AcControl:
    """Each method answers one request. `now` gives the monotonic second."""

    def __init__(self, outlets: Mapping[int, AcOutletPlant], now: Callable[[], float]) -> None:
        self._outlets = outlets
        self._now = now

    def _outlet(self, request: Request) -> AcOutletPlant:
        return self._outlets[request.get("evse", 1)]

    def plug(self, request: Request) -> Answer:
        """The connector goes in."""
        outlet = self._outlet(request)
        if outlet.car.plugged:
            raise RequestRefused("already plugged", "evse", outlet.number, "unplugged", "unplug first")
        outlet.plug()
        return {}

    def unplug(self, request: Request) -> Answer:
        """The connector comes out; a locked one only with `force`."""
        outlet = self._outlet(request)
        if outlet.board.lock_state == LOCKED and not flag(request, "force", False):
            raise RequestRefused("the connector is locked", "lock", "locked", "unlocked", 'wait, or send "force": true')
        outlet.unplug()
        return {}

    def car(self, request: Request) -> Answer:
        """The car's body: pilot, power ordered from the on-board charger, limits, battery. All given fields, or none."""
        outlet = self._outlet(request)
        known = {"do", "evse", "pilot", "phases", *_CAR_BOUNDS}
        for name in request.keys() - known:
            raise RequestRefused(
                "no such field of the car's body",
                name,
                request[name],
                f"one of {', '.join(sorted(known))}",
                "leave it out",
            )
        numbers = {name: number(request, name, *_CAR_BOUNDS[name]) for name in _CAR_BOUNDS if name in request}
        pilot = one_of(request, "pilot", ("B", "C", "D")) if "pilot" in request else None
        phases = request.get("phases", outlet.car.phases)
        if phases not in (1, 3) or isinstance(phases, bool):
            raise RequestRefused("no number of phases", "phases", phases, "1 or 3", "correct it")
        # everything is good: only now is anything changed
        car = outlet.car
        car.phases = int(phases)
        car.pilot = pilot or car.pilot
        for name, value in numbers.items():
            if name == "power_W":
                car.ordered_W = value
            else:
                setattr(car.battery if name in ("soc_percent", "capacity_Wh") else car, name, value)
        return {"monotonic_s": self._now(), **outlet.snapshot(), "pilot": car.pilot_seen}

    def car_auto(self, request: Request) -> Answer:
        """A car that plays its pilot by itself."""
        outlet = self._outlet(request)
        outlet.auto.enabled = flag(request, "on", True)
        outlet.auto.follows = flag(request, "follows", False)
        outlet.auto.restart()
        if outlet.auto.enabled and not outlet.car.plugged and flag(request, "plug", True):
            outlet.plug()
        return {"stage": outlet.auto.stage.value}

    def fault(self, request: Request) -> Answer:
        """A fault by its name, on or off, with its value."""
        outlet, name = self._outlet(request), request.get("name")
        if not isinstance(name, str) or name not in AC_FAULTS:
            raise RequestRefused("no such fault", "name", name, f"one of {', '.join(AC_FAULTS)}", 'send {"do": "help"}')
        value = request.get("value")
        if value is not None and not isinstance(value, str):
            value = number(request, "value", -1e8, 1e8)
        try:
            inject_ac(outlet, name, flag(request, "on", True), value)
        except ValueError as error:
            raise RequestRefused(
                "no value of this fault", "value", value, AC_FAULTS[name].meaning, "correct it"
            ) from error
        return {"faults": dict(outlet.faults), "monotonic_s": self._now()}
