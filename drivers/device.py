"""`./run device probe|scan`: ask devices on a line, without the controller. Nothing is written to them.

probe PROFILE --port PORT [--baud N] [--format 8E1] [--unit U] [--param NAME=VALUE] [--json]
scan --port PORT [--bauds 9600,19200] [--formats 8E1,8N1] [--units 1-32] [--json]

PORT is a serial device, or ADDRESS:PORT for Modbus TCP (probe only). The controller must not run on the same line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec
from drivers.probe import FoundDevice, PointRow, probe, scan
from drivers.profile.codec import resolve_params
from drivers.profile.load import PROFILES, load, shipped
from drivers.profile.schema import DeviceProfile, ProfileError
from drivers.serial_bus import SerialBus
from drivers.tcp_bus import TcpBus

BAUDS = (9600, 19200, 38400, 57600, 115200)
FORMATS = ("8E1", "8N1")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every point is good, or somebody was found; 1: not so; 2: it could not be asked."""
    parser = argparse.ArgumentParser(prog="./run device", description="ask devices on a line; nothing is written")
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("probe", help="read every point of a profile once")
    one.add_argument("profile", help="one of drivers/profiles, or the path of a .toml file")
    one.add_argument("--port", required=True, help="serial device, or ADDRESS:PORT for Modbus TCP")
    one.add_argument("--baud", type=int, default=19200)
    one.add_argument("--format", default="8E1", choices=("8N1", "8E1", "8O1", "8N2"))
    one.add_argument("--unit", type=int, default=1, choices=range(1, 248), metavar="1..247")
    one.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    one.add_argument("--json", action="store_true")
    many = verbs.add_parser("scan", help="ask every address at every baud rate and format")
    many.add_argument("--port", required=True, help="serial device")
    many.add_argument("--bauds", default=",".join(map(str, BAUDS)))
    many.add_argument("--formats", default=",".join(FORMATS))
    many.add_argument("--units", default="1-247", help="such as 1-32 or 1,3,11")
    many.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        return _probe(chosen) if chosen.verb == "probe" else _scan(chosen)
    except (ProfileError, UnusableDevice, ValueError, ConnectionError) as error:
        sys.stderr.write(f"device: {error}\n")
        return 2


def _probe(chosen: argparse.Namespace) -> int:
    profile = load(Path(chosen.profile)) if chosen.profile.endswith(".toml") else shipped(chosen.profile)
    params = resolve_params(profile, dict(_param(text) for text in chosen.param))
    bus = _bus(chosen.port, chosen.baud, chosen.format)
    try:
        rows = list(probe(bus, profile, params, chosen.unit))
    finally:
        bus.close()
    if chosen.json:
        points = [{**asdict(row), "good": row.good} for row in rows]
        result = {"profile": profile.id, "unit": chosen.unit, "unverified": profile.unverified, "points": points}
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        _show(profile, rows)
    return int(not all(row.good for row in rows))


def _show(profile: DeviceProfile, rows: list[PointRow]) -> None:
    for row in rows:
        value = f"{row.value:g}" if isinstance(row.value, float) else str("-" if row.value is None else row.value)
        raw = " ".join(f"{register:04X}" for register in row.registers[:4])
        point = profile.points[row.point]
        if isinstance(row.value, float) and point.enum:
            value += f" ({point.enum.get(int(row.value), 'no word for it')})"
        sys.stdout.write(f"{row.point:24} {value + ' ' + row.unit:24} [{raw}]  {row.verdict}\n")
    for text in profile.unverified:
        sys.stdout.write(f"not verified: {text}\n")
    if any(row.verdict.startswith("not read") for row in rows):
        sys.stdout.write(
            "no answer: check wiring (A and B), baud rate, format and unit; `device scan` tries them all\n"
        )


def _scan(chosen: argparse.Namespace) -> int:
    settings = [(int(baud), format) for baud in chosen.bauds.split(",") for format in chosen.formats.split(",")]
    profiles = [shipped(file.stem) for file in sorted(PROFILES.glob("*.toml"))]
    found: list[FoundDevice] = []

    def open_line(baud: int, format: str) -> SerialBus:
        return SerialBus(BusSpec("scan", "serial", chosen.port, baud, format))

    def progress(baud: int, format: str, unit: int) -> None:
        sys.stderr.write(f"\r{baud} {format} unit {unit:3}, found {len(found)} ")
        sys.stderr.flush()

    try:
        for device in scan(open_line, settings, _units(chosen.units), profiles, progress):
            found.append(device)
            if not chosen.json:
                names = " or ".join(device.profiles) or "no shipped profile fits"
                sys.stdout.write(f"\r{device.baud} {device.format} unit {device.unit}: {names}\n")
    except KeyboardInterrupt:
        sys.stderr.write("\nended early\n")
    sys.stderr.write("\n")
    if chosen.json:
        sys.stdout.write(json.dumps([asdict(device) for device in found]) + "\n")
    elif not found:
        sys.stdout.write(
            "nobody answered: check the supply of the devices, A and B, and that nobody else uses the line\n"
        )
    return int(not found)


def _bus(port: str, baud: int, format: str) -> SerialBus | TcpBus:
    if port.startswith("/") or ":" not in port:
        return SerialBus(BusSpec("line", "serial", port, baud, format))
    return TcpBus(BusSpec("line", "tcp", port))


def _param(text: str) -> tuple[str, float | bool]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--param {text!r}: not of the form NAME=VALUE; write it like base_address=40070")
    if value in ("true", "false"):
        return name, value == "true"
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"--param {text!r}: {value!r} is no number, and neither true nor false; correct it") from None


def _units(text: str) -> list[int]:
    units: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise ValueError(f"--units {text!r}: not of the form 1-32 or 1,3,11; correct it")
        units += range(int(first), int(last or first) + 1)
    if not units or not all(1 <= unit <= 247 for unit in units):
        raise ValueError(f"--units {text!r}: addresses are from 1 to 247; correct it")
    return units


if __name__ == "__main__":
    sys.exit(main())
