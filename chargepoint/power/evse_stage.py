"""One EVSE's power stage: devices in, process image out, one cycle at a time.

Joins the hardware ports, the interlocks, the sequence of its outlet and the lease. What only a DC or only an AC outlet has is
in `outlet.py`. The order within `cycle` is the safety promise:
read, interlocks, latch, sequence, command; what trips in a cycle is commanded open in that same cycle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import (
    CENTRAL_SYSTEM,
    CONTROLLED_STOP_S,
    FaultCleared,
    FaultCode,
    InterlockTripped,
    Severity,
)
from chargepoint.model.ids import EvseId
from chargepoint.model.image import (
    Contactor,
    ControlPilot,
    EvseImage,
    MeterRegisters,
    PowerEvent,
    Stage,
    StageCapabilities,
    TokenPresented,
)
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.ports import (
    Bus,
    Device,
    EnergyMeter,
    IoCommand,
    IoState,
    TokenReader,
)
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import NOTHING_READ, DeviceReadings, is_news
from chargepoint.power.evse_io import EvseIo, IoWiring
from chargepoint.power.grid_watch import GridWatch
from chargepoint.power.interlock_view import InterlockView, StageRatings, Troubles
from chargepoint.power.outlet import PowerOutlet
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs
from chargepoint.power.stack_wish import StackWish
from chargepoint.safety.interlocks.chain import CHAIN_ELEMENTS
from chargepoint.safety.interlocks.table import Interlocks, table_of
from chargepoint.safety.latches import Latches, board_may_clear
from chargepoint.safety.temperature import SHARE_WITHOUT_FAN, Heat, judge
from chargepoint.safety.wear import Wear, WearCount, WearLimits

RESET_PATIENCE_S = 1.0
"""How long a reset waits for the board to clear its own latched bits, which feed ours."""

CHAIN = CHAIN_ELEMENTS | {SafetyInput.HARDWARE_CHAIN, SafetyInput.TILT}
"""Inputs that open the contactor. While one of them is open, the board cannot clear what it latched."""

BOARD_CLEAR_PERIOD_S = 0.2

PILOT_SETTLE_S = 0.5
"""So long after a change of the pilot's order what is measured does not count."""

AWAKE_AGAIN_S = 10.0
"""After the process stalled, a device not heard again within this is silent by its own fault."""

SETTLED_W = 100.0
"""Between the power that is asked for and the power that is ordered, when a ramp is at its end."""

ORDERS_STALE_S = 0.4
"""Less than a lease and the board's watchdog by default, 0.5 s: these count from the last message, up to 0.1 s before the stall."""

NOT_HEARD_YET = frozenset({FaultCode.PILOT_BOARD_COMMUNICATION, FaultCode.METER_COMMUNICATION})
"""Latched at the start, with those of the outlet's own devices: faulty until a first valid answer of every device
(docs/sources/safety.md 5.3)."""


@dataclass(frozen=True, slots=True)
class EvseHardware:
    """The devices of one EVSE, behind their ports."""

    io: IoWiring
    outlet: PowerOutlet
    """What depends on the kind of outlet, with the devices that only this kind has."""
    meter: EnergyMeter
    token_reader: TokenReader | None = None
    buses: tuple[Bus, ...] = ()
    """The wires of these devices."""
    grid_meter: EnergyMeter | None = None
    """Shows the grid's frequency: at the station's connection, shared by all EVSEs, or an AC outlet's own meter. None: nothing
    shows the frequency."""


