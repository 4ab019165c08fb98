"""The lamps of one connector: from its image and the daemon's word to a state, from a state to a light pattern. Pure.

The daemon's word expires. Without it the lamps say «unavailable», for no card and no car would be answered.
"""

from __future__ import annotations

from collections.abc import Mapping

from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.indicator import ConnectorWord, IndicatorState, Lamp
from chargepoint.ports import LampPort

WORD_HOLDS_S = 3.0
"""So long the daemon's word counts; it comes each second (own rule)."""
FLOWS_W = 50.0
"""More power than this is shown as charging or discharging (own rule)."""

SHOWN_AGAIN_S = 1.0
"""The same order is given again after this: lines that were lost and came back are dark."""

Pattern = tuple[tuple[float, frozenset[Lamp]], ...]
"""Parts of a pattern, each with its seconds and the lamps that are lit; after the last one the first comes again."""

_GREEN, _BLUE, _RED, _DARK = frozenset({Lamp.GREEN}), frozenset({Lamp.BLUE}), frozenset({Lamp.RED}), frozenset[Lamp]()

PATTERNS: Mapping[IndicatorState, Pattern] = {
    IndicatorState.AVAILABLE: ((1.0, _GREEN),),
    IndicatorState.OCCUPIED: ((1.0, _BLUE),),
    IndicatorState.CHARGING: ((1.0, _BLUE), (1.0, _DARK)),
    IndicatorState.DISCHARGING: ((1.0, _BLUE), (1.0, _GREEN)),
    IndicatorState.RESERVED: ((1.0, _GREEN), (1.0, _DARK)),
    IndicatorState.UNAVAILABLE: ((0.3, _RED), (2.7, _DARK)),
    IndicatorState.FAULTED: ((1.0, _RED),),
}


def state_of(image: EvseImage | None, word: ConnectorWord | None) -> IndicatorState:
    """What the lamps say. `word` None: the daemon is silent."""
    if image is None:
        return IndicatorState.UNAVAILABLE
    if image.faults and not image.permitted:
        return IndicatorState.FAULTED
    if word is None:
        return IndicatorState.UNAVAILABLE
    if image.stage is Stage.TRANSFER and abs(image.applied_W) > FLOWS_W:
        return IndicatorState.CHARGING if image.applied_W > 0 else IndicatorState.DISCHARGING
    if image.pilot.plugged:
        return IndicatorState.OCCUPIED
    if word is ConnectorWord.UNAVAILABLE:
        return IndicatorState.UNAVAILABLE
    return IndicatorState.RESERVED if word is ConnectorWord.RESERVED else IndicatorState.AVAILABLE


def lit(state: IndicatorState, now_s: float) -> frozenset[Lamp]:
    """The lamps that are lit at this second. All connectors blink together: the pattern follows the clock."""
    pattern = PATTERNS[state]
    at_s = now_s % sum(seconds for seconds, _ in pattern)
    for seconds, lamps in pattern:
        if at_s < seconds:
            return lamps
        at_s -= seconds
    return pattern[-1][1]


class ConnectorLamps:
    """Call `note` with the daemon's word and `step` with each tick. A driver that raises is not asked again."""

    def __init__(self, lamps: LampPort) -> None:
        self._lamps = lamps
        self._word: ConnectorWord | None = None
        self._word_until_s = 0.0
        self._shown: frozenset[Lamp] | None = None
        self._again_at_s = 0.0
        self.trouble = ""
        """Why the lamps are not driven any more; empty while they are."""

    def note(self, word: ConnectorWord, now_s: float) -> None:
        """Take the daemon's word."""
        self._word, self._word_until_s = word, now_s + WORD_HOLDS_S

    def step(self, image: EvseImage | None, now_s: float) -> None:
        """Light what belongs to this moment."""
        word = self._word if now_s < self._word_until_s else None
        wanted = lit(state_of(image, word), now_s)
        if self.trouble or (wanted == self._shown and now_s < self._again_at_s):
            return
        try:
            self._lamps.show(wanted)
        except Exception as error:
            self.trouble = f"{self._lamps.name}: its driver failed: {type(error).__name__}: {error}"
            return
        self._shown, self._again_at_s = wanted, now_s + SHOWN_AGAIN_S
