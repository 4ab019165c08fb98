"""Misbehaviour of the simulated car as data: what happens, at which message, at which of its occurrences.

Three groups. A changed request is still a message (`CHANGES`). Changed bytes are a frame that is wrong on the wire (`BYTES`).
Conduct is what a car does instead of sending, or around sending (`CONDUCT`). Beside them stand the random ones of `mutation`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.v2gtp import HEADER, frame
from hil.simulators.evcc.mutation import MUTATIONS, mutated

CHANGES = {
    "wrong_session_id": "the header's SessionID is not the session's",
    "zero_session_id": "the header's SessionID is zero",
    "min_above_max": "each minimum limit is above its maximum",
    "negative_limits": "each charge limit is negative",
    "huge_exponent": "each number has the exponent 127",
    "tiny_exponent": "each number has the exponent -128",
    "voltage_below_station": "the car's voltage window ends at 1 V, below any station's",
    "voltage_above_station": "the car's voltage window begins at 30 kV, above any station's",
    "other_control_mode": "Scheduled where Dynamic was agreed, and the reverse",
    "other_direction": "the BPT type where it was not agreed, and the reverse",
    "flip": "the direction of power changes with each request",
}
BYTES = {
    "wrong_payload_type": "the frame's payload type is `value` (default 0x8006, WPT)",
    "wrong_version": "the V2GTP version bytes are 02 fd",
    "undecodable_exi": "the payload begins as EXI and then means nothing",
    "random_bytes": "`value` random bytes (default 64) without a frame; the same each time",
    "length_1_GB": "the V2GTP header announces a payload of 1 GB; 64 bytes follow",
    "half_frame": "half of the frame, then silence",
    "trailing_zero": "one zero byte follows the EXI document within the payload",
    "slow_loris": "one byte each `value` seconds (default 0.1)",
    "repeated": "the same request `value` times (default 2) without awaiting an answer",
}
CONDUCT = {
    "silence": "nothing is sent any more; the connection stays open",
    "tcp_reset": "the connection is reset instead of sending",
    "fin": "the connection is closed in order instead of sending",
    "other_request": "the request `value` (its class name) is sent instead; only a FAILED code is right",
    "late_app_protocol": "supportedAppProtocolReq is sent instead",
    "not_awaiting": "the next request follows `value` seconds (default 0.001) after this one, answered or not",
}
KINDS = {**CHANGES, **BYTES, **CONDUCT}
ANY_MESSAGE = "*"


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One misbehaviour. `at` is a request's class name or `*`."""

    what: str
    """A key of `KINDS` or of `MUTATIONS`."""
    at: str = ANY_MESSAGE
    nth: int = 1
    """At the n-th request of that name in this session, from 1."""
    always: bool = False
    """And at each later one."""
    value: float | str | None = None
    seed: int = 0
    """Of a mutation's chances."""

    def __post_init__(self) -> None:
        if self.what not in KINDS and self.what not in MUTATIONS:
            raise ValueError(f"what = {self.what!r}: one of {', '.join((*KINDS, *MUTATIONS))}")
        if self.nth < 1:
            raise ValueError(f"nth = {self.nth}: at least 1")
        if self.what == "other_request" and not isinstance(self.value, str):
            raise ValueError(f"value = {self.value!r}: other_request takes a request's class name")

    def hits(self, name: str, count: int) -> bool:
        """Whether the misbehaviour happens at the `count`-th request of this name."""
        return self.at in (name, ANY_MESSAGE) and (count == self.nth or (self.always and count > self.nth))

    def number(self, default: float) -> float:
        """`value` as a number."""
        return float(self.value) if isinstance(self.value, int | float) else default


def changed(request: Any, what: str, count: int) -> Any:
    """The request with one of `CHANGES`; unchanged where the change does not apply to it."""
    return _CHANGES[what](request, count)


def damages(misbehaviour: Misbehaviour) -> bool:
    """Whether `damaged` knows it: one of `BYTES` or of `MUTATIONS`."""
    return misbehaviour.what in BYTES or misbehaviour.what in MUTATIONS


