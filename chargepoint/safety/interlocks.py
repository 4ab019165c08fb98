"""The interlock table: each row a condition, how long it must hold, and the words for it. May open, never asks.

Evaluated once each cycle of the power process on what the inputs say now; an input that is not known (None) is treated
as the dangerous answer. Delays are counted from the first cycle that saw the condition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.safety.charge_end import nothing_A
from chargepoint.safety.energy_balance import EnergyBalance
from chargepoint.safety.envelope import (
    NO_CURRENT_A,
    OVER_VOLTAGE_MARGIN_V,
    TEMPERATURE_STOP_DEGC,
    TEST_VOLTAGE_TOLERANCE_V,
    Envelope,
    cable_check_voltage_V,
    emergency_over_voltage_V,
)


@dataclass(frozen=True, slots=True)
class InterlockInputs:
    """What the interlocks of one EVSE look at. None: not known or too old."""

    now_s: float
    envelope: Envelope
    stage: Stage
    lease_valid: bool
    pilot_board_alive: bool
    power_module_alive: bool
    meter_alive: bool
    insulation_monitor_trouble: str
    """In words why the monitor is not to be relied on; empty while it is."""
    pilot: ControlPilot
    lock: Lock
    contactor: Contactor
    contactor_commanded: bool
    contactor_opened: bool
    """It opened although it was ordered closed (`contactor_watch.py`)."""
    open_inputs: frozenset[SafetyInput]
    """Safety inputs that are open, which is the dangerous state of each; empty while the board is silent."""
    board_latched: frozenset[BoardFault]
    car_voltage_max_V: float
    """The car's maximum voltage, 0 while not negotiated."""
    car_voltage_named_V: float
    """The highest maximum the car named since this power session began, 0 while none."""
    module_voltage_V: float | None
    module_current_A: float | None
    module_faults: tuple[str, ...]
    meter_voltage_V: float | None
    meter_current_A: float | None
    energy: EnergyBalance | None
    """What flowed since this transfer began; None outside a transfer."""
    commanded_current_A: float
    allowed_current_A: float
    """What would be commanded if the battery were not at its floor."""
    battery_full: bool
    """A charging current that is missing may be missing for that (`charge_end.py`)."""
    insulation_ohm: float | None
    temperature_degC: float | None
    temperature_lost: str = ""
    """In words that no contact temperature is known although one is required (`temperature.py`)."""
    temperature_doubt: str = ""
    """In words which contact sensor is lost."""
    process_stalled: str = ""
    """The stall in words, while its consequences last; else empty. Then the stall is the fault. The silence of devices, the
    lease and what the board did meanwhile are no faults of their own."""


_BOARD_OPENS_FOR = frozenset(
    {
        BoardFault.EMERGENCY_STOP,
        BoardFault.WATCHDOG,
        BoardFault.OVER_TEMPERATURE,
        BoardFault.SUPPLY,
        BoardFault.DOOR,
        BoardFault.RCD,
        BoardFault.CHAIN,
    }
)
"""What the pilot/IO board latches when it opens by itself, where the cause has a row of its own."""

_CHAIN_ELEMENTS = frozenset({SafetyInput.EMERGENCY_CHAIN, SafetyInput.DOOR, SafetyInput.RCD})
"""Elements of the hardware chain that have an input, and so a row, of their own."""

_ENERGISED = frozenset({Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.TRANSFER, Stage.RAMP_DOWN})
_ACTIVE = _ENERGISED | {Stage.CABLE_CHECK, Stage.CABLE_CHECKED}


def _process_stalled(i: InterlockInputs) -> str | None:
    return i.process_stalled or None


def _lease(i: InterlockInputs) -> str | None:
    return None if i.lease_valid or i.process_stalled or i.stage not in _ACTIVE else "no valid demand from the daemon"


def _emergency_stop(i: InterlockInputs) -> str | None:
    if SafetyInput.EMERGENCY_CHAIN in i.open_inputs:
        return "emergency-stop chain is open"
    if BoardFault.EMERGENCY_STOP in i.board_latched:  # shorter than our own look at the chain; the board saw it
        return "board latched an emergency stop"
    return None


def _hardware_chain(i: InterlockInputs) -> str | None:
    if BoardFault.CHAIN in i.board_latched:
        return "board latched an open hardware safety chain"
    if SafetyInput.HARDWARE_CHAIN not in i.open_inputs:
        return None
    if i.open_inputs & _CHAIN_ELEMENTS:
        return None  # the element that opened it has its own row, and its own reset
    return "hardware safety chain is open"


