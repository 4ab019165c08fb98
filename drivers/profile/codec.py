"""Registers to values and back, for one point with its parameters resolved. An invalid value is None, never a number."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Mapping, Sequence

from chargepoint.model.unusable import Mistake, UnusableDevice
from drivers.profile.schema import DeviceProfile, Number, Point

Value = float | str | None
Params = Mapping[str, float | bool]

_FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d", "coil": "H"}


EXPONENT_MAX = 10
"""A scale exponent of a device beyond this magnitude is no scale (SunSpec allows -10 to 10)."""

_PLAUSIBLE = {"V": 1e4, "A": 1e4, "W": 1e7, "Wh": 1e13, "degC": 1e3, "ohm": 1e12, "Hz": 1e3}
"""Magnitudes no charger reaches: a number beyond is no reading, where the profile gives no range of its own (own rule)."""


class OutOfClamp(ValueError):
    """A value that must not be written."""


class PointCodec:
    """Decode and encode one point. Raw numbers of bit fields and enums come back unscaled."""

    def __init__(self, point: Point, params: Params) -> None:
        self.point = point
        self._factor = point.scale * math.prod(float(params[name]) for name in point.scale_by)
        self._factor /= math.prod(float(params[name]) for name in point.scale_over)
        if point.invert_by is not None and params[point.invert_by]:
            self._factor = -self._factor
        most = _PLAUSIBLE.get(point.unit, sys.float_info.max)
        self._low = -most if point.low is None else resolve(point.low, params)
        self._high = most if point.high is None else resolve(point.high, params)
        self._clamp = None
        if point.clamp is not None:
            self._clamp = (resolve(point.clamp[0], params), resolve(point.clamp[1], params))

    def decode(self, registers: Sequence[int], exponent: float | None = 0) -> Value:
        """The value of exactly `length` registers. None: a sentinel, not finite, outside its range (or beyond any
        charger), or no sane exponent."""
        point = self.point
        raw_bytes = struct.pack(f">{len(registers)}H", *self._ordered(registers))
        if point.type == "str":
            return raw_bytes.split(b"\0")[0].decode("ascii", "replace").strip()
        if point.nan and int.from_bytes(raw_bytes, "big") in point.nan:
            return None
        raw, packed = self._raw(raw_bytes)
        if not point.numeric:
            return float(raw)
        if exponent is None or not abs(exponent) <= EXPONENT_MAX or not math.isfinite(raw):
            return None
        value = raw * self._factor * 10.0 ** (int(exponent) + packed) + point.offset
        return value if self._low <= value <= self._high else None

    def _raw(self, raw_bytes: bytes) -> tuple[float, int]:
        """The number, and the exponent that is packed with it."""
        if self.point.type in ("t5", "t6"):
            exponent = int.from_bytes(raw_bytes[:1], "big", signed=True)
            return int.from_bytes(raw_bytes[1:], "big", signed=self.point.type == "t6"), exponent
        number: float = struct.unpack(">" + _FORMATS[self.point.type], raw_bytes)[0]
        return number, 0

    def encode(self, value: float, exponent: int = 0) -> tuple[int, ...]:
        """The registers for a value. Raises OutOfClamp, naming the bound: a write outside is refused, not clipped."""
        point = self.point
        if self._clamp is not None and not self._clamp[0] <= value <= self._clamp[1]:
            low, high = self._clamp
            raise OutOfClamp(f"{point.name} = {value:g}: from {low:g} to {high:g} {point.unit}".rstrip())
        return self.encode_unclamped(value, exponent)

    def encode_unclamped(self, value: float, exponent: int = 0) -> tuple[int, ...]:
        """The registers for a value that is not going to be written (test vectors). Raises OutOfClamp if they cannot hold it."""
        point = self.point
        raw: float = value
        if point.numeric:
            raw = (value - point.offset) / (self._factor * 10.0**exponent)
        if point.type in ("t5", "t6"):
            raw_bytes = _packed(raw, signed=point.type == "t6")
            if raw_bytes is None:
                raise OutOfClamp(f"{point.name} = {value:g}: does not fit {point.type}")
            return tuple(self._ordered(struct.unpack(">2H", raw_bytes)))
        try:
            packed = struct.pack(">" + _FORMATS[point.type], raw if point.type in ("f32", "f64") else round(raw))
        except (struct.error, OverflowError, ValueError) as error:
            raise OutOfClamp(f"{point.name} = {value:g}: does not fit {point.type}") from error
        registers = struct.unpack(f">{len(packed) // 2}H", packed)
        return tuple(self._ordered(registers))

    def bit(self, raw: float, name: str) -> int:
        """A named bit or bit group of a raw value; of an enumeration 1 while it says this word."""
        if name not in self.point.bits:
            return int(self.point.enum.get(int(raw)) == name)
        first, last = self.point.bits[name]
        return int(raw) >> first & (1 << last - first + 1) - 1

    def _ordered(self, registers: Sequence[int]) -> Sequence[int]:
        return registers if self.point.high_word_first else registers[::-1]


def _packed(value: float, signed: bool) -> bytes | None:
    """A packed number of as many digits as fit, and at most 3 decimals; None if it does not fit."""
    low, high = (-0x800000, 0x7FFFFF) if signed else (0, 0xFFFFFF)
    for exponent in range(-3, 7):
        number = round(value / 10.0**exponent)
        if low <= number <= high:
            return exponent.to_bytes(1, "big", signed=True) + number.to_bytes(3, "big", signed=signed)
    return None


def resolve(number: Number, params: Params) -> float:
    """A number or the parameter it names."""
    return float(params[number]) if isinstance(number, str) else float(number)


def resolve_params(profile: DeviceProfile, given: Mapping[str, float | int | str | bool]) -> dict[str, float | bool]:
    """The parameters with defaults filled in. Raises UnusableDevice for unknown, missing or out-of-bound ones."""
    known = ", ".join(profile.params) or "none"
    mistakes = [
        Mistake(("params", name), f"profile {profile.id} knows no such parameter", f"known are {known}")
        for name in given
        if name not in profile.params
    ]
    resolved: dict[str, float | bool] = {}
    for name, param in profile.params.items():
        value = given.get(name, param.default)
        if value is None:
            problem, remedy = f"required by profile {profile.id}", "add it (see the device's manual)"
            mistakes.append(Mistake(("params", name), problem, remedy))
        elif isinstance(param.default, bool):
            if not isinstance(value, bool):
                mistakes.append(Mistake(("params", name), f"= {value!r}: true or false", "correct it"))
            resolved[name] = bool(value)
        elif isinstance(value, bool | str) or not (param.low or 0.0) <= value <= (param.high or 0.0):
            problem = f"= {value!r}: a number from {param.low:g} to {param.high:g}"
            mistakes.append(Mistake(("params", name), problem, "correct it"))
        else:
            resolved[name] = float(value)
    if mistakes:
        raise UnusableDevice(mistakes)
    return resolved


def defaults(profile: DeviceProfile) -> dict[str, float | bool]:
    """Parameters for tests of a profile: defaults, and the middle of the bounds where one is required."""
    return {
        name: ((param.low or 0.0) + (param.high or 0.0)) / 2 if param.default is None else param.default
        for name, param in profile.params.items()
    }
