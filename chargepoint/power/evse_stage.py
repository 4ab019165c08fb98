"""One EVSE's power stage: devices in, process image out, one cycle at a time.

Joins the hardware ports, the interlocks, the DC sequence and the lease. The order within `cycle` is the safety promise:
read, interlocks, latch, sequence, command; what trips in a cycle is commanded open in that same cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    Contactor,
    ControlPilot,
    EvseImage,
    Lock,
    PowerEvent,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.readings import fresh
from chargepoint.ports import (
    EnergyMeter,
    InsulationMonitor,
    InsulationState,
    PilotBoard,
    PilotBoardCommand,
    PilotBoardState,
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
    TokenReader,
)
from chargepoint.power.dc_sequence import DcSequence, SequenceInputs
from chargepoint.power.ramp import Ramp
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.interlocks import Inputs, Interlocks
from chargepoint.safety.latches import Latches, board_may_clear

PILOT_MAX_AGE_S = 0.25
MODULE_MAX_AGE_S = 0.5
METER_MAX_AGE_S = 2.0
INSULATION_MAX_AGE_S = 2.0  # facts/hardware.md 3: older than 2 s is a fault

RESET_PATIENCE_S = 1.0
"""How long a reset waits for the board to clear its own latched bits, which feed ours."""

BOARD_CLEAR_PERIOD_S = 0.2

NOT_HEARD_YET = frozenset(
    {
        FaultCode.PILOT_BOARD_COMMUNICATION,
        FaultCode.POWER_MODULE_COMMUNICATION,
        FaultCode.METER_COMMUNICATION,
        FaultCode.INSULATION_MONITOR,
    }
)
"""Latched at start: faulty until a first valid answer of every device (facts/safety.md 5.3)."""


@dataclass(frozen=True, slots=True)
class EvseHardware:
    """The devices of one EVSE, behind their ports."""

    pilot: PilotBoard
    module: PowerModule
    meter: EnergyMeter
    insulation: InsulationMonitor
    token_reader: TokenReader | None


@dataclass(frozen=True, slots=True)
class StageRatings:
    """What this EVSE may do whatever the module can: from the configuration. Magnitudes."""

    envelope: Envelope
    voltage_min_V: float
    charge_power_max_W: float
    discharge_power_max_W: float
    ramp_A_per_s: float
    lease_s: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """This cycle's readings, stale ones None."""

    board: PilotBoardState | None
    module: PowerModuleState | None
    insulation: InsulationState | None
    contactor: Contactor

    @property
    def pilot(self) -> ControlPilot:
        return ControlPilot.UNKNOWN if self.board is None else self.board.pilot

    @property
    def lock(self) -> Lock:
        return Lock.UNDEFINED if self.board is None else self.board.lock

    @property
    def temperature_degC(self) -> float | None:
        return max(self.board.temperatures_degC, default=None) if self.board is not None else None


