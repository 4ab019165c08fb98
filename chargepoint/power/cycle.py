"""The cycle: a plain loop that polls descriptors and ticks. No TLS, no JSON, no database, no asyncio.

Each turn waits at most until the next tick or a bus's deadline. Bytes are moved as soon as they arrive. On the tick every
EVSE reads, evaluates the interlocks, steps the sequence and commands. Then the image of the EVSE goes up the link.
"""

from __future__ import annotations

import logging
import math
import select
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from chargepoint.model.faults import FaultCleared, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, PowerEvent, Stage
from chargepoint.ports import Bus
from chargepoint.power.device_guard import described
from chargepoint.power.evse_stage import EvseStage
from chargepoint.power.latch_file import LatchFile
from chargepoint.power.link_codec import DownMessage, ResetFaults
from chargepoint.power.link_server import LinkServer

IMAGE_PERIOD_S = 0.02
HEALTH_PERIOD_S = 1.0
COMPLAINTS_MAX = 10
"""Lines about messages that cannot be obeyed, each second; the rest are counted."""

LAST_WORDS_S = 0.1
"""After the loop the buses are pumped this long, so that the order to switch off gets out."""

PROCESS_STALLED_S = 0.2
"""A tick later than this is a fault of its own and stops power. A little later the pilot/IO board's last reading (0.25 s) would
be too old, and the board would be called silent. Measured worst case: 9 ms with real-time priority. Without that priority, on an
overloaded machine: 312 ms (docs/sources/safety.md 5.2)."""

EARLY_CYCLE_S = 0.003
"""Least time between two cycles of one EVSE that changed demands ask for: a daemon that floods must not take the processor."""

DEFECTS_MAX = 10
"""Exceptions in the cycles of the EVSEs, since start, after which the process ends for systemd to start a new one."""

STOP_PATIENCE_S = 6.0
"""A stop takes the lease, the ramp, the opening and the discharge: 5.1 s at most."""


@dataclass(slots=True)
class Lateness:
    """How late ticks were, seconds, since start."""

    ticks: int = 0
    worst_s: float = 0.0
    over_5_ms: int = 0

    def note(self, late_s: float) -> None:
        """Count one tick."""
        self.ticks += 1
        self.worst_s = max(self.worst_s, late_s)
        self.over_5_ms += late_s > 0.005


