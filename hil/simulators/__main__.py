"""`./run hil simulate WHAT`: each simulator of the bench alone, for whatever stands at the other end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from certs.__main__ import main as certs
from chargepoint.security.station_leaves import TrustError
from hil.simulators import device as device_alone
from hil.simulators import plant as plant_alone
from hil.simulators.car_alone import CarAlone
from hil.simulators.car_files import known_car, names
from hil.simulators.csms import __main__ as csms_alone
from hil.simulators.evcc.plan import PlanError
from hil.simulators.reader_alone import KINDS, serve_reader

_PASSED_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulators of the bench, each alone. Each prints one line when it is ready, and ends on Ctrl-C.

    hil/simulators/README.md has more.
    """


@main.command(context_settings=_PASSED_ON)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def plant(words: tuple[str, ...]) -> None:
    """The other end of every wire of a charger, from its configuration (--help has the options)."""
    sys.argv = ["./run hil simulate plant", *words]
    sys.exit(plant_alone.main())


@main.command(context_settings=_PASSED_ON)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def device(words: tuple[str, ...]) -> None:
    """One device made from a register profile, on a serial line or Modbus TCP (--help has the options)."""
    sys.exit(device_alone.main(words))


@main.command(context_settings=_PASSED_ON)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def csms(words: tuple[str, ...]) -> None:
    """A central system, OCPP 2.0.1, with JSON lines in and out (--help has the options)."""
    csms_alone.main(list(words))


main.add_command(certs, "pki")


@main.command()
@click.option("--pty", "port", type=click.Path(path_type=Path), required=True, metavar="LINK", help="made here")
@click.option("--kind", type=click.Choice(sorted(KINDS)), default="line", show_default=True)
def reader(port: Path, kind: str) -> None:
    """A card reader on a pseudo-terminal. Each line of standard input is a card: its UID in hexadecimal."""
    try:
        asyncio.run(serve_reader(kind, port))
    except OSError as error:
        raise click.ClickException(
            f"{port}: {error.strerror or error}; give a path where a link can be made"
        ) from error


@main.command()
@click.argument("interface")
@click.option("--car", "name", type=click.Choice(names()), help="a car of the road; without it our own of ISO 15118-20")
@click.option("--keys", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of «pki»: TLS")
@click.option("--sdp-port", type=click.IntRange(1, 65_535), default=15_118, show_default=True)
@click.option("--plant", "socket", type=click.Path(exists=True, path_type=Path), help="plant.sock: a body with power")
@click.option(
    "--evse", type=click.IntRange(1), default=1, show_default=True, help="where it is plugged in at the plant"
)
@click.option("--for-s", type=click.FloatRange(0.0), help="the driver leaves after so long")
@click.option("--battery-v", "battery_V", type=click.FloatRange(50.0, 1500.0), default=400.0, show_default=True)
@click.option("--soc-percent", type=click.FloatRange(0.0, 100.0), default=50.0, show_default=True)
def car(
    interface: str,
    name: str | None,
    keys: Path | None,
    sdp_port: int,
    socket: Path | None,
    evse: int,
    for_s: float | None,
    battery_V: float,
    soc_percent: float,
) -> None:
    """One session of a car against any station on this network interface. Ctrl-C: the driver leaves.

    Exit status 0: the session ended in order. 1: it did not.
    """
    try:
        known = None if name is None else known_car(name)
        alone = CarAlone(interface, known, keys, sdp_port, socket, evse, for_s, battery_V, soc_percent)
        sys.exit(asyncio.run(alone.run()))
    except (PlanError, TrustError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="./run hil simulate")
