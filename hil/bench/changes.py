"""What changed between two status answers of the daemon, in sentences for people. A core: no socket, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SAME_WITHIN_S = 0.05


@dataclass(frozen=True, slots=True)
class WatchedStation:
    """The part of a status answer that a person wants to hear about when it changes."""

    central_system: str
    """`offline`, or the answer to BootNotification: Accepted, Pending, Rejected."""
    connector: str = ""
    refusal: tuple[float, str] | None = None
    """(monotonic time of the refusal, the sentence about it); another time makes a new note."""
    obstacle: str | None = None
    """Why nothing can begin now."""
    transaction: str | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    """Fault name -> title and remedy in one sentence."""
    last_session: str | None = None
    boot_trouble: str = ""
    """Why the last BootNotification came to nothing; empty where it was answered."""


def view(daemon: Mapping[str, Any], evse_id: int) -> WatchedStation:
    """Read one status answer. Keys that an older daemon does not send count as absent."""
    evse = daemon["evses"][str(evse_id)]
    refused = evse.get("refusal")
    transaction = evse.get("transaction")
    return WatchedStation(
        central_system=central_system(daemon["ocpp"]),
        boot_trouble=daemon["ocpp"].get("boot_trouble") or "",
        connector=str(evse.get("status", "")),
        refusal=None if refused is None else (daemon["monotonic_s"] - refused["age_s"], refusal(evse)),
        obstacle=evse.get("obstacle"),
        transaction=None if transaction is None else str(transaction["id"]),
        faults=fault_sentences(evse),
        last_session=_last_session(evse.get("last_session")),
    )


def central_system(ocpp: Mapping[str, Any]) -> str:
    """`offline`, `connected` (BootNotification not answered yet), or the status the central system answered it with."""
    if not ocpp.get("connected"):
        return "offline"
    return str(ocpp.get("boot_status") or "connected")


def registration(ocpp: Mapping[str, Any]) -> str:
    """How far the registration is, where it is not Accepted yet: the answer or why there is none, and when it is asked for again."""
    words = (
        f"BootNotification {ocpp['boot_status']}" if ocpp.get("boot_status") else "BootNotification not answered yet"
    )
    if ocpp.get("boot_trouble"):
        words = f"BootNotification came to nothing: {ocpp['boot_trouble']}"
    again_in_s = ocpp.get("boot_again_in_s")
    return words if again_in_s is None else f"{words}; sent again in {again_in_s:.0f} s"


def fault_sentences(evse: Mapping[str, Any]) -> dict[str, str]:
    """Each active fault of an EVSE with its remedy: {"EMERGENCY_STOP": "emergency stop: release the button, …"}."""
    image = evse.get("image") or {}
    titles, remedies = image.get("faults") or {}, image.get("fault_remedies") or {}
    return {name: f"{title}: {remedies[name]}" if remedies.get(name) else str(title) for name, title in titles.items()}


def changes(before: WatchedStation | None, after: WatchedStation) -> Iterator[str]:
    """One sentence for each change, in the order a person would ask for them."""
    old = before or WatchedStation("")
    if after.central_system != old.central_system:
        lost = after.central_system == "offline" and before is not None
        yield (
            "central system: connection lost"
            if lost
            else _CENTRAL_SYSTEM.get(
                after.central_system, f"central system answered BootNotification: {after.central_system}"
            )
        )
    if after.boot_trouble and after.boot_trouble != old.boot_trouble:
        yield f"BootNotification came to nothing: {after.boot_trouble}"
    for name in sorted(after.faults.keys() - old.faults.keys()):
        yield f"fault: {after.faults[name]}"
    for name in sorted(old.faults.keys() - after.faults.keys()):
        yield f"fault is gone: {old.faults[name].partition(':')[0]}"
    if after.refusal is not None and _is_new(after.refusal, old.refusal):
        yield after.refusal[1]
    if after.obstacle is not None and after.obstacle != old.obstacle:
        yield f"nothing can begin now: {after.obstacle}"
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


def refusal(evse: Mapping[str, Any]) -> str:
    """The sentence about the last token that was refused; the reason is the daemon's own."""
    refused = evse.get("refusal")
    return "the token was refused" if refused is None else f"token {refused['token_hint']} refused: {refused['reason']}"


def ending(evse: Mapping[str, Any]) -> str:
    """Why the station lets nothing flow any more: its faults, else why its last transaction ended; empty while one runs."""
    if faults := fault_sentences(evse):
        return "; ".join(faults.values())
    session = evse.get("last_session")
    if evse.get("transaction") is not None or not session:
        return ""
    return f"{session.get('reason')}{_detail(session)}"


def _detail(session: Mapping[str, Any]) -> str:
    return f" ({session['detail']})" if session.get("detail") else ""


def _is_new(refused: tuple[float, str] | None, before: tuple[float, str] | None) -> bool:
    """One refusal read twice has the same time but for a rounding error."""
    return refused is not None and (before is None or abs(refused[0] - before[0]) > SAME_WITHIN_S)


def _last_session(session: Mapping[str, Any] | None) -> str | None:
    if not session:
        return None
    energy = [f"{session[key]:.1f} Wh {word}" for key, word in _ENERGIES if session.get(key) is not None]
    duration = "" if session.get("duration_s") is None else f", {session['duration_s']:.0f} s"
    name = str(session.get("transaction_id") or "")[:8]
    return f"session {name}… ended: {session.get('reason')}{_detail(session)}; {' and '.join(energy)}{duration}"


_ENERGIES = (("import_Wh", "into the car"), ("export_Wh", "out of the car"))