class EvseStage:
    """Sole owner of one EVSE's power hardware. Everything off until a valid demand says otherwise."""

    def __init__(
        self,
        evse_id: EvseId,
        hardware: EvseHardware,
        ratings: StageRatings,
        kept: Mapping[FaultCode, str] = MappingProxyType({}),
    ) -> None:
        """`kept`: faults that were latched before the process started and that only a person may reset."""
        self.evse_id = evse_id
        self._hw = hardware
        self._ratings = ratings
        self._guard = DeviceGuard()
        self._io = EvseIo(hardware.io, self._guard)
        self._outlet = hardware.outlet
        self._devices: tuple[Device, ...] = (*self._io.devices, *hardware.outlet.devices, hardware.meter)
        self._heat = Heat()
        self._judged: IoState | None = None
        self._judged_readings: tuple[object, ...] = ()
        self._registers: MeterRegisters | None = None
        self._interlocks = Interlocks(table_of(hardware.outlet.kind))
        self._latches = Latches(NOT_HEARD_YET | hardware.outlet.not_heard_yet, kept)
        self._record_trouble = self._overrun = ""
        self._view = InterlockView(ratings, hardware.io.explained_within_s)
        self._grid = GridWatch()
        self._stop_since_s: float | None = None
        self._author = ""
        self._demand: StageDemand | None = None
        self._demand_until_s = 0.0
        self._seq = 0
        self._events: list[PowerEvent] = []
        self._open_now = self._off_demanded = False
        self._io_command = IoCommand()
        self._out: SequenceOutputs | None = None
        self._settled = False
        self._reset_asked = self._resetting = False
        self._reset_until_s: float | None = None
        self._board_clear_due_s = 0.0
        self._process_stalled = ""
        self._stall_judged = True
        self._awake_since_s = 0.0

    def take_demand(self, demand: StageDemand, now_s: float) -> bool:
        """Obey this until its lease, capped by our own, runs out. An older sequence number is ignored.

        True if it asks for something else than the demand before, so that waiting for the next tick would lose time.
        """
        before, valid = self._demand, now_s < self._demand_until_s
        if before is not None and demand.seq <= before.seq and valid:
            return False
        self._off_demanded = self._off_demanded or demand.phase is Phase.OFF
        self._demand = demand
        self._demand_until_s = now_s + min(demand.lease_s, self._ratings.lease_s)
        return before is None or not valid or replace(before, seq=demand.seq) != demand

    def withdraw_demand(self) -> None:
        """The daemon's connection is gone: a new one counts its demands afresh; the lease still runs out by itself."""
        if self._demand is not None:
            self._demand = replace(self._demand, seq=-1)

    def reset_faults(self, author: str) -> None:
        """A person or the central system (`author`) asks for a reset; causes still present stay latched.

        The central system's leaves what a person must look at first (`chargepoint.model.faults.ON_SITE`).
        """
        self._reset_asked, self._author = True, author

    @property
    def operator_latches(self) -> Mapping[FaultCode, str]:
        """Latched faults that only a person may reset, with their words: to be kept over a restart."""
        return self._latches.operator

    def begin_wear(self, before: Wear, limits: WearLimits) -> None:
        """What the contactor has counted before the process started, and what it bears. Before the first cycle."""
        self._view.wear = WearCount(before, limits)

    @property
    def wear(self) -> WearCount:
        """The counts of the contactor, and what it bears."""
        return self._view.wear

    def note_record_trouble(self, trouble: str) -> None:
        """Why the record of latched faults cannot be written; empty when it can. A trouble is a fault of its own."""
        self._record_trouble = trouble

    def process_stalled(self, for_s: float, now_s: float) -> None:
        """The process itself did not run for so long: every reading is old by that, and nothing was watched.

        Beyond `ORDERS_STALE_S` every lease has run out and the board's watchdog has opened: everything is ordered off at
        once, so that the first thing that is written is that order. After a shorter stall the sequence ramps down.
        """
        if for_s > ORDERS_STALE_S:
            self._open_now = True
            self.switch_off()
        self._process_stalled = f"the power process itself did not run for {for_s:.1f} s"
        self._stall_judged = False
        self._awake_since_s = now_s

    def fail_safe(self, error: Exception, now_s: float) -> EvseImage:
        """`cycle` or `poll` raised: order everything off, latch INTERNAL, begin again with a sequence that knows nothing.

        Returns an image that says so, for what was read is not to be trusted either. Never raises.
        """
        with contextlib.suppress(Exception):  # the defect may be in that very driver; the others must hear it
            self._io_off()
        self._outlet.order_off(DeviceGuard())  # one that forgets: the fault INTERNAL names the defect
        self._outlet.begin_anew()
        self._demand = None
        detail = f"{type(error).__name__}: {error}"
        self._latch({FaultCode.INTERNAL: detail}, NOTHING_READ, Stage.OPENING, now_s)
        return self._image(NOTHING_READ, None, None, Stage.FAULTED, now_s)

    def switch_off(self) -> None:
        """Order everything off now, whatever the sequence says: the process is about to end. The lock stays as it is."""
        self._io_off()
        self._outlet.order_off(self._guard)

    def _io_off(self) -> None:
        last = self._io_command
        self._io_command = IoCommand(discharge=last.discharge, lock=last.lock)
        self._io.command(self._io_command)

    @property
    def identity_errors(self) -> tuple[tuple[str, str], ...]:
        """Of every device its name and what is wrong with it: not the one configured, or a driver that failed. Empty text:
        nothing to report. Always in one order."""
        return tuple(
            (device.name, self._guard.trouble(device) or self._identity_error(device)) for device in self._devices
        )

    def _identity_error(self, device: Device) -> str:
        return self._guard.read(device, lambda: device.identity_error) or self._guard.trouble(device)

    def events(self) -> list[PowerEvent]:
        """What happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def wish(self, now_s: float) -> StackWish:
        """What this EVSE wants of a stack of modules."""
        demand = self._demand if now_s < self._demand_until_s else None
        return self._outlet.wish(demand, self._ratings.envelope.limits)

    @property
    def has_news(self) -> bool:
        """A device has a reading whose value `cycle` did not judge yet, or a contactor waits for its current to fall.

        A value that came once more is judged already. What its age means is for the next cycle that time brings.
        """
        outlet = self._outlet
        try:
            now = outlet.last_shown(self._hw.meter.registers)
            if self.waits_for_current or self._io.has_news or is_news(now, self._judged_readings):
                return True
            self._judged_readings = now
            return False
        except Exception:  # the cycle finds the driver that raises
            return True

    @property
    def waits_for_current(self) -> bool:
        """A contactor stays closed for milliseconds, until its current has fallen: the next cycle is due at once."""
        sequence = self._outlet.sequence
        return sequence is not None and sequence.waits_for_current

    @property
    def settled(self) -> bool:
        """The last cycle ordered what the one before had ordered, power flows as asked, and no delay of an interlock runs.

        Then time alone changes nothing but the ages of readings and the lease.
        """
        return self._settled

    def cycle(self, now_s: float) -> EvseImage:
        """One cycle: read, judge, command. Returns the process image."""
        self._settled = False
        seen = self._read(now_s)
        sequence = self._outlet.sequence
        lease_valid = self._demand is not None and now_s < self._demand_until_s
        demand = self._demand if lease_valid else None
        stage_before = sequence.stage if sequence is not None else Stage.OFF
        self._note_recovery(seen, now_s)
        self._clear_board(seen, stage_before, now_s)
        active = self._interlocks.evaluate(
            self._view.inputs(
                now_s,
                seen,
                self._heat,
                sequence,
                demand,
                ordered=self._io_command,
                lease_valid=lease_valid,
                troubles=self._troubles(seen),
                grid=self._grid,
                ac=self._outlet.ac_flow(seen, demand),
            )
        )
        self._latch(active, seen, stage_before, now_s)
        share = self._share(seen)
        capabilities = self._outlet.capabilities(seen, share)
        if sequence is None:
            return self._image(seen, demand, capabilities, stage_before, now_s, self._registers)
        out = sequence.step(self._sequence_inputs(seen, demand, share, now_s))
        self._open_now = self._off_demanded = False
        if out.failures or out.stage is not stage_before:
            self._latch({**active, **out.failures}, seen, out.stage, now_s)
        self._obey(out)
        before, self._out = self._out, out
        self._settled = (
            out.stage is stage_before is Stage.TRANSFER
            and before is not None
            and out.module == before.module
            and out.io == before.io
            and abs(out.applied_W - out.target_W) <= SETTLED_W
            and seen.everyone
            and not self._interlocks.pending
            and not self._latches.codes
        )
        return self._image(seen, demand, capabilities, out.stage, now_s, self._registers, out)

    def _read(self, now_s: float) -> DeviceReadings:
        hw, guard = self._hw, self._guard
        guard.begin(now_s)
        io = self._io.read(now_s)
        if (grid_meter := hw.grid_meter) is not None:
            self._grid.note(guard.read(grid_meter, lambda: grid_meter.registers))
        self._registers = guard.read(hw.meter, lambda: hw.meter.registers)
        seen = self._outlet.read(io, self._registers, guard, now_s)
        self._judged_readings = self._outlet.judged
        if io is None:
            self._heat = Heat()  # a silent device is a fault of its own
        elif io is not self._judged:  # the same for as long as no port shows anything new
            self._heat = judge(
                io.temperatures_degC, required=self._ratings.temperature_required, names=self._outlet.contacts
            )
        self._judged = io
        return seen

    def _obey(self, out: SequenceOutputs) -> None:
        self._io_command = out.io
        self._io.command(out.io)
        self._outlet.obey(out, self._guard)

    def _image(
        self,
        seen: DeviceReadings,
        demand: StageDemand | None,
        capabilities: StageCapabilities | None,
        stage: Stage,
        now_s: float,
        meter: MeterRegisters | None = None,
        out: SequenceOutputs | None = None,
    ) -> EvseImage:
        """What is known now. `meter`: as last read, with its own age. `out`: what the sequence did; None: it did not work."""
        self._seq += 1
        return EvseImage(
            evse_id=self.evse_id,
            seq=self._seq,
            taken_at_s=now_s,
            demand_seq=-1 if self._demand is None else self._demand.seq,
            phase=Phase.OFF if demand is None else demand.phase,
            stage=stage,
            pilot=seen.pilot,
            duty_percent=0.0 if seen.io is None else seen.io.duty_percent,
            contactor=seen.contactor,
            lock=seen.lock,
            voltage_V=seen.voltage_V,
            current_A=seen.current_A,
            applied_W=0.0 if out is None else out.applied_W,
            target_W=0.0 if out is None else out.target_W,
            limited_by_stage="" if out is None else out.limited_by,
            insulation_ohm=seen.insulation_ohm,
            meter=meter,
            temperature_degC=self._heat.hottest_degC,
            capabilities=capabilities,
            faults=self._latches.codes,
            permitted=self._latches.severity is None and not (self._latches.stops and stage is Stage.OFF),
            frequency_Hz=self._grid.frequency_Hz(now_s),
        )

    def _sequence_inputs(
        self, seen: DeviceReadings, demand: StageDemand | None, share: float, now_s: float
    ) -> SequenceInputs:
        return SequenceInputs(
            now_s=now_s,
            demand=demand,
            severity=self._severity(now_s),
            pilot=seen.pilot,
            lock=seen.lock,
            contactor=seen.contactor,
            voltage_V=seen.voltage_V,
            current_A=seen.current_A,
            meter_current_A=seen.recent_meter_current_A(now_s),
            insulation=seen.insulation,
            capabilities=seen.capabilities,
            temperature_degC=self._heat.hottest_degC,
            insulation_taken_at_s=seen.insulation_taken_at_s,
            frequency_Hz=self._grid.frequency_Hz(now_s),
            temperature_share=share,
            wait_for_current=self._latches.may_wait_for_current,
            off_demanded=self._off_demanded,
            open_now=self._view.contactor_opened or self._open_now,
        )

    def _severity(self, now_s: float) -> Severity | None:
        """What stops power now: also a controlled stop that nobody carried out, and one before anything began."""
        if not self._latches.stops:
            self._stop_since_s = None
            return self._latches.severity
        if self._stop_since_s is None:
            self._stop_since_s = now_s
        sequence = self._outlet.sequence
        idle = sequence is None or sequence.stage is Stage.OFF
        overdue = idle or now_s - self._stop_since_s > CONTROLLED_STOP_S
        return self._latches.severity or (Severity.ERROR if overdue else None)

    def _share(self, seen: DeviceReadings) -> float:
        """Of the rated current, that may flow with the sensors, temperatures and fans of this moment."""
        module_degC = None if seen.module is None else seen.module.temperature_degC
        fan = SafetyInput.FAN in seen.io.open_inputs if seen.io is not None else False
        return min(
            self._heat.share,
            self._ratings.heat.share(module_degC, self._heat.cabinet_degC),
            SHARE_WITHOUT_FAN if fan else 1.0,
        )

    def _troubles(self, seen: DeviceReadings) -> Troubles:
        """What devices, wires and the process report of themselves. Devices and wires are asked only while something is silent."""
        asked = not seen.everyone
        return Troubles(
            process_stalled=self._process_stalled,
            overrun=self._overrun,
            record=self._record_trouble,
            io_silent=self._io.silent,
            identity=self._identity_trouble() if asked else "",
            buses_dead=self._dead_buses() if asked else "",
        )

    def _identity_trouble(self) -> str:
        return "; ".join(filter(None, map(self._identity_error, self._devices)))

    def _dead_buses(self) -> str:
        dead = (bus.health() for bus in self._hw.buses)
        return "; ".join(f"{bus.name}: {bus.trouble or 'not connected'}" for bus in dead if not bus.connected)

    def note_overrun(self, words: str) -> None:
        """In words that the cycle is late again and again; empty while it is not."""
        self._overrun = words

    def _note_recovery(self, seen: DeviceReadings, now_s: float) -> None:
        """A stall is over when every device was heard again and the board released its watchdog's latch. A device that
        stays silent for longer has a fault of its own."""
        if not self._stall_judged:
            self._stall_judged = True
            return  # reported at least once, however short the stall was, and whenever the next cycle comes
        recovered = seen.everyone and seen.io is not None and BoardFault.WATCHDOG not in seen.io.latched
        if recovered or now_s - self._awake_since_s >= AWAKE_AGAIN_S:
            self._process_stalled = ""

    def _latch(self, active: dict[FaultCode, str], seen: DeviceReadings, stage: Stage, now_s: float) -> None:
        rests = seen.pilot in (ControlPilot.A, ControlPilot.B) and seen.contactor is Contactor.OPEN
        new, cleared = self._latches.step(
            active, power_off=self._power_off(stage), car_gone=seen.pilot is ControlPilot.A, resting=rests
        )
        self._events += [InterlockTripped(self.evse_id, code, now_s, detail) for code, detail in new.items()]
        author = self._author if self._resetting else ""
        self._resetting = False
        self._events += [FaultCleared(self.evse_id, code, now_s, author) for code in sorted(cleared)]

    def _power_off(self, stage: Stage) -> bool:
        return stage in (Stage.OFF, Stage.FAULTED) and not self._io_command.contactor

    def _clear_board(self, seen: DeviceReadings, stage: Stage, now_s: float) -> None:
        """Let the board clear what it latched, by itself or on request; our own reset follows once the board did."""
        if self._reset_asked:
            self._reset_asked = False
            # a reset that was asked for with an open chain must not take effect when somebody closes the chain
            open_chain = seen.io is not None and not seen.io.open_inputs.isdisjoint(CHAIN)
            self._reset_until_s = now_s if open_chain else now_s + RESET_PATIENCE_S
            if self._power_off(stage):
                self._outlet.reset_asked(seen, self._guard)
        asked = self._reset_until_s is not None
        latched = frozenset() if seen.io is None else seen.io.latched
        car_gone = seen.pilot is ControlPilot.A
        if (
            self._power_off(stage)
            and now_s >= self._board_clear_due_s
            and board_may_clear(latched, car_gone=car_gone, asked=asked, remote=self._author == CENTRAL_SYSTEM)
        ):
            self._board_clear_due_s = now_s + BOARD_CLEAR_PERIOD_S
            self._io.clear_latched()
        if self._reset_until_s is None:
            return
        if seen.io is None:  # whether a cause is gone is not known: nothing is let go
            if now_s >= self._reset_until_s:
                self._reset_until_s = None
        elif not latched or now_s >= self._reset_until_s:
            self._reset_until_s = None
            self._latches.ask_reset(remote=self._author == CENTRAL_SYSTEM)
            self._resetting = True

    def poll(self, now_s: float) -> None:
        """Let every device queue what is due, and take tokens from the reader."""
        hw, guard = self._hw, self._guard
        for device in self._devices:
            guard.poll(device, now_s)
        if hw.grid_meter is not None:
            guard.poll(hw.grid_meter, now_s)
        reader = hw.token_reader
        if reader is not None:
            guard.poll(reader, now_s)
            tokens = guard.read(reader, lambda: list(reader.tokens())) or ()
            self._events += [TokenPresented(self.evse_id, value, now_s) for value in tokens]