class EvseStage:
    """Sole owner of one EVSE's power hardware. Everything off until a valid demand says otherwise."""

    def __init__(self, evse_id: EvseId, hardware: EvseHardware, ratings: StageRatings) -> None:
        self.evse_id = evse_id
        self._hw = hardware
        self._ratings = ratings
        self._interlocks = Interlocks()
        self._latches = Latches(NOT_HEARD_YET)
        self._sequence: DcSequence | None = None
        self._demand: StageDemand | None = None
        self._demand_until_s = 0.0
        self._seq = 0
        self._events: list[PowerEvent] = []
        self._contactor_commanded = False
        self._board_command = PilotBoardCommand()
        self._car_voltage_max_V = 0.0
        self._reset_asked = False
        self._reset_until_s: float | None = None
        self._board_clear_due_s = 0.0

    def take_demand(self, demand: StageDemand, now_s: float) -> None:
        """Obey this until its lease, capped by our own, runs out. An older sequence number is ignored."""
        if self._demand is not None and demand.seq <= self._demand.seq and now_s < self._demand_until_s:
            return
        self._demand = demand
        self._demand_until_s = now_s + min(demand.lease_s, self._ratings.lease_s)

    def withdraw_demand(self) -> None:
        """The daemon's connection is gone: a new one counts its demands afresh; the lease still runs out by itself."""
        if self._demand is not None:
            self._demand = replace(self._demand, seq=-1)

    def reset_faults(self) -> None:
        """A person or the central system asks for a reset; causes still present stay latched."""
        self._reset_asked = True

    def switch_off(self) -> None:
        """Order everything off now, whatever the sequence says: the process is about to end. The lock stays as it is."""
        last = self._board_command
        self._contactor_commanded = False
        self._hw.pilot.command(PilotBoardCommand(discharge=last.discharge, lock=last.lock))
        self._hw.module.command(PowerModuleCommand())

    def events(self) -> list[PowerEvent]:
        """What happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def cycle(self, now_s: float) -> EvseImage:
        """One cycle: read, judge, command. Returns the process image."""
        seen = self._read(now_s)
        capabilities = self._hw.module.capabilities
        sequence = self._sequence_for(capabilities)
        lease_valid = self._demand is not None and now_s < self._demand_until_s
        demand = self._demand if lease_valid else None
        stage_before = sequence.stage if sequence is not None else Stage.OFF
        self._note_car_voltage(demand, stage_before)
        self._clear_board(seen, stage_before, now_s)
        active = self._interlocks.evaluate(self._interlock_inputs(seen, stage_before, lease_valid, now_s))
        self._latch(active, seen, stage_before, now_s)
        meter = self._hw.meter.registers
        image = EvseImage(
            evse_id=self.evse_id,
            seq=self._seq,
            taken_at_s=now_s,
            demand_seq=-1 if self._demand is None else self._demand.seq,
            phase=Phase.OFF if demand is None else demand.phase,
            stage=stage_before,
            pilot=seen.pilot,
            duty_percent=0.0 if seen.board is None else seen.board.duty_percent,
            contactor=seen.contactor,
            lock=seen.lock,
            voltage_V=None if seen.module is None else seen.module.voltage_V,
            current_A=None if seen.module is None else seen.module.current_A,
            applied_W=0.0,
            target_W=0.0,
            limited_by_stage="",
            insulation_ohm=None if seen.insulation is None else seen.insulation.resistance_ohm,
            meter=meter,
            temperature_degC=seen.temperature_degC,
            capabilities=self._stage_capabilities(capabilities),
            faults=self._latches.codes,
            permitted=self._latches.severity is None,
        )
        self._seq += 1
        if sequence is None:
            return image
        out = sequence.step(
            SequenceInputs(
                now_s=now_s,
                demand=demand,
                severity=self._latches.severity,
                pilot=seen.pilot,
                lock=seen.lock,
                contactor=seen.contactor,
                voltage_V=image.voltage_V,
                current_A=image.current_A,
                insulation=seen.insulation,
                capabilities=self._rated(capabilities),
                temperature_degC=seen.temperature_degC,
            )
        )
        self._latch({**active, **out.failures}, seen, out.stage, now_s)
        self._board_command, self._contactor_commanded = out.board, out.board.contactor
        self._hw.pilot.command(out.board)
        self._hw.module.command(out.module)
        self._hw.insulation.enable(out.insulation_measuring)
        if out.insulation_self_test:
            self._hw.insulation.start_self_test()
        return replace(
            image,
            stage=out.stage,
            applied_W=out.applied_W,
            target_W=out.target_W,
            limited_by_stage=out.limited_by,
            faults=self._latches.codes,
            permitted=self._latches.severity is None,
        )

    def _sequence_for(self, capabilities: PowerModuleCapabilities | None) -> DcSequence | None:
        """The sequence exists from the moment the module has said what it is."""
        if self._sequence is None and capabilities is not None:
            rate = min(self._ratings.ramp_A_per_s, capabilities.ramp_A_per_s)
            ramp = Ramp(rate, capabilities.reversal, capabilities.reversal_time_s)
            self._sequence = DcSequence(self._ratings.envelope, ramp)
        return self._sequence

    def _read(self, now_s: float) -> _Seen:
        board = fresh(self._hw.pilot.state, now_s, PILOT_MAX_AGE_S)
        return _Seen(
            board=board,
            module=fresh(self._hw.module.state, now_s, MODULE_MAX_AGE_S),
            insulation=fresh(self._hw.insulation.state, now_s, INSULATION_MAX_AGE_S),
            contactor=_contactor(board),
        )

    def _interlock_inputs(self, seen: _Seen, stage: Stage, lease_valid: bool, now_s: float) -> Inputs:
        board, module, meter = seen.board, seen.module, self._hw.meter.registers
        meter_alive = meter is not None and now_s - meter.taken_at_s <= METER_MAX_AGE_S
        return Inputs(
            now_s=now_s,
            envelope=self._ratings.envelope,
            stage=stage,
            lease_valid=lease_valid,
            pilot_board_alive=board is not None,
            power_module_alive=module is not None,
            meter_alive=meter_alive,
            insulation_monitor_healthy=seen.insulation is not None and seen.insulation.healthy,
            pilot=seen.pilot,
            lock=seen.lock,
            contactor=seen.contactor,
            contactor_commanded=self._contactor_commanded,
            emergency_chain_closed=board is not None and board.emergency_chain_closed,
            hardware_chain_closed=board is not None and board.hardware_chain_closed,
            door_closed=board is not None and board.door_closed,
            rcd_ok=board is not None and board.rcd_ok,
            insulation_relay_ok=board is not None and board.insulation_relay_ok,
            board_latched=frozenset() if board is None else board.latched,
            car_voltage_max_V=self._car_voltage_max_V,
            module_voltage_V=None if module is None else module.voltage_V,
            module_current_A=None if module is None else module.current_A,
            module_faults=() if module is None else module.faults,
            meter_voltage_V=meter.voltage_V if meter is not None and meter_alive else None,
            commanded_current_A=0.0 if self._sequence is None else self._sequence.commanded_current_A,
            insulation_ohm=None if seen.insulation is None else seen.insulation.resistance_ohm,
            temperature_degC=seen.temperature_degC,
        )

    def _latch(self, active: dict[FaultCode, str], seen: _Seen, stage: Stage, now_s: float) -> None:
        new, cleared = self._latches.step(
            active, power_off=self._power_off(stage), car_gone=seen.pilot is ControlPilot.A
        )
        self._events += [InterlockTripped(self.evse_id, code, now_s, detail) for code, detail in new.items()]
        self._events += [FaultCleared(self.evse_id, code, now_s) for code in sorted(cleared)]

    def _power_off(self, stage: Stage) -> bool:
        return stage in (Stage.OFF, Stage.FAULTED) and not self._contactor_commanded

    def _note_car_voltage(self, demand: StageDemand | None, stage: Stage) -> None:
        """The car's maximum outlives the demand that named it until the output is off: a demand to stop names none."""
        if demand is not None and demand.voltage_limit_V > 0:
            self._car_voltage_max_V = demand.voltage_limit_V
        elif stage in (Stage.OFF, Stage.FAULTED):
            self._car_voltage_max_V = 0.0

    def _clear_board(self, seen: _Seen, stage: Stage, now_s: float) -> None:
        """Let the board clear what it latched, by itself or on request; our own reset follows once the board did."""
        if self._reset_asked:
            self._reset_asked, self._reset_until_s = False, now_s + RESET_PATIENCE_S
            tested = None if seen.insulation is None else seen.insulation.self_test_passed
            if self._power_off(stage) and tested is False:
                self._hw.insulation.start_self_test()  # a failed one leaves the monitor unhealthy until the next
        asked = self._reset_until_s is not None
        latched = frozenset() if seen.board is None else seen.board.latched
        car_gone = seen.pilot is ControlPilot.A
        if (
            self._power_off(stage)
            and now_s >= self._board_clear_due_s
            and board_may_clear(latched, car_gone=car_gone, asked=asked)
        ):
            self._board_clear_due_s = now_s + BOARD_CLEAR_PERIOD_S
            self._hw.pilot.clear_latched()
        if self._reset_until_s is not None and (not latched or now_s >= self._reset_until_s):
            self._reset_until_s = None
            self._latches.ask_reset()

    def _rated(self, module: PowerModuleCapabilities | None) -> PowerModuleCapabilities | None:
        """The module's capabilities within this EVSE's ratings: the sequence keeps them whatever the daemon asks."""
        if module is None:
            return None
        ratings = self._ratings
        return replace(
            module,
            voltage_min_V=max(module.voltage_min_V, ratings.voltage_min_V),
            voltage_max_V=min(module.voltage_max_V, ratings.envelope.voltage_max_V),
            charge_current_max_A=min(module.charge_current_max_A, ratings.envelope.current_max_A),
            discharge_current_max_A=min(module.discharge_current_max_A, ratings.envelope.current_max_A),
            charge_power_max_W=min(module.charge_power_max_W, ratings.charge_power_max_W),
            discharge_power_max_W=min(module.discharge_power_max_W, ratings.discharge_power_max_W),
        )

    def _stage_capabilities(self, module: PowerModuleCapabilities | None) -> StageCapabilities | None:
        rated = self._rated(module)
        if rated is None:
            return None
        return StageCapabilities(
            voltage_min_V=rated.voltage_min_V,
            voltage_max_V=rated.voltage_max_V,
            charge_current_max_A=rated.charge_current_max_A,
            discharge_current_max_A=rated.discharge_current_max_A,
            charge_power_max_W=rated.charge_power_max_W,
            discharge_power_max_W=rated.discharge_power_max_W,
        )

    def poll(self, now_s: float) -> None:
        """Let every device queue what is due, and take tokens from the reader."""
        hw = self._hw
        hw.pilot.poll(now_s)
        hw.module.poll(now_s)
        hw.meter.poll(now_s)
        hw.insulation.poll(now_s)
        if hw.token_reader is not None:
            hw.token_reader.poll(now_s)
            self._events += [TokenPresented(self.evse_id, value, now_s) for value in hw.token_reader.tokens()]


def _contactor(board: PilotBoardState | None) -> Contactor:
    if board is None:
        return Contactor.UNKNOWN
    if "weld" in board.latched:
        return Contactor.WELDED
    poles = (board.contactor_positive_closed, board.contactor_negative_closed)
    if all(poles):
        return Contactor.CLOSED
    return Contactor.CLOSED if any(poles) and not board.contactor_commanded else Contactor.OPEN