def damaged(payload_type: int, payload: bytes, misbehaviour: Misbehaviour, count: int = 1) -> list[tuple[float, bytes]]:
    """What goes on the wire for the `count`-th request of its name: pieces, each with seconds of delay before it."""
    if misbehaviour.what in MUTATIONS:
        seed = f"{misbehaviour.seed}/{misbehaviour.what}/{misbehaviour.at}/{count}"
        return [(0.0, mutated(payload_type, payload, misbehaviour.what, seed))]
    whole = frame(payload_type, payload)
    match misbehaviour.what:
        case "wrong_payload_type":
            return [(0.0, frame(int(misbehaviour.number(0x8006)), payload))]
        case "wrong_version":
            return [(0.0, b"\x02\xfd" + whole[2:])]
        case "undecodable_exi":
            return [(0.0, frame(payload_type, b"\x80" + b"\xff" * 15))]
        case "random_bytes":
            return [(0.0, random.Random(20).randbytes(int(misbehaviour.number(64))))]
        case "length_1_GB":
            version, inverse, kind, _ = HEADER.unpack_from(whole)
            return [(0.0, struct.pack(">BBHI", version, inverse, kind, 1 << 30) + bytes(64))]
        case "half_frame":
            return [(0.0, whole[: len(whole) // 2])]
        case "trailing_zero":
            return [(0.0, frame(payload_type, payload + b"\0"))]
        case "slow_loris":
            pause_s = misbehaviour.number(0.1)
            return [(0.0 if index == 0 else pause_s, whole[index : index + 1]) for index in range(len(whole))]
        case _:
            return [(0.0, whole)] * int(misbehaviour.number(2))


# -- changes of a request ------------------------------------------------------------------------------------------


def _with_session_id(request: Any, session_id: bytes) -> Any:
    header = getattr(request, "Header", None)
    return request if header is None else replace(request, Header=replace(header, SessionID=session_id))


def _wrong_session_id(request: Any, _: int) -> Any:
    header = getattr(request, "Header", None)
    if header is None:
        return request
    return _with_session_id(request, bytes(byte ^ 0xA5 for byte in header.SessionID))


def _mode_field(request: Any) -> str | None:
    """The field with the energy-transfer or control mode, of the messages that have one."""
    return next((f.name for f in fields(request) if f.name.endswith(("EnergyTransferMode", "CLReqControlMode"))), None)


def _in_mode(change: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
    def apply(request: Any, count: int) -> Any:
        name = _mode_field(request)
        return request if name is None else replace(request, **{name: change(getattr(request, name), count)})

    return apply


def _numbers(part: Any) -> dict[str, RationalNumber]:
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    return {name: value for name, value in values.items() if isinstance(value, RationalNumber)}


def _min_above_max(mode: Any, _: int) -> Any:
    numbers = _numbers(mode)
    higher = {
        name: rational(number(numbers[top]) * 2 + 1)
        for name in numbers
        if "Minimum" in name and (top := name.replace("Minimum", "Maximum")) in numbers
    }
    return replace(mode, **higher)


def _negative_limits(mode: Any, _: int) -> Any:
    lower = {n: rational(-abs(number(v)) - 1) for n, v in _numbers(mode).items() if "Charge" in n and "imum" in n}
    return replace(mode, **lower)


def _exponent(exponent: int) -> Callable[[Any, int], Any]:
    def apply(mode: Any, _: int) -> Any:
        value = 32767 if exponent > 0 else 1
        return replace(mode, **dict.fromkeys(_numbers(mode), RationalNumber(Exponent=exponent, Value=value)))

    return apply


def _voltage_window(low_V: float, high_V: float) -> Callable[[Any, int], Any]:
    def apply(mode: Any, _: int) -> Any:
        window = {"EVMinimumVoltage": rational(low_V), "EVMaximumVoltage": rational(high_V)}
        return replace(mode, **{name: value for name, value in window.items() if hasattr(mode, name)})

    return apply


def _as_class(mode: Any, name: str) -> Any:
    """The mode as another class of its module: fields of the same name stay, missing mandatory numbers become 0."""
    kind: Any = getattr(dc if hasattr(dc, type(mode).__name__) else ac, name, None)
    if kind is None:
        return mode
    values = {f.name: getattr(mode, f.name, None) for f in fields(kind)}
    filled = {
        n: rational(0) if value is None and n.startswith(("EVMaximum", "EVMinimum", "EVTarget", "EVPresent")) else value
        for n, value in values.items()
    }
    for phase in ("_L2", "_L3"):
        filled = {n: getattr(mode, n, None) if n.endswith(phase) else value for n, value in filled.items()}
    return kind(**filled)


def _other_control_mode(mode: Any, _: int) -> Any:
    name = type(mode).__name__
    if "Scheduled" in name:
        return _as_class(mode, name.replace("Scheduled", "Dynamic"))
    return _as_class(mode, name.replace("Dynamic", "Scheduled"))


def _other_direction(mode: Any, _: int) -> Any:
    name = type(mode).__name__
    return _as_class(mode, name.removeprefix("BPT_") if name.startswith("BPT_") else f"BPT_{name}")


def _flip(mode: Any, count: int) -> Any:
    """Even requests discharge, odd ones charge: the target's sign, or the limit of the other direction at zero."""
    if hasattr(mode, "EVTargetCurrent"):
        amperes = abs(number(mode.EVTargetCurrent)) or 5.0
        return replace(mode, EVTargetCurrent=rational(amperes if count % 2 else -amperes))
    blocked = "Discharge" if count % 2 else "Charge"
    names = [n for n in _numbers(mode) if n.startswith(f"EVMaximum{blocked}")]
    return replace(mode, **dict.fromkeys(names, rational(0)))


_CHANGES: dict[str, Callable[[Any, int], Any]] = {
    "wrong_session_id": _wrong_session_id,
    "zero_session_id": lambda request, _: _with_session_id(request, bytes(8)),
    "min_above_max": _in_mode(_min_above_max),
    "negative_limits": _in_mode(_negative_limits),
    "huge_exponent": _in_mode(_exponent(127)),
    "tiny_exponent": _in_mode(_exponent(-128)),
    "voltage_below_station": _in_mode(_voltage_window(0.5, 1.0)),
    "voltage_above_station": _in_mode(_voltage_window(30_000.0, 31_000.0)),
    "other_control_mode": _in_mode(_other_control_mode),
    "other_direction": _in_mode(_other_direction),
    "flip": _in_mode(_flip),
}
