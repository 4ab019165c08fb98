"""A controller's own configuration on a bench: read, and, where the bench starts the controller, moved into the bench's folder."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chargepoint.config.schema import Config
from hil.attach.bench_file import BenchFile
from hil.attach.cable import CarCable
from hil.simulators.line_socket import Refused

MISTAKES_SHOWN = 5


def read_given(file: Path) -> dict[str, Any]:
    """The document of this configuration. Raises Refused with what is wrong with it."""
    try:
        with file.open("rb") as opened:
            document = tomllib.load(opened)
        Config.model_validate(document)
    except OSError as error:
        raise Refused(f"controller.config = {file}: {error.strerror}") from error
    except ValidationError as error:
        shown = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:MISTAKES_SHOWN]]
        raise Refused(f"controller.config = {file}: {'; '.join(shown)}; see ./run check --config {file}") from error
    except ValueError as error:
        raise Refused(f"controller.config = {file}: {error}") from error
    return document


def move_in(document: dict[str, Any], attached: BenchFile, folder: Path, csms_url: str, free_port: int) -> None:
    """The bench starts this controller: its files, sockets and simulated wires are in the bench's folder.

    A bus with `device` keeps its port: that is the controller's end of a cable. `free_port`: for simulated Modbus TCP.
    """
    station = document.setdefault("station", {})
    station |= {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")}
    document.setdefault("csms", {})["url"] = csms_url
    document.setdefault("iso15118", {})["certificate_dir"] = str(folder / "pki")
    for name, bus in document.get("bus", {}).items():
        part = attached.bus.get(name)
        if part is not None and (part.outside or part.device is not None):
            bus["port"] = part.port or bus["port"]
        elif bus.get("kind") == "tcp":
            bus["port"] = f"127.0.0.1:{free_port}"
        else:
            bus["port"] = str(folder / "tty" / name)


def cables_of(document: dict[str, Any], attached: BenchFile) -> dict[int, CarCable]:
    """The cable of each EVSE that a car can come to."""
    cables = {}
    for number, section in document["evse"].items():
        part = attached.car.get(int(number))
        here = section.get("interface")
        there = (part.interface if part is not None else None) or here
        if there is not None:
            cables[int(number)] = CarCable(here or there, there)
    return cables
