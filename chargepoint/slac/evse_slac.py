"""SLAC at one connector, from the modem's key to the link with the car that is plugged in. Pure, time as a number.

A fresh key is set before each plug-in, so that 5 % may come on at once: some cars send their first message together with it. One
key goes to one car; where another car could follow, the modem gets a new key first. Source: docs/sources/iso15118.md 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chargepoint.model.data_link import STEP_SETTLE_S, DataLinkChanged, DataLinkEvent, DataLinkRemark, DataLinkState
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot
from chargepoint.slac import timers
from chargepoint.slac.frames import (
    MODEM,
    CmAttenCharRsp,
    CmMnbcSoundInd,
    CmSlacMatchCnf,
    CmSlacMatchReq,
    CmSlacParmReq,
    CmStartAttenCharInd,
    CmValidateReq,
    SlacFrame,
    SlacMessage,
    mac_text,
)
from chargepoint.slac.matching import KeyAsked, Matching, MatchingOutput, MatchingRemark, ToCar
from chargepoint.slac.modem import Modem, ModemOutput, ModemRemark
from chargepoint.slac.network_key import NetworkKey, fresh_key
from chargepoint.slac.pilot_toggles import PilotToggles

SlacOutput = SlacFrame | DataLinkEvent
"""Frames go to the wire, events to the EVSE's session."""

_WAITING = (DataLinkState.READY, DataLinkState.MATCHING)
"""States in which only the time ends the waiting for a car."""

_BY_CARS = (CmSlacParmReq, CmStartAttenCharInd, CmMnbcSoundInd, CmAttenCharRsp, CmValidateReq, CmSlacMatchReq)
"""Messages that only cars send; the others come from the modem."""

ATTEMPT_LONGEST_S = 60.0
"""A rule of the project: one attempt ends after this time, also where cars of other stations sound again and again."""


