"""The command line: the programs, questions and orders to the daemon, and what an installer needs."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from chargepoint import __version__
from chargepoint.app.log import set_up
from chargepoint.config.load import Check, ConfigError, Findings, load, study
from chargepoint.config.schema import Config
from chargepoint.diagnostics.car_wishes import WISHES
from chargepoint.model.commands import LimitSource
from chargepoint.model.unusable import Unusable
from chargepoint.store.errors import StoreError

DEFAULT_CONFIG = Path("/etc/chargepoint/site.toml")
ANSWER_TIMEOUT_S = 5.0
RESET_PATIENCE_S = 2.0
"""A fault whose cause is gone clears within a few cycles of the power process; after this it stays."""

_config = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="the site's file",
)
_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
)


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
    set_up(log_level, never_wait=True)
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
    """Read the configuration; report every mistake and every doubtful value with file and line.

    A mistake prevents the start: exit 78. A warning does not: exit 0. Files and network interfaces are looked up on this
    computer, serial devices are not opened.
    """
    from chargepoint.app.site_check import checks, doubts  # here, not above: the daemon has no use for the drivers

    findings = study(path, checks=checks(), doubts=doubts())
    for warning in findings.warnings:
        click.echo(f"warning: {warning}", err=True)
    config = _config_of(findings, path)
    count = len(findings.warnings)
    without = "" if count == 0 else f"; {_counted(count, 'warning')}"
    click.echo(f"{path}: good; {len(config.evse)} EVSE on {_counted(len(config.bus), 'bus', 'buses')}{without}")


@main.command()
@click.argument("device")
@_config
@click.option("--plain", is_flag=True, help="one line for each change instead of a table")
@click.option("--json", "as_json", is_flag=True, help="JSON lines")
@click.option("--once", is_flag=True, help="every value once; exit code 1 if one of them is bad")
@click.option("--do", "do", multiple=True, metavar="COMMAND[=VALUE]", help="run this command and end; may be repeated")
def bringup(device: str, path: Path, plain: bool, as_json: bool, once: bool, do: tuple[str, ...]) -> None:
    """Show every value of DEVICE live, and step through safe commands. The power process must be stopped.

    DEVICE is a name of the configuration, such as pilot_board.io1, or io1 where no other device has this name.
    """
    from chargepoint.commissioning.bringup import NoSuchDevice, Wanted
    from chargepoint.commissioning.bringup import run as run_bringup
    from chargepoint.power.wiring import examine

    config = _load(path, examine)
    try:
        sys.exit(_hardware(lambda: run_bringup(config, Wanted(device, plain, as_json, once, do))))
    except (NoSuchDevice, ValueError) as error:
        raise click.UsageError(str(error)) from error


@main.command()
@_config
@click.option("--evse", type=int, default=None, help="one EVSE; without it every EVSE")
@click.option("--json", "as_json", is_flag=True, help="the report as JSON, by docs/selftest.schema.json")
@click.option("--polls", type=click.IntRange(1, 100_000), default=200, show_default=True, help="reads of each device")
def selftest(path: Path, evse: int | None, as_json: bool, polls: int) -> None:
    """Test the hardware and this computer, item by item. The power process must be stopped, and no car plugged in.

    Exit code 0: nothing failed; 1: something failed; 2: refused.
    """
    from chargepoint.app.site_check import checks, doubts
    from chargepoint.commissioning.selftest import run as run_selftest

    findings = study(path, checks=checks(), doubts=doubts())
    config = _config_of(findings, path)
    warnings = [str(warning) for warning in findings.warnings]
    try:
        sys.exit(_hardware(lambda: run_selftest(config, str(path), warnings, evse, json_wanted=as_json, polls=polls)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@main.command()
def reference() -> None:
    """Print the reference of every configuration key, driver and profile, as Markdown."""
    from chargepoint.config.reference import markdown
    from chargepoint.power.wiring import drivers_reference

    click.echo(markdown() + drivers_reference(), nl=False)


@main.command()
@_config
def status(path: Path) -> None:
    """Show the running daemon's state as JSON."""
    click.echo(json.dumps(_ask(_load(path), {"do": "status"}), indent=2))


@main.command()
@_config
@click.option("--evse", type=int, default=None, help="one EVSE; without it every EVSE")
@click.option(
    "--contactor-wear", is_flag=True, help="its contactor was replaced: count its wear anew (power process stopped)"
)
def reset(path: Path, evse: int | None, contactor_wear: bool) -> None:
    """Let latched faults go whose cause is gone. Exits 1 with the faults that stay and their remedies.

    Refused while a transaction runs. While one is stopping, the faults are let go after its end.
    """
    config = _load(path)
    if contactor_wear:
        sys.exit(_hardware(lambda: _replace_contactor(config, evse)))
    request = {"do": "reset"} if evse is None else {"do": "reset", "evse": evse}
    answer = _ask(config, request)
    if not answer.get("ok"):
        raise click.ClickException(f"reset refused: {answer.get('error')}")
    until_s = time.monotonic() + RESET_PATIENCE_S
    while (left := faults_left(_ask(config, {"do": "status"}), evse)) and time.monotonic() < until_s:
        time.sleep(0.1)
    if left:
        raise click.ClickException("reset ordered, but these faults stay:\n" + "\n".join(left))
    click.echo("reset: no faults")


