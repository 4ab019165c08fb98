"""The demo's own copy of the configuration: `config/demo.toml`, or `config/demo-ac.toml`, with this run's folder, ports and choices written in."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.attach.cable import CarCable
from hil.bench.modules import USUAL, with_module
from hil.plant.insulation import SELF_TEST_S
from hil.simulators.car_files import KnownCar

SITE = "site.toml"
SITE_TOPIC = "chargepoint/demo"
"""The station's own topic at the broker."""
SHORT_TICK_MS = 5.0
"""The cycle of the power process on a plant without waits: half of what a charger has by default."""
_INSTALLED = Path(__file__).resolve().parent / "config"
_TEMPLATES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[2] / "config"
"""In a wheel the templates lie beside this module (`pyproject.toml`, force-include); in the repository they are in `config/`."""


EVSES_MAX = 9
"""The names of the template's devices end with one digit, the number of their EVSE."""


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
    cables: tuple[CarCable, ...] = ()
    """Each cable is an EVSE like EVSE 1 of the template, with a car of its own. Empty: the template's EVSEs, one car at `interface`."""

    @property
    def all_cables(self) -> tuple[CarCable, ...]:
        """The cables of EVSE 1, 2, … as far as cars can come there."""
        return self.cables or (CarCable(self.interface, self.interface),)

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
    for cable in choices.all_cables:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, cable.station.encode())
                probe.bind(("::", choices.sdp_port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return cable.station
    return None


def write(choices: Choices, csms_port: int, *, realtime: bool = False) -> Path:
    """Write `FOLDER/site.toml`; returns its path. Only where no demo runs: its processes read it whenever they start."""
    text = choices.template.read_text(encoding="utf-8")
    if choices.cables:
        text = _with_evses(text, choices.cables)
    text = with_module(text, choices.module)
    text = text.replace('"var/demo', _quoted(str(choices.folder))[:-1])
    text = _set(text, "url", _quoted(choices.csms_url or f"ws://127.0.0.1:{csms_port}"))
    text = _set(text, "sdp_port", str(choices.sdp_port))
    if not choices.cables:
        text = _set(text, "interface", _quoted(choices.interface))
    if choices.voltage_max_V is not None:
        text = _set(text, "voltage_max_V", str(choices.voltage_max_V), lines=len(choices.cables) or 2)
    if not choices.own_car:
        other = "dynamic" if choices.control_mode == "scheduled" else "scheduled"
        text = _set(text, "control_modes", f'["{choices.control_mode}", "{other}"]')  # many cars take the first
        if not choices.plug_and_charge:
            text = _set(text, "authorization", '"none"')
        elif not choices.tls:
            text = text.replace(
                "[iso15118]\n", "[iso15118]\nplug_and_charge = true\nplug_and_charge_without_tls = true\n", 1
            )
        text = _set(text, "allow_p256", "true")
        text = _set(text, "charge_loop_timeout_s", "2.0")
    if choices.trace_dir is not None:
        text = text.replace("[iso15118]\n", f"[iso15118]\ntrace_dir = {_quoted(str(choices.trace_dir))}\n", 1)
    text = _set(text, "tls", '"required"' if choices.tls else '"off"')
    power = ["realtime = true"] if realtime else []
    if choices.without_waits:
        power.append(f"tick_ms = {SHORT_TICK_MS:g}")
        power.append("insulation_reaction_s = 0.05")
    if power:
        text += "\n[power]\n" + "\n".join(power) + "\n"
    if choices.mqtt_url is not None:
        bus = {"url": choices.mqtt_url, "topic": SITE_TOPIC, "mqtt_version": choices.mqtt_version}
        text += "\n[site_bus]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in bus.items())
    for line, instead in choices.amendments:
        if text.count(f"\n{line}\n") != 1:
            raise ValueError(f"the demo's template: {text.count(line)} lines are {line!r}: expected 1")
        text = text.replace(f"\n{line}\n", f"\n{instead}\n")
    path = choices.folder / SITE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _with_evses(text: str, cables: tuple[CarCable, ...]) -> str:
    """The template with one EVSE for each cable, all like its EVSE 1: the tables whose names end with 1 and what they refer to."""
    if len(cables) > EVSES_MAX:
        raise ValueError(f"{len(cables)} cables: a bench has at most {EVSES_MAX} EVSEs")
    head, *tables = re.split(r"(?m)^(?=\[)", text)
    own = [table for table in tables if re.match(r"\[[a-z_]+\.[a-z]*1\]", table)]
    shared = [table for table in tables if not re.match(r"\[[a-z_]+\.[a-z]*\d\]", table)]
    copies = [
        _set(
            re.sub(r"(?<=[a-z])1(?=[\"\]])|(?<=^\[evse\.)1", str(number), "".join(own), flags=re.M),
            "interface",
            _quoted(cable.station),
        )
        for number, cable in enumerate(cables, start=1)
    ]
    return "".join([head, *shared, *copies])


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's is one too."""
    return json.dumps(text, ensure_ascii=False)


def _set(text: str, key: str, value: str, lines: int = 1) -> str:
    """The line of the template that sets this key (or as many as there are EVSEs), changed."""
    changed, count = re.subn(rf"(?m)^{key} = .*$", lambda _: f"{key} = {value}", text)
    if count != lines:
        raise ValueError(f"the demo's template: {count} lines set {key}: expected {lines}")
    return changed
