"""The bench file: which parts of a bench are not the bench's own. What it does not name is simulated. See docs/bench-file.md."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
MISTAKES_SHOWN = 20
VETH = "veth"
"""In place of an interface: a pair of virtual ones is made, the car's end in a namespace."""
PORT_MAX = 65535


class BenchFileError(ValueError):
    """The file cannot be read, or says what cannot be; the text has a line for each mistake."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ControllerPart(_Part):
    """`[controller]`: the controller under test."""

    config: Path | None = Field(None, description="its configuration; without it the bench makes one")
    elsewhere: bool = Field(False, description="it runs already: the bench neither starts nor ends it")
    status: Path | None = Field(
        None, description="the socket where it answers `status`; default: in runtime_dir of its configuration"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.elsewhere and self.config is None:
            raise ValueError("elsewhere = true: the bench needs its configuration, too; add config = FILE")
        return self


class CentralSystemPart(_Part):
    """`[central_system]`: an outside one, or where the bench's own listens."""

    url: str | None = Field(None, pattern=r"^wss?://\S+$", description="an outside one; the bench has none then")
    listen: str = Field(
        "127.0.0.1:0",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$",
        description="ADDRESS:PORT of the bench's own; port 0: a free one",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.url is not None and "listen" in self.model_fields_set:
            raise ValueError("url and listen: with an outside central system the bench has none; leave one out")
        if int(self.listen.rpartition(":")[2]) > PORT_MAX:
            raise ValueError(f"listen = {self.listen!r}: a port is at most {PORT_MAX}; correct it")
        return self


class BusPart(_Part):
    """`[bus.NAME]`: one bus of the controller's configuration."""

    device: str | None = Field(
        None, description="the bench's end of the cable: a serial device, or a CAN interface. Default: a pty, a socket"
    )
    outside: bool = Field(False, description="real devices are on it: the bench has no part in it")
    port: str | None = Field(None, description="with outside: the controller's port, where the bench makes its file")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.outside and self.device is not None:
            raise ValueError("outside = true and device: the bench is on a bus, or it is not; leave one out")
        if self.port is not None and not self.outside:
            raise ValueError("port without outside = true: the bench makes the ports of its own buses")
        return self


class ModulePart(_Part):
    """`[power_module.NAME]`: one power module of the controller's configuration."""

    process: bool = Field(
        False,
        strict=True,
        description="its registers are served by pymodbus in a process of its own, on a pty of its own",
    )


class CarPart(_Part):
    """`[car.N]`: the car at EVSE N."""

    kind: Literal["simulated", "program", "person"] = Field(
        "simulated", description="ours; another EVCC as a program; or a real car that a person plugs in"
    )
    interface: str | None = Field(
        None, description="where the car's end of the cable is; veth: a pair with a namespace for the program"
    )
    program: tuple[str, ...] = Field((), description="the EVCC and its arguments; {interface} stands for the name")
    keys: Path | None = Field(
        None, description="folder with the simulated car's keys, as ./run certs makes it; default: the bench's own"
    )
    environment: dict[str, str] = Field(default_factory=dict, description="of the program; {interface} as above")
    folder: Path | None = Field(None, description="where the program runs; default: the folder of the bench file")
    ends_by: Literal["SIGINT", "SIGTERM"] = Field("SIGINT", description="what ends the program before its time")

    @model_validator(mode="after")
    def _program(self) -> Self:
        if (self.kind == "program") is not bool(self.program):
            raise ValueError(f"kind = {self.kind!r} with program = {list(self.program)}: a program goes with its kind")
        return self


class BenchFile(_Part):
    """All of it. Paths are absolute after `read`."""

    name: str = Field("", max_length=200, description="for the pages of runs")
    controller: ControllerPart = ControllerPart()
    central_system: CentralSystemPart = CentralSystemPart()
    bus: dict[Name, BusPart] = Field(default_factory=dict)
    power_module: dict[Name, ModulePart] = Field(default_factory=dict)
    car: dict[Annotated[int, Field(ge=1, le=99)], CarPart] = Field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> BenchFile:
        """Raises BenchFileError with every mistake."""
        try:
            with file.open("rb") as opened:
                document = tomllib.load(opened)
        except OSError as error:
            raise BenchFileError(f"{file}: {error.strerror}; name a bench file as docs/bench-file.md has it") from error
        except ValueError as error:  # no TOML, or no UTF-8
            raise BenchFileError(f"{file}: {error}; correct the line") from error
        try:
            found = cls.model_validate(document)
        except ValidationError as error:
            mistakes = [_mistake(dict(one)) for one in error.errors()[:MISTAKES_SHOWN]]
            raise BenchFileError("\n".join(f"{file}: {mistake}" for mistake in mistakes)) from error
        return found.in_folder(file.resolve().parent)

    def in_folder(self, folder: Path) -> BenchFile:
        """Relative paths count from this folder; a car's program runs there."""
        controller = self.controller.model_copy(
            update={
                name: None if path is None else folder / path
                for name, path in (("config", self.controller.config), ("status", self.controller.status))
            }
        )
        cars = {
            number: car.model_copy(
                update={"folder": folder / (car.folder or "."), "keys": None if car.keys is None else folder / car.keys}
            )
            for number, car in self.car.items()
        }
        return self.model_copy(update={"controller": controller, "car": cars})

    @property
    def needs_real_time(self) -> bool:
        """Something of it is real, or a program that knows no other time."""
        return self.model_copy(update={"name": ""}) != BenchFile()

    @property
    def all_cars_simulated(self) -> bool:
        """Others look for their station at the standard's port alone."""
        return all(car.kind == "simulated" for car in self.car.values())

    @property
    def outside_buses(self) -> frozenset[str]:
        """Names of the buses with real devices."""
        return frozenset(name for name, bus in self.bus.items() if bus.outside)


def _mistake(error: dict[str, object]) -> str:
    """What, where, the value, what to do."""
    place = error["loc"]
    where = ".".join(str(part) for part in place) if isinstance(place, tuple) else str(place)
    words = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key; docs/bench-file.md lists them"
    value = "" if isinstance(error.get("input"), dict) else f" = {error.get('input')!r}"
    return f"{where}{value}: {words}"


ALL_SIMULATED_BENCH = BenchFile()
