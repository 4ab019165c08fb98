"""The bytes of the power link: demands down, images and events up. One message per datagram, fixed layouts, little-endian.

A float that is not known travels as NaN and comes out as None; a NaN where a number is due is refused.
Every message begins with a fixed mark, version and kind. So two builds that do not match report that instead of guessing.
"""

from __future__ import annotations

import math
import struct
from dataclasses import astuple, dataclass, replace
from enum import IntEnum

from chargepoint.model.contactor_wear import ContactorWear
from chargepoint.model.demand import AcOrder, DcOrder, FrequencyWattLaw, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    AcSupply,
    BusHealth,
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    PowerEvent,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.indicator import ConnectorWord, ShowConnector
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.model.process_health import LATE_BOUNDS_MS, ProcessHealth
from chargepoint.model.site_meter import SiteMeterReading

VERSION = 9
MESSAGE_MAX_BYTES = 4096
"""No message is longer; a longer one is refused unread."""

LAW_POINTS_MAX = 32
AC_CURRENT_MAX_A = 3000.0
"""The greatest current of a phase that a configuration allows."""
AUTHOR_MAX_BYTES = 64

_HEAD = struct.Struct("<2sBB")
_MAGIC = b"cp"

_DEMAND = struct.Struct("<HqdBBdB3dBB")
_DC_ORDER = struct.Struct("<7d")
_AC_ORDER = struct.Struct("<B4d")
_IMAGE = struct.Struct("<Hqdq5B7dQ?32s")
_IMAGE_TAIL = struct.Struct("<17d")
"""Capabilities (6), AC supply (4), meter (6), frequency."""
_EVENT = struct.Struct("<HBd")
_RESET = struct.Struct("<HB")
_BUS = struct.Struct("<5I?")
_CONNECTOR = struct.Struct("<HB")
_SITE_METER = struct.Struct("<dB3d")
_WEAR = struct.Struct("<H5I")
_PROCESS = struct.Struct(f"<2I2dI2d?{len(LATE_BOUNDS_MS) + 1}I")


class _Kind(IntEnum):
    DEMAND = 1
    RESET = 2
    IMAGE = 3
    TRIPPED = 4
    CLEARED = 5
    TOKEN = 6
    BUS = 7
    PROCESS = 8
    WEAR = 9
    CONNECTOR = 10
    SITE_METER = 11


class LinkError(ValueError):
    """A message of the power link that cannot be obeyed: says what and its bound."""


@dataclass(frozen=True, slots=True)
class ResetFaults:
    """Ask the power process to clear what its rules allow. `author`: who asks, for the log; 1 to 64 bytes of UTF-8."""

    evse_id: EvseId
    author: str


DownMessage = StageDemand | ResetFaults | ShowConnector
UpMessage = EvseImage | PowerEvent | BusHealth | ProcessHealth | ContactorWear | SiteMeterReading


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _maybe(value: float) -> float | None:
    return None if math.isnan(value) else value


def encode_down(message: DownMessage) -> bytes:
    """A demand, a reset or the word about a connector as bytes."""
    if isinstance(message, ShowConnector):
        return _HEAD.pack(_MAGIC, VERSION, _Kind.CONNECTOR) + _CONNECTOR.pack(message.evse_id, message.word)
    if isinstance(message, ResetFaults):
        author = message.author.encode()
        if not 1 <= len(author) <= AUTHOR_MAX_BYTES:
            raise LinkError(f"author of {len(author)} bytes: 1 to {AUTHOR_MAX_BYTES}")
        return _HEAD.pack(_MAGIC, VERSION, _Kind.RESET) + _RESET.pack(message.evse_id, len(author)) + author
    points = () if message.law is None else message.law.points
    if len(points) > LAW_POINTS_MAX:
        raise LinkError(f"law has {len(points)} points: at most {LAW_POINTS_MAX}")
    body = _DEMAND.pack(
        message.evse_id,
        message.seq,
        message.lease_s,
        message.phase,
        message.pilot,
        message.duty_percent,
        message.lock,
        message.power_W,
        message.limits_W.low,
        message.limits_W.high,
        isinstance(message.order, AcOrder),
        len(points),
    ) + _encode_order(message.order)
    if message.law is not None:
        body += struct.pack("<d", message.law.baseline_W)
        body += b"".join(struct.pack("<2d", f, p) for f, p in points)
    return _HEAD.pack(_MAGIC, VERSION, _Kind.DEMAND) + body


