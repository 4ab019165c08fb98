"""Reading a profile: TOML to `schema.DeviceProfile`, refusing what it does not know; then `check` for what needs two keys."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from chargepoint.model.image import ControlPilot
from chargepoint.model.io import ModuleFault
from drivers.profile.check import check
from drivers.profile.schema import (
    CLASSES,
    FAULT_KINDS,
    TYPES,
    Block,
    ControllerManners,
    DeviceProfile,
    Expect,
    Identity,
    Number,
    Param,
    Point,
    ProfileError,
    Step,
    Timing,
    Vector,
    Write,
)
from drivers.profile.table import Table

TRANSPORTS = ("serial", "tcp")
PROFILES = Path(__file__).parent.parent / "profiles"


@cache
def shipped(name: str) -> DeviceProfile:
    """A profile that comes with the drivers. Raises ProfileError with the list of known ones."""
    path = PROFILES / f"{name}.toml"
    if not name.replace("_", "").isalnum() or not path.is_file():
        known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.toml")))
        raise ProfileError(f"= {name!r}: no such profile; known are {known}")
    return load(path)


def load(path: Path) -> DeviceProfile:
    """Read and check one file. Raises ProfileError naming every mistake found."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}; give the path of a readable file") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not UTF-8 at byte {error.start}; give the path of a TOML file") from error


