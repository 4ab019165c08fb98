"""Whether a bench file names what there is: buses, modules and cars of the controller's configuration, devices and folders of this computer."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hil.attach.bench_file import VETH, BenchFile
from hil.simulators.line_socket import Refused


def hold_fit(document: Mapping[str, Any], attached: BenchFile, *, given: bool) -> None:
    """Raises Refused with every mistake: a part that is not there would make the bench wait for it in vain.

    `given`: the configuration is a file of somebody's, so its EVSEs are known. A configuration that the bench makes has as many as the scenario needs.
    """
    mistakes = list(_mistakes(document, attached, given))
    if mistakes:
        raise Refused("the bench file: " + "; ".join(mistakes))


def _mistakes(document: Mapping[str, Any], attached: BenchFile, given: bool) -> Iterator[str]:
    named: list[tuple[str, Mapping[str, object]]] = [("bus", attached.bus), ("power_module", attached.power_module)]
    if given:
        named.append(("evse", {str(number): car for number, car in attached.car.items()}))
    for kind, parts in named:
        there = document.get(kind, {})
        for name in parts:
            if name not in there:
                key = "car" if kind == "evse" else kind
                yield f"{key}.{name}: the controller's configuration has no [{kind}.{name}]; it has {', '.join(there)}"
    for name, bus in attached.bus.items():
        if bus.device is not None and bus.device.startswith("/") and not Path(bus.device).exists():
            yield f"bus.{name}.device = {bus.device!r}: no such device; connect it, or correct the path"
    interfaces = [name for _, name in socket.if_nameindex()]
    for number, car in attached.car.items():
        if car.interface not in (None, VETH) and car.interface not in interfaces:
            yield f"car.{number}.interface = {car.interface!r}: no such interface; there is {', '.join(interfaces)}, or {VETH}"
        if car.keys is not None and not car.keys.is_dir():
            yield f"car.{number}.keys = '{car.keys}': no such folder; make it with ./run certs FOLDER"
