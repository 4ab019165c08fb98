"""The message-sequence page: one HTML file with nothing to fetch. Car left, station right, time downwards. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from chargepoint.iso15118.trace.frame import WireDirection
from chargepoint.iso15118.trace.json_lines import Entry
from chargepoint.iso15118.trace.sequence import MessageRow, Row, RunRow, SilenceRow, rows

_WIDTH, _HEIGHT = 720, 34
_CAR_X, _STATION_X = 30, 690

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #ffffff; --quiet: #66727f; --line: #c3ccd6; --plain: #1f6fb5;
  --warning: #a86400; --failed: #c0262d; --shade: #f2f5f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --paper: #14191f; --quiet: #9aa6b2; --line: #3b4653;
  --plain: #6db3f2; --warning: #f0b04a; --failed: #ff7b7b; --shade: #1e262f; } }
body { margin: 0 auto; max-width: 1000px; padding: 16px; color: var(--ink); background: var(--paper);
  font: 14px/1.4 system-ui, sans-serif; }
h1 { font-size: 20px; margin: 0 0 4px; }
p, dl { margin: 4px 0; color: var(--quiet); }
.head, summary, .silence, .run { display: grid; grid-template-columns: 150px minmax(0, 1fr); align-items: center; }
.head { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--line); font-weight: 600; z-index: 1; }
.ends { display: flex; justify-content: space-between; padding: 6px 0; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover, details[open] > summary { background: var(--shade); }
summary:focus-visible { outline: 2px solid var(--plain); outline-offset: -2px; }
.time { font: 12px ui-monospace, monospace; color: var(--quiet); white-space: nowrap; }
.time b { color: var(--ink); font-weight: 500; }
svg { display: block; width: 100%; height: auto; }
.life { stroke: var(--line); stroke-width: 2; }
.gap .life { stroke-dasharray: 2 4; }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.code { font: 12px ui-monospace, monospace; fill: var(--quiet); }
.plain { --tone: var(--plain); } .warning { --tone: var(--warning); } .failed { --tone: var(--failed); }
.arrow { stroke: var(--tone); stroke-width: 2; } .tip { fill: var(--tone); }
.warning text, .failed text { fill: var(--tone); } .warning .time, .failed .time { color: var(--tone); }
.failed text { font-weight: 600; }
pre { margin: 0 0 0 150px; padding: 8px 12px; background: var(--shade); overflow-x: auto; font: 12px/1.45 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 640px) { .head, summary, .silence, .run { grid-template-columns: 96px minmax(0, 1fr); }
  .after, .code { display: none; } pre { margin-left: 0; } text { font-size: 24px; } }
"""


def draw(entries: Sequence[Entry], title: str) -> str:
    """The page of these entries. Everything that comes from the trace is escaped."""
    body = "\n".join(_row(row) for row in rows(entries))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{_summary(entries)}
<div class="head"><span class="time">time s</span><span class="ends"><span>car</span><span>station</span></span></div>
{body}
</body>
</html>
"""


def _summary(entries: Sequence[Entry]) -> str:
    if not entries:
        return "<p>This trace is empty.</p>"
    begin = datetime.fromtimestamp(entries[0].at_utc_s, UTC).isoformat(sep=" ", timespec="milliseconds")
    lasted_s = entries[-1].at_utc_s - entries[0].at_utc_s
    codes = sorted({e.response_code for e in entries if e.response_code})
    return (
        f"<p>Begins {escape(begin)}, lasts {lasted_s:.3f} s, {len(entries)} entries. Click a row for its content.</p>"
        f"<p>Response codes: {escape(', '.join(codes) or 'none')}</p>"
    )


def _row(row: Row) -> str:
    match row:
        case MessageRow():
            return _message(row)
        case SilenceRow(seconds, waiting_for, grade):
            turn = "" if waiting_for == "nobody" else f", the {waiting_for}'s turn"
            picture = _svg(_middle(f"{seconds:.1f} s without a message{turn}"))
            return f'<div class="silence gap {grade.value}"><span class="time"></span>{picture}</div>'
        case RunRow():
            text = f"{row.pairs} more pairs of {row.request} and its answer, slowest answer {row.slowest_answer_s * 1000:.0f} ms"
            time = f"{row.from_s:.3f} to {row.to_s:.3f}"
            return f'<div class="run gap plain"><span class="time">{time}</span>{_svg(_middle(text))}</div>'


def _message(row: MessageRow) -> str:
    entry = row.entry
    after = "" if row.after_s is None else f" <span class='after'>+{row.after_s * 1000:.1f} ms</span>"
    drawn = _middle(entry.note, "◆ ") if entry.direction is WireDirection.EVENT else _arrow(entry)
    return (
        f'<details class="{row.grade.value}"><summary><span class="time"><b>{row.at_s:.3f}</b>{after}</span>{_svg(drawn)}</summary>'
        f"<pre>{escape(_details(entry))}</pre></details>"
    )


def _arrow(entry: Entry) -> str:
    right = entry.direction is WireDirection.FROM_CAR
    tip_x, back = (_STATION_X, -9) if right else (_CAR_X, 9)
    label = entry.name + (f" · {entry.note}" if entry.note else "")
    code = entry.response_code
    code_text = f'  <tspan class="code">{escape(code)}</tspan>' if code else ""
    return (
        f'<line class="arrow" x1="{_CAR_X}" y1="26" x2="{_STATION_X}" y2="26"/>'
        f'<path class="tip" d="M{tip_x} 26l{back} -5v10z"/>'
        f'<text x="{_WIDTH // 2}" y="19" text-anchor="middle">{escape(_shortened(label))}{code_text}</text>'
    )


def _middle(text: str, mark: str = "") -> str:
    return f'<text x="{_WIDTH // 2}" y="22" text-anchor="middle">{escape(mark + _shortened(text))}</text>'


def _svg(drawn: str) -> str:
    lives = "".join(f'<line class="life" x1="{x}" y1="0" x2="{x}" y2="{_HEIGHT}"/>' for x in (_CAR_X, _STATION_X))
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{lives}{drawn}</svg>'


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _details(entry: Entry) -> str:
    if entry.direction is WireDirection.EVENT:
        return entry.note
    parts = [f"{entry.direction.value}  {entry.type_name}  {entry.length} bytes"]
    parts += [text for text in (entry.note, entry.left_out) if text]
    if entry.message is not None:
        parts.append(json.dumps(entry.message, indent=2, ensure_ascii=False))
    if entry.exi_hex:
        parts.append(f"payload {entry.exi_hex}")
    return "\n\n".join(parts)
