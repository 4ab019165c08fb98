"""SLAC as a car does it: it sounds, collects what the stations measured, and asks the nearest one for its key. Pure.

Source: docs/sources/iso15118.md 6. What a car does otherwise than the standard is data in `CarHabits`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from chargepoint.slac import timers
from chargepoint.slac.frames import (
    BROADCAST,
    MODEM,
    RUN_ID_BYTES,
    CmAttenCharInd,
    CmAttenCharRsp,
    CmMnbcSoundInd,
    CmSetKeyReq,
    CmSlacMatchCnf,
    CmSlacMatchReq,
    CmSlacParmCnf,
    CmSlacParmReq,
    CmStartAttenCharInd,
    CmValidateCnf,
    CmValidateReq,
    SlacFrame,
    SlacMessage,
)


@dataclass(frozen=True, slots=True)
class CarHabits:
    """How this car differs. `restarts_after_sounds`: it begins anew once, in the middle of its sounds, with another run id.

    `validates`: it asks for a validation before it asks for the key. `begins_after_s`: from 5 % to its first message.
    """

    restarts_after_sounds: int | None = None
    validates: bool = False
    begins_after_s: float = 0.0
    unreachable_dB: float = 40.0
    """A station that measured more than this is no candidate."""


class EvStep(Enum):
    """How far the car is."""

    IDLE = auto()
    LOOKING = auto()
    ANNOUNCING = auto()
    SOUNDING = auto()
    COLLECTING = auto()
    VALIDATING = auto()
    ASKING = auto()
    JOINED = auto()
    RESTING = auto()
    FAILED = auto()


class EvSlac:
    """One car. `begin` when its pilot shows 5 %; `joined_nid` afterwards says in whose network it is."""

    def __init__(self, mac: bytes, random_bytes: Callable[[int], bytes], habits: CarHabits | None = None) -> None:
        self.mac = mac
        self.step = EvStep.IDLE
        self.due_s: float | None = None
        self.joined_nid: bytes | None = None
        self.measured_dB: dict[bytes, float] = {}
        """What each station reported, by the station's address."""
        self.validation: int | None = None
        """The result of the station's CM_VALIDATE.CNF."""
        self._habits = habits or CarHabits()
        self._random_bytes = random_bytes
        self._run_id = b""
        self._stations: list[bytes] = []
        self._sent = 0
        self._repeats = 0
        self._until_s = 0.0
        self._restarted = False
        self._chosen = b""
        self._out: list[SlacFrame] = []

    # -- events --------------------------------------------------------------------------------------------------------

    def begin(self, now_s: float) -> list[SlacFrame]:
        """The pilot shows 5 %."""
        self._until_s = now_s + timers.TT_MATCHING_REPETITION_S
        self._restarted = False
        self.step, self.due_s = EvStep.RESTING, now_s + self._habits.begins_after_s
        return self.keep_time(now_s)

    def stop(self) -> None:
        """The car was unplugged."""
        self.step, self.due_s, self.joined_nid = EvStep.IDLE, None, None

    def take(self, frame: SlacFrame, now_s: float) -> list[SlacFrame]:
        """A frame from the line."""
        match frame.message:
            case CmSlacParmCnf() as message if message.run_id == self._run_id and self.step is EvStep.LOOKING:
                if frame.source not in self._stations:
                    self._stations.append(frame.source)
            case CmAttenCharInd() as message if message.run_id == self._run_id and message.ev_mac == self.mac:
                self._collect(frame.source, message, now_s)
            case CmValidateCnf(_, result) if self.step is EvStep.VALIDATING and frame.source == self._chosen:
                self.validation = result
                self._ask(now_s)
            case CmSlacMatchCnf() as message if self.step is EvStep.ASKING and frame.source == self._chosen:
                if message.run_id == self._run_id and message.ev_mac == self.mac:
                    self._join(message)
            case _:
                pass
        return self._taken()

    def keep_time(self, now_s: float) -> list[SlacFrame]:
        """What is due by now."""
        if self.due_s is not None and now_s >= self.due_s:
            self.due_s = None
            self._on_time(now_s)
        return self._taken()

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _look(self, now_s: float) -> None:
        self._run_id = self._random_bytes(RUN_ID_BYTES)
        self._stations, self.measured_dB = [], {}
        self.step, self._repeats = EvStep.LOOKING, 0
        self._send_look(now_s)

    def _send_look(self, now_s: float) -> None:
        self._send(BROADCAST, CmSlacParmReq(self._run_id))
        self.due_s = now_s + timers.TT_MATCH_RESPONSE_S

    def _on_time(self, now_s: float) -> None:
        match self.step:
            case EvStep.RESTING:
                self._look(now_s)
            case EvStep.LOOKING if self._stations:
                self.step, self._sent = EvStep.ANNOUNCING, 0
                self._announce(now_s)
            case EvStep.LOOKING if self._repeats < timers.C_EV_MATCH_RETRY:
                self._repeats += 1
                self._send_look(now_s)
            case EvStep.ANNOUNCING:
                self._announce(now_s)
            case EvStep.SOUNDING:
                self._sound(now_s)
            case EvStep.COLLECTING:
                self._choose(now_s)
            case EvStep.ASKING if self._repeats < timers.C_EV_MATCH_RETRY:
                self._repeats += 1
                self._send_ask(now_s)
            case EvStep.VALIDATING:
                self._ask(now_s)
            case _:
                self._rest(now_s)

    def _announce(self, now_s: float) -> None:
        ten, six = timers.C_EV_MATCH_MNBC, timers.SOUNDS_TIMEOUT_100MS
        self._send(BROADCAST, CmStartAttenCharInd(self.mac, self._run_id, ten, six))
        self._sent += 1
        self.due_s = now_s + timers.TP_EV_BATCH_MSG_INTERVAL_S
        if self._sent == timers.C_EV_START_ATTEN_CHAR_INDS:
            self.step, self._sent = EvStep.SOUNDING, 0

    def _sound(self, now_s: float) -> None:
        self._sent += 1
        remaining = timers.C_EV_MATCH_MNBC - self._sent
        self._send(BROADCAST, CmMnbcSoundInd(self._run_id, remaining, self._random_bytes(16)))
        if self._sent == self._habits.restarts_after_sounds and not self._restarted:
            self._restarted = True
            self.step, self.due_s = EvStep.RESTING, now_s + timers.TP_EV_BATCH_MSG_INTERVAL_S
        elif remaining:
            self.due_s = now_s + timers.TP_EV_BATCH_MSG_INTERVAL_S
        else:
            self.step, self.due_s = EvStep.COLLECTING, now_s + timers.TT_EV_ATTEN_RESULTS_S

    def _collect(self, station: bytes, message: CmAttenCharInd, now_s: float) -> None:
        """Each result is confirmed, also a repeated one; when all stations reported, the car chooses."""
        if self.step is not EvStep.COLLECTING:
            return
        self.measured_dB[station] = sum(message.groups) / len(message.groups)
        self._send(station, CmAttenCharRsp(self.mac, self._run_id))
        if set(self._stations) <= set(self.measured_dB):
            self.due_s = now_s + timers.TP_EV_BATCH_MSG_INTERVAL_S

    def _choose(self, now_s: float) -> None:
        near = {station: dB for station, dB in self.measured_dB.items() if dB <= self._habits.unreachable_dB}
        if not near:
            self._rest(now_s)
            return
        self._chosen = min(near, key=lambda station: near[station])
        if self._habits.validates:
            self.step, self.due_s = EvStep.VALIDATING, now_s + timers.TT_MATCH_RESPONSE_S
            self._send(self._chosen, CmValidateReq(0, 1))
        else:
            self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        self.step, self._repeats = EvStep.ASKING, 0
        self._send_ask(now_s)

    def _send_ask(self, now_s: float) -> None:
        self._send(self._chosen, CmSlacMatchReq(self.mac, self._chosen, self._run_id))
        self.due_s = now_s + timers.TT_MATCH_RESPONSE_S

    def _join(self, message: CmSlacMatchCnf) -> None:
        self.step, self.due_s, self.joined_nid = EvStep.JOINED, None, message.nid
        self._send(MODEM, CmSetKeyReq(message.nid, message.nmk))

    def _rest(self, now_s: float) -> None:
        """The whole matching is repeated for some seconds."""
        if now_s < self._until_s:
            self.step, self.due_s = EvStep.RESTING, now_s + timers.TT_MATCHING_RATE_S
        else:
            self.step, self.due_s = EvStep.FAILED, None

    def _send(self, to: bytes, message: SlacMessage) -> None:
        self._out.append(SlacFrame(to, self.mac, message))

    def _taken(self) -> list[SlacFrame]:
        out = list(self._out)
        self._out.clear()
        return out
