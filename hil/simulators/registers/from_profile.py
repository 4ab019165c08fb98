"""A simulated device made from a register profile: every point shows a plausible value, and keeps what was written to it.

`FollowingModule` is a power module behind the register map of any `psu_dc` profile: what the profile's actions write sets the
module of the plant, and its state shows in the points that the profile names. So the driver and its simulator share one map,
and a map that was copied wrongly from a manual is not found here. The profile's test vectors and the manual are for that.
"""

from __future__ import annotations

import re

from drivers.profile.codec import OutOfClamp, Params, PointCodec, Value, defaults, resolve
from drivers.profile.schema import ALWAYS, DeviceProfile, Point, Write
from hil.plant.module import ModulePlant
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE

DC_VOLTAGE_V, AC_VOLTAGE_V, CURRENT_A = 400.0, 230.0, 10.0
_PLAUSIBLE: dict[str, float] = {
    "V": AC_VOLTAGE_V,
    "A": CURRENT_A,
    "W": AC_VOLTAGE_V * CURRENT_A,
    "Wh": 12_345_000.0,
    "Hz": 50.0,
    "degC": 30.0,
    "ohm": 1_000_000.0,
}
_BY_MEANING: dict[str, float] = {
    "voltage_V": DC_VOLTAGE_V,
    "power_W": 3 * AC_VOLTAGE_V * CURRENT_A,
    "export_Wh": 678_000.0,
    "power_import_W": 3 * AC_VOLTAGE_V * CURRENT_A,
    "power_export_W": 0.0,
}


