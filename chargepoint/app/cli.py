"""The command line: `chargepoint power`, `chargepoint run`, `chargepoint check`, `chargepoint status`."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from chargepoint import __version__
from chargepoint.app.log import set_up
from chargepoint.config.load import Check, ConfigError, load
from chargepoint.config.schema import Config
from chargepoint.model.unusable import Unusable
from chargepoint.store.errors import StoreError

DEFAULT_CONFIG = Path("/etc/chargepoint/site.toml")

_config = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="the site's file",
)
_level = click.option("--log-level", default="info", show_default=True)


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Bidirectional charge-point controller."""


@main.command()
@_config
@_level
def power(path: Path, log_level: str) -> None:
    """Run the power process: sole owner of every bus, pin and contactor."""
    from chargepoint.app.power_process import run as run_power
    from chargepoint.power.wiring import examine

    config = _load(path, examine)
    set_up(log_level)
    _or_explain(lambda: run_power(config))


@main.command()
@_config
@_level
def run(path: Path, log_level: str) -> None:
    """Run the daemon: car, central system, storage."""
    config = _load(path)
    set_up(log_level)
    import asyncio  # here, not above: the power process has no use for it

    from chargepoint.app.wiring import Daemon

    async def live() -> None:
        await Daemon(config).run()

    _or_explain(lambda: asyncio.run(live()))


@main.command()
@_config
def check(path: Path) -> None:
    """Read the configuration and say every mistake in it."""
    from chargepoint.power.wiring import examine  # here, not above: the daemon has no use for the drivers

    config = _load(path, examine)
    click.echo(f"{path}: good; {len(config.evse)} EVSE on {len(config.bus)} buses")


@main.command()
def reference() -> None:
    """Print the reference of every configuration key, as Markdown."""
    from chargepoint.config.reference import markdown

    click.echo(markdown(), nl=False)


@main.command()
@_config
def status(path: Path) -> None:
    """Show the running daemon's state as JSON."""
    config = _load(path)
    place = config.station.runtime_dir / "status.sock"
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(5.0)
            wire.connect(str(place))
            wire.sendall(b'{"do": "status"}\n')
            line = wire.makefile("rb").readline()
    except OSError as error:
        raise click.ClickException(f"{place}: {error}; is the daemon running?") from error
    click.echo(json.dumps(json.loads(line), indent=2))


def _load(path: Path, *checks: Check) -> Config:
    try:
        return load(path, *checks)
    except ConfigError as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'s' if count > 1 else ''} in {path}; nothing was started", err=True)
        sys.exit(os.EX_CONFIG)  # systemd must not try again (RestartPreventExitStatus)


def _or_explain(work: Callable[[], object]) -> None:
    """Run; what cannot be started as configured is one clear line and exit 78, other refusals of the surroundings
    (disk, sockets) one line and exit 1. No tracebacks for what is not our mistake."""
    try:
        work()
    except (Unusable, StoreError, OSError) as error:
        _explain(error)
    except ExceptionGroup as group:
        theirs, ours = group.split((Unusable, StoreError, OSError))
        if ours is not None or theirs is None:
            raise
        _explain(_first(theirs))


def _explain(error: Exception) -> NoReturn:
    if isinstance(error, Unusable):
        click.echo(f"{error}\nnothing was started", err=True)
        sys.exit(os.EX_CONFIG)
    raise click.ClickException(str(error)) from error


def _first(error: Exception) -> Exception:
    """The cause inside groups of groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
