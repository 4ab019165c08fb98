"""The plant's control socket: one JSON request per line, one JSON answer per line. Mistakes are answered, never raised.

Verbs: help, state, plug, unplug, car, car_auto, grid, token, fault, sensor, bus_fault, estop, door, writes, trip, trips, seen, module. `evse` defaults to 1.
What is different at an AC outlet is answered by `ac_control.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from hil.plant.ac_faults import AC_FAULTS, inject_ac
from hil.plant.evse import EvsePlant
from hil.plant.faults import FAULTS, inject
from hil.plant.sensor_error import SensorError
from hil.plant.sensors import SENSORS, distort
from hil.simulators.ac_control import AcControl
from hil.simulators.can_wire import CAN_BUS_FAULTS, CanWire
from hil.simulators.module_exchange import shown, take_orders
from hil.simulators.requests import Answer, Request, RequestRefused, answer_line, flag, number, one_of
from hil.simulators.wire import BUS_FAULTS
from hil.simulators.wired_plant import WiredPlant

_GRID_BOUNDS = {
    "frequency_Hz": (40.0, 70.0),
    "voltage_V": (0.0, 500.0),
    "others_W": (-1e6, 1e6),
    "island_W": (0.0, 1e7),
    "inertia_s": (0.1, 60.0),
    "phase_jump_deg": (-180.0, 180.0),
}


class Control:
    """Answers requests about one plant and its wires."""

    def __init__(self, wired: WiredPlant, now: Callable[[], float]) -> None:
        self._wired = wired
        self._now = now
        ac = AcControl(wired.plant.outlets, now)
        self._verbs: dict[str, Callable[[Request], Answer]] = {
            "help": self._help,
            "state": self._state,
            "plug": self._at(self._plug, ac.plug),
            "unplug": self._at(self._unplug, ac.unplug),
            "car": self._at(self._car, ac.car),
            "car_auto": self._at(self._car_auto, ac.car_auto),
            "grid": self._grid,
            "token": self._token,
            "fault": self._at(self._fault, ac.fault),
            "sensor": self._sensor,
            "bus_fault": self._bus_fault,
            "estop": self._estop,
            "door": self._door,
            "writes": self._writes,
            "trip": self._trip,
            "trips": self._trips,
            "seen": self._seen,
            "module": self._module,
        }

    def answer(self, line: bytes) -> bytes:
        """One line in, one line out."""
        return answer_line(self._verbs, line, lambda: self._wired.plant.advance_to(self._now()))

    def _at(self, dc: Callable[[Request], Answer], ac: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        """The answer of the kind of outlet that the request names."""
        return lambda request: (ac if request.get("evse", 1) in self._wired.plant.outlets else dc)(request)

    def _number(self, request: Request) -> int:
        wanted, plant = request.get("evse", 1), self._wired.plant
        if isinstance(wanted, int) and (wanted in plant.evses or wanted in plant.outlets):
            return wanted
        known = sorted([*plant.evses, *plant.outlets])
        raise RequestRefused("no such EVSE", "evse", wanted, f"one of {known}", "name one of the configuration")

    def _evse(self, request: Request) -> EvsePlant:
        number = request.get("evse", 1)
        evses = self._wired.plant.evses
        if not isinstance(number, int) or number not in evses:
            raise RequestRefused(
                "no such EVSE", "evse", number, f"one of {sorted(evses)}", "name one of the configuration"
            )
        return evses[number]

    def _help(self, request: Request) -> Answer:
        faults = {name: fault.meaning for name, fault in FAULTS.items()}
        return {
            "verbs": list(self._verbs),
            "faults": faults,
            "ac_faults": {name: fault.meaning for name, fault in AC_FAULTS.items()},
            "bus_faults": BUS_FAULTS,
            "can_bus_faults": CAN_BUS_FAULTS,
        }

    def _state(self, request: Request) -> Answer:
        wired = self._wired
        wires = {
            name: {"plugged": wire.plugged, "requests": wire.requests, "pending_faults": wire.pending_faults}
            for name, wire in wired.wires.items()
        }
        if "evse" in request:
            wanted = self._number(request)
            outlet = wired.plant.outlets.get(wanted)
            snapshot = wired.plant.evses[wanted].snapshot() if outlet is None else outlet.snapshot()
            return {"monotonic_s": self._now(), **snapshot, "buses": wires}
        evses = {str(evse.number): evse.snapshot() for evse in wired.plant.evses.values()}
        evses |= {str(outlet.number): outlet.snapshot() for outlet in wired.plant.outlets.values()}
        steps = {"steps": wired.plant.steps, "skipped_s": wired.plant.skipped_s}
        return {"monotonic_s": self._now(), "evses": evses, "buses": wires, **steps}

    def _writes(self, request: Request) -> Answer:
        """`{"do": "writes", "bus": "fast1"}`: the last writes on a bus, each with the monotonic second it arrived at."""
        name = str(request.get("bus"))
        wires = self._wired.wires
        if name not in wires:
            raise RequestRefused(
                "no such bus", "bus", name, f"one of {', '.join(wires)}", "name one of the configuration"
            )
        wire = wires[name]
        writes = [{"at_s": at_s, "unit": data[0], "hex": data.hex()} for at_s, data in wire.writes]
        return {"writes": writes, "longest_bytes": wire.longest_bytes}

    def _trip(self, request: Request) -> Answer:
        """`{"do": "trip", "evse": 1, "delay_s": 0.1}`: the door opens after that time; `trips` has what followed."""
        number_of = self._number(request)
        if number_of not in self._wired.trips:
            raise RequestRefused("not watched", "evse", number_of, "an EVSE with a wire of its own", "name another")
        self._wired.trips[number_of].arm(number(request, "delay_s", 0.0, 10.0) if "delay_s" in request else 0.0)
        return {}

    def _seen(self, request: Request) -> Answer:
        """`{"do": "seen", "after": {"1": 0}}`: what each connector went through since these numbers; the first call begins to watch."""
        plant = self._wired.plant
        if not plant.watches:
            plant.watch()
        after = request.get("after", {})
        if not isinstance(after, dict):
            raise RequestRefused("not an object", "after", after, 'like {"1": 0}', "send the numbers that came last")
        seen = []
        for watch in plant.watches:
            number = after.get(str(watch.connector.number), 0)
            seen += [[one.number, one.at_s, one.evse, one.name, one.value] for one in watch.since(int(number))]
        return {"monotonic_s": self._now(), "seen": seen, "skipped_s": plant.skipped_s}

    def _module(self, request: Request) -> Answer:
        """`{"do": "module", "evse": 1, "name": "psu1", "orders": {…}}`: what a process that serves its registers was ordered; what it shows now."""
        evse, name = self._evse(request), request.get("name")
        if name not in evse.modules:
            raise RequestRefused("no such module", "name", name, f"one of {', '.join(evse.modules)}", "name another")
        module = evse.modules[str(name)]
        take_orders(module, request.get("orders", {}))
        return {"shown": shown(module), "monotonic_s": self._now()}

    def _trips(self, request: Request) -> Answer:
        """The last trips of an EVSE, each with the monotonic seconds of input, reply and order."""
        watch = self._wired.trips.get(self._number(request))
        return {"trips": [] if watch is None else [asdict(trip) for trip in watch.trips]}

    def _plug(self, request: Request) -> Answer:
        evse = self._evse(request)
        if evse.car.plugged:
            raise RequestRefused("already plugged", "evse", evse.number, "unplugged", "unplug first")
        evse.plug()
        return {}

    def _unplug(self, request: Request) -> Answer:
        evse = self._evse(request)
        locked = evse.board.lock_state == 2
        if locked and not request.get("force", False):
            raise RequestRefused("the connector is locked", "lock", "locked", "unlocked", 'wait, or send "force": true')
        evse.unplug()
        return {}

    def _car(self, request: Request) -> Answer:
        evse = self._evse(request)
        car, battery = evse.car, evse.car.battery
        bounds = {
            "soc_percent": (0.0, 100.0),
            "capacity_Wh": (1.0, 1e6),
            "voltage_max_V": (50.0, 1500.0),
            "voltage_min_V": (0.0, 1500.0),
            "resistance_ohm": (0.001, 10.0),
        }
        words = {"pilot": ("B", "C", "D"), "contactors": ("open", "closed")}
        for name in request.keys() - {"do", "evse", "battery_V", "battery_degC", "managed"}:
            if name not in bounds and name not in words:
                known = ", ".join([*bounds, "battery_V", "battery_degC", "managed", *words])
                raise RequestRefused(
                    "no such field of the car's body", name, request[name], f"one of {known}", "leave it out"
                )
        numbers = {name: number(request, name, *bounds[name]) for name in bounds if name in request}
        open_circuit_V = number(request, "battery_V", 50.0, 1500.0) if "battery_V" in request else None
        battery_degC = number(request, "battery_degC", -40.0, 80.0) if "battery_degC" in request else None
        managed = flag(request, "managed", car.managed)
        chosen = {name: one_of(request, name, known) for name, known in words.items() if name in request}
        # everything is good: only now is anything changed
        for name, value in numbers.items():
            setattr(battery, name, value)
        if open_circuit_V is not None:
            battery.set_open_circuit_V(open_circuit_V)
        if battery_degC is not None:
            battery.heat.temperature_degC = battery_degC
        car.managed = managed
        shares = car.shares
        car.pilot = chosen.get("pilot", car.pilot)
        if "contactors" in chosen:
            car.contactors_wanted = chosen["contactors"] == "closed"
        return {
            "inlet_V": evse.circuit.inlet_V,
            "current_A": evse.circuit.battery_A,
            "battery_V": battery.open_circuit_V,
            "soc_percent": battery.soc_percent,
            "charge_share": shares.charge,
            "discharge_share": shares.discharge,
            "contactors_closed": car.contactors.closed,
            "pilot": car.pilot_seen,
            "duty_percent": evse.board.duty_percent if evse.board.generator.name == "PWM" else None,
            "monotonic_s": self._now(),
        }

    def _car_auto(self, request: Request) -> Answer:
        evse = self._evse(request)
        evse.auto.enabled = flag(request, "on", True)
        evse.auto.rises = int(number(request, "rises", 1, 10)) if "rises" in request else 2
        evse.auto.expected_V = number(request, "expected_V", 50.0, 1500.0) if "expected_V" in request else None
        evse.auto.follows = flag(request, "follows", False)
        evse.auto.restart()
        if evse.auto.enabled and not evse.car.plugged and flag(request, "plug", True):
            evse.plug()
        return {"stage": evse.auto.stage.value}

    def _token(self, request: Request) -> Answer:
        value = request.get("value")
        if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= 200:
            raise RequestRefused("a token is text", "value", value, "1 to 200 ASCII characters", "send the UID as hex")
        name = request.get("reader") or self._wired.reader_of.get(self._number(request))
        if name not in self._wired.readers:
            known = sorted(self._wired.readers)
            raise RequestRefused(
                "no such token reader", "reader", name, f"one of {known}", "configure [token_reader.…]"
            )
        self._wired.readers[name].present(value)
        return {"reader": name}

    def _fault(self, request: Request) -> Answer:
        evse, name = self._evse(request), request.get("name")
        if name not in FAULTS:
            raise RequestRefused("no such fault", "name", name, f"one of {', '.join(FAULTS)}", 'send {"do": "help"}')
        value = request.get("value")
        if value is not None and not isinstance(value, str):
            value = number(request, "value", -1e8, 1e8)
        try:
            inject(evse, name, flag(request, "on", True), value)
        except ValueError as error:
            raise RequestRefused(
                "no value of this fault", "value", value, FAULTS[name].meaning, "correct it"
            ) from error
        return {"faults": dict(evse.faults), "monotonic_s": self._now()}

    def _sensor(self, request: Request) -> Answer:
        """`{"do": "sensor", "of": "meter_current", "gain": 1.0, "per_s": 0.1}`: it shows something else; `"on": false`: the truth again."""
        number_of, name = self._number(request), one_of(request, "of", tuple(SENSORS))
        gain = number(request, "gain", -1e3, 1e3) if "gain" in request else 1.0
        per_s = number(request, "per_s", -1e8, 1e8) if "per_s" in request else 0.0
        stuck = flag(request, "stuck", False)
        plant = self._wired.plant
        connector = plant.outlets.get(number_of) or plant.evses[number_of]
        make = partial(SensorError, gain, per_s, stuck) if flag(request, "on", True) else None
        try:
            distort(connector, name, make)
        except KeyError:
            raise RequestRefused(
                "the outlet has no such sensor", "of", name, "a sensor of an AC outlet", "name another"
            ) from None
        return {"monotonic_s": self._now()}

    def _bus_fault(self, request: Request) -> Answer:
        name, kind = request.get("bus"), request.get("kind")
        if name not in self._wired.wires:
            known = sorted(self._wired.wires)
            raise RequestRefused("no such bus", "bus", name, f"one of {known}", "name a bus of the configuration")
        kinds = CAN_BUS_FAULTS if isinstance(self._wired.wires[name], CanWire) else BUS_FAULTS
        if kind not in kinds:
            raise RequestRefused("no such bus fault", "kind", kind, f"one of {', '.join(kinds)}", 'send {"do": "help"}')
        count = int(number(request, "count", 0, 1_000_000)) if "count" in request else 1
        if not flag(request, "on", True):
            count = 0
        value = number(request, "value", 0, 1000) if request.get("value") is not None else None
        self._wired.wires[name].fault(kind, count, value)
        return {"pending_faults": self._wired.wires[name].pending_faults, "monotonic_s": self._now()}

    def _grid(self, request: Request) -> Answer:
        """The grid: `frequency_Hz`, `voltage_V` (0: the supply is lost); `others_W`: what others behind the same fuse take, all phases.

        `island_W`: a generator of this rating feeds instead, with `inertia_s`; 0: the grid is back. `phase_jump_deg`: the phase jumps once.
        """
        grid, connection = self._wired.plant.grid, self._wired.plant.connection
        numbers = {name: number(request, name, *_GRID_BOUNDS[name]) for name in _GRID_BOUNDS if name in request}
        others_W, island_W = numbers.pop("others_W", None), numbers.pop("island_W", None)
        jump_deg, inertia_s = numbers.pop("phase_jump_deg", None), numbers.pop("inertia_s", 2.0)
        for name, value in numbers.items():
            setattr(grid, name, value)
        if others_W is not None:
            connection.others_W = (others_W / 3.0,) * 3
        if jump_deg is not None:
            grid.jump_phase(jump_deg)
        if island_W:
            grid.begin_island(island_W, sum(connection.powers_W), inertia_s)
        elif island_W is not None:
            grid.end_island()
        return {
            "island": grid.island is not None,
            "frequency_Hz": grid.frequency_Hz,
            "voltage_V": grid.voltage_V,
            "others_W": sum(connection.others_W),
            "power_W": sum(connection.powers_W),
        }

    def _estop(self, request: Request) -> Answer:
        return self._everywhere(request, "e_stop", flag(request, "on", True))

    def _door(self, request: Request) -> Answer:
        return self._everywhere(request, "door_open", flag(request, "open", True))

    def _everywhere(self, request: Request, fault: str, on: bool) -> Answer:
        """At the EVSE that the request names, else at all of them."""
        wanted = self._number(request) if "evse" in request else None
        for evse in self._wired.plant.evses.values():
            if wanted in (None, evse.number):
                inject(evse, fault, on)
        for outlet in self._wired.plant.outlets.values():
            if wanted in (None, outlet.number):
                inject_ac(outlet, fault, on)
        return {"monotonic_s": self._now()}
