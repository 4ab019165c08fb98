"""The controller's configuration on a bench: `config/demo.toml`, or `config/demo-ac.toml`, with this bench's folder, ports and choices."""

from __future__ import annotations

import errno
import re
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from hil.attach.bench_file import ALL_SIMULATED_BENCH, BenchFile
from hil.attach.cable import CarCable
from hil.bench.file_fit import hold_fit
from hil.bench.given_site import cables_of, move_in, read_given
from hil.bench.modules import USUAL, with_module
from hil.plant.insulation import SELF_TEST_S
from hil.simulators.car_files import KnownCar

SITE = "site.toml"
SITE_TOPIC = "chargepoint/demo"
"""The station's own topic at the broker."""
PASSWORD_FILE = "csms-password"
"""Beside the keys: what the station says to the central system."""
SHORT_TICK_MS = 5.0
"""The cycle of the power process on a plant without waits: half of what a charger has by default."""
_INSTALLED = Path(__file__).resolve().parent / "config"
_TEMPLATES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[2] / "config"
"""In a wheel the templates lie beside this module (`pyproject.toml`, force-include); in the repository they are in `config/`."""


_PLACE = "var/demo"
"""The folder of the templates' paths."""
EVSES_MAX = 99
"""So many pairs of interfaces and Unix sockets a computer has without settings of its own (own figure)."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line decides."""

    folder: Path
    own_car: bool = True
    interface: str = "lo"
    tls: bool = True
    sdp_port: int = 15118
    control_mode: str = "dynamic"
    pki: Path | None = None
    """PKI_PATH of an outside car that brings its own."""
    csms_url: str | None = None
    """An outside central system; None: the bench's own."""
    voltage_max_V: float | None = None
    """The EVSEs' highest voltage, for an outside car that names a target beyond its own maximum; None: the template's."""
    self_test_s: float = SELF_TEST_S
    """How long a self-test of the simulated insulation monitor takes."""
    without_waits: bool = False
    """Every duration of the simulated hardware is at its least (`hil.plant.evse.EvsePlant.without_waits`)."""
    ac: bool = False
    """An AC outlet instead of DC outlets."""

    plug_and_charge: bool = False
    """The outside car authorises with its contract, on plain TCP too; the central system decides."""
    mqtt_url: str | None = None
    """The broker of the site bus; None: no site bus."""
    mqtt_version: str = "5"
    trace_dir: Path | None = None
    """Where the daemon writes traces of sessions; None: nowhere."""
    amendments: tuple[tuple[str, str], ...] = ()
    """(a line of the template, the lines in its place), for benches that need another station than the demo's."""

    module: str = USUAL
    """Which power module stands at the EVSEs: a row of `hil.bench.modules`."""
    car: KnownCar | None = None
    """A car of `hil/simulators/cars`; None: our own car of ISO 15118-20."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What our car does beside charging, as docs/virtual-car.md describes."""
    attached: BenchFile = ALL_SIMULATED_BENCH
    """What of the bench is not its own."""
    relays: bool = False
    """The station reaches its central system, and each car the station, through a relay of the bench."""
    csms_tls: bool = False
    """The bench's own central system speaks TLS, and asks for a password (security profile 2)."""
    cables: tuple[CarCable, ...] = ()
    """Each cable is an EVSE like EVSE 1 of the template, with a car of its own. Empty: the template's EVSEs, one car at `interface`."""

    @property
    def all_cables(self) -> dict[int, CarCable]:
        """The cable of each EVSE that a car can come to."""
        if self.attached.controller.config is not None:
            return cables_of(read_given(self.attached.controller.config), self.attached)
        return dict(enumerate(self.cables or (CarCable(self.interface, self.interface),), start=1))

    @property
    def template(self) -> Path:
        """The configuration this demo's own copy is made from."""
        return _TEMPLATES / ("demo-ac.toml" if self.ac else "demo.toml")


def free_port() -> int:
    """A TCP port of the loopback nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def discovery_taken(choices: Choices) -> str | None:
    """The interface where somebody answers cars on this port already: a car of this demo would end up there. None: all are free."""
    if choices.attached.controller.elsewhere:
        return None  # it is the station itself
    for cable in choices.all_cables.values():
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, cable.station.encode())
                probe.bind(("::", choices.sdp_port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return cable.station
    return None


def write(choices: Choices, csms_port: int, *, realtime: bool = False) -> Path:
    """Write `FOLDER/site.toml`; returns its path. Only where no bench runs: its processes read it whenever they start.

    Raises ValueError for an amendment of a line that the template does not have once.
    """
    path = choices.folder / SITE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(document(choices, csms_port, realtime=realtime)), encoding="utf-8")
    return path


def document(choices: Choices, csms_port: int, *, realtime: bool = False) -> dict[str, Any]:
    """The controller's configuration as data; see `write`. One that was given for a controller elsewhere is as it was."""
    controller = choices.attached.controller
    if controller.config is not None:
        given = read_given(controller.config)
        hold_fit(given, choices.attached, given=True)
        if not controller.elsewhere:
            url = choices.csms_url or f"ws://127.0.0.1:{csms_port}"
            move_in(given, choices.attached, choices.folder, url, free_port())
            given["power"] = {**given.get("power", {}), "realtime": realtime}
        return given
    made = _made(choices, csms_port)
    power: dict[str, Any] = {"realtime": True} if realtime else {}
    if choices.without_waits:
        power |= {"tick_ms": SHORT_TICK_MS, "insulation_reaction_s": 0.05}
    if power:
        made["power"] = {**made.get("power", {}), **power}
    return made