def _encode_order(order: DcOrder | AcOrder) -> bytes:
    if isinstance(order, AcOrder):
        three_A = (*order.phase_limits_A, 0.0, 0.0)[:3]
        return _AC_ORDER.pack(order.phases, *three_A, _number(order.car_power_W))
    limits = order.limits
    return _DC_ORDER.pack(
        limits.voltage_min_V,
        limits.voltage_max_V,
        limits.charge_current_max_A,
        limits.discharge_current_max_A,
        limits.charge_power_max_W,
        limits.discharge_power_max_W,
        order.voltage_target_V,
    )


def decode_down(data: bytes) -> DownMessage:
    """The message, or LinkError. Never trusts the sender: every number is finite and within its kind's bound."""
    kind, body = _open(data)
    try:
        if kind == _Kind.RESET:
            return _reset(body)
        if kind == _Kind.DEMAND:
            return _demand(body)
        if kind == _Kind.CONNECTOR:
            evse_id, word = _CONNECTOR.unpack(body)
            return ShowConnector(EvseId(evse_id), ConnectorWord(word))
    except (struct.error, ValueError) as error:
        raise LinkError(f"malformed message of kind {kind}: {error}") from error
    raise LinkError(
        f"kind {kind}: demand ({_Kind.DEMAND}), reset ({_Kind.RESET}) or connector ({_Kind.CONNECTOR}) expected"
    )


def _reset(body: bytes) -> ResetFaults:
    evse_id, length = _RESET.unpack_from(body)
    author = body[_RESET.size :]
    if not 1 <= length <= AUTHOR_MAX_BYTES or len(author) != length:
        raise LinkError(f"author of {len(author)} bytes: 1 to {AUTHOR_MAX_BYTES}, as many as its length says")
    return ResetFaults(EvseId(evse_id), author.decode("utf-8"))


def _demand(body: bytes) -> StageDemand:
    (evse_id, seq, lease_s, phase, pilot, duty, lock, *watts, is_ac, count) = _DEMAND.unpack_from(body)
    if not all(math.isfinite(n) for n in (lease_s, duty, *watts)):
        raise LinkError("a number is not finite")
    if lease_s < 0:
        raise LinkError(f"lease_s = {lease_s:g}: at least 0")
    if not 0 <= duty <= 100:
        raise LinkError(f"duty_percent = {duty:g}: 0 to 100")
    if is_ac > 1 or count > LAW_POINTS_MAX:
        raise LinkError(f"order of kind {is_ac} with {count} points: kind 0 or 1, at most {LAW_POINTS_MAX} points")
    order_bytes = (_AC_ORDER if is_ac else _DC_ORDER).size
    due = _DEMAND.size + order_bytes + (8 * (1 + 2 * count) if count else 0)
    if len(body) != due:
        raise LinkError(f"demand of {len(body)} bytes: {due} with {count} points")
    power_W, low_W, high_W = watts
    return StageDemand(
        evse_id=EvseId(evse_id),
        seq=seq,
        lease_s=lease_s,
        phase=Phase(phase),
        pilot=PilotCommand(pilot),
        duty_percent=duty,
        lock=bool(lock),
        power_W=power_W,
        limits_W=Interval(low_W, high_W),
        law=_law(body[_DEMAND.size + order_bytes :], count),
        order=(_ac_order if is_ac else _dc_order)(body[_DEMAND.size :]),
    )


def _dc_order(body: bytes) -> DcOrder:
    numbers = _DC_ORDER.unpack_from(body)
    if not all(math.isfinite(n) for n in numbers):
        raise LinkError("a number of the DC order is not finite")
    low_V, high_V, *magnitudes, target_V = numbers
    for name, value in (("voltage_min_V", low_V), ("voltage_max_V", high_V), ("voltage_target_V", target_V)):
        if not 0 <= value <= 1500:
            raise LinkError(f"{name} = {value:g}: 0 to 1500")
    if min(magnitudes) < 0:
        raise LinkError("limits of current and power are magnitudes: at least 0")
    return DcOrder(PowerLimits(low_V, high_V, *magnitudes), target_V)


def _ac_order(body: bytes) -> AcOrder:
    phases, *three_A, car_power_W = _AC_ORDER.unpack_from(body)
    if phases not in (1, 3):
        raise LinkError(f"phases = {phases}: 1 or 3")
    for number, current_A in enumerate(three_A, 1):
        if not 0 <= current_A <= AC_CURRENT_MAX_A:
            raise LinkError(f"limit of L{number} = {current_A:g} A: 0 to {AC_CURRENT_MAX_A:g}")
    if math.isinf(car_power_W):
        raise LinkError("car_power_W is not finite")
    return AcOrder(tuple(three_A[:phases]), _maybe(car_power_W))


