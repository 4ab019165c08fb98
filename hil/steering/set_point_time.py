"""When a set-point is possible: what is missing now, in a sentence for people. A core: the station's picture in, words out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.bench.changes import fault_sentences

TRANSFER = "TRANSFER"
_WAIT = '{"do": "wait", "for": {"stage": "TRANSFER"}, "within_s": 60}'
_ENDING = ("RAMP_DOWN", "OPENING", "DISCHARGING_OUTPUT")


def set_point_obstacle(evse: Mapping[str, Any], number: int, car_phase: str | None) -> str | None:
    """Why this EVSE obeys no set-point now, and what to wait for. None: power may flow, send it.

    `evse`: the daemon's picture of the EVSE; `car_phase`: where the car's own session is, None where no car of the bench talks.
    """
    at, image = f"EVSE {number}", evse.get("image")
    if image is None:
        return f"the power process has not reported on {at} yet: wait until the station is up"
    if faults := fault_sentences(evse):
        listed = "; ".join(faults.values())
        return f'a fault is on at {at}: {listed}; take its cause away, then send {{"do": "reset"}} and begin a session'
    if evse.get("transaction") is None:
        return f"no transaction runs on {at}: {_missing_for_transaction(evse)}; then a set-point is possible once power flows: {_WAIT}"
    stage = str(image.get("stage"))
    if stage == TRANSFER:
        return None
    car = "" if car_phase is None else f", the car is at {car_phase}"
    state = evse["transaction"].get("charging_state", "")
    where = f"stage {stage}{car}, charging state {state}"
    if stage in _ENDING:
        return f'power transfer is over on {at}: {where}; end this session ({{"do": "unplug"}}) and begin another one'
    return (
        f"power transfer has not begun on {at}: {where}; a set-point is possible in stage {TRANSFER}: "
        f'wait with {_WAIT}. To send one before, send its message with {{"do": "ocpp"}}'
    )


def _missing_for_transaction(evse: Mapping[str, Any]) -> str:
    if evse.get("obstacle"):
        return f"nothing can begin now, {evse['obstacle']}"
    if not evse.get("plugged"):
        return 'plug the car in ({"do": "plug"}) and show a card ({"do": "token"}), or send {"do": "story"}'
    if evse.get("permission") == "refused":
        return 'the car is plugged in and its card was refused; show another one ({"do": "token"})'
    return 'the car is plugged in; show a card ({"do": "token"}), where none was shown yet, and wait for the station'
