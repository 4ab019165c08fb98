"""A fake IO board for tests: all outputs as one order, all inputs as one state, offered as the small ports."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import Lock
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.readings import Reading
from chargepoint.ports import (
    EVERY_MEASUREMENT,
    IO_MAX_AGE_S,
    ContactorState,
    IoCommand,
    IoPorts,
    IoState,
    PilotAbility,
    PilotReading,
)


class FlatIo:
    """Every port. A test's board keeps `state` up to date, and reads `ordered`."""

    name = "io"
    identity_error = ""
    max_age_s = IO_MAX_AGE_S

    def __init__(self) -> None:
        self.ordered = IoCommand()
        self._shown: Reading[IoState] | None = None
        self.ports = IoPorts(
            _Pilot(self),
            _Contactors(self),
            _Lock(self),
            _Discharge(self),
            _Inputs(self),
            _Temperatures(self),
            _Latch(self),
        )

    @property
    def state(self) -> Reading[IoState] | None:
        """What all inputs show."""
        return self._shown

    @state.setter
    def state(self, shown: Reading[IoState] | None) -> None:
        self._shown = shown

    def poll(self, now_s: float) -> None: ...

    def order(self, command: IoCommand) -> None:
        self.ordered = command

    def clear_latched(self) -> None: ...


class _Port:
    def __init__(self, io: FlatIo) -> None:
        self._io = io


class _Pilot(_Port):
    abilities = EVERY_MEASUREMENT | {PilotAbility.SHOWS_5_PERCENT}

    def show(self, command: PilotCommand, duty_percent: float) -> None:
        self._io.order(replace(self._io.ordered, pilot=command, duty_percent=duty_percent))

    @property
    def state(self) -> Reading[PilotReading] | None:
        if (seen := self._io.state) is None:
            return None
        io = seen.value
        state = PilotReading(io.pilot, io.duty_percent, io.pilot_high_V, io.pilot_low_V, io.proximity_ohm)
        return Reading(state, seen.taken_at_s)


class _Contactors(_Port):
    def request(self, closed: bool) -> None:
        self._io.order(replace(self._io.ordered, contactor=closed))

    @property
    def state(self) -> Reading[ContactorState] | None:
        if (seen := self._io.state) is None:
            return None
        io = seen.value
        poles = (io.contactor_positive_closed, io.contactor_negative_closed)
        return Reading(ContactorState(*poles, io.contactor_commanded, io.precharge_closed), seen.taken_at_s)


class _Lock(_Port):
    def request(self, locked: bool) -> None:
        self._io.order(replace(self._io.ordered, lock=locked))

    @property
    def state(self) -> Reading[Lock] | None:
        return None if self._io.state is None else Reading(self._io.state.value.lock, self._io.state.taken_at_s)


class _Discharge(_Port):
    def request(self, on: bool) -> None:
        self._io.order(replace(self._io.ordered, discharge=on))

    @property
    def state(self) -> Reading[bool] | None:
        seen = self._io.state
        return None if seen is None else Reading(seen.value.discharge_closed, seen.taken_at_s)


class _Inputs(_Port):
    watched = frozenset(SafetyInput)

    @property
    def state(self) -> Reading[frozenset[SafetyInput]] | None:
        seen = self._io.state
        return None if seen is None else Reading(seen.value.open_inputs, seen.taken_at_s)


class _Temperatures(_Port):
    @property
    def state(self) -> Reading[tuple[float | None, ...]] | None:
        seen = self._io.state
        return None if seen is None else Reading(seen.value.temperatures_degC, seen.taken_at_s)


class _Latch(_Port):
    @property
    def state(self) -> Reading[frozenset[BoardFault]] | None:
        seen = self._io.state
        return None if seen is None else Reading(seen.value.latched, seen.taken_at_s)

    def clear(self) -> None:
        self._io.clear_latched()