def _door(i: InterlockInputs) -> str | None:
    if SafetyInput.DOOR in i.open_inputs:
        return "door contact is open"
    return "board latched an open door" if BoardFault.DOOR in i.board_latched else None


def _rcd(i: InterlockInputs) -> str | None:
    if SafetyInput.RCD in i.open_inputs:
        return "residual-current device reports a trip"
    return "board latched a trip of the residual-current device" if BoardFault.RCD in i.board_latched else None


def _highest_voltage_V(i: InterlockInputs) -> float:
    return max((v for v in (i.module_voltage_V, i.meter_voltage_V) if v is not None), default=0.0)


def _over_voltage_emergency(i: InterlockInputs) -> str | None:
    """Above Table 103 for what was negotiated. A car that lowers its maximum below the present voltage has not raised the
    voltage: that is an error and ends in order (`_over_voltage`), so the highest maximum it named counts (own rule)."""
    evse_V = i.envelope.voltage_max_V
    car_V = i.car_voltage_named_V if i.stage in _ACTIVE and i.car_voltage_named_V > 0 else evse_V
    bound_V = emergency_over_voltage_V(min(car_V, evse_V))
    if i.stage not in _ENERGISED or i.stage is Stage.RAMP_DOWN:
        # the cable check itself goes to 1.1 times the car's maximum, which for 750 and 850 V is the bound exactly; one that
        # fails is ramped down from there
        bound_V = max(bound_V, cable_check_voltage_V(car_V, evse_V) + TEST_VOLTAGE_TOLERANCE_V)
    seen_V = _highest_voltage_V(i)
    return f"{seen_V:.2f} V: at most {bound_V:.0f} V" if seen_V > bound_V else None


def _over_voltage(i: InterlockInputs) -> str | None:
    if i.stage not in _ENERGISED:
        return None
    known = i.car_voltage_max_V > 0
    bound_V = (i.car_voltage_max_V if known else i.envelope.voltage_max_V) + OVER_VOLTAGE_MARGIN_V
    seen_V = _highest_voltage_V(i)
    if seen_V <= bound_V:
        return None
    whose = "the car's maximum" if known else "the EVSE's maximum, the car's is not known"
    return f"{seen_V:.1f} V: at most {bound_V:.1f} V ({whose}, and {OVER_VOLTAGE_MARGIN_V:.0f} V)"


def _over_current(i: InterlockInputs) -> str | None:
    bound_A = 1.1 * i.envelope.current_max_A + NO_CURRENT_A
    if i.module_current_A is None or abs(i.module_current_A) <= bound_A:
        return None
    return f"{i.module_current_A:.1f} A: magnitude at most {bound_A:.1f} A (110 % of the rating)"


def _reverse_current(i: InterlockInputs) -> str | None:
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    against = i.module_current_A * i.commanded_current_A < 0 or i.commanded_current_A == 0
    # a big module's zero is not exact: 2 % of the rating, at least 2 A (own rule)
    if not against or abs(i.module_current_A) <= max(2.0, 0.02 * i.envelope.current_max_A):
        return None
    return f"{i.module_current_A:.1f} A while {i.commanded_current_A:.1f} A is commanded"


def _current_exceeded(i: InterlockInputs) -> str | None:
    """What the car and the grid allow is in the command, so more than commanded is more than allowed (V2G20-2188)."""
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    commanded_A, seen_A = abs(i.commanded_current_A), abs(i.module_current_A)
    # docs/sources/safety.md 1.2: regulation to 1.5 A up to 50 A, 3 % above; a module may be off by twice that (own rule)
    bound_A = commanded_A + max(3.0, 0.06 * commanded_A, 0.02 * i.envelope.current_max_A)
    if i.module_current_A * i.commanded_current_A <= 0 or seen_A <= bound_A:
        return None  # the other direction, and commanded zero, are a reverse current
    return f"{i.module_current_A:.1f} A: magnitude at most {bound_A:.1f} A for {i.commanded_current_A:.1f} A commanded"