class ProfileDevice:
    """One device on a bus. `values` are what its points show, by name; change them at will."""

    def __init__(self, unit: int, profile: DeviceProfile, params: Params) -> None:
        self.unit = unit
        self.profile = profile
        self.params = params
        self.codecs = {point.name: PointCodec(point, params) for point in profile.points.values()}
        self.values: dict[str, float | str] = {}
        self.exponents: dict[str, int] = {}
        for point in profile.points.values():
            self.values[point.name] = _plausible(profile, point)
        self._choose_exponents()
        self.coils = _span([p.address for p in profile.points.values() if p.type == "coil"], 1)
        self.holding, self.inputs = self._area(3), self._area(4)

    @property
    def silent(self) -> bool:
        """It does not answer."""
        return False

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """Registers of blocks that are all there; coils as written."""
        if function in (1, 5):
            states = {p.address: self.values[p.name] for p in self.profile.points.values() if p.type == "coil"}
            return [int(states.get(address + i, 0) == 1.0) for i in range(count)]
        table = self._table(function)
        if any(address + i not in table for i in range(count)):
            return None
        return [table[address + i] for i in range(count)]

    def write(self, function: int, address: int, values: list[int]) -> int:
        """Take a write of one point. The Modbus exception of a device that checks its set-points."""
        for point in self.profile.points.values():
            if point.write_function is None or self._address(point) != address:
                continue
            if point.write_function != function:
                return ILLEGAL_FUNCTION
            if point.length != len(values):
                return ILLEGAL_VALUE
            value = float(values[0] & 1) if point.type == "coil" else self.codecs[point.name].decode(tuple(values))
            if not isinstance(value, float) or not self._allowed(point, value):
                return ILLEGAL_VALUE
            self.values[point.name] = value
            self.written(point.name, value)
            return 0
        return ILLEGAL_ADDRESS

    def written(self, point: str, value: float) -> None:
        """Somebody wrote a point."""

    def show(self) -> None:
        """Bring `values` up to date; called before each answer."""

    # -- inside -----------------------------------------------------------------------------------

    def _allowed(self, point: Point, value: float) -> bool:
        if point.enum:
            return int(value) in point.enum
        if point.clamp is None:
            return True
        low, high = (resolve(bound, self.params) for bound in point.clamp)
        return low - 1e-9 <= value <= high + 1e-9

    def _base(self, name: str | None) -> int:
        return int(self.params[name]) if name is not None else 0

    def _address(self, point: Point) -> int:
        block = self.profile.blocks.get(point.block or "")
        return point.address + (self._base(block.base) if block is not None else 0)

    def _area(self, function: int) -> tuple[int, int]:
        blocks = [block for block in self.profile.blocks.values() if block.function == function]
        addresses = [self._base(b.base) + b.start + i for b in blocks for i in range(b.count + b.spare)]
        if function == 3:
            addresses += [
                self._address(p) + i
                for p in self.profile.points.values()
                if p.write_function in (6, 16)
                for i in range(p.length)
            ]
        return _span(addresses, 1)

    def _table(self, function: int) -> dict[int, int]:
        self.show()
        table: dict[int, int] = {}
        for block in self.profile.blocks.values():
            if block.function == function:
                base = self._base(block.base)
                table |= {base + block.start + i: 0 for i in range(block.count + block.spare)}
        raw = dict(self.values)
        for point in self.profile.points.values():
            value = raw[point.name]
            if point.sign_from is not None and isinstance(value, float):
                name, _, bit = point.sign_from.partition(".")
                mask = 1 << self.profile.points[name].bits[bit][0]
                held = int(raw[name])
                raw[name] = float(held | mask if value < 0 else held & ~mask)
                raw[point.name] = abs(value)
        for point in self.profile.points.values():
            if point.block is not None and self.profile.blocks[point.block].function == function:
                table |= dict(enumerate(self._registers(point, raw[point.name]), start=self._address(point)))
        return table

    def _registers(self, point: Point, value: float | str) -> tuple[int, ...]:
        if isinstance(value, str):
            padded = value.encode("ascii").ljust(2 * point.length, b"\0")[: 2 * point.length]
            return tuple(int.from_bytes(padded[i : i + 2], "big") for i in range(0, len(padded), 2))
        exponent = self.exponents.get(point.scale_point or "", 0)
        return self.codecs[point.name].encode_unclamped(value, exponent)

    def _choose_exponents(self) -> None:
        """The smallest exponent with which every value scaled by it fits."""
        for name in {point.scale_point for point in self.profile.points.values() if point.scale_point is not None}:
            scaled = [point for point in self.profile.points.values() if point.scale_point == name]
            for exponent in range(10):
                self.exponents[name] = exponent
                try:
                    for point in scaled:
                        self._registers(point, self.values[point.name])
                except OutOfClamp:
                    continue
                break
            self.values[name] = float(self.exponents[name])


def simulated_params(profile: DeviceProfile) -> dict[str, float | bool]:
    """Parameters where none are given: defaults, and base addresses that keep the blocks apart."""
    bases = sorted({block.base for block in profile.blocks.values() if block.base is not None})
    return defaults(profile) | {name: 40_000.0 + 200.0 * i for i, name in enumerate(bases)}


