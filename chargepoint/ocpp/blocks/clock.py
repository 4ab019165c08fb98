"""The central system's time, as the blocks use it: learned from answers, confirmed, kept, journalled. B01.FR.06, G02.FR.06."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effect, Effects, SecurityEventOccurred, Send, Share, WriteJournal
from chargepoint.ocpp.central_clock import Adopted, AskAgain, CentralClock, RefusedTime
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.moment import Moment

SPACE, OFFSET = "clock", "offset_s"
REPORTING_THRESHOLD = "ClockCtrlr/TimeAdjustmentReportingThreshold"


class ClockBlock(FunctionalBlock):
    """Keeps the offset over a restart: records of a transaction stay on one clock."""

    def __init__(self, model: DeviceModel, kept: Kept, clock: CentralClock) -> None:
        super().__init__()
        self._model = model
        self._space = kept.space(SPACE)
        self._clock = clock

    def learned(self, current_time: str, now: StationNow) -> Effects:
        """An answer with `currentTime` came in."""
        own = Moment(now.monotonic_s, now.own_utc_s)
        verdict = self._clock.learn(current_time, own, now.round_trip_s, in_transaction=_in_transaction(now))
        match verdict:
            case Adopted():
                return self._adopted(verdict)
            case AskAgain(step_s):
                text = f"OCPP: the central system's time differs by {step_s:+.1f} s; asking again"
                return WriteJournal("*", text), Send("Heartbeat", {}, waits=True)  # B02.FR.02, B03.FR.02
            case RefusedTime(text):
                return (WriteJournal("!", f"OCPP: {text}"),)
            case None:
                return ()

    def tick(self, now: StationNow) -> Effects:
        """A confirmed step that waited for the end of a transaction."""
        if _in_transaction(now):
            return ()
        adopted = self._clock.transaction_over()
        return () if adopted is None else self._adopted(adopted)

    def _adopted(self, adopted: Adopted) -> Effects:
        text = f"OCPP: clock corrected by {adopted.step_s:+.1f} s to that of the central system"
        effects: list[Effect] = [self._space.keep(OFFSET, adopted.offset_s), WriteJournal("*", text)]
        if abs(adopted.step_s) > self._model.integer(REPORTING_THRESHOLD):
            effects.append(Share(SecurityEventOccurred("SettingSystemTime", text)))
        return tuple(effects)


def _in_transaction(now: StationNow) -> bool:
    return any(evse.transaction_id is not None for evse in now.evses)
