"""The IO board of the generic map v1 (docs/sources/hardware.md 4): pilot, outputs, inputs, and its own rules.

The board keeps these rules without any host:

* The output contactor closes only while the chain is closed, the pilot duty is active and the mirror contacts are open.
* The board opens by itself on emergency stop, open door, tripped RCD, over-temperature and low supply. The board also opens when
  the watchdog (register 110, default 1 s) was not kicked.
* A two-channel request whose inverse does not fit is ignored.
* The cause of an opening under a request is latched in register 14. The board stays open until the latch is cleared, which needs a
  withdrawn request. Bits 10 to 13 are this project's addition: door, RCD, chain, and a contactor that opened although its coil was
  driven.

A board without the addition (`latches_causes` False) closes again as soon as the chain is closed.
Request and output bits as this project defines them: 0 contactor, 1 pre-charge, 2 discharge, 3 lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.plant.contactor import ContactorPole
from hil.plant.pilot import Generator, PilotState, detect, levels_V
from hil.plant.sensor_error import Errors, shown

CYCLE_S = 0.010
DEBOUNCE_S = 0.020
LOCK_S = 0.3
CLOSE_WATCH_S = 0.1
OVER_TEMPERATURE_DEGC = 90.0
CONTACTOR, PRECHARGE, DISCHARGE, LOCK = 1, 2, 4, 8
WELD, NO_CLOSE, DIODE, CP_SHORT, PP, E_STOP, WATCHDOG, OVER_TEMPERATURE, LOCK_FAULT, SUPPLY = (
    1 << i for i in range(10)
)
DOOR, RCD, CHAIN, OPENED = (1 << i for i in range(10, 14))
CLEAR_KEY = 0xC1EA
ECHO_MAX_AGE = 100
"""Counts of the sequence counter (1 s): an order with an older echo may switch off, and nothing on."""


LOCK_WORDS = {1: "unlocked", 2: "locked", 3: "moving", 4: "stuck"}
"""What `Board.lock_state` says, in words."""


@dataclass(slots=True)
class BoardInputs:
    """The board's digital inputs, True is good."""

    emergency_chain: bool = True
    door_closed: bool = True
    insulation_relay: bool = True
    rcd: bool = True
    surge_arrester: bool = True
    fan: bool = True
    upright: bool = True
    """A charger that tilts opens the hardware chain too."""
    chain_link: bool = True
    """The rest of the chain: what has no input of its own."""

    @property
    def hardware_chain(self) -> bool:
        """Emergency stop, door, RCD and the rest in series (the insulation relay is an input only on this board)."""
        return self.emergency_chain and self.door_closed and self.rcd and self.upright and self.chain_link


