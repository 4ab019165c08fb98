"""Requests to the AC power stand-in: one JSON object per line. Mistakes are answered, never raised.

Verbs: help, state, plug, unplug, car, car_auto, token, grid, fault, estop. `evse` defaults to the first AC outlet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Lock, TokenPresented
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.contactor import CLOSE_S
from hil.simulators.requests import Answer, Request, RequestRefused, answer_line, flag, number, one_of

FAULTS = {
    "rcd": "no value: a residual current flows, and trips the residual-current device",
    "e_stop": "no value: the emergency stop is pressed",
    "contactor_welded": "no value: the contactor never opens again",
    "contactor_no_close": "no value: the contactor does not close",
    "contactor_slow": "seconds (1) from the order to the closed contactor",
    "meter_silent": "no value: the meter gives no registers",
    "lock_stuck": "no value: the lock does not move",
    "pilot_lost": "no value: the pilot wire breaks",
    "car_disobeys": "watts (20000) that flow whatever the car ordered",
}
_CAUSES = {"rcd": FaultCode.RCD, "e_stop": FaultCode.EMERGENCY_STOP}
_VALUES = {"contactor_slow": (0.0, 60.0, 1.0), "car_disobeys": (-100_000.0, 100_000.0, 20_000.0)}
_CAR_BOUNDS = {
    "power_W": (-100_000.0, 100_000.0),
    "charge_power_max_W": (0.0, 100_000.0),
    "discharge_power_max_W": (0.0, 100_000.0),
    "slope_W_per_s": (1.0, 1e7),
    "soc_percent": (0.0, 100.0),
    "capacity_Wh": (1.0, 1e6),
}
_GRID_BOUNDS = {"frequency_Hz": (40.0, 70.0), "voltage_V": (0.0, 500.0)}


class AcControl:
    """Answers requests about AC outlets. `now` gives the monotonic second, `advance` brings every outlet up to now."""

    def __init__(
        self, outlets: Mapping[int, AcOutletPlant], now: Callable[[], float], advance: Callable[[], None]
    ) -> None:
        self._outlets = outlets
        self._now = now
        self._advance = advance
        self._verbs: dict[str, Callable[[Request], Answer]] = {
            "help": self._help,
            "state": self._state,
            "plug": self._plug,
            "unplug": self._unplug,
            "car": self._car,
            "car_auto": self._car_auto,
            "token": self._token,
            "grid": self._grid,
            "fault": self._fault,
            "estop": self._estop,
        }

    def answer(self, line: bytes) -> bytes:
        """One line in, one line out."""
        return answer_line(self._verbs, line, self._advance)

    def _outlet(self, request: Request) -> AcOutletPlant:
        evse = request.get("evse", min(self._outlets))
        if not isinstance(evse, int) or evse not in self._outlets:
            raise RequestRefused(
                "no such AC outlet", "evse", evse, f"one of {sorted(self._outlets)}", "name one of the configuration"
            )
        return self._outlets[evse]

    def _help(self, request: Request) -> Answer:
        return {"verbs": list(self._verbs), "faults": FAULTS, "bus_faults": {}}

    def _state(self, request: Request) -> Answer:
        if "evse" in request:
            return {"monotonic_s": self._now(), **self._outlet(request).snapshot()}
        evses = {str(evse): outlet.snapshot() for evse, outlet in self._outlets.items()}
        return {"monotonic_s": self._now(), "evses": evses}

    def _plug(self, request: Request) -> Answer:
        outlet = self._outlet(request)
        if outlet.car.plugged:
            raise RequestRefused("already plugged", "evse", int(outlet.evse_id), "unplugged", "unplug first")
        outlet.plug()
        return {}

    def _unplug(self, request: Request) -> Answer:
        outlet = self._outlet(request)
        if outlet.lock is Lock.LOCKED and not flag(request, "force", False):
            raise RequestRefused("the connector is locked", "lock", "locked", "unlocked", 'wait, or send "force": true')
        outlet.unplug()
        return {}

    def _car(self, request: Request) -> Answer:
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
        return self._state({"evse": int(outlet.evse_id)})

    def _car_auto(self, request: Request) -> Answer:
        outlet = self._outlet(request)
        outlet.auto.enabled = flag(request, "on", True)
        outlet.auto.follows = flag(request, "follows", False)
        outlet.auto.restart()
        if outlet.auto.enabled and not outlet.car.plugged and flag(request, "plug", True):
            outlet.plug()
        return {"stage": outlet.auto.stage.value}

    def _token(self, request: Request) -> Answer:
        outlet, value = self._outlet(request), request.get("value")
        if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= 64:
            raise RequestRefused("a token is text", "value", value, "1 to 64 ASCII characters", "send the UID as hex")
        outlet.events.append(TokenPresented(outlet.evse_id, value.upper(), self._now()))
        return {}

    def _grid(self, request: Request) -> Answer:
        """The supply of this outlet: `frequency_Hz`, `voltage_V` (0: the supply is lost)."""
        outlet = self._outlet(request)
        numbers = {name: number(request, name, *_GRID_BOUNDS[name]) for name in _GRID_BOUNDS if name in request}
        for name, value in numbers.items():
            setattr(outlet.grid, name, value)
        return {"frequency_Hz": outlet.grid.frequency_Hz, "voltage_V": outlet.grid.voltage_V}

    def _fault(self, request: Request) -> Answer:
        outlet, name = self._outlet(request), request.get("name")
        if not isinstance(name, str) or name not in FAULTS:
            raise RequestRefused("no such fault", "name", name, f"one of {', '.join(FAULTS)}", 'send {"do": "help"}')
        on = flag(request, "on", True)
        low, high, value = _VALUES.get(name, (0.0, 0.0, 0.0))
        if name in _VALUES and request.get("value") is not None:
            value = number(request, "value", low, high)
        self._inject(outlet, name, on, value)
        return {"monotonic_s": self._now()}

    def _inject(self, outlet: AcOutletPlant, name: str, on: bool, value: float) -> None:
        match name:
            case "rcd" | "e_stop":
                (outlet.causes.add if on else outlet.causes.discard)(_CAUSES[name])
            case "contactor_welded":
                outlet.contactor.welded = on
            case "contactor_no_close":
                outlet.contactor.stuck_open = on
            case "contactor_slow":
                outlet.contactor.close_s = value if on else CLOSE_S
            case "meter_silent":
                outlet.meter.silent = on
            case "lock_stuck":
                outlet.lock_stuck = on
            case "pilot_lost":
                outlet.car.pilot_wire_broken = on
            case "car_disobeys":
                outlet.car.disobedient_W = value if on else None

    def _estop(self, request: Request) -> Answer:
        on = flag(request, "on", True)
        outlets = [self._outlet(request)] if "evse" in request else list(self._outlets.values())
        for outlet in outlets:
            self._inject(outlet, "e_stop", on, 0.0)
        return {"monotonic_s": self._now()}
