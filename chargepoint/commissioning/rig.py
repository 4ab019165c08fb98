"""The hardware of some outlets without the power process: buses moved, devices polled, steps run, everything off at the end.

A shell: it decides nothing about a step. It gives each step the readings, and the step's orders to the devices. It breaks the step off
when a need no longer holds, or the bound is over, or this process was held up, or a signal came.
"""

from __future__ import annotations

import contextlib
import logging
import select
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import TypeVar, cast

from chargepoint.commissioning.commands import DeviceUnderTest
from chargepoint.commissioning.measure import StepResult, broken_off, not_run
from chargepoint.commissioning.needs import Need, refusal
from chargepoint.commissioning.outlet import EVERYTHING_OFF, MODULE_OFF, REST, OutletOrder, OutletReadings
from chargepoint.commissioning.steps import Step
from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot
from chargepoint.model.readings import Reading, fresh
from chargepoint.ports import (
    Bus,
    Device,
    DevicePoint,
    EnergyMeter,
    InsulationMonitor,
    IoDevice,
    LampPort,
    MatrixPort,
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleState,
)
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import INSULATION_MAX_AGE_S, METER_MAX_AGE_S, MODULE_MAX_AGE_S
from chargepoint.power.evse_io import EvseIo
from chargepoint.power.wear_file import WearFile, WearRecordError
from chargepoint.power.wiring import LooseDevices, build_devices, devices_of, io_wiring, latch_folder
from chargepoint.safety.latches import board_may_clear
from chargepoint.safety.wear import Wear, WearCount

T = TypeVar("T")

TURN_S = 0.01
HELD_UP_S = 0.4
"""Less than the board's watchdog: after such a pause nothing that was queued before may be sent."""
OFF_S = 0.3
"""So long everything is ordered off at least, and `OFF_MAX_S` at most while something is still on."""
OFF_MAX_S = 3.0
FIRST_ANSWERS_S = 4.0
MATRIX_MAX_AGE_S = 0.25
_AT_OTHERS = (Need.NO_CAR, Need.CONTACTOR_OPEN)


