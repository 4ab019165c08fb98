"""The inputs and outputs of one connector, joined from the small ports of one or several devices.

A pilot/IO board may have all ports. Or the emergency stop is on a GPIO line and the pilot on Modbus: each port names its device.
A state is known only while every port answers: what one device does not show may be the dangerous part.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from chargepoint.model.image import Lock
from chargepoint.model.readings import Reading, fresh
from chargepoint.ports import IoCommand, IoDevice, IoState, PilotAbility
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import is_news

T = TypeVar("T")


class _Readable(Protocol[T]):
    """Any port that shows something."""

    @property
    def state(self) -> Reading[T] | None: ...


@dataclass(frozen=True, slots=True)
class IoWiring:
    """Which device has which port of one connector. `inputs`: at least one device; all of them watch together.

    `temperatures` None: no sensors. `discharge` None: a connector without a resistor, as an AC outlet is. `lock` None: a cable that
    is fixed to the station, which nobody can unplug there: it counts as locked.
    """

    pilot: IoDevice
    contactors: IoDevice
    lock: IoDevice | None
    inputs: tuple[IoDevice, ...]
    discharge: IoDevice | None = None
    temperatures: IoDevice | None = None

    def devices(self) -> tuple[IoDevice, ...]:
        """Each device once, in the order in which orders go out."""
        parts = (self.contactors, self.discharge, self.lock, self.pilot, *self.inputs, self.temperatures)
        return tuple({part.name: part for part in parts if part is not None}.values())

    @property
    def explained_within_s(self) -> float:
        """How long the pilot's device may take to report why it opened the contactor's coil; 0: it does not switch the coil."""
        port = self.pilot.ports.pilot
        switches = port is not None and PilotAbility.SWITCHES_COIL in port.abilities
        return self.pilot.max_age_s if switches else 0.0

    @classmethod
    def of_one(cls, device: IoDevice) -> IoWiring:
        """Every port from one device, as far as it has them."""
        has = device.ports
        return cls(
            pilot=device,
            contactors=device,
            lock=device,
            inputs=(device,),
            discharge=None if has.discharge is None else device,
            temperatures=None if has.temperatures is None else device,
        )

    def missing(self) -> Iterator[tuple[str, IoDevice]]:
        """Each port that is wired to a device that has not got it: the port's name and the device."""
        named = {
            "pilot": self.pilot,
            "contactors": self.contactors,
            "lock": self.lock,
            "discharge": self.discharge,
            "temperatures": self.temperatures,
        }
        for name, device in named.items():
            if device is not None and getattr(device.ports, name) is None:
                yield name, device
        for device in self.inputs:
            if device.ports.inputs is None:
                yield "inputs", device


