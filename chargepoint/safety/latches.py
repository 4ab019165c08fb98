"""Latching and reset: what tripped stays tripped until its own rule lets it go."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chargepoint.model.faults import CATALOGUE, MAY_WAIT_FOR_CURRENT, ON_SITE, FaultCode, ResetRule, Severity
from chargepoint.model.io import BoardFault

BOARD_RESET: dict[BoardFault, ResetRule] = {
    BoardFault.WATCHDOG: ResetRule.AUTO,  # a restarted power process recovers by itself once its outputs are off
    BoardFault.OVER_TEMPERATURE: ResetRule.AUTO,  # latched again by the board as long as it is hot
    BoardFault.SUPPLY: ResetRule.AUTO,
    BoardFault.DOOR: ResetRule.AUTO,
    BoardFault.DIODE: ResetRule.UNPLUG,
    BoardFault.PILOT_SHORT: ResetRule.UNPLUG,
    BoardFault.PROXIMITY: ResetRule.UNPLUG,
    BoardFault.NO_CLOSE: ResetRule.UNPLUG,
    BoardFault.OPENED: ResetRule.UNPLUG,
    BoardFault.LOCK: ResetRule.UNPLUG,
    BoardFault.WELD: ResetRule.OPERATOR,
    BoardFault.EMERGENCY_STOP: ResetRule.OPERATOR,
    BoardFault.RCD: ResetRule.OPERATOR,
    BoardFault.CHAIN: ResetRule.OPERATOR,
    BoardFault.UNKNOWN: ResetRule.OPERATOR,
}
"""When the pilot/IO board's own latched faults may be cleared; a test holds this against the list."""


BOARD_ON_SITE = frozenset({BoardFault.WELD, BoardFault.EMERGENCY_STOP, BoardFault.RCD, BoardFault.CHAIN})
"""The board's own latched faults that a reset from afar leaves, as `chargepoint.model.faults.ON_SITE`."""


def board_may_clear(latched: frozenset[BoardFault], *, car_gone: bool, asked: bool, remote: bool = False) -> bool:
    """The board clears all its bits at once or none, so the strictest of them decides. `remote`: who asked is not at the station."""
    rules = {BOARD_RESET[fault] for fault in latched}
    asked = asked and not (remote and latched & BOARD_ON_SITE)
    return bool(rules) and (asked or rules == {ResetRule.AUTO} or (car_gone and ResetRule.OPERATOR not in rules))


class Latches:
    """Latched faults of one EVSE.

    `AUTO` clears when the cause is gone and power is off, and with power on where the fault lets power flow (DERATE, WARNING); `RESTING` when moreover the pilot rests; `UNPLUG` when moreover
    the car was gone at any time since the trip; `OPERATOR` when moreover somebody asked for the reset. A reset that was
    asked for clears the first three too. A cause that is still there cannot be cleared.
    """

    def __init__(
        self, initial: frozenset[FaultCode] = frozenset(), kept: Mapping[FaultCode, str] = MappingProxyType({})
    ) -> None:
        """`initial`: latched because nothing was heard yet. `kept`: what was latched before the process started."""
        self._latched: dict[FaultCode, str] = {**dict.fromkeys(initial, "not heard yet"), **kept}
        self._left: set[FaultCode] = set()
        """Latched faults that have seen the car gone."""
        self._reset_asked = self._reset_remote = False
        self._codes: frozenset[FaultCode] = frozenset()
        self._severity: Severity | None = None
        self._stops = False
        self._sum_up()

    @property
    def codes(self) -> frozenset[FaultCode]:
        """What is latched now."""
        return self._codes

    @property
    def operator(self) -> dict[FaultCode, str]:
        """What only a person may reset, with its words: to be kept over a restart."""
        return {code: detail for code, detail in self._latched.items() if CATALOGUE[code].reset is ResetRule.OPERATOR}

    def detail(self, code: FaultCode) -> str:
        """The words of the first sighting."""
        return self._latched.get(code, "")

    @property
    def severity(self) -> Severity | None:
        """The worst latched severity that stops power at once, None if nothing does."""
        return self._severity

    @property
    def stops(self) -> bool:
        """A latched fault asks for a controlled stop: nothing new may begin."""
        return self._stops

    @property
    def may_wait_for_current(self) -> bool:
        """Of the latched emergencies each one lets the current fall first."""
        emergencies = {code for code in self._codes if CATALOGUE[code].severity is Severity.EMERGENCY}
        return emergencies <= MAY_WAIT_FOR_CURRENT

    def _sum_up(self) -> None:
        """After each change, and not in each cycle."""
        self._codes = frozenset(self._latched)
        severities = {CATALOGUE[code].severity for code in self._codes}
        stopping = (severity for severity in (Severity.EMERGENCY, Severity.ERROR) if severity in severities)
        self._severity = next(stopping, None)
        self._stops = Severity.STOP in severities

    def ask_reset(self, *, remote: bool = False) -> None:
        """A person or the central system (`remote`) asks: clears at the next `step` what may clear."""
        self._reset_asked, self._reset_remote = True, remote

    def step(
        self, active: Mapping[FaultCode, str], *, power_off: bool, car_gone: bool, resting: bool = False
    ) -> tuple[dict[FaultCode, str], frozenset[FaultCode]]:
        """Latch what is active; give (newly latched with detail, now cleared).

        `car_gone`: the pilot shows A. `resting`: the pilot shows A or B and the contactor is seen open.
        """
        new = {code: detail for code, detail in active.items() if code not in self._latched}
        self._latched.update(new)
        if car_gone:
            self._left.update(self._latched)
        cleared = frozenset(
            code
            for code in self._latched
            if code not in active and (power_off or _lets_power_flow(code)) and self._may_clear(code, resting)
        )
        for code in cleared:
            del self._latched[code]
            self._left.discard(code)
        self._reset_asked = False
        if new or cleared:
            self._sum_up()
        return new, cleared

    def _may_clear(self, code: FaultCode, resting: bool) -> bool:
        match CATALOGUE[code].reset:
            case ResetRule.AUTO:
                return True
            case ResetRule.RESTING:
                return resting or self._reset_asked
            case ResetRule.UNPLUG:
                return code in self._left or self._reset_asked
            case ResetRule.OPERATOR:
                return self._reset_asked and not (self._reset_remote and code in ON_SITE)


def _lets_power_flow(code: FaultCode) -> bool:
    """What it limits or reports is over with its cause: a list that still showed it would be wrong about what flows."""
    return CATALOGUE[code].severity in (Severity.DERATE, Severity.WARNING)
