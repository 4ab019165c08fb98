"""One EVSE in virtual time: the real stage and drivers, the real register maps and physics, wires in memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.limits import Interval, rated
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.safety.envelope import Envelope
from drivers.insulation.bender import BenderMonitor
from drivers.meter.profiled import ProfiledMeter
from drivers.modbus.frame import sealed
from drivers.modbus.rtu import RtuMaster
from drivers.pilot.generic_io import GenericIoBoard
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425
from hil.simulators.registers.ea_psb import EaPsb
from hil.simulators.registers.generic_io import GenericIo
from hil.simulators.registers.sunspec_714 import SunSpec714
from tests.joined.orders import changed, dc_order

STEP_S = 0.001
TICK_S = 0.010


class MemoryWire:
    """A master and the devices behind it. A reply takes the time its bytes take on a real wire."""

    def __init__(self, name: str, baud: int, maps: Iterable[Any]) -> None:
        self.master = RtuMaster(name, baud)
        self.maps = {device.unit: device for device in maps}
        self._char_s = 11 / baud
        self._request: tuple[float, bytes] | None = None
        self._reply: tuple[float, bytes] | None = None

    def pump(self, now_s: float) -> None:
        if self._request is not None and now_s >= self._request[0]:
            frame = self._request[1]
            self._request = None
            reply = answer(self.maps, frame)
            if reply is not None:
                self._reply = (now_s + 0.002 + len(reply) * self._char_s, reply)
        if self._reply is not None and now_s >= self._reply[0]:
            data, self._reply = self._reply[1], None
            self.master.receive(data, now_s)
        self.master.tick(now_s)
        frame = self.master.to_send(now_s)
        if frame:
            self._request = (now_s + len(frame) * self._char_s, frame)


def answer(maps: dict[int, Any], frame: bytes) -> bytes | None:
    """What the addressed device replies; None: nothing."""
    unit, function = frame[0], frame[1]
    device = maps.get(unit)
    if device is None or device.silent:
        return None
    address, word = struct.unpack(">HH", frame[2:6])
    if function == 1:
        bits = device.read(1, address, word)
        return sealed(bytes((unit, 1, 1, sum(bit << i for i, bit in enumerate(bits)))))  # up to eight coils
    if function in (3, 4):
        registers = device.read(function, address, word)
        if registers is None:
            return sealed(bytes((unit, function | 0x80, 2)))
        return sealed(bytes((unit, function, 2 * word)) + struct.pack(f">{word}H", *registers))
    if function == 23:
        write_address, values = (
            struct.unpack(">H", frame[6:8])[0],
            list(struct.unpack(f">{frame[10] // 2}H", frame[11:-2])),
        )
        if code := device.write(23, write_address, values):
            return sealed(bytes((unit, function | 0x80, code)))
        registers = device.read(3, address, word)
        return sealed(bytes((unit, function, 2 * word)) + struct.pack(f">{word}H", *registers))
    if function == 16:
        values = list(struct.unpack(f">{word}H", frame[7:-2]))
    else:
        values = [int(word == 0xFF00)] if function == 5 else [word]
    code = device.write(function, address, values)
    return sealed(bytes((unit, function | 0x80, code))) if code else sealed(frame[:6])


WIRE_PATTERN_S = 0.1
"""Board (each 20 ms) and module (each 25 ms) are read in a pattern that repeats after this."""

MOMENT_S = 0.091
"""Where in that pattern `reach` ends: a test about milliseconds begins at the same moment however long the way there took."""


class PlantLoop:
    """`run` advances plant and stage together; `reach` leads a session to a stage; `watch` runs after each plant step."""

    def __init__(self, number: int = 1, slow: MemoryWire | None = None) -> None:
        """`slow`: the wire of meter and monitor, where another EVSE shares it; None: its own."""
        self.number = number
        self.plant = EvsePlant(number, modules={"psu": ModulePlant()})
        self.fast = MemoryWire("fast", 115200, [GenericIo(1, self.plant.board), EaPsb(11, self.plant.modules["psu"])])
        self.slow = slow or MemoryWire("slow", 38400, [])
        self.slow.maps[20 + number] = SunSpec714(20 + number, self.plant.meter, 40070)
        self.slow.maps[2 + number] = BenderIsoEv425(2 + number, self.plant.insulation)
        self.stage = EvseStage(EvseId(number), self._hardware(), self.ratings())
        self.now_s = 1000.0
        self._tick_at_s = 1000.0
        self.demand: StageDemand | None = None
        self.seq = 0
        self.events: list[Any] = []
        self.image: EvseImage | None = None
        self.watch: Callable[[], None] = lambda: None
        for wire in (self.fast, self.slow):
            wire.master.connected(self.now_s)

    def ratings(self) -> StageRatings:
        return StageRatings(
            Envelope(
                rated(920.0, 40.0, voltage_min_V=150.0, charge_power_max_W=22_000.0, discharge_power_max_W=20_000.0)
            ),
            200.0,
            0.5,
        )

    def _hardware(self) -> EvseHardware:
        psu, meter, monitor = shipped("ea_psb_10000"), shipped("sunspec_714_dc"), shipped("bender_isoev425")
        nominal = {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30000.0}
        module = ProfiledModule("psu", psu, resolve_params(psu, nominal), 11, self.fast.master)
        insulation = BenderMonitor("imd", monitor, resolve_params(monitor, {}), 2 + self.number, self.slow.master)
        return EvseHardware(
            io=IoWiring.of_one(GenericIoBoard("io", 1, self.fast.master)),
            outlet=DcOutlet(module, insulation, self.ratings()),
            meter=ProfiledMeter(
                "meter", meter, resolve_params(meter, {"base_address": 40070}), 20 + self.number, self.slow.master
            ),
        )

    def step(self) -> None:
        self.step_plant()
        for wire in (self.fast, self.slow):
            wire.pump(self.now_s)
        if self.step_stage():
            for wire in (self.fast, self.slow):
                wire.pump(self.now_s)
        self.watch()

    def step_plant(self) -> None:
        self.now_s += STEP_S
        self.plant.step(STEP_S)

    def step_stage(self) -> bool:
        """A cycle of the stage, if its tick has come; whether it had."""
        if self.now_s < self._tick_at_s:
            return False
        self._tick_at_s += TICK_S
        if self.demand is not None:
            self.seq += 1
            self.stage.take_demand(replace(self.demand, seq=self.seq), self.now_s)
        self.image = self.stage.cycle(self.now_s)
        self.stage.poll(self.now_s)
        self.events += self.stage.events()
        return True

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def until(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        for _ in range(round(within_s / STEP_S)):
            self.step()
            if condition():
                return
        raise AssertionError(f"not within {within_s} s: {self.image}")

    def order(self, phase: Phase, **changes: Any) -> None:
        demand = StageDemand(
            EvseId(self.number), 0, 0.5, phase, PilotCommand.PWM, 5.0, True, 0.0,
            Interval(-1e6, 1e6), order=dc_order(450.0, 400.0, 300.0, 40.0, 40.0),
        )  # fmt: skip
        self.demand = changed(demand, **changes)

    def at(self, stage: Stage) -> bool:
        return self.image is not None and self.image.stage is stage

    def plug(self) -> None:
        self.order(Phase.OFF)
        self.plant.plug()
        self.plant.car.battery.set_open_circuit_V(400.0)
        self.until(lambda: self.image is not None and self.image.pilot.plugged)
        self.plant.car.pilot = "C"
        self.until(lambda: self.image is not None and self.image.pilot.ready)

    def reach(self, stage: Stage, power_W: float = 11_000.0, **changes: Any) -> None:
        """From unplugged to this stage, the car's contactors closed for the transfer and the current at its goal."""
        self.plug()
        self.order(Phase.CABLE_CHECK, **changes)
        if stage is Stage.CABLE_CHECK:
            self.until(lambda: self.at(stage) and self.plant.circuit.module_V > 300.0)
            return
        self.until(lambda: self.at(Stage.CABLE_CHECKED))
        if stage is Stage.CABLE_CHECKED:
            return
        self.order(Phase.PRE_CHARGE, **changes)
        self.until(lambda: self.at(Stage.PRE_CHARGE))
        if stage is Stage.PRE_CHARGE:
            self.until(lambda: self.plant.circuit.module_V > 50.0)
            return
        self.until(lambda: self.at(Stage.PRE_CHARGED))
        if stage is Stage.PRE_CHARGED:
            return
        self.plant.car.contactors_wanted = True
        self.run(0.05)
        self.order(Phase.TRANSFER, power_W=power_W, **{"voltage_target_V": 0.0, **changes})
        self.until(lambda: self.at(Stage.TRANSFER))
        self.run(1.5)
        self.run((MOMENT_S - self.now_s) % WIRE_PATTERN_S)
        if stage is Stage.RAMP_DOWN:
            self.order(Phase.OFF)
            self.until(lambda: self.at(stage))

    def tripped(self) -> dict[FaultCode, str]:
        return {event.code: event.detail for event in self.events if isinstance(event, InterlockTripped)}


@pytest.fixture
def plant_loop() -> PlantLoop:
    return PlantLoop()
