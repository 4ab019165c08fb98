"""What changed between two status answers of the daemon, in sentences for people. A core: no socket, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StationView:
    """The part of a status answer that a person wants to hear about when it changes."""

    central_system: str
    """`offline`, or the answer to BootNotification: Accepted, Pending, Rejected."""
    connector: str = ""
    refusal: tuple[str, str] | None = None
    """(when the token was refused, the sentence about it); a new time makes a new note."""
    transaction: str | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    """Fault name -> title and remedy in one sentence."""
    last_session: str | None = None


def view(daemon: Mapping[str, Any], evse_id: int) -> StationView:
    """Read one status answer. Keys that an older daemon does not send count as absent."""
    evse = daemon["evses"][str(evse_id)]
    transaction = evse.get("transaction")
    return StationView(
        central_system=central_system(daemon["ocpp"]),
        connector=str(evse.get("status", "")),
        refusal=refusal(evse) if evse.get("refusal") or evse.get("permission") == "refused" else None,
        transaction=None if transaction is None else str(transaction["id"]),
        faults=fault_sentences(evse),
        last_session=_last_session(evse.get("last_session")),
    )


def central_system(ocpp: Mapping[str, Any]) -> str:
    """`offline`, `connected` (BootNotification not answered yet), or the status the central system answered it with."""
    if not ocpp.get("connected"):
        return "offline"
    return str(ocpp.get("boot_status") or "connected")


def fault_sentences(evse: Mapping[str, Any]) -> dict[str, str]:
    """Each active fault of an EVSE with its remedy: {"EMERGENCY_STOP": "emergency stop: release the button, …"}."""
    titles = (evse.get("image") or {}).get("faults") or {}
    remedies = evse.get("fault_remedies") or {}
    return {name: f"{title}: {remedies[name]}" if remedies.get(name) else str(title) for name, title in titles.items()}


def changes(before: StationView | None, after: StationView) -> Iterator[str]:
    """One sentence for each change, in the order a person would ask for them."""
    old = before or StationView("")
    if after.central_system != old.central_system:
        yield _CENTRAL_SYSTEM.get(
            after.central_system, f"central system answered BootNotification: {after.central_system}"
        )
    for name in after.faults.keys() - old.faults.keys():
        yield f"fault: {after.faults[name]}"
    for name in old.faults.keys() - after.faults.keys():
        yield f"fault is gone: {old.faults[name].partition(':')[0]}"
    if after.refusal is not None and after.refusal != old.refusal:
        yield after.refusal[1]
    if after.transaction is not None and after.transaction != old.transaction:
        yield f"transaction {after.transaction[:8]}… started"
    if after.last_session is not None and after.last_session != old.last_session and before is not None:
        yield after.last_session
    elif old.transaction is not None and after.transaction is None:
        yield f"transaction {old.transaction[:8]}… ended"
    if before is not None and after.connector != old.connector:
        yield f"connector is {after.connector}"


_CENTRAL_SYSTEM = {
    "offline": "central system: no connection yet",
    "connected": "central system: connected, waiting for the answer to BootNotification",
    "Accepted": "central system accepted the station",
    "Pending": "central system holds the station back (BootNotification Pending)",
    "Rejected": "central system rejected the station (BootNotification Rejected)",
}


def refusal(evse: Mapping[str, Any]) -> tuple[str, str]:
    """When the last token was refused, and the sentence about it; the reason is the daemon's own."""
    last = evse.get("refusal")
    if last:
        return str(last.get("at_utc")), f"token {last.get('token_hint')} refused: {last.get('reason')}"
    return "", "token refused: the reason is in log/daemon.log"


def _last_session(session: Mapping[str, Any] | None) -> str | None:
    if not session:
        return None
    detail = f" ({session['detail']})" if session.get("detail") else ""
    energy = [f"{session[key]:.1f} Wh {word}" for key, word in _ENERGIES if session.get(key) is not None]
    duration = "" if session.get("duration_s") is None else f", {session['duration_s']:.0f} s"
    name = str(session.get("transaction_id") or "")[:8]
    return f"session {name}… ended: {session.get('reason')}{detail}; {' and '.join(energy)}{duration}"


_ENERGIES = (("import_Wh", "into the car"), ("export_Wh", "out of the car"))
