"""docs/interlocks.md, made of the interlock table and the catalogue of faults: `python -m chargepoint.diagnostics.interlock_page`."""

from __future__ import annotations

import sys

from chargepoint.model.faults import CATALOGUE, CONTROLLED_STOP_S, LOAD_WAIT_S, ON_SITE, FaultCode, ResetRule, Severity
from chargepoint.ports import IO_MAX_AGE_S
from chargepoint.power.device_readings import METER_MAX_AGE_S, MODULE_MAX_AGE_S
from chargepoint.safety.interlocks.row import Interlock, Outlet
from chargepoint.safety.interlocks.table import BY_SEQUENCE, TABLE

_REACTION = {
    Severity.EMERGENCY: "emergency open",
    Severity.ERROR: "ramp, then open",
    Severity.STOP: "controlled stop",
    Severity.DERATE: "less current",
    Severity.WARNING: "report",
}
_CAR = {
    Severity.EMERGENCY: "pilot F; loop FAILED",
    Severity.ERROR: "Terminate; loop FAILED",
    Severity.STOP: "Terminate",
    Severity.DERATE: "lower limits",
    Severity.WARNING: "none",
}
_EVENT_SEVERITY = {
    Severity.EMERGENCY: 1,
    Severity.ERROR: 2,
    Severity.STOP: 4,
    Severity.DERATE: 5,
    Severity.WARNING: 6,
}
_RESET = {
    ResetRule.AUTO: "by itself",
    ResetRule.RESTING: "at rest",
    ResetRule.UNPLUG: "after unplugging",
    ResetRule.OPERATOR: "**by a person**",
}

_REMOTE = ", ".join(
    code.name for code in FaultCode if CATALOGUE[code].reset is ResetRule.OPERATOR and code not in ON_SITE
)

_HEAD = f"""# Interlocks

Every fault that this station knows: what is seen, how long it must last, what the station does, and who may reset it.
This page is made of the code (`python -m chargepoint.diagnostics.interlock_page`); a test holds the page against the code.

The power process evaluates all rows once each cycle, for each EVSE. An input that is not known counts as the dangerous answer.
«In all»: the time counts up while the cause is there, and down as fast while it is not. So a current above its limit that comes and goes trips too.
When the limit falls by more than 5 %, the time counts from zero: the car has to adapt anew.

What is older than this counts as silent. The rows that look at it act so much later at most. What a device does not measure no row sees;
`chargepoint check` warns of it.

| reading of | counts for |
|---|---|
| pilot/IO board, GPIO lines | {IO_MAX_AGE_S:g} s |
| an AC charge controller in place of the board | what its profile states: [configuration.md](configuration.md), Profiles |
| power module | {MODULE_MAX_AGE_S:g} s |
| meter, insulation monitor | {METER_MAX_AGE_S:g} s |

| reaction | what happens | to the car (ISO 15118-20) |
|---|---|---|
| emergency open | module off and contactor open in the same cycle; pilot shows F. For a lost pilot and over-current the contactor waits at most {LOAD_WAIT_S * 1000:.0f} ms for the current to fall | {_CAR[Severity.EMERGENCY]} |
| ramp, then open | current to zero at 200 A/s or faster, then open; 2 s at most | {_CAR[Severity.ERROR]} |
| controlled stop | the car is asked to end; nothing new begins; after {CONTROLLED_STOP_S:.0f} s: ramp, then open | {_CAR[Severity.STOP]} |
| less current | the session goes on with less current | {_CAR[Severity.DERATE]} |
| report | journal, status and central system | {_CAR[Severity.WARNING]} |

| reset | when the latched fault goes, once its cause is gone and the output is off |
|---|---|
| by itself | at once |
| at rest | when moreover the pilot shows A or B and the contactor is open |
| after unplugging | when the car was seen gone since the trip |
| **by a person** | `chargepoint reset` or the steering door; kept over restart and power cut. The central system's Reset clears {_REMOTE}; the others need somebody who looks at the station |

A reset is written to the journal with its author. A cause that is still there cannot be reset.

To the central system each fault is a NotifyEvent of its EVSE with the event severity below and the fault's name as `techCode`.
A transaction that ends by the fault has the `stoppedReason` below.

## Faults

| fault | outlet | what is seen | lasts | reaction | reset | event severity | stoppedReason |
|---|---|---|---|---|---|---|---|
"""

_TEXTS = """
## What to do

| fault | in words | remedy |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_rows_of, FaultCode)) + _TEXTS + "".join(map(_text_of, FaultCode))


def _rows_of(code: FaultCode) -> str:
    kind = CATALOGUE[code]
    tail = f"{_REACTION[kind.severity]} | {_RESET[kind.reset]} | {_EVENT_SEVERITY[kind.severity]} | {_reason(code)} |\n"
    seen = [(row.cause, _lasts(row), _outlets(row.outlets)) for row in TABLE if row.code is code]
    seen += [(BY_SEQUENCE[code], "", "DC")] if code in BY_SEQUENCE else []
    return "".join(f"| {code.name} | {outlets} | {cause} | {lasts} | {tail}" for cause, lasts, outlets in seen)


def _text_of(code: FaultCode) -> str:
    kind = CATALOGUE[code]
    return f"| {code.name} | {kind.title} | {kind.remedy.replace('|', '/')} |\n"


def _reason(code: FaultCode) -> str:
    stops = CATALOGUE[code].severity not in (Severity.DERATE, Severity.WARNING)
    return CATALOGUE[code].stop_reason.value if stops else ""


def _lasts(row: Interlock) -> str:
    return "one cycle" if row.delay_s == 0 else f"{row.delay_s:g} s{', in all' if row.recurs else ''}"


def _outlets(outlets: frozenset[Outlet]) -> str:
    return ", ".join(sorted(outlet.name for outlet in outlets))


if __name__ == "__main__":
    sys.stdout.write(page())
