"""`./run demo`: the main job on a virtual plant, live; `--once --report FILE` plays the story once and draws it as a page, or writes the figures."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import click
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.live import Live

from hil.attach import network
from hil.bench.bench import EVSE, Bench, default_folder
from hil.bench.modules import MODULES, USUAL
from hil.bench.site import Choices
from hil.demo.arrival import Arrival
from hil.demo.history import History, Sample
from hil.demo.report import report
from hil.demo.screen import Scene, draw
from hil.demo.story import Story
from hil.demo.story_page import StoryRecord
from hil.plant.insulation import SELF_TEST_S
from hil.simulators.car_files import known_car, names
from hil.simulators.csms import CallError
from hil.simulators.evcc.plan import PlanError, plan_from
from hil.simulators.evcc.spec import CONTROL_MODES
from hil.simulators.line_socket import Refused
from hil.steering.door import SteeringDoor
from hil.steering.line_server import NAME, LineServer
from hil.steering.programme import Programme, StoryFailed

ONCE_HOLD_S = 3.0
"""How long power is held at each set-point when played once: enough energy to compare to one part in a hundred."""

LIVE_HOLD_S = 20.0
FRAME_S = 0.25
PAGE_SUFFIXES = (".html", ".htm")
PICTURE_COLUMNS, PICTURE_LINES, PICTURE_SPAN_S = 120, 34, 12.0

FOLDER_MAX_BYTES = 80
"""A Unix socket's path has at most 107 bytes (unix(7)); the longest name under the folder takes some of them."""


