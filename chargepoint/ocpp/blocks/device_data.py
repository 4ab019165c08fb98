"""B05 to B08 Device data: variables set and read, reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargepoint.ocpp.blocks.block import FunctionalBlock, Judge, SettingRefused, SettingTaken, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    Effect,
    LimitsChanged,
    Send,
    Share,
    VariableSet,
    status,
)
from chargepoint.ocpp.device_model import DeviceModel, Mutability, Variable, refused
from chargepoint.ocpp.schemas import Payload

REPORT_PAGE = 16
"""ReportData per NotifyReport: about 8 KiB."""

_INVENTORIES: dict[str, Callable[[Variable], bool]] = {
    "ConfigurationInventory": lambda row: row.mutability is not Mutability.READ_ONLY,  # B07.FR.07
    "FullInventory": lambda row: True,  # B07.FR.08
    "SummaryInventory": lambda row: row.summary,  # B07.FR.09
}


class DeviceDataBlock(FunctionalBlock):
    """The central system's door to the device model."""

    def __init__(self, model: DeviceModel, judges: Mapping[str, Judge]) -> None:
        """`judges`: those of all blocks, by `Variable.key`."""
        super().__init__()
        self._model = model
        self._judges = judges
        self.calls = {
            "GetVariables": self._get_variables,
            "SetVariables": self._set_variables,
            "GetBaseReport": self._get_base_report,
            "GetReport": self._get_report,
        }

    def _get_variables(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """B06."""
        asked = request["getVariableData"]
        return self._too_many("GetVariables", "getVariableData", asked) or CallAnswer(
            {"getVariableResult": [self._model.get(data) for data in asked]}
        )

    def _set_variables(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """B05. Values are on the disk before the answer goes out."""
        asked = request["setVariableData"]
        too_many = self._too_many("SetVariables", "setVariableData", asked)
        if too_many is not None:
            return too_many
        results: list[Payload] = []
        effects: list[Effect] = []
        then: list[Effect] = []
        for setting in map(self._model.set, asked):
            results.append(setting.result)
            if setting.key is None or setting.value is None:
                continue
            judge = self._judges.get(setting.key)
            verdict = None if judge is None else judge(setting.value, now)
            match verdict:
                case None:
                    effects.append(self._model.keep(setting.key, setting.value))
                    effects.append(Share(VariableSet(setting.key, self._shown(setting.key, setting.value))))
                case SettingRefused(reason_code, text):
                    results[-1] = refused(setting.result, reason_code, text)
                case SettingTaken():
                    effects += verdict.effects
                    effects.append(Share(VariableSet(setting.key, self._shown(setting.key, setting.value))))
                    then += verdict.then
        if effects:
            effects.append(LimitsChanged())
        return CallAnswer({"setVariableResult": results}, tuple(effects), then=tuple(then))

    def _shown(self, key: str, value: str) -> str:
        """The value for the other blocks: what nobody may read is empty."""
        return "" if self._model.row(key).mutability is Mutability.WRITE_ONLY else value

    def _get_base_report(self, request: Payload, now: StationNow) -> CallAnswer:
        """B07."""
        wanted = _INVENTORIES.get(request["reportBase"])
        if wanted is None:
            return CallAnswer(status("NotSupported"))  # B07.FR.02
        return CallAnswer(
            status("Accepted"), then=_notify_report(request["requestId"], self._model.report(wanted), now)
        )

    def _get_report(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """B08: criteria select components (logical OR), component variables select rows; both given: both must hold."""
        criteria, selection = request.get("componentCriteria"), request.get("componentVariable")
        too_many = self._too_many("GetReport", "componentVariable", selection or ())
        if too_many is not None:
            return too_many

        def wanted(row: Variable) -> bool:
            return (criteria is None or any(self._meets(c, row) for c in criteria)) and (
                selection is None or any(selects(s, row) for s in selection)
            )

        rows = self._model.report(wanted)
        if not rows:
            return CallAnswer(status("EmptyResultSet"))  # B08.FR.15
        return CallAnswer(status("Accepted"), then=_notify_report(request["requestId"], rows, now))

    def _meets(self, criterion: str, row: Variable) -> bool:
        value = self._model.component_flag(row, criterion)
        if criterion == "Problem":
            return value == "true"  # B08.FR.10
        return value in (None, "true")  # B08.FR.07 to FR.09

    def _too_many(self, action: str, field: str, items: list[Payload] | tuple[()]) -> CallRefusal | None:
        limit = self._model.integer(f"DeviceDataCtrlr/ItemsPerMessage[{action}]")
        if len(items) <= limit:
            return None
        return CallRefusal(  # B06.FR.16, B08.FR.17
            "OccurrenceConstraintViolation", f"{field}: {len(items)} elements, at most {limit}"
        )


def selects(selection: Payload, row: Variable) -> bool:
    """Whether one componentVariable of a report request names this row."""
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


def _notify_report(request_id: int, rows: list[Payload], now: StationNow) -> tuple[Send, ...]:
    pages = [rows[i : i + REPORT_PAGE] for i in range(0, len(rows), REPORT_PAGE)] or [[]]
    return tuple(
        Send(
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
