"""One EVSE's power stage: devices in, process image out, one cycle at a time.

Joins the hardware ports, the interlocks, the DC sequence and the lease. The order within `cycle` is the safety promise:
read, interlocks, latch, sequence, command; what trips in a cycle is commanded open in that same cycle.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    ControlPilot,
    EvseImage,
    PowerEvent,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.ports import (
    EnergyMeter,
    InsulationMonitor,
    PilotBoard,
    PilotBoardCommand,
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleCommand,
    TokenReader,
)
from chargepoint.power.dc_sequence import DcSequence, SequenceInputs, SequenceOutputs
from chargepoint.power.ramp import Ramp
from chargepoint.power.seen import NOTHING, Seen, look
from chargepoint.safety.charge_end import ChargeEnd
from chargepoint.safety.energy_balance import EnergyCount
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.interlocks import Inputs, Interlocks
from chargepoint.safety.latches import Latches, board_may_clear

RESET_PATIENCE_S = 1.0
"""How long a reset waits for the board to clear its own latched bits, which feed ours."""

BOARD_CLEAR_PERIOD_S = 0.2

AWAKE_AGAIN_S = 10.0
"""After the process stood still, a device not heard again within this is silent by its own fault."""

NOT_HEARD_YET = frozenset(
    {
        FaultCode.PILOT_BOARD_COMMUNICATION,
        FaultCode.POWER_MODULE_COMMUNICATION,
        FaultCode.METER_COMMUNICATION,
        FaultCode.INSULATION_MONITOR,
    }
)
"""Latched at start: faulty until a first valid answer of every device (docs/sources/safety.md 5.3)."""


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
        self._energy = EnergyCount()
        self._charge_end = ChargeEnd()
        self._stood_still = ""
        self._awake_since_s = 0.0

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

    def stood_still(self, for_s: float, now_s: float) -> None:
        """The process itself did not run for so long: every reading is old by that, and nothing was watched."""
        self._stood_still = f"the power process itself stood still for {for_s:.1f} s"
        self._awake_since_s = now_s

    def fail_safe(self, error: Exception, now_s: float) -> EvseImage:
        """`cycle` or `poll` raised: order everything off, latch INTERNAL, begin again with a sequence that knows nothing.

        Returns an image that says so, for what was read is not to be trusted either. Never raises.
        """
        for order_off in (self._board_off, self._module_off):
            with contextlib.suppress(Exception):  # the defect may be in that very driver; the other must hear it
                order_off()
        self._sequence, self._demand = None, None
        detail = f"{type(error).__name__}: {error}"
        self._latch({FaultCode.INTERNAL: detail}, ControlPilot.UNKNOWN, Stage.OPENING, now_s)
        return self._image(NOTHING, None, None, Stage.FAULTED, now_s)

    def switch_off(self) -> None:
        """Order everything off now, whatever the sequence says: the process is about to end. The lock stays as it is."""
        try:
            self._board_off()
        finally:
            self._module_off()

    def _board_off(self) -> None:
        last = self._board_command
        self._contactor_commanded = False
        self._hw.pilot.command(PilotBoardCommand(discharge=last.discharge, lock=last.lock))

    def _module_off(self) -> None:
        self._hw.module.command(PowerModuleCommand())

    @property
    def identity_errors(self) -> tuple[tuple[str, str], ...]:
        """Of every device its name and why it is not the one configured; empty text: nothing to say. Always in one order."""
        hw = self._hw
        return tuple((device.name, device.identity_error) for device in (hw.pilot, hw.module, hw.meter, hw.insulation))

    def events(self) -> list[PowerEvent]:
        """What happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def cycle(self, now_s: float) -> EvseImage:
        """One cycle: read, judge, command. Returns the process image."""
        seen = look(self._hw.pilot, self._hw.module, self._hw.meter, self._hw.insulation, now_s)
        sequence = self._sequence_for(self._hw.module.capabilities)
        lease_valid = self._demand is not None and now_s < self._demand_until_s
        demand = self._demand if lease_valid else None
        stage_before = sequence.stage if sequence is not None else Stage.OFF
        self._note_car_voltage(demand, stage_before)
        self._note_recovery(seen, now_s)
        self._clear_board(seen, stage_before, now_s)
        active = self._interlocks.evaluate(self._interlock_inputs(seen, stage_before, lease_valid, now_s))
        self._latch(active, seen.pilot, stage_before, now_s)
        capabilities = self._stage_capabilities(self._hw.module.capabilities)
        image = replace(
            self._image(seen, demand, capabilities, stage_before, now_s),
            meter=self._hw.meter.registers,  # as last read, with its own age
        )
        if sequence is None:
            return image
        out = sequence.step(self._sequence_inputs(seen, demand, now_s))
        self._latch({**active, **out.failures}, seen.pilot, out.stage, now_s)
        self._obey(out)
        return replace(
            image,
            stage=out.stage,
            applied_W=out.applied_W,
            target_W=out.target_W,
            limited_by_stage=out.limited_by,
            faults=self._latches.codes,
            permitted=self._latches.severity is None,
        )

    def _obey(self, out: SequenceOutputs) -> None:
        self._board_command, self._contactor_commanded = out.board, out.board.contactor
        self._hw.pilot.command(out.board)
        self._hw.module.command(out.module)
        self._hw.insulation.enable(out.insulation_measuring)
        if out.insulation_self_test:
            self._hw.insulation.start_self_test()

    def _image(
        self,
        seen: Seen,
        demand: StageDemand | None,
        capabilities: StageCapabilities | None,
        stage: Stage,
        now_s: float,
    ) -> EvseImage:
        """What is known before the sequence has worked."""
        self._seq += 1
        return EvseImage(
            evse_id=self.evse_id,
            seq=self._seq,
            taken_at_s=now_s,
            demand_seq=-1 if self._demand is None else self._demand.seq,
            phase=Phase.OFF if demand is None else demand.phase,
            stage=stage,
            pilot=seen.pilot,
            duty_percent=0.0 if seen.board is None else seen.board.duty_percent,
            contactor=seen.contactor,
            lock=seen.lock,
            voltage_V=seen.voltage_V,
            current_A=seen.current_A,
            applied_W=0.0,
            target_W=0.0,
            limited_by_stage="",
            insulation_ohm=seen.insulation_ohm,
            meter=None,
            temperature_degC=seen.temperature_degC,
            capabilities=capabilities,
            faults=self._latches.codes,
            permitted=self._latches.severity is None,
        )

    def _sequence_inputs(self, seen: Seen, demand: StageDemand | None, now_s: float) -> SequenceInputs:
        return SequenceInputs(
            now_s=now_s,
            demand=demand,
            severity=self._latches.severity,
            pilot=seen.pilot,
            lock=seen.lock,
            contactor=seen.contactor,
            voltage_V=seen.voltage_V,
            current_A=seen.current_A,
            meter_current_A=seen.recent_meter_current_A(now_s),
            insulation=seen.insulation,
            capabilities=self._rated(self._hw.module.capabilities),
            temperature_degC=seen.temperature_degC,
        )

    def _sequence_for(self, capabilities: PowerModuleCapabilities | None) -> DcSequence | None:
        """The sequence exists from the moment the module has said what it is."""
        if self._sequence is None and capabilities is not None:
            rate = min(self._ratings.ramp_A_per_s, capabilities.ramp_A_per_s)
            ramp = Ramp(rate, capabilities.reversal, capabilities.reversal_time_s)
            self._sequence = DcSequence(self._ratings.envelope, ramp)
        return self._sequence

    def _interlock_inputs(self, seen: Seen, stage: Stage, lease_valid: bool, now_s: float) -> Inputs:
        board, module, meter = seen.board, seen.module, seen.meter
        power_W = None if module is None else module.voltage_V * module.current_A
        allowed_A = 0.0 if self._sequence is None else self._sequence.allowed_current_A
        energy = self._energy.step(now_s, transferring=stage is Stage.TRANSFER, power_W=power_W, meter=meter)
        return Inputs(
            now_s=now_s,
            envelope=self._ratings.envelope,
            stage=stage,
            lease_valid=lease_valid,
            pilot_board_alive=board is not None,
            power_module_alive=module is not None,
            meter_alive=meter is not None,
            insulation_monitor_trouble=seen.insulation_trouble,
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
            module_voltage_V=seen.voltage_V,
            module_current_A=seen.current_A,
            module_faults=() if module is None else module.faults,
            meter_voltage_V=None if meter is None else meter.voltage_V,
            meter_current_A=None if meter is None else meter.current_A,
            energy=energy,
            commanded_current_A=0.0 if self._sequence is None else self._sequence.commanded_current_A,
            allowed_current_A=allowed_A,
            battery_full=self._charge_end.step(
                self._ratings.envelope, self._car_voltage_max_V, seen.voltage_V, seen.current_A, allowed_A
            ),
            insulation_ohm=seen.insulation_ohm,
            temperature_degC=seen.temperature_degC,
            stood_still=self._stood_still,
        )

    def _note_recovery(self, seen: Seen, now_s: float) -> None:
        """What follows from having stood still is over once every device was heard again and the board let go of its
        watchdog's latch; a device that is not heard for long has a fault of its own."""
        if now_s <= self._awake_since_s:
            return  # told at least once, however short it was
        recovered = seen.everyone and seen.board is not None and "watchdog" not in seen.board.latched
        if recovered or now_s - self._awake_since_s >= AWAKE_AGAIN_S:
            self._stood_still = ""

    def _latch(self, active: dict[FaultCode, str], pilot: ControlPilot, stage: Stage, now_s: float) -> None:
        new, cleared = self._latches.step(active, power_off=self._power_off(stage), car_gone=pilot is ControlPilot.A)
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

    def _clear_board(self, seen: Seen, stage: Stage, now_s: float) -> None:
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