def parse(text: str, file: str) -> DeviceProfile:
    """Parse and check a profile's text; `file` is for the error texts."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{file}: {error}; correct the TOML") from error
    mistakes: list[str] = []
    profile = _profile(Table(values, "", mistakes))
    if not mistakes:
        mistakes += check(profile)
    if mistakes:
        raise ProfileError("\n".join(f"{file}: {mistake}" for mistake in mistakes))
    return profile


def _profile(top: Table) -> DeviceProfile:
    top.whole("schema", 1, 1)
    profile = DeviceProfile(
        id=top.text("id"),
        device_class=top.one_of("class", CLASSES),
        vendor=top.text("vendor"),
        model=top.text("model"),
        firmware=top.text("firmware", "any"),
        source=top.text("source"),
        notes=top.text("notes", ""),
        timing=_timing(top.table("bus")),
        identity=_identity(top.table("identify")),
        params={name: _param(name, table) for name, table in top.tables("params")},
        blocks={name: _block(name, table) for name, table in top.tables("blocks")},
        points={name: _point(name, table) for name, table in top.tables("points")},
        actions={name: _action(table) for name, table in top.tables("actions")},
        capabilities=_capabilities(top.table("capabilities")),
        reversal=_reversal(top),
        comm_loss_s=_watchdog(top),
        faults={name: str(value) for name, value in top.table("faults").items()},
        fault_kinds=_fault_kinds(top.table("fault_kinds")),
        status=_status(top),
        transports=_transports(top.table("bus")),
        unverified=top.words("unverified"),
        vectors=tuple(_vector(table) for table in top.array("test")),
        controller=_controller(top.table("controller")) if "controller" in top else None,
    )
    top.finish()
    return profile


def _fault_kinds(table: Table) -> dict[str, ModuleFault]:
    return {name: FAULT_KINDS[table.one_of(name, tuple(FAULT_KINDS))] for name, _ in table.items()}


def _timing(table: Table) -> Timing:
    timing = Timing(
        timeout_s=table.number("timeout_ms", 5, 5000, 100) / 1000,
        turnaround_s=table.number("turnaround_ms", 0, 5000, 50) / 1000,
        late_s=table.number("late_ms", 0, 5000, 300) / 1000,
        gap_s=table.number("gap_ms", 0, 500, 0) / 1000,
        backoff_min_s=table.number("backoff_min_ms", 10, 60_000, 500) / 1000,
        backoff_max_s=table.number("backoff_max_ms", 10, 60_000, 5000) / 1000,
        reply_s=table.number("reply_ms", 0, 1000, 5) / 1000,
    )
    table.words("transports")
    table.finish()
    return timing


def _controller(table: Table) -> ControllerManners:
    states = table.table("states")
    manners = ControllerManners(
        max_age_s=table.number("max_age_ms", 10, 5000) / 1000,
        state=table.text("state"),
        states={
            ControlPilot[name]: states.whole(name, 0, 0xFFFF)
            for name in (state.name for state in ControlPilot)
            if name in states
        },
    )
    states.finish()
    table.finish()
    return manners


def _transports(table: Table) -> tuple[str, ...]:
    found = table.words("transports") if "transports" in table else TRANSPORTS
    for name in found:
        if name not in TRANSPORTS:
            table.note("transports", name, f"one of {', '.join(TRANSPORTS)}", "correct it")
    return found


def _status(top: Table) -> dict[str, tuple[str, ...]]:
    """Without the table a point `state` with the bits of these names is meant."""
    table = top.table("status")
    found = {name: table.words(name) if name in table else (f"state.{name}",) for name in ("output", "remote", "alarm")}
    table.finish()
    return found


def _identity(table: Table) -> Identity:
    identity = Identity(
        point=table.text("point"),
        equals=table.number("equals", -1e12, 1e12) if "equals" in table else None,
        regex=table.text("regex") if "regex" in table else None,
    )
    if (identity.equals is None) == (identity.regex is None):
        table.note("equals", identity.equals, "exactly one of equals and regex", "say what identifies the device")
    table.finish()
    return identity


def _param(name: str, table: Table) -> Param:
    required = table.flag("required")
    default = None if required else table.get("default")
    if not required and not isinstance(default, bool | int | float):
        table.note("default", default, "a number or a switch, unless required = true", "add it")
        default = 0.0
    is_switch = isinstance(default, bool)
    param = Param(
        name=name,
        default=default if default is None or is_switch else float(default),
        low=None if is_switch else table.number("min", -1e12, 1e12),
        high=None if is_switch else table.number("max", -1e12, 1e12),
        meaning=table.text("meaning", ""),
    )
    table.finish()
    return param


def _block(name: str, table: Table) -> Block:
    once = table.flag("once")
    block = Block(
        name=name,
        function=table.whole("fc", 3, 4),
        start=table.whole("start", 0, 65535),
        count=table.whole("count", 1, 125),
        every_s=None if once else table.number("every_ms", 5, 3_600_000) / 1000,
        fast=table.one_of("prio", ("low", "high"), "low") == "high",
        base=table.text("base") if "base" in table else None,
        spare=table.whole("spare", 0, 20, 0),
    )
    table.finish()
    return block


def _point(name: str, table: Table) -> Point:
    kind = table.one_of("type", TYPES)
    point = Point(
        name=name,
        type=kind,
        address=table.whole("addr", 0, 65535),
        length=table.whole("len", 1, 125) if kind == "str" else TYPES[kind],
        block=table.text("block") if "block" in table else None,
        high_word_first=table.one_of("word_order", ("big", "little"), "big") == "big",
        scale=table.number("scale", -1e12, 1e12, 1.0),
        scale_by=table.words("scale_by"),
        scale_over=table.words("scale_over"),
        scale_point=table.text("scale_point") if "scale_point" in table else None,
        sign_from=table.text("sign_from") if "sign_from" in table else None,
        invert_by=table.text("invert_by") if "invert_by" in table else None,
        offset=table.number("offset", -1e12, 1e12, 0.0),
        unit=table.text("unit", ""),
        low=_bounds(table, "range")[0],
        high=_bounds(table, "range")[1],
        nan=_wholes(table, "nan"),
        enum={int(key): str(value) for key, value in table.table("enum").items() if _is_whole(table, key)},
        bits=_bits(table.table("bits")),
        maps_to=table.text("maps_to") if "maps_to" in table else None,
        write_function=table.whole("write_fc", 5, 16) if "write_fc" in table else None,
        clamp=_clamp(table),
        unverified=table.flag("unverified"),
    )
    table.finish()
    return point


def _is_whole(table: Table, key: str) -> bool:
    if key.isdigit():
        return True
    table.note("enum", key, "keys are raw numbers", "correct it")
    return False


def _wholes(table: Table, key: str) -> tuple[int, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, int) and item >= 0 for item in value):
        table.note(key, value, "a list of raw numbers, unsigned", "correct it")
        return ()
    return tuple(value)


def _bounds(table: Table, key: str) -> tuple[Number | None, Number | None]:
    value = table.get(key, None)
    if value is None:
        return None, None
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(item) for item in value):
        table.note(key, value, "[low, high], each a number or a parameter's name", "correct it")
        return None, None
    return value[0], value[1]


def _clamp(table: Table) -> tuple[Number, Number] | None:
    low, high = _bounds(table, "clamp")
    return None if low is None or high is None else (low, high)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _bits(table: Table) -> dict[str, tuple[int, int]]:
    bits = {}
    for name, value in table.items():
        pair = [value, value] if isinstance(value, int) else value
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(i, int) and 0 <= i < 64 for i in pair):
            table.note(name, value, "a bit or [first, last], 0 to 63", "correct it")
            continue
        bits[name] = (pair[0], pair[1])
    return bits


def _action(table: Table) -> tuple[Step, ...]:
    steps: list[Step] = []
    for step in table.array("steps"):
        if "write" in step:
            value = step.get("value", None)
            arg = step.text("arg") if "arg" in step else None
            if (value is None) == (arg is None) or not (value is None or _is_number(value)):
                step.note("value", value, "exactly one of value and arg", "say what to write")
            steps.append(Write(step.text("write"), value, arg))
        else:
            within_s = step.number("within_ms", 1, 60_000) / 1000
            steps.append(Expect(step.text("expect"), step.number("value", -1e12, 1e12), within_s))
        step.finish()
    table.finish()
    return tuple(steps)


def _capabilities(table: Table) -> dict[str, Number]:
    numbers: dict[str, Number] = {}
    for name, value in table.items():
        if name == "reversal":
            continue
        if not _is_number(value):
            table.note(name, value, "a number or a parameter's name", "correct it")
            continue
        numbers[name] = value
    return numbers


def _reversal(top: Table) -> str:
    table = top.table("capabilities")
    return table.text("reversal", "") if "reversal" in table else ""


def _watchdog(top: Table) -> float | None:
    """`comm_loss = "none"` or a number of milliseconds; a psu_dc must say one of them."""
    table = top.table("watchdog")
    if table.get("comm_loss", "none") == "none":
        return None
    seconds = table.number("comm_loss", 1, 3_600_000) / 1000
    table.finish()
    return seconds


def _vector(table: Table) -> Vector:
    value = table.get("value", None)
    params = {name: value for name, value in table.table("params").items() if isinstance(value, bool | int | float)}
    vector = Vector(
        point=table.text("point"),
        registers=_wholes(table, "regs"),
        value=float(value) if isinstance(value, int | float) else value,
        tolerance=table.number("tol", 0, 1e12, 0.0),
        exponent=table.whole("exponent", -10, 10, 0),
        params=params,
    )
    if vector.value == "nan":
        vector = Vector(vector.point, vector.registers, None, vector.tolerance, vector.exponent, params)
    table.finish()
    return vector
