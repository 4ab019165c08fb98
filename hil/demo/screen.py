"""The demo's screen: what flows, who set it, what is counted, what was said. Drawn from the status sockets alone."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hil.demo.bench import Bench

_ARROW = {"charge": ("→ car", "green"), "discharge": ("← car", "magenta"), "idle": ("·", "dim")}
BAR_CELLS = 40
BAR_FULL_W = 22_000.0
TALL_LINES = 32


def draw(
    bench: Bench, chapter: str, daemon: dict[str, Any] | None, plant: dict[str, Any] | None, lines: int = TALL_LINES
) -> RenderableType:
    """One frame for a terminal of so many lines; 24 are enough, then with fewer messages and the last note only."""
    if daemon is None:
        return Panel(Text("the daemon is not answering; power runs out by itself", style="red"), title="chargepoint")
    evse, tall = daemon["evses"]["1"], lines >= TALL_LINES
    notes = list(bench.notes)[-6 if tall else -1 :]
    steer = Text(f'steer: ./run steer --dir {bench.choices.folder} \'{{"do":"help"}}\'    Ctrl-C ends', style="dim")
    return Group(
        Panel(_flow(evse, plant), title=f"[b]EVSE 1[/b]  {evse['status']}", subtitle=f"story: {chapter}"),
        _two(_facts(evse, daemon, plant, tall), _messages(evse, daemon, *((6, 4) if tall else (4, 3)))),
        Panel(Text("\n".join(notes)), title="notes", border_style="dim") if tall else _one_line(" ".join(notes)),
        _one_line(steer),
    )


def _one_line(text: str | Text) -> Text:
    line = Text(text, style="dim") if isinstance(text, str) else text
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _flow(evse: dict[str, Any], plant: dict[str, Any] | None) -> RenderableType:
    image = evse["image"] or {}
    power_W = image.get("power_W") or 0.0
    kind = "charge" if power_W > 50 else "discharge" if power_W < -50 else "idle"
    arrow, colour = _ARROW[kind]
    cells = min(BAR_CELLS, round(abs(power_W) / BAR_FULL_W * BAR_CELLS))
    bar = Text("grid ", style="bold")
    filled = "▶" * cells if kind == "charge" else "◀" * cells
    bar.append(filled.ljust(BAR_CELLS), style=colour)
    bar.append(f" {arrow}   {power_W / 1000:+7.2f} kW", style=f"bold {colour}")
    soc = None if plant is None else plant.get("soc_percent")
    line = Text(
        f"{_number(image.get('voltage_V'), 'V')}  {_number(image.get('current_A'), 'A')}   "
        f"stage {image.get('stage', '?')}   pilot {image.get('pilot', '?')}   "
        f"contactor {image.get('contactor', '?')}   battery {'?' if soc is None else f'{soc:.2f} %'}"
    )
    setpoint = evse["setpoint"]
    words = Text("set-point ", style="dim")
    words.append(f"{setpoint['power_W'] / 1000:+.2f} kW by {setpoint['decided_by']}", style="bold cyan")
    words.append(f"   {setpoint['explanation']}")
    if cut := image.get("limited_by_stage"):
        words.append(f"; the power stage gives {image['target_W'] / 1000:+.2f} kW: limited by {cut}", style="yellow")
    faults = image.get("faults") or {}
    trouble = Text("! " + "; ".join(faults.values()), style="bold red") if faults else Text("no faults", style="dim")
    return Group(bar, line, words, trouble)


def _facts(evse: dict[str, Any], daemon: dict[str, Any], plant: dict[str, Any] | None, tall: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    transaction, meter = evse["transaction"], (evse["image"] or {}).get("meter") or {}
    car = evse["car"] or {}
    named, linked = evse["plugged"] and evse["evcc_id"], evse["plugged"] and evse["protocol"]
    rows = [
        ("car", f"{named}  {car.get('service', '')} {car.get('control_mode', '')}" if named else "-"),
        ("link to car", f"{linked}  {evse['tls'] or 'no TLS'}" if linked else "-"),
        ("transaction", "-" if transaction is None else f"{transaction['id'][:8]}…  {transaction['charging_state']}"),
        ("imported", "-" if transaction is None else f"{transaction['import_Wh']:.3f} Wh"),
        ("exported", "-" if transaction is None else f"{transaction['export_Wh']:.3f} Wh"),
        *(_registers(meter) if tall else ()),
        ("plant integral", "-" if plant is None else _plant_energy(plant)),
        ("central system", f"{daemon['ocpp']['boot_status'] or 'offline'}  outbox {daemon['ocpp']['outbox_depth']}"),
    ]
    for name, value in rows:
        table.add_row(Text(name, style="dim"), value)
    return Panel(table, title="state")


def _registers(meter: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return (
        ("meter register +", _number(meter.get("import_Wh"), "Wh")),
        ("meter register -", _number(meter.get("export_Wh"), "Wh")),
    )


def _messages(evse: dict[str, Any], daemon: dict[str, Any], of_ocpp: int, of_car: int) -> RenderableType:
    ocpp = [f"{m['direction']} {m['action']} {m['text']}" for m in daemon["ocpp"]["messages"][-of_ocpp:]]
    car = [f"{m['dir']} {m['name']} {m['note']}" for m in (evse["secc"] or {}).get("messages", [])[-of_car:]]
    return Panel(Text("\n".join(["OCPP", *ocpp, "", "ISO 15118", *car]), no_wrap=True), title="last messages")


def _two(left: RenderableType, right: RenderableType) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    grid.add_row(left, right)
    return grid


def _number(value: float | None, unit: str) -> str:
    return f"   ?   {unit}" if value is None else f"{value:8.2f} {unit}"


def _plant_energy(plant: dict[str, Any]) -> str:
    return f"+{plant['plant_import_Wh']:.3f} / -{plant['plant_export_Wh']:.3f} Wh"