def _made(choices: Choices, csms_port: int) -> dict[str, Any]:
    document = tomllib.loads(_template_text(choices))
    _in_folder(document, choices.folder)
    if choices.cables:
        _repeat_evse(document, choices.cables)
    elif "interface" in document["evse"]["1"]:
        document["evse"]["1"]["interface"] = choices.interface
    with_module(document, choices.module)
    _settings(document, choices, csms_port)
    hold_fit(document, choices.attached, given=False)
    _attach(document, choices)
    return document


def _attach(document: dict[str, Any], choices: Choices) -> None:
    """Ports of real devices, and a bus of its own for each module in a process of its own."""
    for name, part in choices.attached.bus.items():
        if name in document["bus"] and part.port is not None:
            document["bus"][name]["port"] = part.port
    for name, module in choices.attached.power_module.items():
        section = document.get("power_module", {}).get(name)
        if module.process and section is not None:
            own = f"of-{name}"
            document["bus"][own] = {**document["bus"][section["bus"]], "port": str(choices.folder / "tty" / own)}
            section["bus"] = own


def _template_text(choices: Choices) -> str:
    """The template with its amendments. Where cables make the EVSEs, only EVSE 1 is left of the template's."""
    text = choices.template.read_text(encoding="utf-8")
    if choices.cables:
        head, *tables = re.split(r"(?m)^(?=\[)", text)
        text = "".join([head, *(table for table in tables if not re.match(r"\[[a-z_]+\.[a-z]*[2-9]\]", table))])
    for line, instead in choices.amendments:
        if text.count(f"\n{line}\n") != 1:
            raise ValueError(f"the bench's template: {text.count(line)} lines are {line!r}: expected 1")
        text = text.replace(f"\n{line}\n", f"\n{instead}\n")
    return text


def _in_folder(document: dict[str, Any], folder: Path) -> None:
    """Every path of the template is one of this bench's folder."""
    for key, value in document.items():
        if isinstance(value, dict):
            _in_folder(value, folder)
        elif isinstance(value, str) and value.startswith(_PLACE):
            document[key] = str(folder) + value.removeprefix(_PLACE)


def _repeat_evse(document: dict[str, Any], cables: Sequence[CarCable]) -> None:
    """One EVSE for each cable, all like EVSE 1: with devices of their own on buses of their own."""
    if len(cables) > EVSES_MAX:
        raise ValueError(f"{len(cables)} cables: a bench has at most {EVSES_MAX} EVSEs")
    own: dict[str, dict[str, Any]] = {}
    for kind, tables in document.items():
        if isinstance(tables, dict):
            own[kind] = {name: table for name, table in tables.items() if isinstance(table, dict) and name[-1] == "1"}
            for name in own[kind]:
                del tables[name]
    names = {name for tables in own.values() for name in tables}
    for number, cable in enumerate(cables, start=1):
        for kind, tables in own.items():
            for name, table in tables.items():
                document[kind][_numbered(name, number)] = _renamed(table, names, number)
        document["evse"][str(number)]["interface"] = cable.station


def _numbered(name: str, number: int) -> str:
    return f"{name[:-1]}{number}"


def _renamed(value: Any, names: set[str], number: int) -> Any:
    """A part of EVSE 1's tables for another EVSE: names of devices and the ends of their ports have its number."""
    if isinstance(value, dict):
        return {key: _renamed(each, names, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names, number) for each in value]
    if isinstance(value, str) and value.rpartition("/")[2] in names:
        return _numbered(value, number)
    return value


def _settings(document: dict[str, Any], choices: Choices, csms_port: int) -> None:
    """What the choices say of car, central system, voltage and site bus."""
    document["csms"]["url"] = choices.csms_url or f"ws://127.0.0.1:{csms_port}"
    if choices.csms_tls:
        document["csms"] |= {
            "url": f"wss://localhost:{csms_port}",
            "security_profile": 2,
            "ca_file": str(choices.folder / "pki" / "csms_root.pem"),
            "password_file": str(choices.folder / "pki" / PASSWORD_FILE),
        }
    car: dict[str, Any] = document["iso15118"]
    car["sdp_port"] = choices.sdp_port
    car["tls"] = "required" if choices.tls else "off"
    if choices.voltage_max_V is not None:
        for evse in document["evse"].values():
            evse["voltage_max_V"] = choices.voltage_max_V
    if not choices.own_car:
        other = "dynamic" if choices.control_mode == "scheduled" else "scheduled"
        car["control_modes"] = [choices.control_mode, other]  # many cars take the first
        if not choices.plug_and_charge:
            document["energy"]["authorization"] = "none"
        elif not choices.tls:
            car |= {"plug_and_charge": True, "plug_and_charge_without_tls": True}
        car |= {"allow_p256": True, "charge_loop_timeout_s": 2.0}
    if choices.trace_dir is not None:
        car["trace_dir"] = str(choices.trace_dir)
    if choices.mqtt_url is not None:
        document["site_bus"] = {"url": choices.mqtt_url, "topic": SITE_TOPIC, "mqtt_version": choices.mqtt_version}