def _no_current(i: InterlockInputs) -> str | None:
    """Nothing flows though much more than nothing is asked for: the car opened its contactors, or its battery is at its end.

    Asked for, not commanded: with the car gone from the line a discharging module pulls its terminals to the battery's floor,
    and there nothing is commanded any more.

    While it lasts the module stands at the end of its voltage window, far from the battery perhaps, and a car that closed
    again would close on that difference (pre-charge allows 20 V). No clause was found that says when to stop: IEC 61851-23
    does not specify reverse transfer for CCS, and ISO 15118-20 leaves opening under load to the car. The 5 s of the table are
    those after which EVerest pauses without energy (docs/sources/safety.md 6); they also cover a car that closes its contactors up to 3 s
    after PowerDelivery (3). A full battery is excepted (`charge_end.py`): so ends every charge of a car that leaves the end to us,
    and it may give back later. Own rule.
    """
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    if i.allowed_current_A > 0 and i.battery_full:
        return None
    least_A = nothing_A(i.envelope)
    if abs(i.allowed_current_A) < 3.0 * least_A or abs(i.module_current_A) >= least_A:
        return None
    at = "" if i.module_voltage_V is None else f" at {i.module_voltage_V:.0f} V"
    return f"{i.module_current_A:.1f} A{at} while {i.allowed_current_A:.1f} A is asked for"


def _insulation(i: InterlockInputs) -> str | None:
    if i.stage not in _ENERGISED or i.insulation_ohm is None or i.insulation_ohm >= i.envelope.insulation_limit_ohm:
        return None
    return f"{i.insulation_ohm / 1000:.0f} kohm: at least {i.envelope.insulation_limit_ohm / 1000:.0f} kohm"


def _insulation_relay(i: InterlockInputs) -> str | None:
    if i.stage not in _ENERGISED or SafetyInput.INSULATION_RELAY not in i.open_inputs:
        return None
    return "the monitor's hard-wired output reports a fault"


def _insulation_unknown(i: InterlockInputs) -> str | None:
    if i.stage not in _ENERGISED or i.insulation_ohm is not None:
        return None
    return "no valid value while energised"


def _insulation_monitor(i: InterlockInputs) -> str | None:
    return None if i.process_stalled else i.insulation_monitor_trouble or None


def _welded(i: InterlockInputs) -> str | None:
    if i.contactor_commanded or i.contactor not in (Contactor.CLOSED, Contactor.WELDED) or not i.pilot_board_alive:
        return None
    return "mirror contact still closed although the contactor is commanded open"


def _contactor_opened(i: InterlockInputs) -> str | None:
    if BoardFault.OPENED in i.board_latched:
        return "board latched a contactor that opened although its coil was driven"
    if not i.contactor_opened or i.process_stalled:
        return None
    chain = not i.open_inputs & (_CHAIN_ELEMENTS | {SafetyInput.HARDWARE_CHAIN})
    if not chain or i.board_latched & _BOARD_OPENS_FOR:
        return None  # the contactor did what it should; each of these has its own row, and its own reset
    cause = (
        f"latched {', '.join(sorted(fault.value for fault in i.board_latched))}"
        if i.board_latched
        else "reports no cause"
    )
    return f"contactor opened without an order; the board {cause}"


def _contactor_refused(i: InterlockInputs) -> str | None:
    return "board latched a contactor that did not close" if BoardFault.NO_CLOSE in i.board_latched else None


def _pilot_lost(i: InterlockInputs) -> str | None:
    if i.pilot.ready or i.stage not in _ACTIVE or not i.pilot_board_alive:
        return None
    if i.process_stalled and i.pilot is ControlPilot.F:
        return None  # the board's own answer to our silence
    quiet = i.module_current_A is not None and abs(i.module_current_A) < NO_CURRENT_A
    if i.stage is Stage.RAMP_DOWN and quiet:
        return None  # the car may go back to B once no current flows (docs/sources/safety.md 1.1 step 13)
    return f"control pilot in state {i.pilot.name}: C or D while energised"


def _pilot_short(i: InterlockInputs) -> str | None:
    return "board latched a short circuit of the control pilot" if BoardFault.PILOT_SHORT in i.board_latched else None


def _proximity(i: InterlockInputs) -> str | None:
    return "board latched a fault of the proximity contact" if BoardFault.PROXIMITY in i.board_latched else None


def _board_supply(i: InterlockInputs) -> str | None:
    return "board latched a fault of its supply and opened everything" if BoardFault.SUPPLY in i.board_latched else None


