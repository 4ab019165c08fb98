"""The power process's loop: plain, on `select`, no garbage, no locks. No TLS, no JSON, no database, no asyncio.

The loop acts when something came: the reply of a device, a demand of the daemon. An EVSE whose device has news is judged in the same
wake-up in which the reply was complete, and its orders are on the wire before anything else is done.
The tick is for what time alone changes: leases, debounce times, ages of readings, the next read of each device. Between two ticks
with nothing new nothing is computed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType

from chargepoint.model.faults import CENTRAL_SYSTEM, FaultCleared, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, PowerEvent, Stage
from chargepoint.model.indicator import ShowConnector
from chargepoint.ports import Bus
from chargepoint.power.cycle_time import SYSTEM_TIME, CycleTime
from chargepoint.power.device_guard import described
from chargepoint.power.evse_stage import EvseStage
from chargepoint.power.indicator import ConnectorLamps
from chargepoint.power.latch_file import LatchFile
from chargepoint.power.lateness import Lateness
from chargepoint.power.link_codec import DownMessage, ResetFaults
from chargepoint.power.link_server import LinkServer
from chargepoint.power.site_meter import SiteMeter
from chargepoint.power.stack_share import ModuleStack
from chargepoint.power.wear_file import WearFile

IMAGE_PERIOD_S = 0.1
"""An image without news is sent this often. The daemon calls the power process silent after one lease (0.5 s)."""
MEASURED_PERIOD_S = 0.04
"""An image with nothing new but measured values is sent at most this often: the car's charge loop reads them each 50 ms at most."""
CALM_TICK_S = 0.05
"""Between two ticks while every EVSE is off."""
POWERED_CYCLE_S = 0.02
"""An EVSE that is not off is judged this often although no device has news."""
SETTLED_CYCLE_S = 0.04
"""The same while it transfers, nothing changes and no delay of an interlock runs. News of a device and a changed demand do not wait."""
CALM_CYCLE_S = 0.05
"""The same for an EVSE that is off."""
SOON_DUE = 0.3
"""A cycle that is due within this share of its period is run with a reply that came: it needs no wake-up of its own."""
TICK_LATEST_S = 0.1
"""Between two ticks at most, while replies bring every cycle in time: the watchdogs are served and the health is reported in them."""
HEALTH_PERIOD_S = 1.0
COMPLAINTS_MAX = 10
"""Lines about what somebody does at the link, each second: messages that cannot be obeyed, resets, lost connections. The rest
are counted."""

ORDER_WAIT_S = 0.0007
"""An order that may leave within this time is waited for before a trip is noted on the disk, reported and logged: a bus with quick
stops takes an order 0.5 ms after the reply."""

LAST_WORDS_S = 0.1
"""After the loop the buses are pumped this long, so that the order to switch off gets out."""

PROCESS_STALLED_S = 0.2
"""A tick later than this is a fault of its own and stops power. A little later the pilot/IO board's last reading (0.25 s) would
be too old, and the board would be called silent. Measured worst case: 9 ms with real-time priority. Without that priority, on an
overloaded machine: 312 ms (docs/sources/safety.md 5.2)."""

SUSPENDED_LEAST_S = 0.001
"""Two clocks are read one after the other: a smaller difference is the time between the two."""

EARLY_CYCLE_S = 0.003
"""Least time between two cycles of one EVSE that changed demands ask for: a daemon that floods must not take the processor. Also the
time between two cycles while a contactor waits for its current to fall."""

DEFECTS_MAX = 10
"""Exceptions in the cycles of the EVSEs, since start, after which the process ends for systemd to start a new one."""