@click.command()
@click.option("--once", is_flag=True, help="play the story once, as fast as the protocol allows, then exit")
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    help="with --once: FILE.html draws the session as a page, any other FILE gets the figures as JSON",
)
@click.option("--idle", is_flag=True, help='no story at the start; {"do": "story"} plays one: docs/steering.md')
@click.option("--no-car", is_flag=True, help="wait for an outside car, already plugged and authorised by EIM")
@click.option("--ac", is_flag=True, help="an AC outlet and an AC car")
@click.option(
    "--car",
    "car_name",
    type=click.Choice(names()),
    help="a car of the road instead of ours, at the outlet it needs; plain TCP, unless --tls is there; docs/cars.md",
)
@click.option(
    "--module",
    type=click.Choice(sorted(MODULES)),
    default=USUAL,
    show_default=True,
    help="the power module at the EVSEs",
)
@click.option("--interface", default="lo", show_default=True, help="network interface of the outside car")
@click.option(
    "--tls/--no-tls", default=None, help="TLS 1.3 towards the car; default: on for our car, off with --no-car"
)
@click.option(
    "--control-mode",
    type=click.Choice(CONTROL_MODES),
    help="of our car, or offered first to an outside one; default: dynamic, scheduled with --no-car",
)
@click.option(
    "--pnc",
    is_flag=True,
    help="the outside car authorises with its contract; the central system decides (with --no-car)",
)
@click.option(
    "--pki", type=click.Path(path_type=Path, exists=True), help="PKI_PATH of an outside car with its own keys"
)
@click.option("--csms", "csms_url", help="ws:// of an outside central system; the station is CP-DEMO there")
@click.option(
    "--mqtt",
    "mqtt_url",
    metavar="URL|embedded",
    help="the site bus at this broker, mqtt://HOST:PORT; embedded: a broker of the demo's own; docs/site-bus.md",
)
@click.option(
    "--voltage-max",
    "voltage_max_V",
    type=click.FloatRange(200, 1000),
    help="highest voltage of the EVSEs; default: as in config/demo.toml",
)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="draw the screen while discharging, as SVG (with --once)"
)
@click.option(
    "--trace",
    "trace_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="write each session as JSON lines and as pcapng into this folder; ./run trace draw FILE.jsonl > page.html",
)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=default_folder(), show_default=True)
@click.option(
    "--sdp-port",
    type=click.IntRange(1, 65535),
    default=15118,
    show_default=True,
    help="other than the standard's only for tests side by side",
)
@click.option(
    "--self-test-s",
    type=click.FloatRange(0.1, 60.0),
    default=SELF_TEST_S,
    show_default=True,
    help="duration of the simulated insulation monitor's self-test",
)
@click.option(
    "--plan",
    "plan_text",
    default="{}",
    help='what our car does from its first session on, as JSON: docs/virtual-car.md, e.g. {"authorization": "PnC"}',
)
def main(
    once: bool,
    report_file: Path | None,
    idle: bool,
    no_car: bool,
    ac: bool,
    car_name: str | None,
    module: str,
    interface: str,
    tls: bool | None,
    control_mode: str | None,
    pnc: bool,
    pki: Path | None,
    csms_url: str | None,
    mqtt_url: str | None,
    voltage_max_V: float | None,
    picture: Path | None,
    trace_dir: Path | None,
    folder: Path,
    sdp_port: int,
    self_test_s: float,
    plan_text: str,
) -> None:
    """Daemon and power process on a virtual plant, with a central system and a car."""
    car = None if car_name is None else known_car(car_name)
    if car is not None:
        if no_car or pnc or control_mode is not None:
            raise click.UsageError(
                "--car brings a car of its own: it does not go with --no-car, --pnc or --control-mode"
            )
        if tls and not car.may_use_tls:
            raise click.UsageError(f"--tls with --car {car.name}: this car knows DIN 70121 alone, which has no TLS")
        if picture is not None:
            raise click.UsageError("--picture is drawn while discharging, which no car of --car does in the story")
        ac, tls = car.is_ac, bool(tls)
    if ac and picture is not None and control_mode == "scheduled":
        raise click.UsageError(
            "--picture is drawn while discharging, which a Scheduled AC car does not do in the story"
        )
    if ac and voltage_max_V is not None:
        raise click.UsageError("--ac has no DC voltage: it does not go with --voltage-max")
    if (report_file is not None or picture is not None) and not once:
        raise click.UsageError("--report and --picture go with --once")
    if idle and (once or no_car):
        raise click.UsageError("--idle is a bench without a story: it does not go with --once or --no-car")
    if pnc and not no_car:
        raise click.UsageError("--pnc is for an outside car: it goes with --no-car")
    if csms_url is not None and once:
        raise click.UsageError("--csms has no story: it does not go with --once")
    if csms_url is not None and not re.match(r"ws://[^\s\"]+$", csms_url):
        raise click.UsageError(
            f"--csms {csms_url}: ws://HOST:PORT/PATH expected; TLS takes a configuration of its own ([csms])"
        )
    if mqtt_url not in (None, "embedded") and not re.match(r"mqtt://[^\s\"/@]+$", mqtt_url or ""):
        raise click.UsageError(
            f"--mqtt {mqtt_url}: mqtt://HOST:PORT or embedded expected; TLS takes a configuration of its own ([site_bus])"
        )
    if len(os.fsencode(folder)) > FOLDER_MAX_BYTES:
        raise click.UsageError(
            f"--dir: {len(os.fsencode(folder))} bytes, at most {FOLDER_MAX_BYTES} (it holds Unix sockets)"
        )
    if interface not in (known := [name for _, name in socket.if_nameindex()]):
        raise click.UsageError(f"--interface {interface}: there is {', '.join(known)}")
    _must_be_makeable(folder)
    for file in (report_file, picture):
        if file is not None:
            _must_be_writable(file)
    if (missing := network.problem(interface)) is not None:
        raise click.ClickException(missing)
    plan = _plan_of(plan_text, own_car=not no_car)
    use_tls = (not no_car) if tls is None else tls
    choices = Choices(
        folder,
        own_car=not no_car,
        interface=interface,
        tls=use_tls,
        sdp_port=sdp_port,
        pki=pki,
        plug_and_charge=pnc,
        control_mode=control_mode or ("scheduled" if no_car else "dynamic"),
        csms_url=csms_url,
        mqtt_url=mqtt_url,
        voltage_max_V=voltage_max_V,
        self_test_s=self_test_s,
        ac=ac,
        module=module,
        car=car,
        trace_dir=None if trace_dir is None else trace_dir.absolute(),
        plan=plan,
    )
    console = _console()
    try:
        asyncio.run(_run(choices, console, once=once, idle=idle, report_file=report_file, picture=picture))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("ended")
    except (StoryFailed, Refused, CallError, LookupError, RuntimeError, OSError) as error:
        console.print(f"[red]failed:[/red] {error}\nlogs are in {folder / 'log'}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _plan_of(text: str, *, own_car: bool) -> dict[str, Any]:
    """The fields of the car's plan. Raises UsageError with what is wrong."""
    try:
        plan = json.loads(text)
        if not isinstance(plan, dict):
            raise ValueError("a JSON object is expected")
        plan_from(plan)
    except (ValueError, PlanError) as error:
        raise click.UsageError(f"--plan {text[:80]}: {error}; see docs/virtual-car.md") from error
    if plan and not own_car:
        raise click.UsageError("--plan is for our own car: it does not go with --no-car")
    return plan


def _console() -> Console:
    """Standard output; a character that its encoding does not have becomes «?» instead of an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console()


def _must_be_writable(file: Path) -> None:
    """Checked before the story begins, not after it. An existing file stays as it is until then. Raises UsageError."""
    there = file.exists()
    try:
        file.open("ab").close()
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}: it cannot be written") from error
    if not there:
        file.unlink()


def _must_be_makeable(folder: Path) -> None:
    """The demo's folder is there afterwards. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise click.UsageError(
            f"--dir {folder}: {error.strerror}; the demo writes keys, logs and sockets there: name a folder of your own"
        ) from error


