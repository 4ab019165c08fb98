"""What the interlocks of one EVSE look at in one cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.io import BoardFault, ModuleFault, SafetyInput
from chargepoint.safety.ac_flow import AcFlow
from chargepoint.safety.energy_balance import EnergyBalance
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.grid_window import GridWindow
from chargepoint.safety.temperature import HeatBounds

ENERGISED = frozenset({Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.TRANSFER, Stage.RAMP_DOWN})
ACTIVE = ENERGISED | {Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.CLOSING}


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
    io_silent: str = ""
    """Names of the IO devices that do not answer."""
    identity_trouble: str = ""
    """In words which device is not the one that is configured."""
    buses_dead: str = ""
    """In words which wire is not there."""
    overrun: str = ""
    """In words that the cycle is late again and again (`cycle.py`)."""
    record_trouble: str = ""
    """In words why latched faults cannot be recorded."""
    pilot_command: PilotCommand = PilotCommand.PWM
    """What the pilot has been ordered to show for `PILOT_SETTLE_S` at least; F while an order is younger."""
    duty_ordered_percent: float = 5.0
    duty_percent: float | None = 5.0
    """As measured by the pilot's device; None: it does not measure it, and the row of the duty sees nothing."""
    pilot_low_V: float | None = -12.0
    """The pilot's lower level; None: not measured, and the row of the diode sees nothing."""
    proximity_ohm: float | None = None
    proximity_required: bool = False
    """The proximity contact of this connector is wired to the board."""
    relay_stuck: str = ""
    """In words which relay shows closed although it is ordered open (`relay_watch.py`)."""
    contactor_worn: str = ""
    """In words that the contactor has broken more currents than it bears (`wear.py`)."""
    module_kinds: frozenset[ModuleFault] = frozenset()
    """What the module's faults are, as far as its driver knows."""
    module_degraded: str = ""
    """In words which of several modules are out, while the others go on."""
    voltage_max_now_V: float = 0.0
    """The highest output voltage of this pre-charge or transfer; 0 while nothing was named."""
    module_temperature_degC: float | None = None
    cabinet_temperature_degC: float | None = None
    heat: HeatBounds = field(default_factory=HeatBounds)
    voltage_to_earth_V: tuple[float, float] | None = None
    """Magnitudes, plus and minus against protective earth; None: nothing measures them."""
    meter_alarm: str = ""
    """The meter's own alarm in words."""
    phase_voltages_V: tuple[float, ...] = ()
    """RMS, phase to neutral, as the meter shows them; empty where no AC meter is."""
    frequency_Hz: float | None = None
    grid: GridWindow = field(default_factory=GridWindow)
    ac: AcFlow | None = None
    """The phases of an AC outlet; None at a DC outlet."""
    limits_fell: bool = False
    """What the car may draw or give fell in this cycle by more than a trifle (`ac_flow.FallingLimits`): it has its time to adapt anew."""

    @property
    def energised(self) -> bool:
        """The output carries the car's voltage, or is brought to it."""
        return self.stage in ENERGISED

    @property
    def active(self) -> bool:
        """The contactor is ordered closed."""
        return self.stage in ACTIVE
