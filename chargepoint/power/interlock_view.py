"""What the interlocks look at, made of one cycle's readings, and of what must be remembered from cycle to cycle."""

from __future__ import annotations

from dataclasses import dataclass, field

from chargepoint.model.demand import PilotCommand, StageDemand
from chargepoint.model.image import Stage
from chargepoint.ports import IoCommand
from chargepoint.power.device_readings import DeviceReadings
from chargepoint.power.grid_watch import GridWatch
from chargepoint.power.sequence import PowerSequence
from chargepoint.safety.ac_flow import AcFlow, FallingLimits
from chargepoint.safety.charge_end import ChargeEnd
from chargepoint.safety.contactor_watch import ContactorWatch
from chargepoint.safety.energy_balance import EnergyCount
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.grid_window import GridWindow
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.relay_watch import RelayWatch
from chargepoint.safety.temperature import Heat, HeatBounds
from chargepoint.safety.wear import WearCount

PILOT_SETTLE_S = 0.5
"""So long after a change of the pilot's order what is measured does not count."""


@dataclass(frozen=True, slots=True)
class StageRatings:
    """What this EVSE may do whatever the module can: from the configuration."""

    envelope: Envelope
    ramp_A_per_s: float
    lease_s: float
    temperature_required: bool = True
    """Both contact sensors must give a plausible temperature."""
    proximity_required: bool = False
    """The proximity contact of the connector is wired to the pilot/IO board."""
    heat: HeatBounds = field(default_factory=HeatBounds)
    grid: GridWindow = field(default_factory=GridWindow)


@dataclass(frozen=True, slots=True)
class Troubles:
    """What devices, wires and the process report of themselves, in words; empty: nothing."""

    process_stalled: str = ""
    overrun: str = ""
    record: str = ""
    io_silent: str = ""
    identity: str = ""
    buses_dead: str = ""