async def _run(
    choices: Choices,
    console: Console,
    *,
    once: bool,
    report_file: Path | None,
    picture: Path | None,
    idle: bool = False,
) -> None:
    loop = asyncio.get_running_loop()
    main_task = asyncio.current_task()
    assert main_task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too where a shell made us ignore it
        loop.add_signal_handler(number, main_task.cancel)
    async with Bench(choices) as bench:
        if once:
            await _run_once(bench, console, report_file=report_file, picture=picture)
        elif choices.own_car:
            url = choices.csms_url
            programme = Programme(lambda: Story(bench, LIVE_HOLD_S) if url is None else Arrival(bench, url), bench.note)
            if idle:
                bench.note(f"idle: {programme.words()}")
            else:
                programme.start()
            try:
                async with _beside(_steered(bench, programme)):
                    await _watch(bench, programme.words, console)
            finally:
                await programme.stop()
        else:
            await bench.plant.ask({"do": "car_auto", "evse": EVSE, "on": True, "follows": True})
            waiting = f"waiting for {'an AC car' if choices.ac else 'a car'} on {choices.interface} ({'TLS' if choices.tls else 'no TLS'})"
            bench.note(waiting)
            console.print(f"{waiting}; Ctrl-C ends", highlight=False)
            async with _beside(_steered(bench)):
                await _watch(bench, lambda: waiting, console)


async def _run_once(bench: Bench, console: Console, *, report_file: Path | None, picture: Path | None) -> None:
    """The story once, its notes as lines, the report at the end."""
    story, history = Story(bench, ONCE_HOLD_S), History(PICTURE_SPAN_S)
    page = StoryRecord(bench) if report_file is not None and report_file.suffix.lower() in PAGE_SUFFIXES else None
    if picture is not None:
        story.after["discharge_10_kW"] = lambda: _draw_to(bench, story, history, picture)
    async with (
        _beside(_steered(bench)),
        _beside(_print_notes(bench, console)),
        _beside(_remember(bench, history)),
        _beside(_nothing() if page is None else page.keep()),
    ):
        try:
            measured = await story.run()
        except (StoryFailed, Refused, CallError) as failed:
            if page is not None and report_file is not None:
                await page.write(
                    report_file, story.measured, report(bench, story.measured), str(failed), story.position.name
                )
            raise
        await asyncio.sleep(0.2)
        figures = report(bench, measured)
        if page is not None and report_file is not None:
            await page.write(report_file, measured, figures)
    _finish(console, figures, report_file if page is None else None)