class FollowingModule(ProfileDevice):
    """A power module of the plant behind a profile's registers."""

    def __init__(self, unit: int, profile: DeviceProfile, params: Params, module: ModulePlant) -> None:
        self.module = module
        self._order = {
            step.arg: step.point for step in profile.actions["set"] if isinstance(step, Write) and step.arg is not None
        }
        self._switch = _switch(profile)
        self._remote = [
            step.point for step in profile.actions["prepare"] if isinstance(step, Write) and step.value in (1, 1.0)
        ]
        super().__init__(unit, profile, params)
        for point in profile.points.values():
            if point.write_function is not None:
                self.values[point.name] = 0.0
        module.source_power_W = module.sink_power_W = module.nominal_W
        module.remote = not self._remote

    @property
    def silent(self) -> bool:
        """As the plant's module says."""
        return not self.module.answers

    def written(self, point: str, value: float) -> None:
        """Set the plant's module."""
        module = self.module
        if point in self._remote:
            module.set_remote(value == 1.0)
        elif point == self._switch:
            if not module.set_output(value == 1.0):
                self.values[point] = 0.0
        else:
            self._take_order()

    def _take_order(self) -> None:
        module = self.module
        order = {meaning: float(self.values[point]) for meaning, point in self._order.items()}
        module.source_power_W = module.sink_power_W = module.nominal_W
        if "current_A" in order:
            current_A = order["current_A"]
            module.source_current_A, module.sink_current_A = max(0.0, current_A), max(0.0, -current_A)
            module.voltage_set_V = order["voltage_min_V" if current_A < 0 else "voltage_max_V"]
            return
        module.source_current_A = order.get("charge_current_A", 0.0)
        module.sink_current_A = order.get("discharge_current_A", 0.0)
        module.voltage_set_V = order.get("voltage_V", 0.0)

    def show(self) -> None:
        """What the plant's module shows now."""
        module = self.module
        if not module.output_on and self._switch is not None:
            self.values[self._switch] = 0.0
        meanings = {"voltage_V": max(0.0, module.shown_V), "current_A": module.shown_A, "temperature_degC": 35.0}
        for point in self.profile.points.values():
            if point.maps_to in meanings:
                self.values[point.name] = meanings[point.maps_to]
        flags = {"output": module.output_on, "remote": module.remote, "alarm": module.alarm}
        shown: dict[str, int] = {}
        for name, flag in flags.items():
            for dotted in self.profile.status[name]:
                place, _, part = dotted.partition(".")
                if dotted == ALWAYS:
                    continue
                shown.setdefault(place, _idle(self.profile.points[place]))
                if flag:
                    shown[place] = _with(self.profile.points[place], shown[place], part)
        self.values |= {name: float(raw) for name, raw in shown.items()}


def _switch(profile: DeviceProfile) -> str | None:
    """The point that the profile writes 1 to when it starts, and 0 when it stops."""
    on = [step.point for step in profile.actions["start"] if isinstance(step, Write) and step.value == 1]
    off = {step.point for step in profile.actions["stop"] if isinstance(step, Write) and step.value == 0}
    return next((point for point in reversed(on) if point in off), None)


def _idle(point: Point) -> int:
    """The raw value of a state in which nothing is on."""
    return next((raw for raw, word in point.enum.items() if word == "idle"), 0)


def _with(point: Point, raw: int, part: str) -> int:
    if part in point.bits:
        return raw | 1 << point.bits[part][0]
    return next(number for number, word in point.enum.items() if word == part)


def _span(addresses: list[int], least: int) -> tuple[int, int]:
    return (min(addresses), max(addresses) - min(addresses) + 1) if addresses else (0, least)


def _plausible(profile: DeviceProfile, point: Point) -> float | str:
    """What a healthy device at rest would show; the identity always fits the profile."""
    if point.name == profile.identity.point:
        return _identity(profile, point)
    if point.type == "str":
        return next((str(v.value) for v in profile.vectors if v.point == point.name), "SIMULATED")
    if point.enum:
        good = ("none", "measuring", "running", "on", "connected")
        return float(next((raw for raw, word in point.enum.items() if word in good), min(point.enum)))
    if point.bits or point.type == "coil":
        return 0.0
    value = _BY_MEANING.get(point.maps_to or "", _PLAUSIBLE.get(point.unit, 0.0))
    low = point.low if isinstance(point.low, float | int) else value
    high = point.high if isinstance(point.high, float | int) else value
    return float(min(max(value, low), high))


def _identity(profile: DeviceProfile, point: Point) -> float | str:
    identity = profile.identity
    if identity.equals is not None:
        return identity.equals
    pattern = re.compile(identity.regex or "")
    vectors: list[Value] = [vector.value for vector in profile.vectors if vector.point == point.name]
    likely = _PLAUSIBLE.get(point.unit, 1.0)
    for value in (*vectors, likely, *map(float, range(70_000))):
        shown = f"{value:g}" if isinstance(value, float) else str(value or "")
        if value is not None and pattern.search(shown) and isinstance(value, str) == (point.type == "str"):
            return value
    return (identity.regex or "").strip("^$")