@dataclass(slots=True)
class Board:
    """State after the last step; `request`, `generator`, `duty_percent` come from the host's writes."""

    inputs: BoardInputs = field(default_factory=BoardInputs)
    positive: ContactorPole = field(default_factory=ContactorPole)
    negative: ContactorPole = field(default_factory=ContactorPole)
    precharge: ContactorPole = field(default_factory=ContactorPole)
    discharge: ContactorPole = field(default_factory=ContactorPole)
    generator: Generator = Generator.F
    duty_percent: float = 0.0
    request: int = 0
    outputs: int = 0
    latched: int = 0
    sequence: int = 0
    pilot: PilotState = PilotState.F
    high_V: float = -12.0
    low_V: float = -12.0
    proximity_ohm: int = 0xFFFF
    plug_ohm: int = 1500
    """The resistor in the plug."""
    lock_state: int = 1
    lock_stuck: bool = False
    debounce_s: float = DEBOUNCE_S
    """How long a pilot state must last before the board reports it."""
    lock_s: float = LOCK_S
    """How long the lock moves."""
    temperature_degC: float = 25.0
    contact_sensors: dict[str, float | None] = field(default_factory=dict)
    """What the sensor of a contact (positive, negative) shows instead; None: absent."""
    errors: Errors = field(default_factory=dict)
    """Of the temperature sensors `positive`, `negative` and `cabinet` (kelvins)."""
    watchdog_timeout_s: float = 1.0
    uptime_s: float = 0.0
    reset_reason: int = 1
    armed: bool = False
    ignored_writes: int = 0
    refused_closings: int = 0
    silent: bool = False
    supply_low: bool = False
    coil_supply: bool = True
    """False: the coil is driven and gets no current."""
    coil_dip_s: float = 0.0
    """So long the coil still gets no current."""
    latches_bits: int = 0
    """Bits that the board latches again and again, for a cause that the plant does not know."""
    duty_offset_percent: float = 0.0
    """The measured duty is that far from the ordered one."""
    proximity_shown_ohm: int | None = None
    """What the proximity contact shows instead; 0xFFFF: open."""
    lock_shown: int | None = None
    """The state of the lock that is shown instead."""
    cabinet_degC: float = 30.0
    map_version: int = 1
    frozen: bool = False
    """The board answers with the same registers for ever. It still does what it is written."""
    latches_causes: bool = True
    latches_diode: bool = True
    reads_parts: bool = True
    """Announced in input 1: parts of the input block can be read alone."""
    reads_and_writes: bool = True
    """Announced in input 1: function 23."""
    takes_quick_stops: bool = True
    """Announced in input 1: a request may follow the board's own answer after 0.5 ms."""
    _echo: int = -1
    _since_kick_s: float = 0.0
    _since_cycle_s: float = 0.0
    _seen: PilotState = PilotState.F
    _seen_s: float = 0.0
    _lock_s: float = 0.0
    _refusing: bool = False
    _closed: bool = False
    _closing_s: float = 0.0
    _opening_s: float = 0.0

    def shown_degC(self, sensor: str) -> float | None:
        """What this temperature sensor shows; None: it is absent. The board's own switch sees the true temperature."""
        true = self.cabinet_degC if sensor == "cabinet" else self.contact_sensors.get(sensor, self.temperature_degC)
        return None if true is None else shown(self.errors, sensor, true)

    def write(self, echo: int, generator: int, duty_raw: int, request: int, inverse: int) -> None:
        """The host's cyclic write of registers 100..104."""
        if request ^ inverse != 0xFFFF or generator not in (0, 1, 2, 3) or duty_raw > 10_000:
            self.ignored_writes += 1
            return
        if (
            self.sequence - echo
        ) & 0xFFFF > ECHO_MAX_AGE:  # from before a restart of this board, or of long ago: only less is taken
            self.request &= request
            if generator in (Generator.F, Generator.E):
                self.generator, self.duty_percent = Generator(generator), 0.0
            self.ignored_writes += 1
            return
        if echo != self._echo:
            self._echo, self._since_kick_s, self.armed = echo, 0.0, True
        self.generator, self.duty_percent, self.request = Generator(generator), duty_raw / 100, request

    def clear(self, key: int) -> bool:
        """Clear latched faults; refused while an output other than the lock is requested or the key is wrong."""
        if key != CLEAR_KEY or self.request & ~LOCK:
            return False
        self.latched = 0
        return True

    def restart(self) -> None:
        """Its supply failed for a moment: outputs, orders and settings are gone, the counters begin anew."""
        self.request = self.outputs = self.latched = self.sequence = 0
        self.generator, self.duty_percent, self.pilot = Generator.F, 0.0, PilotState.F
        self.watchdog_timeout_s, self.uptime_s, self.armed, self._echo = 1.0, 0.0, False, -1

    def miss_host(self) -> None:
        """Believe that the host was silent for longer than the watchdog bears."""
        self._since_kick_s = self.watchdog_timeout_s
        self.armed = True

    def step(self, car: str, diode: bool, plugged: bool, dt_s: float) -> None:
        """One step: time, inputs, own rules, outputs."""
        self.uptime_s += dt_s
        self._since_cycle_s += dt_s
        if self._since_cycle_s >= CYCLE_S:
            self._since_cycle_s -= CYCLE_S
            self.sequence = (self.sequence + 1) & 0xFFFF
        self._watch_host(dt_s)
        self._measure(car, diode, plugged, dt_s)
        self._move_lock(dt_s)
        self._drive(dt_s)

    def _watch_host(self, dt_s: float) -> None:
        self._since_kick_s += dt_s
        if self.armed and self._since_kick_s > self.watchdog_timeout_s:
            self.armed = False
            self.latched |= WATCHDOG
            self.request, self.generator, self.duty_percent = self.request & LOCK, Generator.F, 0.0

    def _measure(self, car: str, diode: bool, plugged: bool, dt_s: float) -> None:
        self.high_V, self.low_V = levels_V(self.generator, car, diode)
        seen = detect(self.generator, self.high_V)
        if seen is not self._seen:
            self._seen, self._seen_s = seen, 0.0
        self._seen_s += dt_s
        if self._seen_s >= self.debounce_s:
            self.pilot = seen
        if self.generator is Generator.PWM and car not in "AE" and self.low_V > -11.0 and self.latches_diode:
            self.latched |= DIODE
        self.proximity_ohm = self.plug_ohm if plugged else 0xFFFF
        if self.proximity_shown_ohm is not None:
            self.proximity_ohm = self.proximity_shown_ohm

    def _move_lock(self, dt_s: float) -> None:
        wanted = 2 if self.request & LOCK else 1
        if self.lock_stuck and wanted != self.lock_state:
            self._lock_s += dt_s
            if self._lock_s >= 2 * self.lock_s:
                self.lock_state = 4
                self.latched |= LOCK_FAULT
            return
        if self.lock_state == wanted:
            self._lock_s = 0.0
            return
        self._lock_s += dt_s
        self.lock_state = wanted if self._lock_s >= self.lock_s else 3

    def _drive(self, dt_s: float) -> None:
        if not self.inputs.emergency_chain:
            self.latched |= E_STOP
        if self.temperature_degC >= OVER_TEMPERATURE_DEGC:
            self.latched |= OVER_TEMPERATURE
        if self.supply_low:
            self.latched |= SUPPLY
        self.latched |= self.latches_bits
        if self.latches_causes and self.request & (CONTACTOR | PRECHARGE):
            self._latch_causes()
        opening = E_STOP | WATCHDOG | OVER_TEMPERATURE | WELD | SUPPLY | DOOR | RCD | CHAIN | OPENED
        unsafe = not self.inputs.hardware_chain or self.latched & opening
        energise = self.request & (CONTACTOR | PRECHARGE)
        rising = self.request & CONTACTOR and not self.outputs & CONTACTOR
        closed = self.positive.closed or self.negative.closed
        if unsafe:
            energise = 0
        elif rising and (self.generator is not Generator.PWM or closed):
            energise &= ~CONTACTOR
        refusing = bool(self.request & CONTACTOR and not energise & CONTACTOR)
        self.refused_closings += refusing and not self._refusing
        self._refusing = refusing
        outputs = energise | self.request & (DISCHARGE | LOCK)
        self.outputs = outputs
        coil = bool(outputs & CONTACTOR)
        driven = coil and self.coil_supply and self.coil_dip_s <= 0
        self.coil_dip_s = max(0.0, self.coil_dip_s - dt_s)
        self.positive.step(driven, dt_s)
        self.negative.step(driven, dt_s)
        self.precharge.step(bool(outputs & PRECHARGE), dt_s)
        self.discharge.step(bool(outputs & DISCHARGE), dt_s)
        self._watch_mirrors(coil, dt_s)

    def _latch_causes(self) -> None:
        """What opens the contactor under a request: bits of the causes that have no older bit of their own."""
        inputs = self.inputs
        self.latched |= (not inputs.door_closed) * DOOR | (not inputs.rcd) * RCD
        if (
            inputs.emergency_chain
            and inputs.door_closed
            and inputs.rcd
            and inputs.upright
            and not inputs.hardware_chain
        ):
            self.latched |= CHAIN

    def _watch_mirrors(self, coil: bool, dt_s: float) -> None:
        both = self.positive.closed and self.negative.closed
        if coil and self._closed and not both and self.latches_causes:
            self.latched |= OPENED
        self._closed = both and coil
        either = self.positive.closed or self.negative.closed
        self._closing_s = self._closing_s + dt_s if coil and not both else 0.0
        self._opening_s = self._opening_s + dt_s if not coil and either else 0.0
        if self._closing_s > CLOSE_WATCH_S:
            self.latched |= NO_CLOSE
        if self._opening_s > CLOSE_WATCH_S:
            self.latched |= WELD