class EndedBySignal(Exception):
    """SIGINT, SIGTERM or SIGHUP came: everything is switched off and the process ends."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class BenchOutlet:
    """The devices of one EVSE, read and ordered as one."""

    def __init__(self, config: Config, evse_id: EvseId, loose: LooseDevices, guard: DeviceGuard) -> None:
        section = config.evse[evse_id]
        named = list(devices_of(config, section))
        self.evse_id = evse_id
        self.kind = section.outlet
        self._guard = guard
        self.devices = {key: loose.devices[key] for key in named}
        self.wiring = io_wiring(section, loose.devices) if section.pilot is not None else None
        self._io = None if self.wiring is None else EvseIo(self.wiring, guard)
        self.modules = {
            name: cast(PowerModule, self.devices[kind, name]) for kind, name in named if kind == "power_module"
        }
        self._meter = self._one("meter", section.meter)
        self._insulation = self._one("insulation_monitor", section.insulation)
        matrices = [cast(MatrixPort, self.devices[kind, name]) for kind, name in named if kind == "matrix"]
        self.matrix = matrices[0] if matrices else None
        self._lamps = cast(LampPort | None, self._one("indicator", section.indicator))
        self._before = REST
        self._ordered_measuring = False
        self._wear = WearCount()

    def _one(self, kind: str, name: str | None) -> Device | None:
        return None if name is None else self.devices[kind, name]

    def read(self, now_s: float) -> OutletReadings:
        """What every part shows now; a part that is silent or too old is None."""
        ports = self.wiring
        seen: dict[str, object] = {}
        if ports is not None:
            seen["pilot"] = self._fresh(ports.pilot, lambda: _state(ports.pilot.ports.pilot), now_s)
            seen["contactor"] = self._fresh(ports.contactors, lambda: _state(ports.contactors.ports.contactors), now_s)
            if (bolt := ports.lock) is not None:
                seen["lock"] = self._fresh(bolt, lambda: _state(bolt.ports.lock), now_s)
            if (discharge := ports.discharge) is not None:
                seen["discharge_closed"] = self._fresh(discharge, lambda: _state(discharge.ports.discharge), now_s)
            if (sensors := ports.temperatures) is not None:
                seen["temperatures_degC"] = self._fresh(sensors, lambda: _state(sensors.ports.temperatures), now_s)
            seen["open_inputs"] = self._joined(ports.inputs, "inputs", now_s)
            seen["latched"] = self._joined(
                [device for device in ports.devices() if device.ports.latch is not None], "latch", now_s
            )
        meter = cast(EnergyMeter | None, self._meter)
        registers = None if meter is None else self._guard.read(meter, lambda: meter.registers)
        if registers is not None and now_s - registers.taken_at_s > METER_MAX_AGE_S:
            registers = None
        monitor = cast(InsulationMonitor | None, self._insulation)
        modules = {name: self._module_state(one, now_s) for name, one in self.modules.items()}
        capabilities = {name: self._capabilities(one) for name, one in self.modules.items()}
        insulation = None
        if monitor is not None:
            insulation = fresh(self._guard.read(monitor, lambda: monitor.state), now_s, INSULATION_MAX_AGE_S)
        links = None
        if (matrix := self.matrix) is not None:
            links = fresh(self._guard.read(matrix, lambda: matrix.state), now_s, MATRIX_MAX_AGE_S)
        found = OutletReadings(
            now_s=now_s,
            outlet=self.kind,
            modules=modules,
            capabilities=capabilities,
            meter=registers,
            insulation=insulation,
            links=links,
            **seen,  # type: ignore[arg-type]
        )
        contactor = Contactor.CLOSED if found.closed else Contactor.OPEN if found.open else Contactor.UNKNOWN
        self._wear.step(contactor, None if registers is None else registers.current_A)
        return found

    def take_wear(self) -> Wear:
        """What the contactor counted since the last call."""
        counted, self._wear.wear = self._wear.wear, Wear()
        return counted

    def _module_state(self, module: PowerModule, now_s: float) -> PowerModuleState | None:
        return fresh(self._guard.read(module, lambda: module.state), now_s, MODULE_MAX_AGE_S)

    def _capabilities(self, module: PowerModule) -> PowerModuleCapabilities | None:
        return self._guard.read(module, lambda: module.capabilities)

    def _joined(self, devices: Sequence[IoDevice], port: str, now_s: float) -> frozenset[object] | None:
        """The union of a set that several devices show; None while one of them is silent, or where there is none."""
        parts: list[frozenset[object] | None] = []
        for device in devices:
            parts.append(self._fresh(device, partial(_set_of, device, port), now_s))
        if any(part is None for part in parts):
            return None
        return frozenset().union(*(cast(frozenset[object], part) for part in parts))

    def _fresh(self, device: IoDevice, state: Callable[[], Reading[T] | None], now_s: float) -> T | None:
        return fresh(self._guard.read(device, state), now_s, device.max_age_s)

    def order(self, order: OutletOrder) -> None:
        """Give every device its part: what opens goes first. A driver that raises does not keep the others from theirs."""
        give, before = self._guard.order, self._before
        self._before = order
        if self._io is not None:
            self._io.command(order.io)
            if order.clear_latched and not before.clear_latched:
                self._io.clear_latched()
        for name, module in self.modules.items():
            command = order.module_command if name == order.module else MODULE_OFF
            give(module, lambda module=module, command=command: module.command(command))  # type: ignore[misc]
        if (matrix := self.matrix) is not None:
            give(matrix, lambda: matrix.request(order.links))
        if (lamps := self._lamps) is not None:
            give(lamps, lambda: lamps.show(order.lamps))
        monitor = cast(InsulationMonitor | None, self._insulation)
        if monitor is not None:
            measuring = False if order is EVERYTHING_OFF and self._ordered_measuring else order.measuring
            if measuring is not None:
                self._ordered_measuring = True
                give(monitor, lambda: monitor.enable(measuring))
            if order.self_test and not before.self_test:
                give(monitor, monitor.start_self_test)

    def answers(self, seen: OutletReadings) -> bool:
        """No device of this outlet is silent."""
        parts: list[object] = [seen.contactor, *seen.modules.values(), *seen.capabilities.values()]
        parts += [] if self._meter is None else [seen.meter]
        parts += [] if self._insulation is None else [seen.insulation]
        return None not in parts and seen.pilot is not None

    def is_off(self, seen: OutletReadings) -> bool:
        """Nothing is known to be on or closed any more."""
        modules_on = any(state is not None and state.output_on for state in seen.modules.values())
        return not modules_on and seen.open is not False and not seen.links and not seen.discharge_closed


def _state(port: object) -> Reading[T] | None:
    return None if port is None else cast("Reading[T] | None", port.state)  # type: ignore[attr-defined]


def _set_of(device: IoDevice, port: str) -> Reading[frozenset[object]] | None:
    return _state(getattr(device.ports, port))


class Rig:
    """Buses and devices from `start` to `close`. Use it as a context: its end switches everything off, whatever ended it."""

    def __init__(
        self,
        config: Config,
        evse_ids: Collection[EvseId],
        also: Collection[tuple[str, str]] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`also`: kind and name of devices to be polled beside those of the EVSEs. Raises UnusableDevice."""
        wanted = [*also, *(key for one in evse_ids for key in devices_of(config, config.evse[one]))]
        self._loose = build_devices(config, list(dict.fromkeys(wanted)))
        self._log = logging.getLogger("power")
        self._wear_file = WearFile(latch_folder(config), self._log)
        self._guard = DeviceGuard()
        self._now = now
        self._turned_at_s = now()
        self._signal: int | None = None
        self._handlers: dict[int, object] = {}
        self.held_up_s = 0.0
        self.outlets = {one: BenchOutlet(config, one, self._loose, self._guard) for one in evse_ids}

    @property
    def buses(self) -> Mapping[str, Bus]:
        """By the name of the configuration."""
        return self._loose.buses

    def device(self, kind: str, name: str) -> Device:
        """A device by the names of the configuration."""
        return self._loose.devices[kind, name]

    def under_test(self, kind: str, name: str) -> DeviceUnderTest:
        """The device for `commands`: with the ports it has, or the links."""
        device = self.device(kind, name)
        if kind == "pilot_board":
            ports = cast(IoDevice, device).ports
            parts = frozenset(
                port
                for port in ("pilot", "contactors", "lock", "discharge", "latch")
                if getattr(ports, port) is not None
            )
            return DeviceUnderTest(name, kind, parts)
        links = cast(MatrixPort, device).links if kind == "matrix" else frozenset()
        return DeviceUnderTest(name, kind, links=links)

    def points(self, kind: str, name: str) -> Iterator[DevicePoint]:
        """The registers or lines of a device that can list them."""
        device = self.device(kind, name)
        listed = getattr(device, "points", None)
        if listed is not None:
            yield from self._guard.read(device, lambda: list(listed())) or ()

    def trouble(self, kind: str, name: str) -> str:
        """What is wrong with a device or its bus, in words; empty: nothing."""
        device = self.device(kind, name)
        return self._guard.trouble(device) or self._guard.read(device, lambda: device.identity_error) or ""

    def __enter__(self) -> Rig:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._note_signal)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        self._signal = number

    def start(self) -> None:
        """Everything at rest until every part answered, or for `FIRST_ANSWERS_S`."""
        self.rest(FIRST_ANSWERS_S, self._all_answer)
        self._clear_automatic()

    def _clear_automatic(self) -> None:
        """Let a board clear what it may clear without a person: above all that it did not hear from us for a while."""
        for outlet in self.outlets.values():
            seen = outlet.read(self._now())
            car_gone = seen.pilot_state is ControlPilot.A
            if board_may_clear(seen.latched or frozenset(), car_gone=car_gone, asked=False):
                outlet.order(OutletOrder(clear_latched=True))
                self.rest(0.3)

    def _all_answer(self) -> bool:
        for outlet in self.outlets.values():
            seen = outlet.read(self._now())
            if seen.pilot_state is ControlPilot.F or not outlet.answers(seen):
                return False
        return True

    def plugged_car(self) -> str:
        """Where a car is plugged in, in words; empty: none is seen. A pilot that is silent only keeps steps from beginning."""
        for outlet in self.outlets.values():
            seen = outlet.read(self._now())
            if seen.pilot_state in (ControlPilot.B, ControlPilot.C, ControlPilot.D):
                return f"EVSE {outlet.evse_id}: {refusal(Need.NO_CAR, seen)}"
        return ""

    def rest(self, for_s: float, until: Callable[[], bool] = lambda: False, watch: Sequence[int] = ()) -> set[int]:
        """Everything at rest for so long, or until then, or until one of the descriptors `watch` can be read: those that can."""
        until_s = self._now() + for_s
        while True:
            for outlet in self.outlets.values():
                outlet.order(REST)
            ready = self.turn(watch)
            if ready or until() or self._now() >= until_s:
                return ready

    def run(
        self,
        outlet: BenchOutlet,
        step: Step,
        bound_s: float,
        begins: Sequence[Need] = (),
        goes_on: Sequence[Need] = (),
        each_turn: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Run a step to its end, or break it off; afterwards everything is at rest again. The other outlets stay at rest."""
        self.rest(TURN_S)
        self._clear_automatic()
        if why := self._refusal(begins, outlet):
            step.close()
            return not_run(why)
        began_s, order = self._now(), next(step)
        try:
            while True:
                outlet.order(order)
                self.turn()
                each_turn()
                seen = outlet.read(self._now())
                if self.held_up_s > HELD_UP_S:
                    return broken_off(f"this computer held the process up for {self.held_up_s:.1f} s; run it again")
                if why := self._refusal(goes_on, outlet):
                    return broken_off(why)
                if seen.now_s - began_s > bound_s:
                    return broken_off(f"its bound of {bound_s:.0f} s is over")
                order = step.send(seen)
        except StopIteration as end:
            return cast(StepResult, end.value)
        finally:
            outlet.order(REST)
            step.close()
            self._settle(REST)
            self._keep_wear()

    def _refusal(self, needs: Sequence[Need], outlet: BenchOutlet) -> str:
        """Why a step at this outlet may not go on. At every other outlet that shares a device no car may be, and nothing closed."""
        now_s = self._now()
        for one in self.outlets.values():
            seen = one.read(now_s)
            for need in needs if one is outlet else _AT_OTHERS:
                if why := refusal(need, seen):
                    return why if len(self.outlets) == 1 else f"EVSE {one.evse_id}: {why}"
        return ""

    def turn(self, watch: Sequence[int] = ()) -> set[int]:
        """One turn of the loop, 10 ms at most: those of `watch` that can be read. Raises EndedBySignal."""
        ready = self._move(watch)
        self.raise_if_ended()
        return ready

    def raise_if_ended(self) -> None:
        """Raises EndedBySignal when one came."""
        if self._signal is not None:
            raise EndedBySignal(self._signal)

    def _move(self, watch: Sequence[int] = ()) -> set[int]:
        now_s = self._now()
        self.held_up_s, self._turned_at_s = now_s - self._turned_at_s, now_s
        if self.held_up_s > HELD_UP_S:  # what waits to be sent is older than the pause
            for bus in self._loose.buses.values():
                bus.drop_queued(now_s)
        self._guard.begin(now_s)
        for device in self._loose.devices.values():
            self._guard.poll(device, now_s)
        until_s = now_s + TURN_S
        descriptors = list(watch)
        for bus in self._loose.buses.values():
            with contextlib.suppress(Exception):  # a bus that raises is a dead bus: the readings of its devices age
                bus.pump(now_s)
            fd, deadline_s = bus.fileno(), bus.deadline_s
            descriptors += [] if fd is None else [fd]
            until_s = until_s if deadline_s is None else min(until_s, deadline_s)
        wait_s = max(0.0, until_s - self._now())
        with contextlib.suppress(OSError):
            return set(select.select(descriptors, (), (), wait_s)[0]) & set(watch)
        return set()

    def _settle(self, order: OutletOrder) -> None:
        """Order this until nothing is on any more: for `OFF_S` at least and `OFF_MAX_S` at most. No signal breaks it off."""
        began_s = self._now()
        while True:
            for outlet in self.outlets.values():
                outlet.order(order)
            self._move()
            now_s = self._now()
            off = all(outlet.is_off(outlet.read(now_s)) for outlet in self.outlets.values())
            if now_s - began_s > OFF_MAX_S or (off and now_s - began_s > OFF_S):
                return

    def _keep_wear(self) -> None:
        """Add what the contactors counted here to the power process's record, which does not run now. Never raises."""
        counted = {one: wear for one, outlet in self.outlets.items() if (wear := outlet.take_wear()) != Wear()}
        if not counted:
            return
        try:
            self._wear_file.add(counted)
        except (OSError, WearRecordError) as error:
            self._log.error("! the closings of this bring-up are not counted as wear: %s", error)

    def close(self) -> None:
        """Everything off, the pilot at F, then the buses are closed. Never raises."""
        with contextlib.suppress(Exception):
            self._settle(EVERYTHING_OFF)
        self._keep_wear()
        for bus in self._loose.buses.values():
            with contextlib.suppress(Exception):
                bus.close()
