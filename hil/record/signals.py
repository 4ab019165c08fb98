"""The catalogue of signals: every name a scenario may ask for, with unit, type and meaning. A name has one source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from hil.record.line import Seer


class SignalType(Enum):
    """What values a signal takes."""

    NUMBER = "number"
    WORD = "word"
    FLAG = "flag"
    WORDS = "words"
    """A list of words without order."""


@dataclass(frozen=True, slots=True)
class BenchSignal:
    """One row. `words`: all values that it takes, or all words that may stand in its list, where they are fixed."""

    name: str
    seer: Seer
    type: SignalType
    meaning: str
    unit: str = ""
    words: tuple[str, ...] = ()
    of_station: bool = False
    """It belongs to the whole station, not to an EVSE."""


_NUMBER, _WORD, _FLAG, _WORDS = SignalType.NUMBER, SignalType.WORD, SignalType.FLAG, SignalType.WORDS

_PLANT = (
    BenchSignal("power_W", Seer.PLANT, _NUMBER, "power at the car's inlet, positive into the car", "W"),
    BenchSignal("current_A", Seer.PLANT, _NUMBER, "current into the car; at an AC outlet the sum of its phases", "A"),
    BenchSignal(
        "voltage_V", Seer.PLANT, _NUMBER, "voltage at the car's inlet; at an AC outlet behind the contactor", "V"
    ),
    BenchSignal("soc_percent", Seer.PLANT, _NUMBER, "state of charge of the battery", "%"),
    BenchSignal(
        "import_Wh", Seer.PLANT, _NUMBER, "energy into the car since the start, the plant's own integral", "Wh"
    ),
    BenchSignal(
        "export_Wh", Seer.PLANT, _NUMBER, "energy out of the car since the start, the plant's own integral", "Wh"
    ),
    BenchSignal("meter_import_Wh", Seer.PLANT, _NUMBER, "import register of the meter", "Wh"),
    BenchSignal("meter_export_Wh", Seer.PLANT, _NUMBER, "export register of the meter", "Wh"),
    BenchSignal("temperature_degC", Seer.PLANT, _NUMBER, "what the sensor in the connector shows", "degC"),
    BenchSignal("pins_degC", Seer.PLANT, _NUMBER, "temperature of a DC connector's pins; the sensor follows", "degC"),
    BenchSignal("cable_degC", Seer.PLANT, _NUMBER, "temperature of the conductors of a DC cable", "degC"),
    BenchSignal("arcs_A2s", Seer.PLANT, _NUMBER, "what arcs left on the more worn pole of a DC contactor", "A2s"),
    BenchSignal("insulation_ohm", Seer.PLANT, _NUMBER, "insulation resistance to earth", "ohm"),
    BenchSignal("duty_percent", Seer.PLANT, _NUMBER, "duty of the control pilot as the car sees it; -1: no PWM", "%"),
    BenchSignal("opened_under_A", Seer.PLANT, _NUMBER, "largest current that the contactor ever had to break", "A"),
    BenchSignal("highest_V", Seer.PLANT, _NUMBER, "highest voltage that the inlet ever saw", "V"),
    BenchSignal(
        "grid_W", Seer.PLANT, _NUMBER, "what a DC connector's modules take from the grid, losses included", "W"
    ),
    BenchSignal("grid_var", Seer.PLANT, _NUMBER, "reactive power of a DC connector's modules, inductive", "var"),
    BenchSignal("battery_degC", Seer.PLANT, _NUMBER, "temperature of the car's battery", "degC"),
    BenchSignal(
        "energy_violations", Seer.PLANT, _NUMBER, "steps in which the plant made or lost energy: a defect of the bench"
    ),
    BenchSignal(
        "plant_skipped_s",
        Seer.PLANT,
        _NUMBER,
        "time that the plant lost in all, because this computer was busy elsewhere",
        "s",
        of_station=True,
    ),
    BenchSignal("frequency_Hz", Seer.PLANT, _NUMBER, "frequency of the grid", "Hz"),
    BenchSignal("grid_V", Seer.PLANT, _NUMBER, "voltage of the grid from phase to neutral", "V"),
    BenchSignal("contactor", Seer.PLANT, _WORD, "all contacts of the output contactor", words=("open", "closed")),
    BenchSignal("precharge", Seer.PLANT, _WORD, "the pre-charge relay", words=("open", "closed")),
    BenchSignal("discharge", Seer.PLANT, _WORD, "the relay that discharges the output", words=("open", "closed")),
    BenchSignal("car_contactor", Seer.PLANT, _WORD, "the contactor in the car", words=("open", "closed")),
    BenchSignal(
        "pilot", Seer.PLANT, _WORD, "state of the control pilot", words=("A", "B", "C", "D", "E", "F", "INVALID")
    ),
    BenchSignal("lock", Seer.PLANT, _WORD, "lock of the connector", words=("unlocked", "locked", "moving", "stuck")),
    BenchSignal("plugged", Seer.PLANT, _FLAG, "the plug is in"),
    BenchSignal("module_on", Seer.PLANT, _FLAG, "some power module drives its terminals"),
)

_STATION = (
    BenchSignal("central_system", Seer.STATION, _WORD, "offline, or the answer to BootNotification", of_station=True),
    BenchSignal(
        "site_power_W", Seer.STATION, _NUMBER, "power of all EVSEs, positive into the cars", "W", of_station=True
    ),
    BenchSignal("outbox", Seer.STATION, _NUMBER, "messages that wait for the central system", of_station=True),
    BenchSignal(
        "stage",
        Seer.STATION,
        _WORD,
        "stage of the power process",
        words=("UNKNOWN", *(stage.name for stage in Stage)),
    ),
    BenchSignal("setpoint_W", Seer.STATION, _NUMBER, "what the arbiter decided, positive into the car", "W"),
    BenchSignal("decided_by", Seer.STATION, _WORD, "who decided the set-point"),
    BenchSignal("explanation", Seer.STATION, _WORD, "the set-point's explanation"),
    BenchSignal(
        "faults",
        Seer.STATION,
        _WORDS,
        "names of the active and latched faults",
        words=tuple(code.name for code in FaultCode),
    ),
    BenchSignal("connector_status", Seer.STATION, _WORD, "as OCPP calls it"),
    BenchSignal("transaction", Seer.STATION, _FLAG, "a transaction runs"),
    BenchSignal("charging_state", Seer.STATION, _WORD, "of the running transaction; empty: none runs"),
    BenchSignal("stop_reason", Seer.STATION, _WORD, "of the last transaction; empty: none has ended yet"),
)

_CAR = (
    BenchSignal("car_phase", Seer.CAR, _WORD, "where the car's session is"),
    BenchSignal("car_loops", Seer.CAR, _NUMBER, "charge loops of the present session that were answered"),
    BenchSignal("car_error", Seer.CAR, _WORD, "why the car gave its session up; empty: it did not"),
    BenchSignal("car_violations", Seer.CAR, _NUMBER, "answers of the station that broke the standard, in this session"),
    BenchSignal("car_asked_to_stop", Seer.CAR, _FLAG, "the station asked the car to end its session"),
    BenchSignal("car_sessions", Seer.CAR, _NUMBER, "sessions that the car began since it was plugged in"),
)

_CSMS = (
    BenchSignal("csms_violations", Seer.CSMS, _NUMBER, "messages of the station that broke OCPP", of_station=True),
    BenchSignal("csms_transactions", Seer.CSMS, _NUMBER, "transactions that the central system knows", of_station=True),
    BenchSignal("csms_gaps", Seer.CSMS, _NUMBER, "missing seqNos of all transactions", of_station=True),
    BenchSignal("csms_ended", Seer.CSMS, _NUMBER, "transactions that have ended there", of_station=True),
    BenchSignal("csms_import_Wh", Seer.CSMS, _NUMBER, "energy into the car of the last transaction, as billed", "Wh"),
    BenchSignal("csms_export_Wh", Seer.CSMS, _NUMBER, "energy out of the car of the last transaction, as billed", "Wh"),
    BenchSignal("csms_connector", Seer.CSMS, _WORD, "connector status as the central system knows it"),
)

SIGNALS: dict[str, BenchSignal] = {signal.name: signal for signal in (*_PLANT, *_STATION, *_CAR, *_CSMS)}