def _board_fault(i: InterlockInputs) -> str | None:
    return "board latched a bit that this software does not know" if BoardFault.UNKNOWN in i.board_latched else None


def _diode(i: InterlockInputs) -> str | None:
    return "board saw no diode" if BoardFault.DIODE in i.board_latched else None


def _board_watchdog(i: InterlockInputs) -> str | None:
    if BoardFault.WATCHDOG not in i.board_latched or i.process_stalled:
        return None
    return "board opened because it did not hear from us"


def _lock(i: InterlockInputs) -> str | None:
    if i.stage not in _ACTIVE or i.lock is Lock.LOCKED or not i.pilot_board_alive:
        return None
    return f"connector lock is {i.lock.name.lower()}: locked while energised"


def _lock_fault(i: InterlockInputs) -> str | None:
    return "board latched a fault of the lock" if BoardFault.LOCK in i.board_latched else None


def _plausibility(i: InterlockInputs) -> str | None:
    if i.stage is not Stage.TRANSFER or i.module_voltage_V is None or i.meter_voltage_V is None:
        return None
    spread_V = abs(i.module_voltage_V - i.meter_voltage_V)
    if spread_V <= 50.0:
        return None
    return f"module {i.module_voltage_V:.0f} V, meter {i.meter_voltage_V:.0f} V: at most 50 V apart"


def _meter_current(i: InterlockInputs) -> str | None:
    """The bill comes from the meter, the current from the module: either may be wrong, and only the other can show that.

    docs/sources/safety.md 1.2: a measured current is right to 1.5 % or 0.5 A, whichever is more (CC.6.3, grade B). Two of them, read
    up to a tenth of a second apart, may differ by 5 % or 2 A, and by 2 % of the rating for a big module's zero (own rule).
    """
    if i.stage is not Stage.TRANSFER or i.module_current_A is None or i.meter_current_A is None:
        return None
    larger_A = max(abs(i.module_current_A), abs(i.meter_current_A))
    bound_A = max(2.0, 0.05 * larger_A, 0.02 * i.envelope.current_max_A)
    if abs(i.module_current_A - i.meter_current_A) <= bound_A:
        return None
    return f"module {i.module_current_A:.1f} A, meter {i.meter_current_A:.1f} A: at most {bound_A:.1f} A apart"


def _meter_energy(i: InterlockInputs) -> str | None:
    """Registers that count otherwise than the module's power adds up: a wrong unit or factor, exchanged directions."""
    if i.stage is not Stage.TRANSFER or i.energy is None:
        return None
    return i.energy.contradiction()


def _board_too_hot(i: InterlockInputs) -> str | None:
    return "board opened because it was too hot" if BoardFault.OVER_TEMPERATURE in i.board_latched else None


def _temperature(i: InterlockInputs) -> str | None:
    if i.temperature_degC is None or i.temperature_degC < TEMPERATURE_STOP_DEGC:
        return None
    return f"{i.temperature_degC:.0f} °C: below {TEMPERATURE_STOP_DEGC:.0f} °C"


def _temperature_lost(i: InterlockInputs) -> str | None:
    return i.temperature_lost or None


def _temperature_doubt(i: InterlockInputs) -> str | None:
    return i.temperature_doubt or None


def _module_fault(i: InterlockInputs) -> str | None:
    return ", ".join(i.module_faults) or None


def _silent(name: str, alive: Callable[[InterlockInputs], bool]) -> Callable[[InterlockInputs], str | None]:
    return lambda i: None if alive(i) or i.process_stalled else f"no fresh answer from the {name}"


@dataclass(frozen=True, slots=True)
class Interlock:
    """A row: trips `code` when `condition` has given a detail for `delay_s` on end."""

    code: FaultCode
    condition: Callable[[InterlockInputs], str | None]
    delay_s: float


