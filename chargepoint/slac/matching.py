"""Cars that sound at this connector, kept apart by address and run id, until one of them asks for the key. Pure.

The key goes only to a car whose sounds were measured here, which confirmed the result, and which no other measured car beats.
Source: docs/sources/iso15118.md 6 (the sequence as a station sees it).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from chargepoint.slac import timers
from chargepoint.slac.frames import (
    VALIDATE_FAILURE,
    CmAttenCharInd,
    CmAttenCharRsp,
    CmAttenProfileInd,
    CmMnbcSoundInd,
    CmSlacMatchReq,
    CmSlacParmCnf,
    CmSlacParmReq,
    CmStartAttenCharInd,
    CmValidateCnf,
    CmValidateReq,
    SlacFrame,
    SlacMessage,
    mac_text,
)

CARS_MAX = 16
"""Cars in a matching at once; more are not answered."""


class Step(Enum):
    """How far one car is."""

    INVITED = auto()
    """It has CM_SLAC_PARM.CNF; its announcement is awaited."""
    SOUNDING = auto()
    LATE_PROFILES = auto()
    """The sounds are over; the modem may still deliver profiles."""
    MEASURED = auto()
    """The result was sent; the car's confirmation is awaited."""
    CONFIRMED = auto()
    """The car may ask for the key."""
    FAILED = auto()


@dataclass(slots=True)
class SoundingCar:
    """One car's matching. `due_s`: when its step has lasted too long."""

    mac: bytes
    run_id: bytes
    due_s: float
    step: Step = Step.INVITED
    sounds_wanted: int = timers.C_EV_MATCH_MNBC
    profiles: int = 0
    sums: tuple[int, ...] = ()
    result: bytes = b""
    repeats: int = 0
    refused: bool = False
    """It asked for the key, and another car was nearer: reported once."""

    @property
    def attenuation_dB(self) -> float | None:
        """The mean over all groups of what was reported to the car; None before."""
        return sum(self.result) / len(self.result) if self.result else None


@dataclass(frozen=True, slots=True)
class ToCar:
    """Send this to the car with this address."""

    mac: bytes
    message: SlacMessage


@dataclass(frozen=True, slots=True)
class KeyAsked:
    """This car is the best match, and asked for the key with this message."""

    mac: bytes
    request: CmSlacMatchReq
    attenuation_dB: float


@dataclass(frozen=True, slots=True)
class MatchingRemark:
    """A sentence for the log."""

    text: str
    problem: bool = False


MatchingOutput = ToCar | KeyAsked | MatchingRemark


