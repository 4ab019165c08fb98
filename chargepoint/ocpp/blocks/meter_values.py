"""J Meter values: samples as the wire has them. Import and export apart, never a negative one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from chargepoint.model.ids import EvseId
from chargepoint.model.transactions import MeterSample, ReadingContext
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effects, ReadingToReport, Send, SharedEvent
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.registration_status import RegistrationStatus
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire

REGISTERS = ("Energy.Active.Import.Register", "Energy.Active.Export.Register")


class MeterValuesBlock(FunctionalBlock):
    """Readings outside a transaction. They are dropped while the station is offline (QueueAllMessages is false)."""

    def __init__(self, model: DeviceModel) -> None:
        super().__init__()
        self._model = model

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """MeterValues, where the central system may have it. The reading's time is already on the central system's clock."""
        if not isinstance(event, ReadingToReport):
            return ()
        context = event.sample.context
        if context is ReadingContext.SAMPLE_CLOCK and self._only_while_idle(now):
            return ()
        key = "AlignedDataCtrlr/Measurands"
        if context not in (ReadingContext.SAMPLE_CLOCK, ReadingContext.TRIGGER):
            key = "SampledDataCtrlr/TxUpdatedMeasurands"
        payload = meter_values_request(event.evse_id, event.sample, self._model.members(key))
        pending = now.connected and now.registration is RegistrationStatus.PENDING
        asked = pending and context is ReadingContext.TRIGGER  # B02.FR.02: what TriggerMessage asked for
        return (Send("MeterValues", payload),) if payload is not None and (now.online or asked) else ()

    def _only_while_idle(self, now: StationNow) -> bool:
        """A transaction at one EVSE stops the clock-aligned readings of every EVSE (J01.FR.20)."""
        ongoing = any(evse.transaction_id is not None for evse in now.evses)
        return ongoing and self._model.flag("AlignedDataCtrlr/SendDuringIdle")


def meter_value(sample: MeterSample, measurands: Collection[str]) -> Payload | None:
    """MeterValueType: the measurands asked for as far as known, registers as read (J02.FR.17). None: none is known."""
    values = [
        {
            "value": round(value, 3),
            "context": sample.context.value,
            "measurand": measurand,
            "location": "EV" if measurand == "SoC" else "Outlet",
            "unitOfMeasure": {"unit": unit},
        }
        for measurand, unit, value in _values(sample)
        if measurand in measurands and math.isfinite(value)
    ]
    return {"timestamp": to_wire(sample.at_utc), "sampledValue": values} if values else None


def meter_values_request(evse_id: EvseId, sample: MeterSample, measurands: Collection[str]) -> Payload | None:
    """MeterValues, for readings outside a transaction (J01.FR.14). None: none of the measurands is known."""
    value = meter_value(sample, measurands)
    return None if value is None else {"evseId": int(evse_id), "meterValue": [value]}


def with_registers(measurands: Collection[str]) -> frozenset[str]:
    """Billing needs both registers, whichever are configured; where nothing is configured, nothing is sent."""
    return frozenset(measurands).union(REGISTERS) if measurands else frozenset()


def _values(sample: MeterSample) -> Iterator[tuple[str, str, float]]:
    yield REGISTERS[0], "Wh", sample.import_Wh
    yield REGISTERS[1], "Wh", sample.export_Wh
    if sample.power_W is not None:
        yield "Power.Active.Import", "W", max(0.0, sample.power_W)
        yield "Power.Active.Export", "W", max(0.0, -sample.power_W)
    if sample.setpoint_W is not None:
        yield "Power.Offered", "W", max(0.0, sample.setpoint_W)
    if sample.voltage_V is not None:
        yield "Voltage", "V", sample.voltage_V
    if sample.current_A is not None:
        yield "Current.Import", "A", max(0.0, sample.current_A)
        yield "Current.Export", "A", max(0.0, -sample.current_A)
    if sample.soc_percent is not None:
        yield "SoC", "Percent", sample.soc_percent