TABLE: tuple[Interlock, ...] = (
    Interlock(FaultCode.PROCESS_STALLED, _process_stalled, 0.0),
    Interlock(FaultCode.EMERGENCY_STOP, _emergency_stop, 0.0),
    Interlock(FaultCode.HARDWARE_CHAIN_OPEN, _hardware_chain, 0.0),
    Interlock(FaultCode.RCD, _rcd, 0.0),
    Interlock(FaultCode.DOOR_OPEN, _door, 0.0),
    Interlock(FaultCode.PILOT_BOARD_COMMUNICATION, _silent("pilot/IO board", lambda i: i.pilot_board_alive), 0.0),
    Interlock(FaultCode.PILOT_BOARD_SUPPLY, _board_supply, 0.0),
    Interlock(FaultCode.PILOT_BOARD_FAULT, _board_fault, 0.0),
    Interlock(FaultCode.PILOT_LOST, _pilot_lost, 0.0),
    Interlock(FaultCode.PILOT_LOST, _pilot_short, 0.0),
    Interlock(FaultCode.OVER_VOLTAGE_EMERGENCY, _over_voltage_emergency, 0.0),
    Interlock(FaultCode.OVER_CURRENT, _over_current, 0.05),
    Interlock(FaultCode.CONTACTOR_WELDED, _welded, 0.5),  # docs/sources/safety.md 1.2: open, wait, mirror contact again
    Interlock(FaultCode.LEASE_LOST, _lease, 0.0),
    Interlock(FaultCode.OVER_VOLTAGE, _over_voltage, 0.4),  # CC.6.2: longer than 400 ms
    Interlock(FaultCode.INSULATION, _insulation, 0.2),
    Interlock(FaultCode.INSULATION, _insulation_relay, 0.2),
    Interlock(FaultCode.INSULATION_MONITOR, _insulation_monitor, 0.0),
    Interlock(FaultCode.INSULATION_MONITOR, _insulation_unknown, 10.0),  # IEC 61557-8 response time (grade D)
    Interlock(FaultCode.CONTACTOR_NOT_CLOSED, _contactor_refused, 0.0),
    Interlock(FaultCode.CONTACTOR_OPENED, _contactor_opened, 0.0),
    Interlock(FaultCode.REVERSE_CURRENT, _reverse_current, 0.5),
    Interlock(FaultCode.CURRENT_EXCEEDED, _current_exceeded, 1.0),
    Interlock(FaultCode.NO_CURRENT, _no_current, 5.0),
    Interlock(FaultCode.VOLTAGE_PLAUSIBILITY, _plausibility, 5.0),  # docs/sources/safety.md 1.2: 5 s proposed
    Interlock(FaultCode.METER_PLAUSIBILITY, _meter_current, 5.0),  # as the voltage's: a ramp is over long before
    Interlock(FaultCode.METER_PLAUSIBILITY, _meter_energy, 1.0),
    Interlock(FaultCode.CONNECTOR_LOCK, _lock, 1.0),
    Interlock(FaultCode.CONNECTOR_LOCK, _lock_fault, 0.0),
    Interlock(FaultCode.PROXIMITY, _proximity, 0.0),
    Interlock(FaultCode.PILOT_DIODE, _diode, 0.0),
    Interlock(FaultCode.PILOT_BOARD_WATCHDOG, _board_watchdog, 0.0),
    Interlock(FaultCode.OVER_TEMPERATURE, _board_too_hot, 0.0),
    Interlock(FaultCode.OVER_TEMPERATURE, _temperature, 1.0),
    Interlock(FaultCode.TEMPERATURE_UNKNOWN, _temperature_lost, 1.0),
    Interlock(FaultCode.TEMPERATURE_SENSOR, _temperature_doubt, 1.0),
    Interlock(FaultCode.POWER_MODULE, _module_fault, 0.0),
    Interlock(FaultCode.POWER_MODULE_COMMUNICATION, _silent("power module", lambda i: i.power_module_alive), 0.0),
    Interlock(FaultCode.METER_COMMUNICATION, _silent("meter", lambda i: i.meter_alive), 0.0),
)


class Interlocks:
    """The table with its delays for one EVSE."""

    def __init__(self, table: tuple[Interlock, ...] = TABLE) -> None:
        self._table = table
        self._since_s: dict[Interlock, float] = {}

    def evaluate(self, inputs: InterlockInputs) -> dict[FaultCode, str]:
        """Codes whose condition has held for its delay, with the detail to report."""
        tripped: dict[FaultCode, str] = {}
        since_s: dict[Interlock, float] = {}
        for row in self._table:
            detail = row.condition(inputs)
            if detail is None:
                continue
            since_s[row] = self._since_s.get(row, inputs.now_s)
            if inputs.now_s - since_s[row] >= row.delay_s:
                tripped.setdefault(row.code, detail)
        self._since_s = since_s
        return tripped
