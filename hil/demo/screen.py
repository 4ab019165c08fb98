"""The demo's screen: what flows, who set it, what is counted, what happened. Drawn from the status answers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hil.bench.bench import default_folder
from hil.bench.changes import central_system, fault_sentences
from hil.demo.history import History, block

_ARROW = {"charge": ("→ car", "green"), "discharge": ("← car", "magenta"), "idle": ("·", "dim")}
BAR_CELLS = 40
FULL_W = 22_000.0
"""The power of a full bar."""

COMPACT_LINES = 24
"""The smallest terminal: everything that counts fits, with one note and few messages."""

TALL_LINES = 30
"""From here on the meter's registers, the outbox and more notes and messages are shown."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What one frame shows. `daemon` and `plant` are their status answers, None while they do not answer."""

    story: str
    daemon: Mapping[str, Any] | None
    plant: Mapping[str, Any] | None
    notes: Sequence[str]
    folder: Path
    car_phase: str | None = None
    """Where the demo's own car is in its session; None: it was not plugged in yet, or an outside car is expected."""
    history: History = field(default_factory=History)


def draw(scene: Scene, lines: int = TALL_LINES, columns: int = 100) -> RenderableType:
    """One frame for a terminal of this size; 24 lines and 80 columns are enough."""
    daemon = scene.daemon
    if daemon is None:
        return Panel(
            Text("the daemon does not answer; the power process ramps to zero", style="red"), title="chargepoint"
        )
    evse, tall = daemon["evses"]["1"], lines >= TALL_LINES
    faults = list(fault_sentences(evse).values())
    spare = max(0, lines - TALL_LINES) if tall else 0
    notes_shown = 3 + spare - 2 * (spare // 6) if tall else 1
    messages = (5 + spare // 6, 4 + spare // 6) if tall else (3, 2)
    folder = "" if scene.folder == default_folder() else f"--dir {scene.folder} "
    steer = Text(f'steer: ./run steer {folder}\'{{"do":"help"}}\'    Ctrl-C ends', style="dim")
    notes = [_one_line(note) for note in list(scene.notes)[-notes_shown:]]
    status = Text(f" {evse['status']} ", style="bold red" if faults else "bold")
    title = Text.assemble(("EVSE 1 ", "bold"), status)
    return Group(
        Panel(_flow(evse, scene.plant, faults), title=title, subtitle=Text(scene.story, no_wrap=True)),
        _strips(scene.history, columns),
        _two(_facts(scene, evse, daemon, tall), _messages(evse, daemon, *messages)),
        Panel(Group(*notes), title="notes", border_style="dim") if tall else notes[-1] if notes else Text(""),
        _one_line(steer),
    )


def _one_line(text: str | Text) -> Text:
    line = Text(text, style=_note_style(text)) if isinstance(text, str) else text
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _note_style(note: str) -> str:
    bad = any(word in note for word in (" fault", "refused", "breaks off", "ended with"))
    return "yellow" if bad else "dim"


def _flow(evse: Mapping[str, Any], plant: Mapping[str, Any] | None, faults: Sequence[str]) -> RenderableType:
    image = evse["image"] or {}
    power_W = image.get("power_W") or 0.0
    kind = "charge" if power_W > 50 else "discharge" if power_W < -50 else "idle"
    arrow, colour = _ARROW[kind]
    cells = min(BAR_CELLS, round(abs(power_W) / FULL_W * BAR_CELLS))
    bar = Text("grid ", style="bold")
    filled = "▶" * cells if kind == "charge" else "◀" * cells
    bar.append(filled.ljust(BAR_CELLS), style=colour)
    bar.append(f" {arrow}   {power_W / 1000:+7.2f} kW", style=f"bold {colour}")
    soc = None if plant is None else plant.get("soc_percent")
    line = Text(
        f"{_number(image.get('voltage_V'), 'V')}  {_number(image.get('current_A'), 'A')}{_supply(image)}   "
        f"stage {image.get('stage', '?')}   pilot {image.get('pilot', '?')}   "
        f"contactor {image.get('contactor', '?')}   battery {'?' if soc is None else f'{soc:.2f} %'}"
    )
    setpoint = evse["setpoint"]
    words = Text("set-point ", style="dim")
    words.append(f"{setpoint['power_W'] / 1000:+.2f} kW by {setpoint['decided_by']}", style="bold cyan")
    words.append(f"   {setpoint['explanation']}")
    if cut := image.get("limited_by_stage"):
        words.append(f"; the power stage gives {image['target_W'] / 1000:+.2f} kW: limited by {cut}", style="yellow")
    trouble = Text("no faults", style="dim")
    if faults:
        trouble = Text("! " + "; ".join(faults), style="bold red")
    elif obstacle := evse.get("obstacle"):
        trouble = Text(f"nothing can begin now: {obstacle}", style="yellow")
    return Group(bar, line, words, trouble)


def _supply(image: Mapping[str, Any]) -> str:
    """The grid's frequency where it is measured, and the phases of an AC outlet."""
    frequency_Hz, ac = image.get("frequency_Hz"), image.get("ac")
    text = "" if frequency_Hz is None else f"  {frequency_Hz:.2f} Hz"
    return text if ac is None else f"{text}  AC, {ac['phases']} phase{'s' if ac['phases'] > 1 else ''}"


def _strips(history: History, columns: int) -> RenderableType:
    """Power, set-point and state of charge of the last minutes, one row each; the newest value is at the right."""
    cells = max(10, columns - 24)
    rows = []
    for name, quantity, full, unit in _ROWS:
        values = history.row(quantity, cells)
        row = Text(f"{name:>9} ", style="dim")
        for value in values:
            row.append(block(value, full), style=_strip_style(quantity, value))
        last = next((value for value in reversed(values) if value is not None), None)
        row.append("" if last is None else f" {last / unit[0]:{unit[2]}} {unit[1]}", style="dim")
        rows.append(_one_line(row))
    return Group(*rows)


_ROWS = (
    ("power", "power_W", FULL_W, (1000.0, "kW", "+.1f")),
    ("set-point", "setpoint_W", FULL_W, (1000.0, "kW", "+.1f")),
    ("battery", "soc_percent", 100.0, (1.0, "%", ".1f")),
)


def _strip_style(quantity: str, value: float | None) -> str:
    if quantity == "soc_percent" or value is None:
        return "blue"
    return "green" if value > 0 else "magenta"


def _facts(scene: Scene, evse: Mapping[str, Any], daemon: Mapping[str, Any], tall: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    transaction, meter = evse["transaction"], (evse["image"] or {}).get("meter") or {}
    car = evse["car"] or {}
    named, linked = evse["plugged"] and evse["evcc_id"], evse["plugged"] and evse["protocol"]
    service = f"{car.get('service', '')} {car.get('control_mode', '')}".strip()
    tls = evse["tls"] or "no TLS"
    state = central_system(daemon["ocpp"])
    rows: list[tuple[str, str | Text]] = [
        ("car", f"{named}" if named else _car_words(scene, evse)),
        ("link", (f"{evse['protocol']}  {tls}" if tall else f"{service} {tls}".strip()) if linked else "-"),
        *((("service", service or "-"),) if tall else ()),
        ("transaction", _transaction_words(evse)),
        *_energies(transaction or evse.get("last_session")),
        *(_registers(meter) if tall else ()),
        ("plant", "-" if scene.plant is None else _plant_energy(scene.plant, 3 if tall else 1)),
        ("OCPP", Text(f"central system {state}", style="" if state == "Accepted" else "yellow")),
        *((("outbox", f"{daemon['ocpp']['outbox_depth']} messages"),) if tall else ()),
    ]
    for name, value in rows:
        shown = Text(value) if isinstance(value, str) else value
        table.add_row(Text(name, style="dim"), _one_line(shown))
    return Panel(table, title="state")


def _car_words(scene: Scene, evse: Mapping[str, Any]) -> str:
    if not evse["plugged"]:
        return "-"
    return "plugged in" if scene.car_phase is None else f"plugged in: {scene.car_phase.replace('_', ' ')}"


def _transaction_words(evse: Mapping[str, Any]) -> str:
    if (transaction := evse["transaction"]) is not None:
        return f"{transaction['id'][:8]}…  {transaction['charging_state']}"
    if last := evse.get("last_session"):
        return f"ended: {last.get('reason')}"
    return "-"


def _energies(counted: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Of the transaction, or of the last one when none runs."""
    if not counted:
        return (("imported", "-"), ("exported", "-"))
    return tuple(
        (name, "-" if counted.get(key) is None else f"{counted[key]:.3f} Wh")
        for name, key in (("imported", "import_Wh"), ("exported", "export_Wh"))
    )


def _registers(meter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (
        ("meter +", _number(meter.get("import_Wh"), "Wh")),
        ("meter -", _number(meter.get("export_Wh"), "Wh")),
    )


def _messages(evse: Mapping[str, Any], daemon: Mapping[str, Any], of_ocpp: int, of_car: int) -> RenderableType:
    ocpp = [f"{m['direction']} {m['action']} {m['text']}" for m in daemon["ocpp"]["messages"][-of_ocpp:]]
    car = [f"{m['dir']} {m['name']} {m['note']}" for m in (evse["secc"] or {}).get("messages", [])[-of_car:]]
    heads = (Text("OCPP", style="bold"), Text("ISO 15118", style="bold"))
    return Panel(Group(heads[0], *map(_message, ocpp), heads[1], *map(_message, car)), title="last messages")


def _message(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _two(left: RenderableType, right: RenderableType) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    grid.add_row(left, right)
    return grid


def _number(value: float | None, unit: str) -> str:
    return f"   ?   {unit}" if value is None else f"{value:8.2f} {unit}"


def _plant_energy(plant: Mapping[str, Any], digits: int) -> str:
    return f"+{plant['plant_import_Wh']:.{digits}f} / -{plant['plant_export_Wh']:.{digits}f} Wh"
