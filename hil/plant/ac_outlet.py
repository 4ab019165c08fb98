"""One AC outlet with its own rules, as the power process shows it to the daemon: pilot, lock, contactor, meter, trips.

It takes the daemon's `StageDemand` and gives an `EvseImage`. The contactor closes only while a valid demand asks for
TRANSFER, the connector is locked and the pilot shows C or D. Source: docs/sources/iso15118-20.md 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    AcSupply,
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    MeterRegisters,
    PowerEvent,
    Stage,
    StageCapabilities,
)
from hil.plant.ac_car import AcAutoCar, AcCar
from hil.plant.contactor import ContactorPole
from hil.plant.meter import MeterPlant
from hil.plant.pilot import Generator, detect, levels_V

CLOSE_TIMEOUT_S = 3.0
"""A contactor that is not closed this long after the order has failed."""

OPEN_TIMEOUT_S = 0.2
"""A contactor that is still closed this long after it was released is welded."""

LOCK_MOVES_S = 0.2
OVER_CURRENT_FACTOR, OVER_CURRENT_S = 1.1, 1.0
"""More than this factor above the rating for this long trips."""

CABINET_DEGC = 30.0


@dataclass(slots=True)
class Grid:
    """The supply of the outlet; `voltage_V` RMS from phase to neutral, 0 while the supply is lost."""

    voltage_V: float = 230.0
    frequency_Hz: float = 50.0


@dataclass(slots=True)
class AcOutletPlant:
    """Advance with `step`; `events` collects what happened until somebody takes it.

    `charge_power_max_W` and `discharge_power_max_W` are ratings, magnitudes >= 0.
    """

    evse_id: EvseId
    supply: AcSupply
    charge_power_max_W: float
    discharge_power_max_W: float
    car: AcCar = field(default_factory=AcCar)
    auto: AcAutoCar = field(default_factory=AcAutoCar)
    contactor: ContactorPole = field(default_factory=ContactorPole)
    meter: MeterPlant = field(default_factory=MeterPlant)
    grid: Grid = field(default_factory=Grid)
    causes: set[FaultCode] = field(default_factory=set)
    """What a person or a test holds: the emergency stop pressed, a residual current that flows."""
    latched: set[FaultCode] = field(default_factory=set)
    lock_stuck: bool = False
    events: list[PowerEvent] = field(default_factory=list)
    import_Wh: float = 0.0
    export_Wh: float = 0.0
    """The plant's own integrals of the power at the connector; the meter counts for itself."""
    now_s: float = 0.0
    seq: int = 0
    contactor_closed_at_s: float | None = None
    demand: StageDemand | None = None
    _demand_until_s: float = 0.0
    _locked: bool = False
    _lock_moving_s: float = 0.0
    _coil: bool = False
    _coil_since_s: float = 0.0
    _over_s: float = 0.0

    # -- what goes in --------------------------------------------------------------------------------------------------

    def take_demand(self, demand: StageDemand) -> None:
        """Obey this order for its lease, counted from now."""
        self.demand = demand
        self._demand_until_s = self.now_s + demand.lease_s

    def daemon_lost(self) -> None:
        """The daemon went away: its order ends now."""
        self._demand_until_s = self.now_s

    def reset(self, author: str) -> None:
        """Let go of every latched fault whose cause is gone; nothing while the contactor is closed."""
        if self.contactor.closed:
            return
        for code in sorted(self.latched - self.causes):
            self._clear(code, author)

    def plug(self) -> None:
        """Put the connector into the car."""
        self.car.plugged, self.car.pilot, self.car.ordered_W = True, "B", 0.0
        self.auto.restart()

    def unplug(self) -> None:
        """Pull the connector, whatever flows."""
        self.car.plugged = False

    # -- one step ------------------------------------------------------------------------------------------------------

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds."""
        self.now_s += dt_s
        self._watch_lease()
        self._move_lock(dt_s)
        for code in self.causes - self.latched:
            self._trip(code, "held by the bench")
        self._drive_contactor(dt_s)
        live = self.contactor.closed and self.grid.voltage_V > 0.0
        power_W = self.car.step(live, dt_s)
        voltage_V = self.grid.voltage_V if live else 0.0
        self.meter.step(voltage_V, power_W / voltage_V if live else 0.0, dt_s)
        if power_W >= 0.0:
            self.import_Wh += power_W * dt_s / 3600.0
        else:
            self.export_Wh -= power_W * dt_s / 3600.0
        self._watch_current(dt_s)
        order = self._order
        transfer = order is not None and order.phase is Phase.TRANSFER and not self.latched
        self.auto.step(self.car, self._duty_percent, transfer, 0.0 if order is None else order.power_W, dt_s)

    @property
    def _order(self) -> StageDemand | None:
        """The demand while its lease lasts."""
        return self.demand if self.demand is not None and self.now_s < self._demand_until_s else None

    @property
    def _generator(self) -> Generator:
        """What the pilot shows. An emergency shows F, and so does an open contactor without an order, as at a DC outlet.

        A car that was left alone begins anew when 5 % is back.
        """
        if self.latched & {FaultCode.EMERGENCY_STOP, FaultCode.RCD} or self.demand is None:
            return Generator.F
        if self._order is None and not self.contactor.closed:
            return Generator.F
        return Generator(self.demand.pilot)

    @property
    def _duty_percent(self) -> float | None:
        if self._generator is not Generator.PWM or self.demand is None or self.car.pilot_wire_broken:
            return None
        return self.demand.duty_percent

    @property
    def pilot(self) -> ControlPilot:
        """The pilot state the board of a real outlet would report."""
        generator = self._generator
        high_V, _ = levels_V(generator, self.car.pilot_seen, self.car.diode)
        return ControlPilot(int(detect(generator, high_V)))

    @property
    def lock(self) -> Lock:
        """Where the connector lock is."""
        if self._lock_moving_s > 0.0:
            return Lock.MOVING
        return Lock.LOCKED if self._locked else Lock.UNLOCKED

    def _watch_lease(self) -> None:
        expired = self.demand is not None and self._order is None
        if expired and self.contactor.closed and FaultCode.LEASE_LOST not in self.latched:
            self._trip(FaultCode.LEASE_LOST, "no order of the daemon within its lease")
        elif not expired and FaultCode.LEASE_LOST in self.latched and not self.contactor.closed:
            self._clear(FaultCode.LEASE_LOST, "")

    def _move_lock(self, dt_s: float) -> None:
        order = self._order
        wanted = self.contactor.closed or (self._locked if order is None else order.lock)
        if self._lock_moving_s > 0.0:
            self._lock_moving_s = max(0.0, self._lock_moving_s - dt_s)
        elif wanted != self._locked and not self.lock_stuck:
            self._locked, self._lock_moving_s = wanted, LOCK_MOVES_S

    def _drive_contactor(self, dt_s: float) -> None:
        order = self._order
        coil = (
            order is not None
            and order.phase is Phase.TRANSFER
            and order.pilot is PilotCommand.PWM
            and self.pilot.ready
            and self.lock is Lock.LOCKED
            and not self.latched
        )
        if coil != self._coil:
            self._coil, self._coil_since_s = coil, self.now_s
        was_closed = self.contactor.closed
        closed = self.contactor.step(coil, dt_s)
        if closed and not was_closed:
            self.contactor_closed_at_s = self.now_s
        waiting_s = self.now_s - self._coil_since_s
        if coil and not closed and waiting_s > CLOSE_TIMEOUT_S:
            self._trip(FaultCode.CONTACTOR_NOT_CLOSED, f"not closed {waiting_s:.1f} s after the order")
        if not coil and closed and waiting_s > OPEN_TIMEOUT_S and FaultCode.CONTACTOR_WELDED not in self.latched:
            self._trip(FaultCode.CONTACTOR_WELDED, f"still closed {waiting_s:.1f} s after the release")

    def _watch_current(self, dt_s: float) -> None:
        rating_A = self.supply.phases * self.supply.current_max_A
        over = abs(self.meter.current_A) > OVER_CURRENT_FACTOR * rating_A
        self._over_s = self._over_s + dt_s if over else 0.0
        if self._over_s > OVER_CURRENT_S and FaultCode.OVER_CURRENT not in self.latched:
            self._trip(
                FaultCode.OVER_CURRENT, f"{abs(self.meter.current_A):.0f} A in all phases, rated {rating_A:.0f} A"
            )

    def _trip(self, code: FaultCode, detail: str) -> None:
        self.latched.add(code)
        self.events.append(InterlockTripped(self.evse_id, code, self.now_s, detail))

    def _clear(self, code: FaultCode, author: str) -> None:
        self.latched.discard(code)
        self.events.append(FaultCleared(self.evse_id, code, self.now_s, author))

    # -- what comes out ------------------------------------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        """OFF while the contactor is open, TRANSFER while closed on order, OPENING while it is released and not yet open."""
        if self.contactor.closed:
            return Stage.TRANSFER if self._coil else Stage.OPENING
        return Stage.FAULTED if self.latched else Stage.OFF

    @property
    def contactor_state(self) -> Contactor:
        """As the mirror contact shows it."""
        if FaultCode.CONTACTOR_WELDED in self.latched and self.contactor.closed:
            return Contactor.WELDED
        return Contactor.CLOSED if self.contactor.closed else Contactor.OPEN

    def capabilities(self) -> StageCapabilities:
        """Ratings in the terms of the image: voltages from phase to neutral, currents as sums over the phases."""
        supply = self.supply
        most_A = supply.phases * supply.current_max_A
        return StageCapabilities(
            voltage_min_V=supply.nominal_voltage_V,
            voltage_max_V=supply.nominal_voltage_V,
            charge_current_max_A=min(most_A, self.charge_power_max_W / supply.nominal_voltage_V),
            discharge_current_max_A=min(most_A, self.discharge_power_max_W / supply.nominal_voltage_V),
            charge_power_max_W=min(self.charge_power_max_W, supply.power_max_W),
            discharge_power_max_W=min(self.discharge_power_max_W, supply.power_max_W),
            ac=supply,
        )

    def image(self) -> EvseImage:
        """The outlet now, under the next sequence number."""
        self.seq += 1
        order, can = self._order, self.capabilities()
        phase = Phase.OFF if order is None else order.phase
        wanted_W = 0.0 if order is None or phase is not Phase.TRANSFER else order.power_W
        target_W = min(max(wanted_W, -can.discharge_power_max_W), can.charge_power_max_W)
        meter = self.meter
        registers = MeterRegisters(
            meter.import_Wh, meter.export_Wh, meter.voltage_V, meter.current_A, meter.power_W, self.now_s
        )
        return EvseImage(
            evse_id=self.evse_id,
            seq=self.seq,
            taken_at_s=self.now_s,
            demand_seq=0 if self.demand is None else self.demand.seq,
            phase=phase,
            stage=self.stage,
            pilot=self.pilot,
            duty_percent=self._duty_percent or 0.0,
            contactor=self.contactor_state,
            lock=self.lock,
            voltage_V=meter.voltage_V,
            current_A=meter.current_A,
            applied_W=meter.power_W,
            target_W=target_W,
            limited_by_stage="rating" if target_W != wanted_W else "",
            insulation_ohm=None,
            meter=None if meter.silent else registers,
            temperature_degC=CABINET_DEGC,
            capabilities=can,
            faults=frozenset(self.latched),
            permitted=not self.latched,
            frequency_Hz=self.grid.frequency_Hz if self.grid.voltage_V > 0.0 else None,
        )

    def snapshot(self) -> dict[str, Any]:
        """Everything a test or a person may want to see, as JSON."""
        car = self.car
        return {
            "evse": int(self.evse_id),
            "outlet": "ac",
            "now_s": self.now_s,
            "plant_import_Wh": self.import_Wh,
            "plant_export_Wh": self.export_Wh,
            "plugged": car.plugged,
            "pilot": self.pilot.name,
            "duty_percent": self._duty_percent,
            "lock": self.lock.name,
            "stage": self.stage.name,
            "contactor_closed": self.contactor.closed,
            "contactor_closed_at_s": self.contactor_closed_at_s,
            "grid_voltage_V": self.grid.voltage_V,
            "grid_frequency_Hz": self.grid.frequency_Hz,
            "voltage_V": self.meter.voltage_V,
            "current_A": self.meter.current_A,
            "power_W": car.power_W,
            "ordered_W": car.ordered_W,
            "soc_percent": car.battery.soc_percent,
            "capacity_Wh": car.battery.capacity_Wh,
            "meter_import_Wh": self.meter.import_Wh,
            "meter_export_Wh": self.meter.export_Wh,
            "auto": self.auto.stage.value if self.auto.enabled else None,
            "faults": sorted(code.name.lower() for code in self.latched),
        }
