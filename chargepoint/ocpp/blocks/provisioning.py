"""B Provisioning: BootNotification, variables, reports, reset."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.config.schema import StationSection
from chargepoint.model.commands import Reset, ResetKind
from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, Outgoing, status
from chargepoint.ocpp.device_model import Mutability, Variable
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.store.rows import SetVariable

REPORT_PAGE = 16
"""ReportData per NotifyReport: about 8 KiB."""

BOOT_REASON_KEY = "station/boot-reason"
"""Where the store keeps why the next boot happens."""


def boot_request(station: StationSection, firmware_version: str, reason: str) -> Payload:
    """BootNotification. B01.FR.01, FR.09."""
    charging_station: Payload = {"model": station.model, "vendorName": station.vendor_name}
    if station.serial_number:
        charging_station["serialNumber"] = station.serial_number
    if firmware_version:
        charging_station["firmwareVersion"] = firmware_version[:50]
    return {"reason": reason, "chargingStation": charging_station}


def get_variables(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B06."""
    return CallAnswer({"getVariableResult": [context.model.get(data) for data in request["getVariableData"]]})


def set_variables(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B05. Values are on the disk before the answer goes out."""
    settings = [context.model.set(data) for data in request["setVariableData"]]
    kept = [(s.key, s.value) for s in settings if s.key is not None and s.value is not None]

    def apply() -> None:
        for key, value in kept:
            context.model.keep(key, value)
            if key == "OCPPCommCtrlr/HeartbeatInterval":
                context.registration.heartbeat_interval_s = float(value)
                if context.registration.next_heartbeat_s is not None:
                    context.registration.beat(now.monotonic_s)

    return CallAnswer(
        {"setVariableResult": [s.result for s in settings]},
        tuple(SetVariable(key, value) for key, value in kept),
        apply,
        reevaluate=bool(kept),
    )


def get_base_report(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B07."""
    wanted = _INVENTORIES.get(request["reportBase"])
    if wanted is None:
        return CallAnswer(status("NotSupported"))  # B07.FR.02
    return CallAnswer(status("Accepted"), then=_notify_report(request["requestId"], context.model.report(wanted), now))


_INVENTORIES: dict[str, Callable[[Variable], bool]] = {
    "ConfigurationInventory": lambda row: row.mutability is not Mutability.READ_ONLY,  # B07.FR.07
    "FullInventory": lambda row: True,  # B07.FR.08
    "SummaryInventory": lambda row: row.summary,  # B07.FR.09
}


def get_report(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B08: criteria select components (logical OR), component variables select rows; both given: both must hold."""
    criteria, selection = request.get("componentCriteria"), request.get("componentVariable")

    def wanted(row: Variable) -> bool:
        return (criteria is None or any(_meets(c, row, context) for c in criteria)) and (
            selection is None or any(_selects(s, row) for s in selection)
        )

    rows = context.model.report(wanted)
    if not rows:
        return CallAnswer(status("EmptyResultSet"))  # B08.FR.15
    return CallAnswer(status("Accepted"), then=_notify_report(request["requestId"], rows, now))


def _meets(criterion: str, row: Variable, context: BlockContext) -> bool:
    value = context.model.component_flag(row, criterion)
    if criterion == "Problem":
        return value == "true"  # B08.FR.10
    return value in (None, "true")  # B08.FR.07 to FR.09


def _selects(selection: Payload, row: Variable) -> bool:
    component, variable = selection["component"], selection.get("variable")
    evse = component.get("evse", {})
    return (
        component["name"].casefold() == row.component.casefold()
        and not component.get("instance")
        and evse.get("id") in (None, row.evse_id)  # B08.FR.23
        and evse.get("connectorId") in (None, row.connector_id)  # B08.FR.22
        and (variable is None or variable["name"].casefold() == row.name.casefold())  # B08.FR.20
        and (variable is None or variable.get("instance", row.instance).casefold() == row.instance.casefold())  # FR.21
    )


def _notify_report(request_id: int, rows: list[Payload], now: Moment) -> tuple[Outgoing, ...]:
    pages = [rows[i : i + REPORT_PAGE] for i in range(0, len(rows), REPORT_PAGE)] or [[]]
    return tuple(
        Outgoing(
            "NotifyReport",
            {
                "requestId": request_id,  # B07.FR.04
                "generatedAt": now.wire,
                "seqNo": number,  # B07.FR.10
                "tbc": number < len(pages) - 1,
                **({"reportData": page} if page else {}),
            },
        )
        for number, page in enumerate(pages)
    )


def set_network_profile(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B09: the connection is configured at the station, so every slot is refused (B09.FR.02)."""
    return CallAnswer(
        status("Rejected", "UnsupportedRequest", "the connection is set in the station's configuration file")
    )


def reset(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """B11, B12. The app ends transactions in order; what it cannot send in time is in the outbox (B12.FR.05)."""
    kind, evse_id = ResetKind(request["type"]), request.get("evseId")
    if evse_id is not None and context.evse(evse_id) is None:
        return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
    evses = [e for e in context.port.evse_states() if evse_id is None or e.evse_id == evse_id]
    result = context.port.command(Reset(kind, None if evse_id is None else EvseId(evse_id)))
    if not result.accepted:
        return CallAnswer(status("Rejected", result.reason_code or "InternalError", result.text))  # B11.FR.06
    waiting = kind is ResetKind.ON_IDLE and any(e.transaction_id is not None for e in evses)
    reason = "ScheduledReset" if waiting else "RemoteReset"  # TC_B_21, TC_B_23
    writes = () if evse_id is not None else (SetVariable(BOOT_REASON_KEY, reason),)
    return CallAnswer(status("Scheduled" if waiting else "Accepted"), writes)  # B12.FR.01, FR.02