STOP_PATIENCE_S = 6.0
"""A stop takes the lease, the ramp, the opening and the discharge: 5.1 s at most."""


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
        time: CycleTime = SYSTEM_TIME,
        latch_file: LatchFile | None = None,
        buses_of: Mapping[EvseId, Sequence[Bus]] | None = None,
        has_realtime: Callable[[], bool] = lambda: False,
        stacks: Sequence[ModuleStack] = (),
        wear_file: WearFile | None = None,
        lamps: Mapping[EvseId, ConnectorLamps] = MappingProxyType({}),
        site_meter: SiteMeter | None = None,
    ) -> None:
        """`latch_file`, already open, keeps what only a person may reset; None: nothing outlives the process.

        `wear_file`, already open, keeps the counts of the contactors.
        `time`: the clocks, and how the loop waits.
        `stacks`: modules that several of the EVSEs share. `site_meter`: its readings go to the daemon, for the fuse guard.
        `buses_of`: the buses with devices of an EVSE; None: every bus may have devices of every EVSE.
        """
        self._stages = stages
        self._buses = buses
        self._stacks = stacks
        self._link = link
        self._tick_s = tick_s
        self._powered_cycle_s = min(POWERED_CYCLE_S, 2 * tick_s)
        self._beat = beat
        self._log = log
        self._now, self._stopwatch, self._suspended = time.now, time.stopwatch, time.suspended
        self._wait_readable, self._pause = time.wait, time.pause
        self._latch_file = latch_file
        self._wear_file = wear_file
        self._lamps = lamps
        self._site_meter = site_meter
        self._stopping = False
        self._buses_of = dict(buses_of) if buses_of is not None else dict.fromkeys(stages, tuple(buses))
        self._stages_on = {
            id(bus): [stages[evse_id] for evse_id, its in self._buses_of.items() if bus in its] for bus in buses
        }
        self._due_s: dict[EvseId, float] = dict.fromkeys(stages, -math.inf)
        self._length_s: dict[EvseId, float] = dict.fromkeys(stages, 0.0)
        self._off: dict[EvseId, bool] = dict.fromkeys(stages, True)
        self._sent: dict[EvseId, EvseImage] = {}
        self._changed: set[EvseId] = set()
        self._early_s = math.inf
        self._last_early_s: dict[EvseId, float] = {}
        self._health_due_s = self._ticked_s = 0.0
        self._complaints = 0
        self._troubles: dict[Hashable, str] = {}
        self._waits: dict[int, tuple[Bus, int | None, float, float]] = {}
        """Of each bus: the bus, its descriptor, its deadline, and when it must have been moved at the latest."""
        self._defects = 0
        self._last_defect: Exception | None = None
        self._turn_began_s = time.now()
        self._stopwatch_s = time.stopwatch()
        """When the present turn began, for what it has taken so far."""
        self._has_realtime = has_realtime
        self._suspended_s = time.suspended()
        self.lateness = Lateness(tick_s)

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
            self._keep_wear()
        if self._defects >= DEFECTS_MAX and self._last_defect is not None:
            raise self._last_defect

    def tick(self, now_s: float) -> bool:
        """What time alone brings: the cycle of every EVSE that had none lately, and the next reads of the devices of the others.

        True if no contactor is commanded and no current flows anywhere.
        """
        self._ticked_s = now_s
        due = [
            stage
            for evse_id, stage in self._stages.items()
            if now_s >= self._due_s[evse_id] or evse_id in self._changed
        ]
        self._changed.clear()
        self._early_s = math.inf
        if self._site_meter is not None:
            self._site_meter.poll(now_s)
            if (reading := self._site_meter.news()) is not None:
                self._link.send(reading)
        for evse_id, stage in self._stages.items():
            if stage not in due:
                self._poll(stage, now_s)
                self._flush(evse_id, now_s)
        self._run(due, now_s)
        for stack in self._stacks:
            self._allocate(stack, now_s)
        if now_s >= self._health_due_s:
            self._health_due_s = now_s + HEALTH_PERIOD_S
            self._report_health()
        for evse_id, lamps in self._lamps.items():
            lamps.step(self._sent.get(evse_id), now_s)
        self._beat()
        return all(self._off.values())

    def _turn(self) -> None:
        next_tick_s = now_s = self._turn_began_s = self._now()
        give_up_s: float | None = None
        self._note_waits(self._buses)
        while True:
            until_s, ready = self._wait(min(next_tick_s, self._early_s))
            until_s = max(until_s, now_s)  # what was due when the turn before began is late since then
            now_s = self._turn_began_s = self._now()
            self._stopwatch_s = self._stopwatch()
            late_s = now_s - until_s + self._slept_s()
            if late_s > PROCESS_STALLED_S:  # before anything is written: what is queued is older than the stall
                self._recover_from_stall(late_s, now_s)
            if late_s >= 0:
                self.lateness.note(late_s)
            if self._link.lost or not ready.isdisjoint(self._link.filenos()):
                self._obey(now_s)
            self._pump_ready(ready, now_s)
            if now_s < next_tick_s:
                self._act_early(now_s)
                next_tick_s = max(next_tick_s, self._next_due_s())
                continue
            all_off = self.tick(now_s)
            next_tick_s = max(next_tick_s + self._tick_length_s(), now_s)
            if self._stopping:
                give_up_s = now_s + STOP_PATIENCE_S if give_up_s is None else give_up_s
                if all_off or now_s > give_up_s:
                    return

    def _note_waits(self, buses: Iterable[Bus]) -> None:
        """What these buses wait for. Asked anew only of those that were pumped or given something to send."""
        for bus in buses:
            deadline_s = bus.deadline_s
            if deadline_s is None:
                deadline_s = math.inf
            self._waits[id(bus)] = (bus, bus.fileno(), deadline_s, deadline_s + bus.patience_s)

    def _wait(self, next_tick_s: float) -> tuple[float, set[int]]:
        """Sleep until the tick, a bus's deadline or a readable descriptor; until when, and the readable ones."""
        descriptors = list(self._link.filenos())
        until_s = next_tick_s
        for _, fd, _, latest_s in self._waits.values():
            if fd is not None:
                descriptors.append(fd)
            if latest_s < until_s:
                until_s = latest_s
        now_s = self._now()
        self.lateness.turn(now_s - self._turn_began_s)
        try:
            return until_s, set(self._wait_readable(descriptors, max(0.0, until_s - now_s)))
        except OSError:  # a descriptor that died meanwhile: every bus looks after its own
            return until_s, set(descriptors)

    def _slept_s(self) -> float:
        """How long the computer was suspended since the last call: the clock of this loop stopped, the hardware did not."""
        before_s, self._suspended_s = self._suspended_s, self._suspended()
        slept_s = max(0.0, self._suspended_s - before_s)
        self.lateness.suspended_s += slept_s if slept_s > SUSPENDED_LEAST_S else 0.0
        return slept_s

    def _recover_from_stall(self, for_s: float, now_s: float) -> None:
        for bus in self._buses:
            bus.drop_queued(now_s)
        for stage in self._stages.values():
            stage.process_stalled(for_s, now_s)

    def _obey(self, now_s: float) -> None:
        messages, lost = self._link.receive()
        for message in messages:
            self._obey_one(message, now_s)
        if lost:  # after its last words: the next daemon counts afresh
            self._log_of_link(logging.WARNING, "! daemon gone: demands run out")
            for stage in self._stages.values():
                stage.withdraw_demand()
        for error in self._link.errors:
            self._complain(f"power link: {error}")
        self._link.errors.clear()

    def _log_of_link(self, level: int, line: str) -> None:
        """Of what somebody does at the link: he must not write the log full, nor hold up the cycle with writing."""
        self._complaints += 1
        if self._complaints <= COMPLAINTS_MAX:
            self._log.log(level, "%s", line)

    def _obey_one(self, message: DownMessage, now_s: float) -> None:
        stage = self._stages.get(message.evse_id)
        if stage is None:
            self._complain(f"message for EVSE {message.evse_id}, which is not configured")
        elif isinstance(message, ShowConnector):
            if (lamps := self._lamps.get(message.evse_id)) is not None:
                lamps.note(message.word, now_s)
        elif isinstance(message, ResetFaults):
            author = "".join(char if char.isprintable() else "?" for char in message.author)
            self._log_of_link(logging.INFO, f"* evse {message.evse_id}: reset of latched faults asked by {author}")
            stage.reset_faults(author)
            for stack in self._stacks:
                if message.evse_id in stack.shares and author != CENTRAL_SYSTEM:
                    stack.reset()
        elif not self._stopping and stage.take_demand(message, now_s):
            self._changed.add(message.evse_id)
            last_s = self._last_early_s.get(message.evse_id, -math.inf)
            self._early_s = min(self._early_s, max(now_s, last_s + EARLY_CYCLE_S))

    def _complain(self, text: str) -> None:
        self._log_of_link(logging.WARNING, f"! {text}")

    def _pump_ready(self, ready: set[int], now_s: float) -> None:
        """Move the buses that have something to read or whose time has come; the EVSEs whose devices then have news have
        their cycle at once, before the next bus is moved."""
        for bus, fd, deadline_s, _ in list(self._waits.values()):
            moves = fd in ready if fd is not None else deadline_s == math.inf
            if not moves and deadline_s > now_s:
                continue
            heard = self._pump_one(bus, now_s, quiet=fd is not None and not moves)
            self._note_waits((bus,))
            if not heard:
                continue
            stages = [stage for stage in self._stages_on[id(bus)] if self._soon_due(stage, now_s) or stage.has_news]
            if stages:
                self._run(stages, now_s)

    def _pump_one(self, bus: Bus, now_s: float, *, quiet: bool = False) -> bool:
        """Move a bus. True: its devices may have news. One that raises is a dead bus: the readings of its devices age, the
        others go on."""
        try:
            return bus.pump(now_s, quiet=quiet)
        except Exception as error:
            self._report_trouble(("defect", bus.name), f"bus {bus.name}", f"bus {bus.name}: {described(error)}")
            return True

    def _soon_due(self, stage: EvseStage, now_s: float) -> bool:
        evse_id = stage.evse_id
        return now_s >= self._due_s[evse_id] - SOON_DUE * self._length_s[evse_id]

    def _act_early(self, now_s: float) -> None:
        """The cycle of every EVSE whose demand changed, without waiting for the tick: a new set-point is on its way to the
        module at once. At most one such cycle each `EARLY_CYCLE_S` and EVSE; the tick keeps its own rhythm."""
        if not self._changed or now_s < self._early_s:
            return
        changed, self._changed, self._early_s = self._changed, set(), math.inf
        for evse_id in changed:
            self._last_early_s[evse_id] = now_s
        self._run([self._stages[evse_id] for evse_id in changed], now_s)

    def _next_due_s(self) -> float:
        """When the first cycle of an EVSE is due; a stack of modules is looked after in each tick."""
        if self._stacks:
            return -math.inf
        return min(min(self._due_s.values(), default=math.inf), self._ticked_s + TICK_LATEST_S)

    def _tick_length_s(self) -> float:
        """Shorter while an EVSE is not off; the configured one is the longest while power may flow."""
        calm = not self._stopping and all(self._off.values())
        return max(self._tick_s, CALM_TICK_S) if calm else self._tick_s

    def _switch_off(self) -> None:
        until_s = self._now() + LAST_WORDS_S
        for stage in self._stages.values():
            try:
                stage.switch_off()
                stage.poll(self._now())
            except Exception as error:  # one EVSE's defect must not keep another's contactor closed
                self._log.error("! evse %d could not be ordered off: %s", stage.evse_id, error)
        for stack in self._stacks:
            stack.switch_off()
        while self._now() < until_s:
            self._note_waits(self._buses)
            self._wait(until_s)
            self._pump(self._now())
        for stack in self._stacks:
            stack.disconnect()
        if self._stacks:
            self._pump(self._now())

    def _pump(self, now_s: float) -> None:
        for bus in self._buses:
            self._pump_one(bus, now_s)

    def _poll(self, stage: EvseStage, now_s: float) -> None:
        """Let the devices queue what is due. `EvseStage.poll` keeps the exceptions of drivers; what else raises is its defect."""
        try:
            stage.poll(now_s)
        except Exception as error:
            self._note_defect(stage.evse_id, error)
            stage.fail_safe(error, now_s)

    def _flush(self, evse_id: EvseId, now_s: float) -> None:
        """Move the buses of this EVSE whose time has come: what a bus has to read wakes the loop by itself."""
        buses = self._buses_of[evse_id]
        for bus in buses:
            deadline_s = bus.deadline_s
            if deadline_s <= now_s if deadline_s is not None else bus.fileno() is None:
                self._pump_one(bus, now_s)
        self._note_waits(buses)

    def _run(self, stages: Sequence[EvseStage], now_s: float) -> None:
        """The cycle of these EVSEs, in this order: orders to the wire, EVSE by EVSE; latches noted; image and events reported."""
        done: list[tuple[EvseImage, list[PowerEvent]]] = []
        changed = False
        for stage in stages:
            image = self._cycle(stage, now_s)
            events = stage.events()
            done.append((image, events))
            self._changed.discard(image.evse_id)
            if not self._changed:
                self._early_s = math.inf  # else the loop would turn without a pause until the next tick
            if stage.waits_for_current:
                self._changed.add(image.evse_id)
                self._early_s = min(self._early_s, now_s + EARLY_CYCLE_S)
            # what this cycle queued goes out before the next EVSE's is computed
            self._flush(image.evse_id, self._present_s(now_s))
            if any(isinstance(event, InterlockTripped) for event in events):
                self._send_order(image.evse_id, now_s)
            self._off[image.evse_id] = image.stage in (Stage.OFF, Stage.FAULTED)
            self._length_s[image.evse_id] = self._cycle_length_s(stage)
            self._due_s[image.evse_id] = now_s + self._length_s[image.evse_id]
            changed = changed or any(isinstance(event, InterlockTripped | FaultCleared) for event in events)
        self._keep_latches(changed=changed)
        for image, events in done:
            # what an event follows from is seen before it is heard; a car that waits for a stage does not wait for the period
            before = self._sent.get(image.evse_id)
            if before is None or events or self._is_due(image, before):
                self._sent[image.evse_id] = image
                self._link.send(image)
            for event in events:
                self._link.send(event)
                self._log_event(event)

    def _cycle(self, stage: EvseStage, now_s: float) -> EvseImage:
        """One EVSE's part of a tick. Its defects are its own: it is ordered off, and the others go on."""
        try:
            image = stage.cycle(now_s)
            stage.poll(now_s)
            return image
        except Exception as error:
            self._note_defect(stage.evse_id, error)
            return stage.fail_safe(error, now_s)

    def _present_s(self, now_s: float) -> float:
        """Now, in a turn that began at `now_s`: a cycle takes as long as a wire must be silent before an order."""
        return now_s + self._stopwatch() - self._stopwatch_s

    def _send_order(self, evse_id: EvseId, now_s: float) -> None:
        """What an EVSE that tripped ordered goes out before anybody is notified, if its wire is free within `ORDER_WAIT_S`."""
        present_s = self._present_s(now_s)
        deadlines_s = [bus.deadline_s for bus in self._buses_of[evse_id] if bus.patience_s == 0.0]
        soon_s = [at_s for at_s in deadlines_s if at_s is not None and present_s < at_s <= present_s + ORDER_WAIT_S]
        if soon_s:
            self._pause(max(soon_s) - present_s)
            self._flush(evse_id, max(max(soon_s), self._present_s(now_s)))

    def _cycle_length_s(self, stage: EvseStage) -> float:
        if self._off[stage.evse_id]:
            return max(self._tick_s, CALM_CYCLE_S)
        return max(self._powered_cycle_s, SETTLED_CYCLE_S) if stage.settled else self._powered_cycle_s

    def _keep_latches(self, *, changed: bool) -> None:
        """After the orders are out: the record waits for a disk, a trip never does."""
        if self._latch_file is None:
            return
        if changed:
            self._latch_file.keep({evse_id: stage.operator_latches for evse_id, stage in self._stages.items()})
        for stage in self._stages.values():
            stage.note_record_trouble(self._latch_file.trouble)

    @staticmethod
    def _is_due(image: EvseImage, before: EvseImage) -> bool:
        """Whether the daemon is to hear of this image: at once of another state, soon of other values, sometimes anyway."""
        age_s = image.taken_at_s - before.taken_at_s
        if age_s >= IMAGE_PERIOD_S or _state_of(image) != _state_of(before):
            return True
        return age_s >= MEASURED_PERIOD_S and _values_of(image) != _values_of(before)

    def _log_event(self, event: PowerEvent) -> None:
        if isinstance(event, InterlockTripped):
            self._log.warning("! evse %d %s: %s", event.evse_id, event.code.name, event.detail)
        elif isinstance(event, FaultCleared) and event.author:
            self._log.info("* evse %d %s: reset by %s", event.evse_id, event.code.name, event.author)

    def _allocate(self, stack: ModuleStack, now_s: float) -> None:
        """After every EVSE was judged: which module serves which of them. What trips has been ordered open before."""
        stages = [self._stages[evse_id] for evse_id in stack.shares]
        try:
            stack.step(now_s, {stage.evse_id: stage.wish(now_s) for stage in stages})
        except Exception as error:  # without a stack its EVSEs have no power; all others go on
            for stage in stages:
                self._note_defect(stage.evse_id, error)
                stage.fail_safe(error, now_s)
            stack.switch_off()
        for stage in stages:
            self._flush(stage.evse_id, now_s)
        news = [stage for stage in stages if stage.has_news]  # what the matrix shows may be a trip
        if news:
            self._run(news, now_s)

    def _report_health(self) -> None:
        """The daemon hears it each time, the log what changed: without it a wrong port is only a device's silence."""
        if self._complaints > COMPLAINTS_MAX:
            self._log.warning("! power link: %d more of these in this second", self._complaints - COMPLAINTS_MAX)
        self._complaints = 0
        if worse := self.lateness.worse():
            self._log.info("* power process: %s", worse)
        self._link.send(self.lateness.health(realtime=self._has_realtime()))
        self._keep_wear()
        for stage in self._stages.values():
            stage.note_overrun(self.lateness.chronic)
        for bus in self._buses:
            health = bus.health()
            self._link.send(health)
            what = f"bus {health.name}"
            self._report_trouble((what,), what, health.trouble and f"{what}: {health.trouble}")
        for evse_id, stage in self._stages.items():
            for place, (name, trouble) in enumerate(stage.identity_errors):
                self._report_trouble((evse_id, place), name, trouble)
        for evse_id, lamps in self._lamps.items():
            self._report_trouble((evse_id, "lamps"), f"lamps of EVSE {evse_id}", lamps.trouble)

    def _keep_wear(self) -> None:
        """Each second, and at the end: stored, and reported. A kill loses what was counted in the last second."""
        if self._wear_file is None:
            return
        self._wear_file.keep({evse_id: stage.wear.wear for evse_id, stage in self._stages.items()})
        for evse_id, stage in self._stages.items():
            self._link.send(stage.wear.report(evse_id))

    def _report_trouble(self, key: Hashable, what: str, trouble: str) -> None:
        if trouble == self._troubles.get(key, ""):
            return
        self._troubles[key] = trouble
        if trouble:
            self._log.warning("! %s", trouble)
        else:
            self._log.info("* %s: well again", what)

    def _note_defect(self, evse_id: EvseId, error: Exception) -> None:
        self._defects += 1
        self._last_defect = error
        if self._defects <= DEFECTS_MAX:
            self._log.error("! evse %d: defect %d of %d", evse_id, self._defects, DEFECTS_MAX, exc_info=error)
        if self._defects == DEFECTS_MAX:
            self._log.error("* too many defects: the power process ends, to begin anew")
            self._stopping = True


def _state_of(image: EvseImage) -> tuple[object, ...]:
    """What is either so or not."""
    return (
        image.stage,
        image.pilot,
        image.contactor,
        image.lock,
        image.phase,
        image.permitted,
        image.faults,
        image.limited_by_stage,
        image.capabilities,
        image.meter is None,
    )


def _values_of(image: EvseImage) -> tuple[object, ...]:
    """What is measured or follows from measured values."""
    return (
        image.voltage_V,
        image.current_A,
        image.applied_W,
        image.target_W,
        image.meter,
        image.insulation_ohm,
        image.temperature_degC,
        image.duty_percent,
    )