class InterlockView:
    """Call `inputs` once each cycle, before the sequence's own step."""

    def __init__(self, ratings: StageRatings, explained_within_s: float = 0.0) -> None:
        """`explained_within_s`: `IoWiring.explained_within_s`."""
        self._ratings = ratings
        self._contactor_watch = ContactorWatch(explained_within_s)
        self._relays = RelayWatch()
        self._energy = EnergyCount()
        self._charge_end = ChargeEnd()
        self._falling = FallingLimits()
        self._pilot_shown = (PilotCommand.F, 0.0)
        self._pilot_since_s = 0.0
        self._car_max_V = self._car_named_V = 0.0
        self.contactor_opened = False
        """The contactor opened without an order, after the last call."""
        self.wear = WearCount()

    def inputs(
        self,
        now_s: float,
        seen: DeviceReadings,
        heat: Heat,
        sequence: PowerSequence | None,
        demand: StageDemand | None,
        *,
        ordered: IoCommand,
        lease_valid: bool,
        troubles: Troubles,
        grid: GridWatch,
        ac: AcFlow | None = None,
    ) -> InterlockInputs:
        """`ordered`: what the outputs were last ordered to do. `sequence` None: the module has not identified itself yet."""
        stage = Stage.OFF if sequence is None else sequence.stage
        self._note_car_voltage(demand, stage)
        self._watch_contactor(now_s, seen, ordered)
        io, module, meter = seen.io, seen.module, seen.meter
        power_W = seen.power_W
        commanded_A = 0.0 if sequence is None else sequence.commanded_current_A
        allowed_A = 0.0 if sequence is None else sequence.allowed_current_A
        limit_V = (0.0 if sequence is None else sequence.charge_voltage_V) or self._car_max_V
        envelope = self._ratings.envelope
        return InterlockInputs(
            now_s=now_s,
            envelope=envelope,
            stage=stage,
            lease_valid=lease_valid,
            pilot_board_alive=io is not None,
            power_module_alive=module is not None,
            meter_alive=meter is not None,
            insulation_monitor_trouble=seen.insulation_trouble,
            pilot=seen.pilot,
            lock=seen.lock,
            contactor=seen.contactor,
            contactor_commanded=ordered.contactor,
            contactor_opened=self.contactor_opened,
            open_inputs=frozenset() if io is None else io.open_inputs,
            board_latched=frozenset() if io is None else io.latched,
            car_voltage_max_V=self._car_max_V,
            car_voltage_named_V=self._car_named_V,
            module_voltage_V=None if module is None else module.voltage_V,
            module_current_A=None if module is None else module.current_A,
            module_faults=() if module is None else module.faults,
            meter_voltage_V=None if meter is None else meter.voltage_V,
            meter_current_A=None if meter is None else meter.current_A,
            energy=self._energy.step(now_s, transferring=stage is Stage.TRANSFER, power_W=power_W, meter=meter),
            commanded_current_A=commanded_A,
            allowed_current_A=allowed_A,
            battery_full=self._charge_end.step(envelope, limit_V, seen.voltage_V, seen.current_A, allowed_A),
            insulation_ohm=seen.insulation_ohm,
            temperature_degC=heat.hottest_degC,
            temperature_lost=heat.lost,
            temperature_doubt=heat.doubt,
            process_stalled=troubles.process_stalled,
            io_silent=troubles.io_silent,
            identity_trouble=troubles.identity,
            buses_dead=troubles.buses_dead,
            overrun=troubles.overrun,
            record_trouble=troubles.record,
            pilot_command=self._settled_pilot(now_s, ordered),
            duty_ordered_percent=ordered.duty_percent,
            duty_percent=0.0 if io is None else io.duty_percent,
            pilot_low_V=-12.0 if io is None else io.pilot_low_V,
            proximity_ohm=None if io is None else io.proximity_ohm,
            proximity_required=self._ratings.proximity_required,
            relay_stuck=self._stuck(now_s, seen, ordered),
            contactor_worn=self.wear.worn,
            module_kinds=frozenset() if module is None else module.kinds,
            module_degraded="" if module is None else "; ".join(module.degraded),
            voltage_max_now_V=limit_V,
            module_temperature_degC=None if module is None else module.temperature_degC,
            cabinet_temperature_degC=heat.cabinet_degC,
            heat=self._ratings.heat,
            voltage_to_earth_V=None if seen.insulation is None else seen.insulation.voltage_to_earth_V,
            meter_alarm="" if meter is None else meter.alarm,
            phase_voltages_V=grid.phase_voltages_V(now_s)[: self._ratings.grid.phases],
            frequency_Hz=grid.frequency_Hz(now_s),
            grid=self._ratings.grid,
            ac=ac,
            limits_fell=self._falling.step(ac),
        )

    def _watch_contactor(self, now_s: float, seen: DeviceReadings, ordered: IoCommand) -> None:
        self.wear.step(seen.contactor, seen.pole_current_A)
        self.contactor_opened = self._contactor_watch.step(
            now_s,
            ordered=ordered.contactor,
            contactor=seen.contactor,
            coil_on=None if seen.io is None else seen.io.contactor_commanded,
            car_asks=seen.pilot.ready and ordered.pilot is PilotCommand.PWM,
        )

    def _stuck(self, now_s: float, seen: DeviceReadings, ordered: IoCommand) -> str:
        if seen.io is None:
            return ""
        return self._relays.step(
            now_s,
            discharge_ordered=ordered.discharge,
            discharge_closed=seen.io.discharge_closed,
            precharge_closed=seen.io.precharge_closed,
        )

    def _settled_pilot(self, now_s: float, ordered: IoCommand) -> PilotCommand:
        """What the pilot has been ordered to show for a while; F after a change, for the board measures a little later."""
        shown = (ordered.pilot, ordered.duty_percent)
        if shown != self._pilot_shown:
            self._pilot_shown, self._pilot_since_s = shown, now_s
        return shown[0] if now_s - self._pilot_since_s >= PILOT_SETTLE_S else PilotCommand.F

    def _note_car_voltage(self, demand: StageDemand | None, stage: Stage) -> None:
        """The car's maximum outlives the demand that named it until the output is off: a demand to stop names none."""
        off = stage in (Stage.OFF, Stage.FAULTED)
        named_V = 0.0 if demand is None else demand.dc.limits.voltage_max_V
        if named_V > 0:
            self._car_max_V = named_V
            self._car_named_V = max(0.0 if off else self._car_named_V, named_V)
        elif off:
            self._car_max_V = self._car_named_V = 0.0