class Cycle:
    """Owns the buses, the stages and the link's server for the life of the power process."""

    def __init__(
        self,
        stages: Mapping[EvseId, EvseStage],
        buses: Sequence[Bus],
        link: LinkServer,
        tick_s: float,
        beat: Callable[[], None],
        log: logging.Logger,
        now: Callable[[], float] = time.monotonic,
        latch_file: LatchFile | None = None,
    ) -> None:
        """`latch_file`, already open, keeps what only a person may reset; None: nothing outlives the process."""
        self._stages = stages
        self._buses = buses
        self._link = link
        self._tick_s = tick_s
        self._beat = beat
        self._log = log
        self._now = now
        self._latch_file = latch_file
        self._stopping = False
        self._changed: set[EvseId] = set()
        self._early_s = math.inf
        self._last_early_s: dict[EvseId, float] = {}
        self._image_due_s = 0.0
        self._stage_sent: dict[EvseId, Stage] = {}
        self._health_due_s = 0.0
        self._complaints = 0
        self._troubles: dict[Hashable, str] = {}
        self._waits: list[tuple[Bus, int | None, float | None]] = []
        self._defects = 0
        self._last_defect: Exception | None = None
        self.lateness = Lateness()

    def stop(self) -> None:
        """Leave the loop at the next tick: no demand any more, ramp down, open, then return."""
        self._stopping = True

    def run(self) -> None:
        """Until `stop` and everything is off (or 6 s after it). Whatever ends the loop, everything is ordered off.

        An exception in one EVSE's cycle switches that EVSE off and leaves the others alone; when there were too many, all
        are stopped as by `stop` and the last one is raised.
        """
        try:
            self._turn()
        finally:
            self._switch_off()
        if self._defects >= DEFECTS_MAX and self._last_defect is not None:
            raise self._last_defect

    def _turn(self) -> None:
        next_tick_s = self._now()
        give_up_s: float | None = None
        while True:
            ready = self._wait(min(next_tick_s, self._early_s))
            now_s = self._now()
            late_s = now_s - next_tick_s
            if late_s > PROCESS_STALLED_S:  # before anything is written: what is queued is older than the stall
                self._recover_from_stall(late_s, now_s)
            due = now_s >= next_tick_s
            self._pump_ready(ready, now_s)
            if self._link.lost or not ready.isdisjoint(self._link.filenos()):
                self._obey(now_s)
            if not due:
                self._act_early(now_s)
                continue
            self.lateness.note(late_s)
            next_tick_s = max(next_tick_s + self._tick_s, now_s)
            all_off = self.tick(now_s)
            if self._stopping:
                give_up_s = now_s + STOP_PATIENCE_S if give_up_s is None else give_up_s
                if all_off or now_s > give_up_s:
                    return

    def _recover_from_stall(self, for_s: float, now_s: float) -> None:
        for bus in self._buses:
            bus.drop_queued(now_s)
        for stage in self._stages.values():
            stage.process_stalled(for_s, now_s)

    def _switch_off(self) -> None:
        until_s = self._now() + LAST_WORDS_S
        for stage in self._stages.values():
            try:
                stage.switch_off()
                stage.poll(self._now())
            except Exception as error:  # one EVSE's defect must not keep another's contactor closed
                self._log.error("! evse %d could not be ordered off: %s", stage.evse_id, error)
        while self._now() < until_s:
            self._wait(until_s)
            self._pump(self._now())

    def _act_early(self, now_s: float) -> None:
        """The cycle of every EVSE whose demand changed, without waiting for the tick: a new set-point is on its way to the
        module at once. At most one such cycle each `EARLY_CYCLE_S` and EVSE; the tick keeps its own rhythm."""
        if not self._changed or now_s < self._early_s:
            return
        changed, self._changed, self._early_s = self._changed, set(), math.inf
        for evse_id in changed:
            self._last_early_s[evse_id] = now_s
        self._run([self._stages[evse_id] for evse_id in changed], now_s, publish=True)

    def tick(self, now_s: float) -> bool:
        """One cycle of every EVSE; True if no contactor is commanded and no current flows anywhere."""
        publish = now_s >= self._image_due_s
        if publish:
            self._image_due_s = now_s + IMAGE_PERIOD_S
        self._changed.clear()
        self._early_s = math.inf
        all_off = self._run(list(self._stages.values()), now_s, publish=publish)
        if now_s >= self._health_due_s:
            self._health_due_s = now_s + HEALTH_PERIOD_S
            self._report_health()
        self._beat()
        return all_off

    def _run(self, stages: Sequence[EvseStage], now_s: float, *, publish: bool) -> bool:
        """The cycle of these EVSEs, then in this order: orders to the wire, latches noted, image and events reported. Whether all
        of them are off."""
        done = [(self._cycle(stage, now_s), stage.events()) for stage in stages]
        self._pump_due(now_s)  # what the cycles just queued goes out now
        happened = [event for _, events in done for event in events]
        self._keep_latches(changed=any(isinstance(event, InterlockTripped | FaultCleared) for event in happened))
        for image, events in done:
            # what an event follows from is seen before it is heard; a car that waits for a stage does not wait for the period
            if publish or events or image.stage is not self._stage_sent.get(image.evse_id):
                self._stage_sent[image.evse_id] = image.stage
                self._link.send(image)
            for event in events:
                self._link.send(event)
                self._log_event(event)
        return all(image.stage in (Stage.OFF, Stage.FAULTED) for image, _ in done)

    def _log_event(self, event: PowerEvent) -> None:
        if isinstance(event, InterlockTripped):
            self._log.warning("! evse %d %s: %s", event.evse_id, event.code.name, event.detail)
        elif isinstance(event, FaultCleared) and event.author:
            self._log.info("* evse %d %s: reset by %s", event.evse_id, event.code.name, event.author)

    def _keep_latches(self, *, changed: bool) -> None:
        """After the orders are out: the record waits for a disk, a trip never does."""
        if self._latch_file is None:
            return
        if changed:
            self._latch_file.keep({evse_id: stage.operator_latches for evse_id, stage in self._stages.items()})
        for stage in self._stages.values():
            stage.note_record_trouble(self._latch_file.trouble)

    def _report_health(self) -> None:
        """The daemon hears it each time, the log what changed: without it a wrong port is only a device's silence."""
        if self._complaints > COMPLAINTS_MAX:
            self._log.warning("! power link: %d more of these in this second", self._complaints - COMPLAINTS_MAX)
        self._complaints = 0
        for bus in self._buses:
            health = bus.health()
            self._link.send(health)
            what = f"bus {health.name}"
            self._report_trouble((what,), what, health.trouble and f"{what}: {health.trouble}")
        for evse_id, stage in self._stages.items():
            for place, (name, trouble) in enumerate(stage.identity_errors):
                self._report_trouble((evse_id, place), name, trouble)

    def _report_trouble(self, key: Hashable, what: str, trouble: str) -> None:
        if trouble == self._troubles.get(key, ""):
            return
        self._troubles[key] = trouble
        if trouble:
            self._log.warning("! %s", trouble)
        else:
            self._log.info("* %s: well again", what)

    def _cycle(self, stage: EvseStage, now_s: float) -> EvseImage:
        """One EVSE's part of a tick. Its defects are its own: it is ordered off, and the others go on."""
        try:
            image = stage.cycle(now_s)
            stage.poll(now_s)
            return image
        except Exception as error:
            self._note_defect(stage.evse_id, error)
            return stage.fail_safe(error, now_s)

    def _note_defect(self, evse_id: EvseId, error: Exception) -> None:
        self._defects += 1
        self._last_defect = error
        if self._defects <= DEFECTS_MAX:
            self._log.error("! evse %d: defect %d of %d", evse_id, self._defects, DEFECTS_MAX, exc_info=error)
        if self._defects == DEFECTS_MAX:
            self._log.error("* too many defects: the power process ends, to begin anew")
            self._stopping = True

    def _wait(self, next_tick_s: float) -> set[int]:
        """Sleep until the tick, a bus's deadline or a readable descriptor; the readable ones. Not `poll`, whose time-outs
        are whole milliseconds: each of its early returns would be a turn of the loop for nothing."""
        descriptors = list(self._link.filenos())
        until_s = next_tick_s
        self._waits = [(bus, bus.fileno(), bus.deadline_s) for bus in self._buses]
        for _, fd, deadline_s in self._waits:
            if fd is not None:
                descriptors.append(fd)
            if deadline_s is not None and deadline_s < until_s:
                until_s = deadline_s
        try:
            return set(select.select(descriptors, (), (), max(0.0, until_s - self._now()))[0])
        except OSError:  # a descriptor that died meanwhile: every bus looks after its own
            return set(descriptors)

    def _pump_ready(self, ready: set[int], now_s: float) -> None:
        """Move the buses that have something to read or whose time has come: nothing changed a bus since `_wait`."""
        for bus, fd, deadline_s in self._waits:
            if fd is None or fd in ready or (deadline_s is not None and deadline_s <= now_s):
                self._pump_one(bus, now_s)

    def _pump_due(self, now_s: float) -> None:
        """Move the buses whose time has come: what a bus has to read wakes the loop by itself."""
        for bus in self._buses:
            deadline_s = bus.deadline_s
            if (deadline_s is not None and deadline_s <= now_s) or bus.fileno() is None:
                self._pump_one(bus, now_s)

    def _pump(self, now_s: float) -> None:
        for bus in self._buses:
            self._pump_one(bus, now_s)

    def _pump_one(self, bus: Bus, now_s: float) -> None:
        """Move a bus. One that raises is a dead bus: the readings of its devices age, the others go on."""
        try:
            bus.pump(now_s)
        except Exception as error:
            self._report_trouble(("defect", bus.name), f"bus {bus.name}", f"bus {bus.name}: {described(error)}")

    def _obey(self, now_s: float) -> None:
        messages, lost = self._link.receive()
        for message in messages:
            self._obey_one(message, now_s)
        if lost:  # after its last words: the next daemon counts afresh
            self._log.warning("! daemon gone: demands run out")
            for stage in self._stages.values():
                stage.withdraw_demand()
        for error in self._link.errors:
            self._complain(f"power link: {error}")
        self._link.errors.clear()

    def _complain(self, text: str) -> None:
        """Of what somebody sends: he must not write the log full, nor hold up the cycle with writing."""
        self._complaints += 1
        if self._complaints <= COMPLAINTS_MAX:
            self._log.warning("! %s", text)

    def _obey_one(self, message: DownMessage, now_s: float) -> None:
        stage = self._stages.get(message.evse_id)
        if stage is None:
            self._complain(f"message for EVSE {message.evse_id}, which is not configured")
        elif isinstance(message, ResetFaults):
            author = "".join(char if char.isprintable() else "?" for char in message.author)
            self._log.info("* evse %d: reset of latched faults asked by %s", message.evse_id, author)
            stage.reset_faults(author)
        elif not self._stopping and stage.take_demand(message, now_s):
            self._changed.add(message.evse_id)
            last_s = self._last_early_s.get(message.evse_id, -math.inf)
            self._early_s = min(self._early_s, max(now_s, last_s + EARLY_CYCLE_S))