class EvseIo:
    """Reads all ports as one state, gives orders to each, and says which device is silent. Call `read` once each cycle."""

    def __init__(self, wiring: IoWiring, guard: DeviceGuard) -> None:
        """Raises ValueError for a port that is wired to a device without it (`IoWiring.missing` lists them)."""
        for port, device in wiring.missing():
            raise ValueError(f"{device.name}: has no port for {port}")
        self.devices = wiring.devices()
        self._wiring = wiring
        self._guard = guard
        self._latches = tuple(device for device in self.devices if device.ports.latch is not None)
        self._readable = tuple(self._every_port())
        self._judged: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = ()
        self._state: IoState | None = None
        self._silent: list[str] = []

    @property
    def silent(self) -> str:
        """The devices that did not answer at the last `read`, each with its bound; empty while all do."""
        return ", ".join(dict.fromkeys(self._silent))

    def _every_port(self) -> Iterator[_Readable[object]]:
        wiring = self._wiring
        ports: tuple[tuple[IoDevice | None, object], ...] = (
            (wiring.pilot, wiring.pilot.ports.pilot),
            (wiring.contactors, wiring.contactors.ports.contactors),
            (wiring.lock, wiring.lock and wiring.lock.ports.lock),
            (wiring.discharge, wiring.discharge and wiring.discharge.ports.discharge),
            (wiring.temperatures, wiring.temperatures and wiring.temperatures.ports.temperatures),
            *((device, device.ports.inputs) for device in wiring.inputs),
            *((device, device.ports.latch) for device in self._latches),
        )
        for device, port in ports:
            if device is not None and port is not None:
                yield cast(_Readable[object], port)

    def _shown(self) -> tuple[object, ...]:
        return tuple(port.state for port in self._readable)

    @property
    def has_news(self) -> bool:
        """A port shows another value than at the last `read`. Raises what a driver raises."""
        shown = self._shown()
        if is_news(shown, self._judged):
            return True
        self._judged = shown  # the same values, younger: the next look compares objects alone
        return False

    def read(self, now_s: float) -> IoState | None:
        """The state of all ports; None while one of them is silent or older than `max_age_s` of its device.

        The same object as before while nothing changed, so that nobody judges it twice.
        """
        wiring, self._silent = self._wiring, []
        with contextlib.suppress(Exception):  # of the driver that raises the guard hears below
            self._judged = self._shown()
        pilot = self._fresh(wiring.pilot, wiring.pilot.ports.pilot, now_s)
        contactors = self._fresh(wiring.contactors, wiring.contactors.ports.contactors, now_s)
        lock = Lock.LOCKED if wiring.lock is None else self._fresh(wiring.lock, wiring.lock.ports.lock, now_s)
        inputs = tuple(self._fresh(device, device.ports.inputs, now_s) for device in wiring.inputs)
        latched = tuple(self._fresh(device, device.ports.latch, now_s) for device in self._latches)
        discharge, temperatures = wiring.discharge, wiring.temperatures
        discharging = False if discharge is None else self._fresh(discharge, discharge.ports.discharge, now_s)
        degrees = () if temperatures is None else self._fresh(temperatures, temperatures.ports.temperatures, now_s)
        if pilot is None or contactors is None or lock is None or discharging is None or degrees is None:
            self._seen, self._state = (), None
            return None
        if self._silent:
            self._seen, self._state = (), None
            return None
        seen = (pilot, contactors, lock, discharging, degrees, inputs, latched)
        if seen == self._seen:
            return self._state
        self._seen = seen
        self._state = IoState(
            pilot=pilot.pilot,
            duty_percent=pilot.duty_percent,
            pilot_high_V=pilot.high_V,
            pilot_low_V=pilot.low_V,
            proximity_ohm=pilot.proximity_ohm,
            lock=lock,
            contactor_positive_closed=contactors.positive_closed,
            contactor_negative_closed=contactors.negative_closed,
            contactor_commanded=contactors.coil_on,
            precharge_closed=contactors.precharge_closed,
            discharge_closed=discharging,
            open_inputs=frozenset().union(*(one for one in inputs if one)),
            latched=frozenset().union(*(one for one in latched if one)),
            temperatures_degC=degrees,
        )
        return self._state

    def command(self, command: IoCommand) -> None:
        """Give the order to every port: the contactors first. A driver that raises does not keep the others from theirs."""
        wiring, order = self._wiring, self._guard.order
        if (contactors := wiring.contactors.ports.contactors) is not None:
            order(wiring.contactors, lambda: contactors.request(command.contactor))
        if wiring.discharge is not None and (discharge := wiring.discharge.ports.discharge) is not None:
            order(wiring.discharge, lambda: discharge.request(command.discharge))
        if wiring.lock is not None and (lock := wiring.lock.ports.lock) is not None:
            order(wiring.lock, lambda: lock.request(command.lock))
        if (pilot := wiring.pilot.ports.pilot) is not None:
            order(wiring.pilot, lambda: pilot.show(command.pilot, command.duty_percent))

    def clear_latched(self) -> None:
        """Ask every device to clear what it latched by itself."""
        for device in self._latches:
            if (latch := device.ports.latch) is not None:
                self._guard.order(device, latch.clear)

    def _fresh(self, device: IoDevice, port: _Readable[T] | None, now_s: float) -> T | None:
        """What the port shows, if it is young enough; else its device counts as silent."""
        reading = None if port is None else self._guard.read(device, lambda: port.state)
        value = fresh(reading, now_s, device.max_age_s)
        if value is None:
            self._silent.append(f"{device.name} for {device.max_age_s:g} s")
        return value
