"""Block J, meter values: clock-aligned and sampled readings, and the readings of a transaction's beginning and end."""

from __future__ import annotations

import itertools
from datetime import datetime

from hil.certification.patterns import Payload, parse_time, value_at
from hil.certification.registry import case
from hil.certification.states import (
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_unoccupied,
    starts_at,
)
from hil.certification.trial import Trial
from hil.certification.validation import Step

INTERVAL_S = 2
READINGS = 3
JITTER_S = 1.0
"""By how much the distance of two readings may differ from the interval."""
DEFAULT_MEASURAND = "Energy.Active.Import.Register"


async def _aligned(trial: Trial, measurands: tuple[str, ...]) -> None:
    await trial.sets_where_there("AlignedDataCtrlr", "Enabled", "true")
    await trial.sets("AlignedDataCtrlr", "Measurands", ",".join(measurands))
    await trial.sets("AlignedDataCtrlr", "Interval", str(INTERVAL_S))


# -- checks ------------------------------------------------------------------------------------------------------------------


def check_readings(
    trial: Trial, step: Step, values: list[Payload], contexts: set[str], measurands: tuple[str, ...]
) -> None:
    """Each meterValue has one of these contexts, and its readings cover the measurands."""
    trial.checks.true(step, "there are meter values", bool(values))
    moments: dict[str, set[str]] = {}
    for value in values:
        context = value_at(value, "sampledValue[0].context")
        trial.checks.true(
            step, f"sampledValue[0].context is {' or '.join(sorted(contexts))}", context in contexts, context
        )
        found = {sampled.get("measurand", DEFAULT_MEASURAND) for sampled in value["sampledValue"]}
        moments.setdefault(value["timestamp"], set()).update(found)
    for moment, found in moments.items():
        missing = sorted(set(measurands) - found)
        trial.checks.value(step, f"configured measurands that are missing at {moment}", missing, [])


def check_intervals(trial: Trial, step: Step, values: list[Payload], interval_s: float) -> None:
    """The moments of the readings are one interval apart; several readings may have one moment."""
    moments = sorted({moment for value in values if (moment := parse_time(value["timestamp"])) is not None})
    steps_s = [(late - early).total_seconds() for early, late in itertools.pairwise(moments)]
    words = f"readings are {interval_s:g} s apart"
    trial.checks.true(step, words, all(abs(s - interval_s) <= JITTER_S for s in steps_s), steps_s)


def readings(trial: Trial, action: str, evse_id: int | None = None) -> list[Payload]:
    """Every meterValue of this action so far, of this EVSE where one is named."""
    return [
        value
        for call in trial.csms.calls
        if call.action == action and (evse_id is None or call.payload.get("evseId") == evse_id)
        for value in call.payload.get("meterValue", [])
    ]


def _clock_readings(trial: Trial, since: datetime | None = None) -> list[Payload]:
    """Clock-aligned readings of MeterValues and TransactionEvent since a moment."""
    found = readings(trial, "MeterValues") + [
        value
        for call in trial.csms.calls
        if call.action == "TransactionEvent" and call.payload.get("triggerReason") == "MeterValueClock"
        for value in call.payload.get("meterValue", [])
    ]
    return [value for value in found if since is None or (parse_time(value["timestamp"]) or since) > since]


# -- clock-aligned -----------------------------------------------------------------------------------------------------------


@case("TC_J_01_CS")
async def clock_aligned_readings(trial: Trial) -> None:
    """Clock-aligned readings without a transaction."""
    measurands = trial.configured.idle_measurands
    await _aligned(trial, measurands)
    place = {"evseId": trial.configured.evse_id}
    for _ in range(READINGS):
        await trial.expects(1, "MeterValues", where=place, within_s=INTERVAL_S + trial.configured.answer_within_s)
    check_readings(trial, 1, readings(trial, "MeterValues"), {"Sample.Clock"}, measurands)
    check_intervals(trial, "after", readings(trial, "MeterValues", trial.configured.evse_id), INTERVAL_S)


@case("TC_J_02_CS")
async def clock_aligned_readings_in_a_transaction(trial: Trial) -> None:
    """Clock-aligned readings while energy flows come with the transaction."""
    measurands = trial.configured.idle_measurands
    await trial.sets_where_there("AlignedDataCtrlr", "SendDuringIdle", "false")
    await _aligned(trial, measurands)
    await energy_transfer_started(trial)
    for _ in range(READINGS):
        where = {"triggerReason": "MeterValueClock"}
        await trial.expects(3, "TransactionEvent", where=where, within_s=INTERVAL_S + trial.configured.answer_within_s)
    check_readings(trial, 3, _clock_readings(trial), {"Sample.Clock"}, measurands)
    of_transaction = [
        value
        for call in trial.csms.calls
        if call.payload.get("triggerReason") == "MeterValueClock"
        for value in call.payload["meterValue"]
    ]
    check_intervals(trial, "after", of_transaction, INTERVAL_S)


