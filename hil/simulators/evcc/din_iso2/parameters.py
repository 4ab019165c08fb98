"""ChargeParameterDiscovery: the car's limits for the station's, and the schedule."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.physical_value import maybe, number
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.steps import Next, SessionStep

MAX_ENTRIES = 192
"""MaxEntriesSAScheduleTuple of real cars (docs/sources/iso15118-2-din.md 1.2)."""


def dc_parameters(memory: DinIso2Memory) -> Any:
    """The car's maxima."""
    words, spec, habits = memory.words, memory.spec, memory.habits
    values: dict[str, Any] = {
        "DC_EVStatus": ev_status(memory, ready=habits.ready_in_parameters),
        "EVMaximumCurrentLimit": memory.physical(spec.charge_current_max_A, "A"),
        "EVMaximumVoltageLimit": memory.physical(spec.voltage_max_V, "V"),
    }
    if habits.names_power_limit:
        values["EVMaximumPowerLimit"] = memory.physical(spec.charge_power_max_W, "W")
    if habits.names_energy:
        missing_Wh = (spec.maximum_soc_percent - memory.inlet.soc_percent) / 100.0 * spec.capacity_Wh
        values |= {
            "EVEnergyCapacity": memory.physical(spec.capacity_Wh, "Wh"),
            "EVEnergyRequest": memory.physical(max(0.0, missing_Wh), "Wh"),
            "FullSOC": round(spec.maximum_soc_percent),
            "BulkSOC": round(spec.target_soc_percent),
        }
    memory.parameters_asked += 1
    if memory.sae == "V2H" and memory.parameters_asked > 1:  # the first request of two is an ordinary one
        values |= {
            "EVMaximumCurrentLimit": memory.physical(-spec.discharge_current_max_A, "A"),
            "EVMaximumPowerLimit": memory.physical(-spec.discharge_power_max_W, "W"),
            "BulkSOC": round(spec.minimum_soc_percent),
        }
    if not memory.is_din:
        values["DepartureTime"] = spec.departure_s if memory.plan.gives_departure_time else None
    return _request(memory, "DC_extended", words.DC_EVChargeParameter(**values))


def ac_parameters(memory: DinIso2Memory) -> Any:
    """What the on-board charger can take, for each phase."""
    spec, words = memory.spec, memory.words
    maximum_A = spec.charger_power_max_W / spec.charger_phases / memory.nominal_V
    parameters = words.AC_EVChargeParameter(
        DepartureTime=spec.departure_s,
        EAmount=memory.physical(spec.capacity_Wh / 2, "Wh"),
        EVMaxVoltage=memory.physical(400.0, "V"),
        EVMaxCurrent=memory.physical(maximum_A, "A"),
        EVMinCurrent=memory.physical(memory.habits.minimum_current_A, "A"),
    )
    return _request(memory, "AC_three_phase_core" if spec.charger_phases == 3 else "AC_single_phase_core", parameters)


def parameters_agreed(memory: DinIso2Memory, answer: Any) -> Next:
    """Keep limits and schedule of a finished answer; again while it is Ongoing."""
    if memory.habits.stops_after_parameters:
        return Next(SessionStep.SESSION_STOP)
    if answer.EVSEProcessing.value != "Finished":
        return Next(
            SessionStep.AC_CHARGE_PARAMETERS if memory.is_ac else SessionStep.DC_CHARGE_PARAMETERS,
            memory.spec.ongoing_pause_s,
        )
    memory.parameters_asked = 0
    schedules, station = answer.SASchedules, answer.EVSEChargeParameter
    tuples = getattr(schedules, "SAScheduleTuple", ())  # a station may send none, or DIN's empty SASchedules
    memory.schedule_tuple = tuples[0] if tuples else None
    if memory.is_ac:
        memory.nominal_V = number(station.EVSENominalVoltage)
        memory.current_limit_A = number(station.EVSEMaxCurrent)
        return Next(SessionStep.POWER_START, memory.habits.start_pause_s)
    memory.charge_limit_W = maybe(station.EVSEMaximumPowerLimit)
    memory.current_limit_A = number(station.EVSEMaximumCurrentLimit)
    return Next(SessionStep.CABLE_CHECK)


def ev_status(memory: DinIso2Memory, *, ready: bool = True) -> Any:
    """DC_EVStatus of this moment."""
    words = memory.words
    return words.DC_EVStatus(
        EVReady=ready,
        EVErrorCode=words.DC_EVErrorCode.NO_ERROR,
        EVRESSSOC=max(0, min(100, round(memory.inlet.soc_percent))),
    )


def _request(memory: DinIso2Memory, kind: str, parameters: Any) -> Any:
    if memory.progress.phase != "charge_parameters":
        memory.mark("charge_parameters")
    words = memory.words
    if memory.is_din:
        return words.ChargeParameterDiscoveryReq(
            EVRequestedEnergyTransferType=words.EVRequestedEnergyTransfer(kind), EVChargeParameter=parameters
        )
    return words.ChargeParameterDiscoveryReq(
        MaxEntriesSAScheduleTuple=MAX_ENTRIES,
        RequestedEnergyTransferMode=words.EnergyTransferMode(kind),
        EVChargeParameter=parameters,
    )