def _law(body: bytes, count: int) -> FrequencyWattLaw | None:
    if not count:
        return None
    values = struct.unpack_from(f"<{1 + 2 * count}d", body)
    if not all(math.isfinite(v) for v in values):
        raise LinkError("a number of the law is not finite")
    return FrequencyWattLaw(values[0], tuple(zip(values[1::2], values[2::2], strict=True)))


def encode_up(message: UpMessage) -> bytes:
    """An image, an event or a bus's health as bytes; event details are cut to what a message holds."""
    match message:
        case EvseImage():
            return _HEAD.pack(_MAGIC, VERSION, _Kind.IMAGE) + _encode_image(message)
        case InterlockTripped():
            head = _HEAD.pack(_MAGIC, VERSION, _Kind.TRIPPED)
            return head + _EVENT.pack(message.evse_id, message.code, message.at_s) + message.detail.encode()[:1024]
        case FaultCleared():
            head = _HEAD.pack(_MAGIC, VERSION, _Kind.CLEARED)
            author = message.author.encode()[:AUTHOR_MAX_BYTES]
            return head + _EVENT.pack(message.evse_id, message.code, message.at_s) + author
        case TokenPresented():
            head = _HEAD.pack(_MAGIC, VERSION, _Kind.TOKEN)
            return head + _EVENT.pack(message.evse_id, 0, message.at_s) + message.value.encode()[:64]
        case BusHealth():
            head = _HEAD.pack(_MAGIC, VERSION, _Kind.BUS)
            counters = (message.ok, message.timeouts, message.crc_errors, message.mismatches, message.late)
            wrapped = (c & 0xFFFFFFFF for c in counters)
            words = message.name.encode()[:64] + b"\0" + message.trouble.encode()[:512]
            return head + _BUS.pack(*wrapped, message.connected) + words
        case SiteMeterReading(taken_at_s, phases_W):
            three_W = (*phases_W, 0.0, 0.0)[:3]
            return _HEAD.pack(_MAGIC, VERSION, _Kind.SITE_METER) + _SITE_METER.pack(taken_at_s, len(phases_W), *three_W)
        case ContactorWear():
            counts = (min(count, 0xFFFFFFFF) for count in astuple(message)[1:])
            return _HEAD.pack(_MAGIC, VERSION, _Kind.WEAR) + _WEAR.pack(message.evse_id, *counts)
        case ProcessHealth():
            return _HEAD.pack(_MAGIC, VERSION, _Kind.PROCESS) + _PROCESS.pack(
                message.wakeups & 0xFFFFFFFF,
                message.over_5_ms & 0xFFFFFFFF,
                message.worst_ms,
                message.worst_lately_ms,
                message.overruns & 0xFFFFFFFF,
                message.overrun_lately_ms,
                message.suspended_s,
                message.realtime,
                *(count & 0xFFFFFFFF for count in message.late_counts),
            )


def _encode_image(image: EvseImage) -> bytes:
    c, m = image.capabilities, image.meter
    ac = None if c is None else c.ac
    mask = 0
    for code in image.faults:
        mask |= 1 << code
    parts = (
        [math.nan] * 6
        if c is None
        else [
            c.voltage_min_V,
            c.voltage_max_V,
            c.charge_current_max_A,
            c.discharge_current_max_A,
            c.charge_power_max_W,
            c.discharge_power_max_W,
        ]
    )
    meter = (
        [math.nan] * 6 if m is None else [m.import_Wh, m.export_Wh, m.voltage_V, m.current_A, m.power_W, m.taken_at_s]
    )
    supply = (
        [math.nan] * 4
        if ac is None
        else [ac.nominal_voltage_V, ac.nominal_frequency_Hz, float(ac.phases), ac.current_max_A]
    )
    fixed = _IMAGE.pack(
        image.evse_id,
        image.seq,
        image.taken_at_s,
        image.demand_seq,
        image.phase,
        image.stage,
        image.pilot,
        image.contactor,
        image.lock,
        _number(image.duty_percent),
        _number(image.voltage_V),
        _number(image.current_A),
        image.applied_W,
        image.target_W,
        _number(image.insulation_ohm),
        _number(image.temperature_degC),
        mask,
        image.permitted,
        image.limited_by_stage.encode()[:32],
    )
    return fixed + _IMAGE_TAIL.pack(*parts, *supply, *meter, _number(image.frequency_Hz))