@case("TC_J_06_CS")
async def clock_aligned_readings_only_while_idle(trial: Trial) -> None:
    """With SendDuringIdle no clock-aligned reading comes while a transaction runs."""
    measurands = trial.configured.idle_measurands
    await trial.sets("AlignedDataCtrlr", "SendDuringIdle", "true")
    await trial.sets("SampledDataCtrlr", "TxUpdatedInterval", "0")
    await _aligned(trial, measurands)
    patience_s = INTERVAL_S + trial.configured.answer_within_s
    await trial.expects(1, "MeterValues", within_s=patience_s)
    check_readings(trial, 1, readings(trial, "MeterValues"), {"Sample.Clock"}, measurands)
    await energy_transfer_started(trial)
    before = len(_clock_readings(trial))
    await trial.wait(INTERVAL_S + 1)
    trial.checks.value(4, "clock-aligned readings while the transaction runs", len(_clock_readings(trial)) - before, 0)
    await parking_bay_unoccupied(trial)
    trial.csms.discard("MeterValues")
    await trial.expects(7, "MeterValues", within_s=patience_s)


# -- in the messages of a transaction ------------------------------------------------------------------------------------------


def _ended(trial: Trial) -> Payload:
    """The Ended event of the session's transaction."""
    events = [
        call.payload
        for call in trial.csms.calls
        if call.action == "TransactionEvent" and call.payload["eventType"] == "Ended"
    ]
    if not events:
        trial.checks.fail("after", "TransactionEvent", "none came", "one with eventType Ended")
    return events[-1]


@case("TC_J_03_CS")
async def clock_aligned_readings_at_the_end(trial: Trial) -> None:
    """The Ended event has the clock-aligned readings of the transaction."""
    measurands = trial.configured.idle_measurands
    await trial.sets("AlignedDataCtrlr", "TxEndedInterval", str(INTERVAL_S))
    await trial.sets("AlignedDataCtrlr", "TxEndedMeasurands", ",".join(measurands))
    await trial.sets("SampledDataCtrlr", "TxEndedMeasurands", "")
    await trial.sets_where_there("AlignedDataCtrlr", "SendDuringIdle", "false")
    await _whole_session(trial)
    values = _ended(trial).get("meterValue", [])
    check_readings(trial, "after", values, {"Sample.Clock"}, measurands)
    check_intervals(trial, "after", values, INTERVAL_S)


@case("TC_J_10_CS")
async def sampled_readings_at_the_end(trial: Trial) -> None:
    """The Ended event has the sampled readings of the transaction."""
    measurands = trial.configured.idle_measurands
    await trial.sets("SampledDataCtrlr", "TxEndedInterval", str(INTERVAL_S))
    await trial.sets("SampledDataCtrlr", "TxEndedMeasurands", ",".join(measurands))
    await trial.sets_where_there("AlignedDataCtrlr", "TxEndedMeasurands", "")
    await _whole_session(trial)
    values = _ended(trial).get("meterValue", [])
    contexts = {"Sample.Periodic", "Transaction.Begin", "Transaction.End"}
    check_readings(trial, "after", values, contexts, measurands)
    seen = {value_at(value, "sampledValue[0].context") for value in values}
    trial.checks.true("after", "a reading has the context Transaction.End", "Transaction.End" in seen, seen)
    trial.checks.true("after", "a reading has the context Sample.Periodic", "Sample.Periodic" in seen, seen)
    periodic = [value for value in values if value_at(value, "sampledValue[0].context") == "Sample.Periodic"]
    check_intervals(trial, "after", periodic, INTERVAL_S)


async def _whole_session(trial: Trial) -> None:
    await energy_transfer_started(trial)
    await trial.wait(READINGS * INTERVAL_S)
    await parking_bay_unoccupied(trial)


@case("TC_J_07_CS")
async def readings_at_the_start(trial: Trial) -> None:
    """The Started event has the readings of the beginning."""
    measurands = trial.configured.idle_measurands
    await trial.sets("SampledDataCtrlr", "TxStartedMeasurands", ",".join(measurands))
    await starts_at(trial, "EVConnected", before=("ParkingBayOccupancy",))
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)
    _check_begin(trial, trial.first_transaction_event(), measurands)


@case("TC_J_08_CS")
async def readings_at_the_plug(trial: Trial) -> None:
    """A transaction that began without an EVSE has the readings of the beginning in its first message with an EVSE."""
    measurands = trial.configured.idle_measurands
    await trial.sets("SampledDataCtrlr", "TxStartedMeasurands", ",".join(measurands))
    await starts_at(trial, "Authorized")
    await energy_transfer_started(trial)
    events = [call.payload for call in trial.csms.calls if call.action == "TransactionEvent"]
    first = min((event for event in events if "evse" in event), key=lambda event: event["seqNo"])
    _check_begin(trial, first, measurands)


def _check_begin(trial: Trial, event: Payload, measurands: tuple[str, ...]) -> None:
    check_readings(trial, "after", event.get("meterValue", []), {"Transaction.Begin"}, measurands)


@case("TC_J_09_CS")
async def sampled_readings(trial: Trial) -> None:
    """Sampled readings come periodically while energy flows."""
    measurands = trial.configured.charging_measurands
    await trial.sets("SampledDataCtrlr", "TxUpdatedMeasurands", ",".join(measurands))
    await trial.sets("SampledDataCtrlr", "TxUpdatedInterval", str(INTERVAL_S))
    await energy_transfer_started(trial)
    values = []
    for _ in range(READINGS):
        where = {"triggerReason": "MeterValuePeriodic"}
        event = await trial.expects(
            1, "TransactionEvent", where=where, within_s=INTERVAL_S + trial.configured.answer_within_s
        )
        values += event.payload.get("meterValue", [])
    check_readings(trial, 1, values, {"Sample.Periodic"}, measurands)
    check_intervals(trial, "after", values, INTERVAL_S)