@main.command("ask-car")
@_config
@click.option("--evse", type=int, required=True, help="number of the EVSE")
@click.argument("wish", type=click.Choice(sorted(WISHES)))
def ask_car(path: Path, evse: int, wish: str) -> None:
    """Ask the connected car for something. «nothing» withdraws what was asked, and calls a paused car back.

    The car has up to 60 s to follow; `status` shows what is asked.
    """
    answer = _ask(_load(path), {"do": "ask_car", "evse": evse, "for": wish})
    if not answer.get("ok"):
        raise click.ClickException(f"the car is not asked: {answer.get('error')}")
    click.echo(f"the car at EVSE {evse} is asked: {wish}")


@main.command()
@_config
@click.option(
    "--import", "import_max_W", type=float, help="highest power from the grid, W; without it the limit is released"
)
@click.option(
    "--export", "export_max_W", type=float, default=0.0, show_default=True, help="highest power to the grid, W"
)
@click.option("--for", "for_s", type=float, default=900.0, show_default=True, help="seconds for which it holds")
@click.option("--source", type=click.Choice([source.value for source in LimitSource]), default="EMS", show_default=True)
def limit(path: Path, import_max_W: float | None, export_max_W: float, for_s: float, source: str) -> None:
    """Limit the whole station for a while, as an energy manager of the site does. Without --import: release the limit."""
    order: dict[str, Any] = {"do": "limit"}
    if import_max_W is not None:
        order |= {"source": source, "import_max_W": import_max_W, "export_max_W": export_max_W, "for_s": for_s}
    answer = _ask(_load(path), order)
    if not answer.get("ok"):
        raise click.ClickException(f"the station is not limited: {answer.get('error')}")
    click.echo("the limit is released" if import_max_W is None else f"limited for {for_s:g} s")


@main.group()
def trace() -> None:
    """Look at recorded sessions of cars ([iso15118] trace_dir)."""


@trace.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def draw(file: Path) -> None:
    """Draw a session as a page: chargepoint trace draw FILE.jsonl > page.html. The page fetches nothing."""
    from chargepoint.iso15118.trace.json_lines import TraceUnreadable, read
    from chargepoint.iso15118.trace.page import draw as draw_page

    try:
        with file.open("rb") as lines:
            entries = list(read(lines))
    except TraceUnreadable as error:
        raise click.ClickException(f"{file}: {error}; name the .jsonl file of a session") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    click.echo(draw_page(entries, file.stem), nl=False)


def faults_left(state: Mapping[str, Any], evse: int | None) -> list[str]:
    """One line for each active fault in a status answer, with its remedy; of one EVSE, or of all."""
    lines = []
    for number, picture in state["evses"].items():
        image = picture.get("image") or {}
        faults, remedies = image.get("faults") or {}, image.get("fault_remedies") or {}
        if evse is None or str(evse) == number:
            lines += [
                f"EVSE {number}: {title}" + (f": {remedies[name]}" if remedies.get(name) else "")
                for name, title in faults.items()
            ]
    return lines


def _ask(config: Config, request: Mapping[str, object]) -> dict[str, Any]:
    """The daemon's answer at its local socket. Raises ClickException where there is none."""
    place = config.station.runtime_dir / "status.sock"
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(ANSWER_TIMEOUT_S)
            wire.connect(str(place))
            wire.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(wire.makefile("rb").readline())
    except PermissionError as error:
        raise click.ClickException(f"{place}: {error.strerror}; be root or in the group of this socket") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{place}: {error}; is the daemon running?") from error
    return answer


def _load(path: Path, *checks: Check) -> Config:
    try:
        return load(path, *checks)
    except ConfigError as error:
        _report_mistakes(error, path)


def _config_of(findings: Findings, path: Path) -> Config:
    try:
        return findings.config()
    except ConfigError as error:
        _report_mistakes(error, path)


def _report_mistakes(error: ConfigError, path: Path) -> NoReturn:
    for mistake in error.mistakes:
        click.echo(str(mistake), err=True)
    click.echo(f"{_counted(len(error.mistakes), 'mistake')} in {path}; nothing was started", err=True)
    sys.exit(os.EX_CONFIG)  # systemd must not try again (RestartPreventExitStatus)


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _replace_contactor(config: Config, evse: int | None) -> int:
    """Store that the contactor of this EVSE is a new one, with the name of who says so: the exit code."""
    if evse is None or evse not in config.evse:
        raise click.UsageError(f"--contactor-wear needs --evse, one of {', '.join(map(str, config.evse))}")
    from chargepoint.commissioning.replacement import contactor_replaced

    click.echo(contactor_replaced(config, evse))
    return 0


def _hardware(work: Callable[[], int]) -> int:
    """The exit code of work with the hardware; 2 where it is refused, with one line that says why."""
    try:
        return work()
    except Unusable:
        raise
    except OSError as error:
        click.echo(str(error), err=True)
        return 2


def _or_explain(work: Callable[[], object]) -> None:
    """Run `work`. What cannot start as configured is one clear line and exit 78. What disk or sockets refuse is one line
    and exit 1. There is no traceback for what is not our mistake."""
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