class Matching:
    """The cars that sound now. `offset_dB` is taken off each measured group, see `slac_attenuation_offset_dB`."""

    def __init__(self, host_mac: bytes, offset_dB: float) -> None:
        self._host_mac = host_mac
        self._offset_dB = offset_dB
        self._cars: dict[bytes, SoundingCar] = {}
        self._out: list[MatchingOutput] = []
        self._full_reported = False
        self.last_failure = ""
        """Why the last car was not matched; empty where none began."""

    @property
    def busy(self) -> bool:
        """At least one car is on its way to the key."""
        return any(car.step is not Step.FAILED for car in self._cars.values())

    @property
    def due_s(self) -> float | None:
        """When `keep_time` has something to do; None: never."""
        return min((car.due_s for car in self._cars.values() if car.step is not Step.FAILED), default=None)

    def take(self, frame: SlacFrame, now_s: float) -> list[MatchingOutput]:
        """A frame from the wire. What no car should send now changes nothing."""
        message = frame.message
        match message:
            case CmSlacParmReq(run_id):
                self._invite(frame.source, run_id, now_s)
            case CmStartAttenCharInd():
                self._announce(frame.source, message, now_s)
            case CmAttenProfileInd():
                self._measure(frame.source, message, now_s)
            case CmAttenCharRsp():
                self._confirm(frame.source, message, now_s)
            case CmValidateReq():
                self._refuse_validation(frame.source)
            case CmSlacMatchReq():
                self._ask_key(frame.source, message, now_s)
            case CmMnbcSoundInd():
                pass  # the modem measures it, and sends its profile
            case _:
                pass
        return self._taken()

    def keep_time(self, now_s: float) -> list[MatchingOutput]:
        """What is due by now."""
        for car in self._cars.values():
            if car.step is not Step.FAILED and now_s >= car.due_s:
                self._on_time(car, now_s)
        return self._taken()

    # -- the messages --------------------------------------------------------------------------------------------------

    def _invite(self, mac: bytes, run_id: bytes, now_s: float) -> None:
        """A car that is here already begins anew, with whatever run id: profiles carry no run id, so it has one matching."""
        known = self._cars.pop(mac, None)
        if known is None and len(self._cars) >= CARS_MAX and not self._make_room():
            if not self._full_reported:
                self._full_reported = True
                self._remark(f"{CARS_MAX} cars sound at once: {mac_text(mac)} is not answered", problem=True)
            return
        if known is None:
            self._remark(f"SLAC: car {mac_text(mac)} begins")
        elif known.step is not Step.INVITED:
            self._remark(f"SLAC: car {mac_text(mac)} begins again")
        self._cars[mac] = SoundingCar(mac, run_id, now_s + timers.TT_MATCH_SEQUENCE_S)
        answer = CmSlacParmCnf(mac, run_id, timers.C_EV_MATCH_MNBC, timers.SOUNDS_TIMEOUT_100MS)
        self._out.append(ToCar(mac, answer))

    def _make_room(self) -> bool:
        """Forget a car whose matching failed."""
        failed = next((mac for mac, car in self._cars.items() if car.step is Step.FAILED), None)
        if failed is not None:
            del self._cars[failed]
        return failed is not None

    def _announce(self, mac: bytes, message: CmStartAttenCharInd, now_s: float) -> None:
        """The car sends this three times; the first one counts."""
        car = self._of(mac, message.run_id, Step.INVITED)
        if car is not None and message.sounds > 0:
            car.step, car.due_s = Step.SOUNDING, now_s + timers.TT_EVSE_MATCH_MNBC_S
            car.sounds_wanted = min(message.sounds, timers.C_EV_MATCH_MNBC)

    def _measure(self, source: bytes, message: CmAttenProfileInd, now_s: float) -> None:
        """A profile comes from the modem. One that a car sends in its own favour is not counted."""
        car = self._cars.get(message.ev_mac)
        if source in self._cars or car is None or car.step not in (Step.SOUNDING, Step.LATE_PROFILES):
            return
        if car.profiles >= car.sounds_wanted or (car.sums and len(car.sums) != len(message.groups)):
            return
        before = car.sums or (0,) * len(message.groups)
        car.sums = tuple(total + group for total, group in zip(before, message.groups, strict=True))
        car.profiles += 1
        if car.profiles == car.sounds_wanted and car.step is Step.SOUNDING:
            car.step, car.due_s = Step.LATE_PROFILES, now_s + timers.SOUNDING_MARGIN_S

    def _confirm(self, mac: bytes, message: CmAttenCharRsp, now_s: float) -> None:
        car = self._of(mac, message.run_id, Step.MEASURED)
        if car is None or message.ev_mac != mac:
            return
        if message.result != 0:
            self._fail(car, f"the car answered the measured attenuation with result {message.result}")
            return
        car.step, car.due_s = Step.CONFIRMED, now_s + timers.TT_EVSE_MATCH_SESSION_S

    def _refuse_validation(self, mac: bytes) -> None:
        car = self._cars.get(mac)
        if car is not None and car.step is Step.CONFIRMED:
            self._out.append(ToCar(mac, CmValidateCnf(0, VALIDATE_FAILURE)))

    def _ask_key(self, mac: bytes, message: CmSlacMatchReq, now_s: float) -> None:
        car = self._of(mac, message.run_id, Step.CONFIRMED)
        if car is None or message.ev_mac != mac or message.evse_mac != self._host_mac or now_s >= car.due_s:
            return
        own_dB = car.attenuation_dB
        assert own_dB is not None
        for other in self._cars.values():
            other_dB = other.attenuation_dB
            alive = other.step in (Step.MEASURED, Step.CONFIRMED) and now_s < other.due_s
            if alive and other_dB is not None and other_dB < own_dB:
                if not car.refused:
                    text = (
                        f"car {mac_text(mac)} ({own_dB:.1f} dB) asked for the key, but {mac_text(other.mac)} is nearer"
                    )
                    self._remark(f"{text} ({other_dB:.1f} dB): not answered", problem=True)
                car.refused = True
                return
        self._out.append(KeyAsked(mac, message, own_dB))

    # -- time ----------------------------------------------------------------------------------------------------------

    def _on_time(self, car: SoundingCar, now_s: float) -> None:
        match car.step:
            case Step.INVITED:
                self._fail(car, "it did not announce its sounds in time")
            case Step.SOUNDING:
                car.step, car.due_s = Step.LATE_PROFILES, now_s + timers.SOUNDING_MARGIN_S
            case Step.LATE_PROFILES if car.profiles == 0:
                self._fail(car, "the modem measured none of its sounds")
            case Step.LATE_PROFILES:
                self._report(car, now_s)
            case Step.MEASURED if car.repeats < timers.C_EV_MATCH_RETRY:
                car.repeats += 1
                self._send_result(car, now_s)
            case Step.MEASURED:
                self._fail(car, "it did not confirm the measured attenuation")
            case _:
                self._fail(car, "it did not ask for the key: it has chosen another station, or none")

    def _report(self, car: SoundingCar, now_s: float) -> None:
        means = (total / car.profiles - self._offset_dB for total in car.sums)
        car.result = bytes(max(0, min(255, round(mean))) for mean in means)
        self._remark(
            f"SLAC: car {mac_text(car.mac)} measured: {car.attenuation_dB:.1f} dB by {car.profiles} of {car.sounds_wanted} sounds"
        )
        self._send_result(car, now_s)

    def _send_result(self, car: SoundingCar, now_s: float) -> None:
        car.step, car.due_s = Step.MEASURED, now_s + timers.TT_MATCH_RESPONSE_S
        self._out.append(ToCar(car.mac, CmAttenCharInd(car.mac, car.run_id, car.profiles, car.result)))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _of(self, mac: bytes, run_id: bytes, step: Step) -> SoundingCar | None:
        car = self._cars.get(mac)
        return car if car is not None and car.run_id == run_id and car.step is step else None

    def _fail(self, car: SoundingCar, why: str) -> None:
        car.step = Step.FAILED
        self.last_failure = f"car {mac_text(car.mac)}: {why}"
        self._remark(f"SLAC: {self.last_failure}")

    def _remark(self, text: str, *, problem: bool = False) -> None:
        self._out.append(MatchingRemark(text, problem))

    def _taken(self) -> list[MatchingOutput]:
        out = list(self._out)
        self._out.clear()
        return out
