"""Static checks of a profile that need more than one key (docs/sources/hardware.md 8.2): what a reader of the file must be able to trust."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from chargepoint.model.image import ControlPilot
from drivers.profile.codec import EXPONENT_MAX, OutOfClamp, PointCodec, defaults
from drivers.profile.schema import (
    ALWAYS,
    ARGUMENTS,
    READ_ONLY_TYPES,
    TYPES,
    ControllerManners,
    DeviceProfile,
    Expect,
    Number,
    Point,
    Vector,
    Write,
)

_CONTRACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psu_dc": (("voltage_V", "current_A"), ("prepare", "start", "set", "stop")),
    "powermeter": (("voltage_V", "current_A", "power_W", "import_Wh", "export_Wh"), ()),
    "powermeter_ac": (("voltage_L1_V", "current_L1_A", "import_Wh", "export_Wh"), ()),
    "imd": (("resistance_ohm",), ()),
    "grid_inverter": (("power_W", "frequency_Hz"), ()),
    "ac_controller": (("pilot_state", "current_limit_A"), ()),
}
_CAPABILITIES = (
    *("voltage_min_V", "voltage_max_V", "charge_current_max_A", "discharge_current_max_A"),
    *("charge_power_max_W", "discharge_power_max_W", "ramp_A_per_s", "reversal_time_s"),
)


def check(profile: DeviceProfile) -> list[str]:
    """Every mistake found, one line each; what the test vectors decode to, only where all else is sound."""
    return [
        *_citation(profile),
        *_names(profile),
        *_numbers(profile),
        *_blocks(profile),
        *_writes(profile),
        *_actions(profile),
        *_contract(profile),
    ] or list(_vectors(profile))


def _citation(profile: DeviceProfile) -> Iterator[str]:
    if len(profile.source) < 10:
        yield f"source = {profile.source!r}: a citation (manual, page or file); say where the registers come from"
    if profile.identity.point not in profile.points:
        yield f"[identify] point = {profile.identity.point!r}: no such point; name a point of a block"
    elif profile.points[profile.identity.point].block is None:
        yield f"[identify] point = {profile.identity.point!r}: it is in no block; it must be read"
    if profile.identity.regex is not None:
        try:
            re.compile(profile.identity.regex)
        except re.error as error:
            yield f"[identify] regex = {profile.identity.regex!r}: {error}; correct it"


def _names(profile: DeviceProfile) -> Iterator[str]:
    for name, param in profile.params.items():
        low, high = param.low, param.high
        if low is None or high is None:
            continue
        if low > high or not (param.default is None or low <= param.default <= high):
            yield f"[params.{name}] default = {param.default!r}: from {low:g} to {high:g}; correct it"
    for point in profile.points.values():
        numbers: tuple[Number | None, ...] = (point.low, point.high, *(point.clamp or ()))
        named = [*point.scale_by, *point.scale_over, *(number for number in numbers if isinstance(number, str))]
        for name in named:
            if name not in profile.params:
                yield f"[points.{point.name}] {name!r}: no such parameter; add [params.{name}]"
        if point.scale_point is not None:
            scale = profile.points.get(point.scale_point)
            if scale is not None and not _bounded_exponent(scale):
                yield f"[points.{scale.name}] range: an exponent needs one inside [-{EXPONENT_MAX}, {EXPONENT_MAX}]; add it"
            if scale is None or scale.block != point.block:
                yield f"[points.{point.name}] scale_point = {point.scale_point!r}: not a point of the same block; read them together"
        if point.invert_by is not None:
            switch = profile.params.get(point.invert_by)
            if switch is None or not isinstance(switch.default, bool):
                yield f"[points.{point.name}] invert_by = {point.invert_by!r}: no such switch; add [params.{point.invert_by}] with default = false"
        if point.sign_from is not None:
            name, _, bit = point.sign_from.partition(".")
            sign = profile.points.get(name)
            if sign is None or sign.block != point.block or bit not in sign.bits:
                yield f"[points.{point.name}] sign_from = {point.sign_from!r}: no bit of the same block; read them together"
        for name, (first, last) in point.bits.items():
            if not first <= last < 16 * point.length:
                yield f"[points.{point.name}.bits] {name} = [{first}, {last}]: inside {16 * point.length} bits; correct it"
    for name, value in profile.capabilities.items():
        if isinstance(value, str) and value not in profile.params:
            yield f"[capabilities] {name} = {value!r}: no such parameter; add [params.{value}]"


def _numbers(profile: DeviceProfile) -> Iterator[str]:
    """What would make every value of a point the same, or none, or another than its name says."""
    timing = profile.timing
    if timing.backoff_min_s > timing.backoff_max_s:
        yield f"[bus] backoff_min_ms = {timing.backoff_min_s * 1000:g}: at most backoff_max_ms ({timing.backoff_max_s * 1000:g}); correct one"
    for point in profile.points.values():
        here = f"[points.{point.name}]"
        if point.scale == 0:
            yield f"{here} scale = 0: every value would be 0; correct it"
        for name in (*point.scale_by, *point.scale_over):
            param = profile.params.get(name)
            if param is not None and (param.low is None or param.high is None or param.low <= 0 <= param.high):
                yield f"{here} {name!r}: a switch, or its bounds hold 0, cannot scale; give [params.{name}] min and max on one side of 0"
        for key, pair in (("range", (point.low, point.high)), ("clamp", point.clamp or (None, None))):
            low, high = pair
            if isinstance(low, int | float) and isinstance(high, int | float) and not low <= high:
                yield f"{here} {key} = [{low:g}, {high:g}]: the lower one first; correct it"
        due = (point.maps_to or "").rpartition("_")[2]
        if due and point.unit not in ("", due):
            yield f"{here} unit = {point.unit!r}: what maps_to {point.maps_to!r} is in {due}; put the factor into scale"


def _blocks(profile: DeviceProfile) -> Iterator[str]:
    for block in profile.blocks.values():
        if block.base is not None and block.base not in profile.params:
            yield f"[blocks.{block.name}] base = {block.base!r}: no such parameter; add [params.{block.base}]"
        if not any(point.block == block.name for point in profile.points.values()):
            yield f"[blocks.{block.name}]: no point uses it; remove it"
    for first, second in itertools.combinations(profile.blocks.values(), 2):
        alike = (first.function, first.count) == (second.function, second.count)
        if alike and "serial" in profile.transports:
            yield f"[blocks.{second.name}] count = {second.count}: as many as [blocks.{first.name}] by the same function, and an answer does not say which it is for; read one more or less"
    for point in profile.points.values():
        if point.block is None:
            if point.write_function is None:
                yield f"[points.{point.name}]: neither in a block nor written; give it a block or a write_fc"
            continue
        if point.block not in profile.blocks:
            yield f"[points.{point.name}] block = {point.block!r}: no such block; known are {', '.join(profile.blocks)}"
            continue
        home = profile.blocks[point.block]
        if not home.start <= point.address <= point.address + point.length <= home.start + home.count:
            end = point.address + point.length - 1
            yield f"[points.{point.name}] addr = {point.address}..{end}: outside block {home.name} ({home.start}..{home.start + home.count - 1}); move one"
        if point.type == "coil":
            yield f"[points.{point.name}] type = 'coil': coils are written only; take it out of the block"
    for a, b in itertools.combinations((p for p in profile.points.values() if p.block in profile.blocks), 2):
        if a.block == b.block and a.address < b.address + b.length and b.address < a.address + a.length:
            yield f"[points.{b.name}] addr = {b.address}: overlaps {a.name}; correct type or address"


def _writes(profile: DeviceProfile) -> Iterator[str]:
    for point in profile.points.values():
        if point.write_function is None:
            continue
        if point.write_function not in (5, 6, 16):
            yield f"[points.{point.name}] write_fc = {point.write_function}: 5, 6 or 16; correct it"
        if (point.type == "coil") != (point.write_function == 5):
            yield f"[points.{point.name}] write_fc = {point.write_function}: function 5 goes with type coil; correct one"
        if point.write_function == 6 and TYPES[point.type] != 1:
            yield f"[points.{point.name}] write_fc = 6: one register only, {point.type} has {point.length}; use 16"
        if point.type in READ_ONLY_TYPES:
            yield f"[points.{point.name}] type = {point.type!r}: it is never written; remove write_fc"
        if point.type != "coil" and point.clamp is None and not point.enum:
            yield f"[points.{point.name}]: a number that is written needs clamp = [low, high]; add it"


def _actions(profile: DeviceProfile) -> Iterator[str]:
    for action, steps in profile.actions.items():
        if not steps:
            yield f"[actions.{action}] steps = []: at least one; add it"
        for step in steps:
            match step:
                case Write():
                    point = profile.points.get(step.point)
                    if point is None or point.write_function is None:
                        yield f"[actions.{action}] write = {step.point!r}: no writable point; give the point a write_fc"
                    if step.arg is not None and step.arg not in ARGUMENTS:
                        yield f"[actions.{action}] arg = {step.arg!r}: one of {', '.join(ARGUMENTS)}; correct it"
                    if isinstance(step.value, str) and step.value not in profile.params:
                        yield f"[actions.{action}] value = {step.value!r}: no such parameter; add [params.{step.value}]"
                case Expect():
                    name, _, bit = step.point.partition(".")
                    point = profile.points.get(name)
                    if point is None or point.block is None or (bit and not point.named(bit)):
                        yield f"[actions.{action}] expect = {step.point!r}: no point or bit that is read; correct it"


def _contract(profile: DeviceProfile) -> Iterator[str]:
    values, actions = _CONTRACTS[profile.device_class]
    mapped = {point.maps_to for point in profile.points.values() if point.block is not None}
    for value in values:
        if value not in mapped:
            yield f"class = {profile.device_class!r}: no point maps_to {value!r}; add one"
    for action in actions:
        if action not in profile.actions:
            yield f"class = {profile.device_class!r}: no [actions.{action}]; add it"
    for fault in profile.faults:
        name, _, bit = fault.partition(".")
        if name not in profile.points or not profile.points[name].named(bit):
            yield f"[faults] {fault!r}: no such bit or word; name point.bit or point.word"
    for fault in profile.fault_kinds:
        if fault not in profile.faults:
            yield f"[fault_kinds] {fault!r}: not in [faults]; name it there too, with the module's own word"
    if (profile.device_class == "ac_controller") != (profile.controller is not None):
        yield "[controller]: a profile of class ac_controller has it, and no other; add or remove it"
    elif profile.controller is not None:
        yield from _controller(profile, profile.controller)
    if profile.device_class != "psu_dc":
        return
    if "stop" in profile.actions and not any(isinstance(step, Expect) for step in profile.actions["stop"]):
        yield "[actions.stop]: no expect; a stop that is not verified is no stop"
    yield from _status(profile)
    for name in _CAPABILITIES:
        if name not in profile.capabilities:
            yield f"[capabilities] {name}: required for psu_dc; add it"
    if profile.reversal not in ("seamless", "via_zero", "stop_required"):
        yield f"[capabilities] reversal = {profile.reversal!r}: seamless, via_zero or stop_required; correct it"


def _controller(profile: DeviceProfile, manners: ControllerManners) -> Iterator[str]:
    name, _, part = manners.state.partition(".")
    point = profile.points.get(name)
    if point is None or point.block is None or point.block not in profile.blocks or (part and part not in point.bits):
        yield f"[controller] state = {manners.state!r}: no such point or bits that are read; name point or point.bits"
        return
    missing = [state.name for state in (ControlPilot.A, ControlPilot.B, ControlPilot.C) if state not in manners.states]
    if missing:
        yield f"[controller.states]: no number for {', '.join(missing)}; add it"
    every_s, timing = profile.blocks[point.block].every_s, profile.timing
    least_s = 3 * (every_s or math.inf) + timing.timeout_s + timing.turnaround_s + timing.late_s
    if manners.max_age_s < least_s:
        yield f"[controller] max_age_ms = {manners.max_age_s * 1000:g}: one lost answer and one without a date take {least_s * 1000:g} (three periods, time-out, turnaround and late_ms); raise it, or read the state more often"
    limit = next((p for p in profile.points.values() if p.maps_to == "current_limit_A"), None)
    switch = any(p.maps_to in ("enable", "off") and p.write_function is not None for p in profile.points.values())
    if limit is not None and (limit.write_function is None or limit.clamp is None):
        yield f"[points.{limit.name}]: the current is never written; give it write_fc and clamp"
    elif limit is not None and not switch and limit.clamp is not None and limit.clamp[0] != 0:
        yield "class = 'ac_controller': nothing stops it; add a point with maps_to enable or off, or a clamp from 0"


def _status(profile: DeviceProfile) -> Iterator[str]:
    for name, shown_by in profile.status.items():
        if name == "remote" and shown_by == (ALWAYS,):
            continue
        for dotted in shown_by:
            point_name, _, part = dotted.partition(".")
            point = profile.points.get(point_name)
            if point is None or point.block is None or not point.named(part):
                yield f"[status] {name} = {dotted!r}: no such bit or word of a point that is read; name point.bit or point.word"


def _bounded_exponent(point: Point) -> bool:
    low, high = point.low, point.high
    return isinstance(low, int | float) and isinstance(high, int | float) and max(-low, high) <= EXPONENT_MAX


def _vectors(profile: DeviceProfile) -> Iterator[str]:
    if not profile.vectors:
        yield "[[test]]: at least one test vector; add registers with the value they mean"
    params = defaults(profile)
    for index, vector in enumerate(profile.vectors):
        point = profile.points.get(vector.point)
        if point is None:
            yield f"[[test]] {index} point = {vector.point!r}: no such point; correct it"
        elif len(vector.registers) != point.length:
            yield f"[[test]] {index} regs: {len(vector.registers)} given, {point.type} has {point.length}; correct one"
        elif not all(register <= 0xFFFF for register in vector.registers):
            yield f"[[test]] {index} regs: each from 0 to 65535; correct it"
        else:
            yield from _vector(index, vector, point, PointCodec(point, {**params, **vector.params}))


def _vector(index: int, vector: Vector, point: Point, codec: PointCodec) -> Iterator[str]:
    got = codec.decode(vector.registers, vector.exponent)
    if isinstance(got, float) and isinstance(vector.value, float):
        if not math.isclose(got, vector.value, rel_tol=1e-9, abs_tol=vector.tolerance):
            yield f"[[test]] {index} {point.name}: decodes to {got:g}, expected {vector.value:g}; correct one"
            return
    elif got != vector.value:
        yield f"[[test]] {index} {point.name}: decodes to {got!r}, expected {vector.value!r}; correct one"
        return
    if isinstance(got, float):
        try:
            back = codec.encode_unclamped(got, vector.exponent)
        except OutOfClamp as error:
            yield f"[[test]] {index} {error}; correct the type"
            return
        if back != vector.registers:
            yield f"[[test]] {index} {point.name}: encodes back to {list(back)}, not {list(vector.registers)}; correct one"