async def _steered(bench: Bench, programme: Programme | None = None) -> None:
    """The steering door of this demo, until cancelled."""
    await LineServer(SteeringDoor(bench, programme), bench.choices.folder / NAME).serve()


async def _nothing() -> None:
    """Where no page is drawn, nothing runs beside the story."""


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A task that runs as long as the block; its failure ends the block."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(bench: Bench, words: Callable[[], str], console: Console) -> None:
    """The live screen; where there is no terminal, or one that cannot place its cursor (TERM=dumb), the notes as lines."""
    if not console.is_terminal or console.is_dumb_terminal:
        await _print_notes(bench, console)
        return
    history = History()
    with Live(console=console, refresh_per_second=4, screen=True) as live:
        while True:
            scene = await _observe(bench, words(), history)
            live.update(draw(scene, console.height, console.width))
            await asyncio.sleep(FRAME_S)


async def _observe(bench: Bench, story: str, history: History) -> Scene:
    """What there is to see now; also into the history."""
    daemon = plant = None
    with contextlib.suppress(Refused):
        daemon = await bench.status.ask({"do": "status"})
        plant = await bench.plant_state()
    if daemon is not None:
        evse = daemon["evses"][str(EVSE)]
        power_W = (evse["image"] or {}).get("power_W")
        soc_percent = None if plant is None else plant["soc_percent"]
        history.add(Sample(time.monotonic(), power_W, evse["setpoint"]["power_W"], soc_percent))
    phase = None if bench.progress is None else bench.progress.phase
    return Scene(story, daemon, plant, list(bench.notes), bench.choices.folder, phase, history)


async def _remember(bench: Bench, history: History) -> None:
    """Fill the history while no screen does."""
    while True:
        await _observe(bench, "", history)
        await asyncio.sleep(FRAME_S)


async def _draw_to(bench: Bench, story: Story, history: History, picture: Path) -> None:
    """The screen as it would be now, as SVG."""
    paper = Console(record=True, width=PICTURE_COLUMNS, file=io.StringIO(), force_terminal=True)
    scene = await _observe(bench, story.position.words(time.monotonic()), history)
    paper.print(draw(scene, PICTURE_LINES, PICTURE_COLUMNS))
    # no fonts fetched from elsewhere: the picture must look the same without a network
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    paper.save_svg(str(picture), title="./run demo", code_format=form)


async def _print_notes(bench: Bench, console: Console) -> None:
    printed = 0
    while True:
        fresh = min(bench.noted - printed, len(bench.notes))
        for line in list(bench.notes)[len(bench.notes) - fresh :]:
            console.print(line, highlight=False, soft_wrap=True)
        printed = bench.noted
        await asyncio.sleep(0.1)


def _finish(console: Console, figures: dict[str, Any], report_file: Path | None) -> None:
    if report_file is not None:
        report_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    _summary(console, figures)


def _summary(console: Console, figures: dict[str, Any]) -> None:
    for setpoint in figures["setpoints"]:
        console.print(
            f"set-point {setpoint['requested_W'] / 1000:+6.1f} kW by {setpoint['source']}: "
            f"{setpoint['measured_W'] / 1000:+.2f} kW measured after {setpoint['latency_ms']:.0f} ms",
            highlight=False,
        )
    console.print(
        f"imported {figures['energy_import_Wh']:.3f} Wh (plant {figures['plant_import_Wh']:.3f}), "
        f"exported {figures['energy_export_Wh']:.3f} Wh (plant {figures['plant_export_Wh']:.3f}); "
        f"{figures['protocol']} {figures['service']} {figures['control_mode']} {figures['tls'] or 'no TLS'}; "
        f"first loop {figures['first_loop_s']:.2f} s after discovery",
        highlight=False,
    )