class EvseSlac:
    """One connector. `ac`: an AC outlet, which can charge by the duty cycle alone where no car is matched.

    `random_bytes` gives as many bytes as it is asked for, fit for secrets. Each method returns what is to be done, in order.
    """

    def __init__(
        self, evse_id: EvseId, random_bytes: Callable[[int], bytes], *, ac: bool, attenuation_offset_dB: float = 0.0
    ) -> None:
        self._evse_id = evse_id
        self._random_bytes = random_bytes
        self._ac = ac
        self._offset_dB = attenuation_offset_dB
        self._out: list[SlacOutput] = []
        self._host_mac: bytes | None = None
        self._modem = Modem()
        self._key: NetworkKey | None = None
        self._given_to: bytes | None = None
        self._granted: tuple[CmSlacMatchReq, float] | None = None
        self._matching: Matching | None = None
        self._toggles = PilotToggles()
        self._plugged = False
        self._wanted = True
        self._attempt = 0
        self._attempt_end_s = 0.0
        self._blind_until_s = 0.0
        self._no_link_since_s: float | None = None
        self._due_s: float | None = None
        self._state = DataLinkState.PREPARING
        self._detail = "the modem's interface is not open yet"
        self._shown: DataLinkChanged | None = None

    @property
    def state(self) -> DataLinkState:
        """How far it is."""
        return self._state

    @property
    def due_s(self) -> float | None:
        """When `keep_time` has something to do; None: only after the next event."""
        dues = (self._due_s, self._modem.due_s, None if self._matching is None else self._matching.due_s)
        return min((due for due in dues if due is not None), default=None)

    # -- events --------------------------------------------------------------------------------------------------------

    def interface_up(self, mac: bytes, now_s: float) -> list[SlacOutput]:
        """The modem's interface is open; `mac` is this computer's address there."""
        self._host_mac = mac
        self._prepare(now_s, "the modem gets its key")
        return self._taken()

    def interface_down(self, reason: str, now_s: float) -> list[SlacOutput]:
        """The modem's interface is gone, and with it the link. May be repeated while it stays away."""
        again = self._host_mac is None and self._state is DataLinkState.PREPARING
        self._host_mac = None
        self._modem.forget()
        self._forget_cars()
        if again:
            self._detail = reason
            self._show()
        elif not self._by_duty_cycle:
            self._enter(DataLinkState.PREPARING, reason, self._modem_patience_s(now_s))
        return self._taken()

    def take(self, frame: SlacFrame, now_s: float) -> list[SlacOutput]:
        """A frame from the wire, of modem or car."""
        if self._host_mac is None or frame.source == self._host_mac:
            return []
        self._to_modem(self._modem.take(frame.message, now_s), now_s)
        self._after_modem(now_s)
        if self._hears_car(frame):
            self._take_car(frame, now_s)
        return self._taken()

    def note_pilot(self, pilot: ControlPilot, now_s: float, *, wanted: bool = True) -> list[SlacOutput]:
        """The pilot as seen now. `wanted`: a car shall be matched: the session wants a conversation, and none is open.

        No time-out runs where no car shall be matched: a car that charges, pauses or has finished keeps its key.
        """
        toggles = self._toggles.note(pilot, now_s)
        if now_s >= self._blind_until_s and pilot is not ControlPilot.UNKNOWN and pilot.plugged is not self._plugged:
            self._plugged = pilot.plugged
            if self._plugged:
                self._begin_plug_in(now_s)
            else:
                self._end_plug_in(now_s)
        if wanted is not self._wanted:
            self._wanted = wanted
            if self._state in _WAITING:
                self._due_s = self._first_message_due_s(now_s)
            elif self._state is DataLinkState.PREPARING:
                self._due_s = self._modem_patience_s(now_s)
        if toggles and self._state is DataLinkState.GAVE_UP:
            self._remark(f"the car moved its pilot ({toggles} BCB toggles): matching begins again")
            self._attempt = 0
            self._prepare(now_s, "the car woke the station")
        return self._taken()

    def keep_time(self, now_s: float) -> list[SlacOutput]:
        """What is due by now."""
        self._to_modem(self._modem.keep_time(now_s), now_s)
        if self._matching is not None:
            self._from_matching(self._matching.keep_time(now_s), now_s)
        self._after_modem(now_s)
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._on_time(now_s)
        return self._taken()

    # -- plug ----------------------------------------------------------------------------------------------------------

    def _begin_plug_in(self, now_s: float) -> None:
        self._attempt = 0
        if self._state is DataLinkState.PREPARING:
            self._due_s = self._modem_patience_s(now_s)
        elif self._state is DataLinkState.READY:
            self._due_s = self._first_message_due_s(now_s)

    def _end_plug_in(self, now_s: float) -> None:
        """The next car gets a key of its own, set before it comes."""
        self._attempt = 0
        if self._host_mac is None:
            self._enter(DataLinkState.PREPARING, self._detail, None)
        else:
            self._prepare(now_s, "the modem gets a fresh key")

    def _modem_patience_s(self, now_s: float) -> float | None:
        """Until when a plugged-in car waits for the modem; None: for ever, the outlet can do nothing without it."""
        waits = self._ac and self._plugged and self._wanted
        return now_s + timers.TT_EVSE_SLAC_INIT_AC_S if waits else None

    def _first_message_due_s(self, now_s: float) -> float | None:
        if not self._plugged or not self._wanted:
            return None
        return now_s + self._init_s

    @property
    def _init_s(self) -> float:
        return timers.TT_EVSE_SLAC_INIT_AC_S if self._ac else timers.TT_EVSE_SLAC_INIT_DC_S

    # -- modem ---------------------------------------------------------------------------------------------------------

    @property
    def _by_duty_cycle(self) -> bool:
        """The car at this AC outlet charges by the duty cycle alone, until it is unplugged."""
        return self._plugged and self._state is DataLinkState.DUTY_CYCLE

    def _prepare(self, now_s: float, detail: str) -> None:
        """Nothing is heard until the modem has taken a fresh key."""
        if not self._by_duty_cycle:
            self._enter(DataLinkState.PREPARING, detail, self._modem_patience_s(now_s))
        self._renew_key(now_s)

    def _renew_key(self, now_s: float) -> None:
        """A key that nobody knows."""
        self._forget_cars()
        self._key = fresh_key(self._random_bytes)
        self._to_modem(self._modem.begin(self._key, now_s), now_s)

    def _forget_cars(self) -> None:
        self._given_to = self._granted = self._matching = self._no_link_since_s = None

    def _to_modem(self, outputs: Iterable[ModemOutput], now_s: float) -> None:
        for output in outputs:
            if isinstance(output, ModemRemark):
                self._remark(output.text, problem=output.problem)
            elif self._host_mac is not None:
                self._out.append(SlacFrame(MODEM, self._host_mac, output))

    def _after_modem(self, now_s: float) -> None:
        """What follows from what the modem said, or did not say."""
        match self._state:
            case DataLinkState.PREPARING if self._modem.keyed:
                self._listen(now_s)
            case DataLinkState.PREPARING if self._modem.trouble and self._modem.trouble != self._detail:
                self._detail = self._modem.trouble
                self._show()
            case DataLinkState.JOINING if self._modem.link:
                self._link_is_up(now_s, "")
            case DataLinkState.MATCHING if self._modem.link and self._given_to is not None and not self._cars_sound:
                self._link_is_up(now_s, "the car is back in the network it knows")
            case DataLinkState.GAVE_UP if self._modem.keyed and self._matching is None:
                self._matching = self._new_matching()
            case DataLinkState.UP:
                self._watch_link(now_s)
            case _:
                pass
        if self._modem.name is not None and self._shown is not None and self._shown.modem != self._modem.name:
            self._show()

    def _new_matching(self) -> Matching:
        assert self._host_mac is not None
        return Matching(self._host_mac, self._offset_dB)

    @property
    def _cars_sound(self) -> bool:
        return self._matching is not None and self._matching.busy

    def _listen(self, now_s: float) -> None:
        self._matching = self._new_matching()
        self._enter(DataLinkState.READY, "waiting for a car's first message", self._first_message_due_s(now_s))

    def _link_is_up(self, now_s: float, detail: str) -> None:
        self._attempt, self._no_link_since_s = 0, None
        self._modem.watch_link(timers.LINK_POLL_S, now_s + timers.LINK_POLL_S)
        self._enter(DataLinkState.UP, detail, None)

    def _watch_link(self, now_s: float) -> None:
        if self._modem.link is not False:
            self._no_link_since_s = None
        elif self._no_link_since_s is None:
            self._no_link_since_s = now_s
        elif now_s - self._no_link_since_s >= timers.LINK_LOST_S:
            self._no_link_since_s = None
            self._remark(
                "the link to the car is lost: the car may come back, or begin SLAC again", problem=self._wanted
            )
            self._begin_again(now_s, "the link is lost")

    # -- cars ----------------------------------------------------------------------------------------------------------

    def _hears_car(self, frame: SlacFrame) -> bool:
        """Cars are heard while one is plugged in. Once a car has the key, no other car is heard until the key is a new one."""
        if not self._plugged or self._matching is None or self._state is DataLinkState.STEPPING or self._by_duty_cycle:
            return False
        return self._given_to in (None, frame.source) or not isinstance(frame.message, _BY_CARS)

    def _take_car(self, frame: SlacFrame, now_s: float) -> None:
        message, has_key = frame.message, frame.source == self._given_to
        if has_key and self._state in (DataLinkState.JOINING, DataLinkState.UP):
            if isinstance(message, CmSlacParmReq):
                self._remark("the car begins SLAC again although it had the key")
                self._begin_again(now_s, "the car begins again")
            elif isinstance(message, CmSlacMatchReq) and self._granted is not None and message == self._granted[0]:
                self._send_key()
                return
        assert self._matching is not None
        self._from_matching(self._matching.take(frame, now_s), now_s)
        if not self._cars_sound:
            return
        if self._state in (DataLinkState.READY, DataLinkState.GAVE_UP):
            self._attempt_end_s = now_s + ATTEMPT_LONGEST_S
            self._enter(DataLinkState.MATCHING, "a car sounds", None)
        if self._state is DataLinkState.MATCHING:
            longest_s = timers.TT_MATCHING_REPETITION_S + timers.TT_EVSE_MATCH_SESSION_S
            self._due_s = min(now_s + longest_s, self._attempt_end_s)

    def _begin_again(self, now_s: float, detail: str) -> None:
        """The car that has the key may begin again, with the same key; other cars are not heard."""
        self._matching, self._granted = self._new_matching(), None
        self._modem.link = None
        self._modem.watch_link(timers.LINK_POLL_S, now_s + timers.LINK_POLL_S)
        self._attempt_end_s = now_s + ATTEMPT_LONGEST_S
        self._enter(DataLinkState.MATCHING, detail, self._first_message_due_s(now_s))

    def _from_matching(self, outputs: Iterable[MatchingOutput], now_s: float) -> None:
        for output in outputs:
            match output:
                case ToCar(mac, message):
                    self._send(mac, message)
                case MatchingRemark(text, problem):
                    self._remark(text, problem=problem)
                case KeyAsked():
                    self._grant(output, now_s)
        matching = self._matching
        if (
            self._state is DataLinkState.MATCHING
            and matching is not None
            and not matching.busy
            and matching.last_failure
        ):
            self._detail, matching.last_failure = matching.last_failure, ""
            self._due_s = min(now_s + timers.TT_MATCHING_REPETITION_S, self._attempt_end_s) if self._wanted else None
            self._show()

    def _grant(self, asked: KeyAsked, now_s: float) -> None:
        if self._state is not DataLinkState.MATCHING or self._given_to not in (None, asked.mac):
            return
        self._given_to, self._granted = asked.mac, (asked.request, asked.attenuation_dB)
        self._send_key()
        self._matching = self._new_matching()
        self._modem.link = None
        self._modem.watch_link(timers.LINK_POLL_JOINING_S, now_s)
        self._enter(DataLinkState.JOINING, "", now_s + timers.TT_MATCH_JOIN_S)

    def _send_key(self) -> None:
        assert self._granted is not None
        assert self._key is not None
        assert self._host_mac is not None
        request = self._granted[0]
        ids = (request.ev_id, request.evse_id)
        key = self._key
        message = CmSlacMatchCnf(request.ev_mac, self._host_mac, request.run_id, key.nid, key.nmk, *ids)
        self._send(request.ev_mac, message)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _on_time(self, now_s: float) -> None:
        match self._state:
            case DataLinkState.PREPARING:
                self._give_up(f"no modem: {self._detail}")
            case DataLinkState.READY:
                self._unmatched(f"no car began SLAC within {self._init_s:.0f} s", now_s)
            case DataLinkState.MATCHING:
                self._unmatched(f"no car was matched: {self._detail}", now_s)
            case DataLinkState.JOINING if self._modem.answers_link:
                self._unmatched(f"car and station made no link within {timers.TT_MATCH_JOIN_S:.0f} s", now_s)
            case DataLinkState.JOINING:
                self._remark("the modem does not answer whether there is a link: taken as there", problem=True)
                self._link_is_up(now_s, "the modem does not report its link")
            case DataLinkState.STEPPING:
                self._end_step(now_s)
            case _:
                pass

    def _unmatched(self, why: str, now_s: float) -> None:
        if not self._plugged or not self._wanted:
            self._prepare(now_s, why)
        elif self._attempt >= timers.C_SEQU_RETRY:
            self._give_up(why)
            self._renew_key(now_s)
        else:
            self._attempt += 1
            text = f"{why}; pilot F for {timers.T_STEP_EF_S:.0f} s, then try {self._attempt} of {timers.C_SEQU_RETRY}"
            self._remark(text, problem=True)
            self._blind_until_s = now_s + timers.T_STEP_EF_S + STEP_SETTLE_S
            self._enter(DataLinkState.STEPPING, why, now_s + timers.T_STEP_EF_S)
            self._renew_key(now_s)

    def _end_step(self, now_s: float) -> None:
        if self._modem.keyed:
            self._listen(now_s)
        else:
            self._enter(DataLinkState.PREPARING, "the modem gets a fresh key", self._modem_patience_s(now_s))

    def _give_up(self, why: str) -> None:
        follows = (
            "charging by the duty cycle alone" if self._ac else "listening on; unplug the car and plug it in again"
        )
        self._remark(f"{why}: {follows}", problem=True)
        self._enter(DataLinkState.DUTY_CYCLE if self._ac else DataLinkState.GAVE_UP, why, None)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _send(self, mac: bytes, message: SlacMessage) -> None:
        assert self._host_mac is not None
        self._out.append(SlacFrame(mac, self._host_mac, message))

    def _remark(self, text: str, *, problem: bool = False) -> None:
        self._out.append(DataLinkRemark(self._evse_id, text, problem))

    def _enter(self, state: DataLinkState, detail: str, due_s: float | None) -> None:
        self._state, self._detail, self._due_s = state, detail, due_s
        self._show()

    def _show(self) -> None:
        car = self._given_to
        changed = DataLinkChanged(
            self._evse_id,
            self._state,
            self._detail,
            None if car is None else mac_text(car),
            None if self._granted is None else self._granted[1],
            self._modem.name,
        )
        if changed != self._shown:
            self._shown = changed
            self._out.append(changed)

    def _taken(self) -> list[SlacOutput]:
        out = list(self._out)
        self._out.clear()
        return out