def decode_up(data: bytes) -> UpMessage:
    """The message, or LinkError."""
    kind, body = _open(data)
    try:
        match kind:
            case _Kind.IMAGE:
                return _image(body)
            case _Kind.TRIPPED:
                evse_id, code, at_s = _EVENT.unpack_from(body)
                detail = body[_EVENT.size :].decode("utf-8", "replace")
                return InterlockTripped(EvseId(evse_id), FaultCode(code), at_s, detail)
            case _Kind.CLEARED:
                evse_id, code, at_s = _EVENT.unpack_from(body)
                author = body[_EVENT.size :].decode("utf-8", "replace")
                return FaultCleared(EvseId(evse_id), FaultCode(code), at_s, author)
            case _Kind.TOKEN:
                evse_id, _, at_s = _EVENT.unpack_from(body)
                return TokenPresented(EvseId(evse_id), body[_EVENT.size :].decode("utf-8", "replace"), at_s)
            case _Kind.BUS:
                ok, timeouts, crc_errors, mismatches, late, connected = _BUS.unpack_from(body)
                name, _, trouble = body[_BUS.size :].decode("utf-8", "replace").partition("\0")
                return BusHealth(name, ok, timeouts, crc_errors, mismatches, late, connected, trouble)
            case _Kind.WEAR:
                evse_id, *wear = _WEAR.unpack(body)
                return ContactorWear(EvseId(evse_id), *wear)
            case _Kind.SITE_METER:
                taken_at_s, count, *phases_W = _SITE_METER.unpack(body)
                return SiteMeterReading(taken_at_s, tuple(phases_W[:count]))
            case _Kind.PROCESS:
                wakeups, late, worst, lately, overruns, overrun, slept_s, realtime, *counts = _PROCESS.unpack(body)
                return ProcessHealth(wakeups, late, worst, lately, overruns, overrun, slept_s, realtime, tuple(counts))
    except (struct.error, ValueError) as error:
        raise LinkError(f"malformed message of kind {kind}: {error}") from error
    raise LinkError(f"kind {kind}: image, event or bus health expected")


def _image(body: bytes) -> EvseImage:
    (
        evse_id, seq, taken_at_s, demand_seq, phase, stage, pilot, contactor, lock,
        duty, voltage_V, current_A, applied_W, target_W, insulation_ohm, temperature_degC, mask, permitted, word,
    ) = _IMAGE.unpack_from(body)  # fmt: skip
    numbers = _IMAGE_TAIL.unpack(body[_IMAGE.size :])
    parts, supply, meter, frequency_Hz = numbers[:6], numbers[6:10], numbers[10:16], numbers[16]
    due = [taken_at_s, applied_W, target_W]
    for group in (parts, supply, meter):
        if not all(map(math.isnan, group)):
            due += group
    if any(map(math.isnan, due)):
        raise LinkError("a number that is due is not known")
    return EvseImage(
        evse_id=EvseId(evse_id),
        seq=seq,
        taken_at_s=taken_at_s,
        demand_seq=demand_seq,
        phase=Phase(phase),
        stage=Stage(stage),
        pilot=ControlPilot(pilot),
        duty_percent=_maybe(duty),
        contactor=Contactor(contactor),
        lock=Lock(lock),
        voltage_V=_maybe(voltage_V),
        current_A=_maybe(current_A),
        applied_W=applied_W,
        target_W=target_W,
        limited_by_stage=word.rstrip(b"\0").decode("utf-8", "replace"),
        insulation_ohm=_maybe(insulation_ohm),
        meter=None if math.isnan(meter[0]) else MeterRegisters(*meter),
        temperature_degC=_maybe(temperature_degC),
        capabilities=_capabilities(parts, supply),
        faults=frozenset(code for code in FaultCode if mask >> code & 1) if mask else frozenset(),
        permitted=permitted,
        frequency_Hz=_maybe(frequency_Hz),
    )


def _capabilities(parts: tuple[float, ...], supply: tuple[float, ...]) -> StageCapabilities | None:
    """None where nothing is known. ValueError for numbers that no AC outlet has."""
    if math.isnan(parts[0]):
        return None
    low_V, high_V, charge_A, discharge_A, charge_W, discharge_W = parts
    can = StageCapabilities(low_V, high_V, charge_A, discharge_A, charge_W, discharge_W)
    voltage_V, frequency_Hz, phases, current_A = supply
    if math.isnan(voltage_V):
        return can
    if not phases.is_integer():
        raise ValueError(f"phases = {phases:g}: 1 or 3")
    return replace(can, ac=AcSupply(voltage_V, frequency_Hz, int(phases), current_A))


def _open(data: bytes) -> tuple[int, bytes]:
    if len(data) < _HEAD.size or len(data) > MESSAGE_MAX_BYTES:
        raise LinkError(f"message of {len(data)} bytes: {_HEAD.size} to {MESSAGE_MAX_BYTES}")
    magic, version, kind = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != VERSION:
        raise LinkError(f"not a power-link message of version {VERSION}; are daemon and power process the same build?")
    return kind, data[_HEAD.size :]
