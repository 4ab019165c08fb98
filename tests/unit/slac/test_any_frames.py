"""Any bytes and any order of good frames: the core never raises, and a key goes to nobody but the best match."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot
from chargepoint.slac.evse_slac import EvseSlac, SlacOutput
from chargepoint.slac.frame_codec import unpack
from chargepoint.slac.frames import (
    MODEM,
    CmAttenCharInd,
    CmAttenCharRsp,
    CmAttenProfileInd,
    CmMnbcSoundInd,
    CmSetKeyCnf,
    CmSetKeyReq,
    CmSlacMatchCnf,
    CmSlacMatchReq,
    CmSlacParmReq,
    CmStartAttenCharInd,
    CmValidateReq,
    SlacFrame,
    SlacMessage,
)
from chargepoint.slac.vendor_frames import (
    LumissilLinkCnf,
    QualcommLinkCnf,
    QualcommNetworkCnf,
    QualcommNetworkReq,
    QualcommVersionCnf,
)

HOST, MODEM_MAC = b"\x02" + bytes(4) + b"\xe0", b"\x02" + bytes(4) + b"\x80"
CARS = [b"\x02" + bytes(4) + bytes((number,)) for number in (1, 2, 3)]
ATTENUATION_dB = dict(zip(CARS, (5, 15, 25), strict=True))
RUNS = [bytes(7) + bytes((number,)) for number in (1, 2)]

cars = st.sampled_from(CARS)
runs = st.sampled_from(RUNS)
whole_matching = st.tuples(st.just("matching"), cars, runs)
without_confirmation = st.tuples(st.just("unconfirmed"), cars, runs)
races = st.tuples(st.just("race"), cars, cars)
frames_of_cars = st.one_of(
    st.tuples(st.just("frame"), cars, runs.map(CmSlacParmReq)),
    st.tuples(st.just("frame"), cars, st.builds(CmStartAttenCharInd, cars, runs, st.integers(0, 20), st.just(6))),
    st.tuples(st.just("frame"), cars, st.builds(CmMnbcSoundInd, runs, st.integers(0, 9))),
    st.tuples(st.just("frame"), cars, st.builds(CmAttenCharRsp, cars, runs, st.sampled_from([0, 0, 0, 1]))),
    st.tuples(st.just("frame"), cars, st.builds(CmSlacMatchReq, cars, st.sampled_from([HOST, HOST, MODEM_MAC]), runs)),
    st.tuples(st.just("frame"), cars, st.builds(CmValidateReq, st.just(0), st.just(1))),
)
frames_of_modem = st.tuples(
    st.just("frame"),
    st.just(MODEM_MAC),
    st.one_of(
        st.builds(CmSetKeyCnf, st.integers(0, 2)),
        st.builds(QualcommLinkCnf, st.booleans()),
        st.builds(LumissilLinkCnf, st.booleans()),
        st.just(QualcommNetworkCnf(None)),
        st.just(QualcommVersionCnf("X")),
    ),
)
profiles = st.tuples(st.just("profiles"), cars, st.integers(1, 12))
pilots = st.tuples(st.just("pilot"), st.sampled_from(list(ControlPilot)), st.booleans())
waits = st.tuples(st.just("wait"), st.just(None), st.sampled_from([0.01, 0.05, 0.25, 0.7, 4.5, 13.0, 45.0]))
steps = st.lists(
    st.one_of(whole_matching, without_confirmation, races, frames_of_cars, frames_of_modem, profiles, pilots, waits),
    max_size=60,
)


@dataclass
class Observer:
    """What an independent reader of the wire knows about each car since its last CM_SLAC_PARM.REQ."""

    core: EvseSlac
    now_s: float = 50.0
    plugged: bool = False
    reported: dict[bytes, tuple[float, float]] = field(default_factory=dict)  # car: (dB, when)
    confirmed: set[bytes] = field(default_factory=set)
    had: dict[bytes, bytes] = field(default_factory=dict)  # key: car
    given: set[tuple[bytes, bytes, bytes]] = field(default_factory=set)  # car, run id, key

    def frame(self, source: bytes, message: SlacMessage) -> None:
        if isinstance(message, CmSlacParmReq):
            self.reported.pop(source, None)
            self.confirmed.discard(source)
        outputs = self.core.take(SlacFrame(HOST, source, message), self.now_s)
        self.look(outputs, source, message)
        if isinstance(message, CmAttenCharRsp) and message.ev_mac == source and source in self.reported:
            if message.result == 0:
                self.confirmed.add(source)
            else:
                self.reported.pop(source)

    def look(self, outputs: list[SlacOutput], source: bytes = b"", cause: SlacMessage | None = None) -> None:
        for output in outputs:
            if not isinstance(output, SlacFrame):
                continue
            if isinstance(output.message, CmAttenCharInd):
                mean_dB = sum(output.message.groups) / len(output.message.groups)
                assert mean_dB == ATTENUATION_dB[output.destination]
                self.reported[output.destination] = (mean_dB, self.now_s)
            elif isinstance(output.message, CmSlacMatchCnf):
                self.key_given(output, output.message, source, cause)
            elif output.destination == MODEM:
                self.answer(output.message)

    def key_given(self, frame: SlacFrame, key: CmSlacMatchCnf, source: bytes, cause: SlacMessage | None) -> None:
        car = frame.destination
        assert isinstance(cause, CmSlacMatchReq)
        assert source == car
        assert self.plugged
        assert self.had.setdefault(key.nmk, car) == car  # one key, one car
        if (car, key.run_id, key.nmk) in self.given:
            return  # the answer was lost: the same key again
        self.given.add((car, key.run_id, key.nmk))
        assert car in self.confirmed
        own_dB, _ = self.reported[car]
        for other, (dB, at_s) in self.reported.items():
            still_waits = self.now_s - at_s < 0.2
            assert other == car or not still_waits or dB >= own_dB

    def answer(self, message: SlacMessage) -> None:
        """A good modem, so that most runs come as far as matching."""
        if isinstance(message, CmSetKeyReq):
            self.nid = message.nid
            self.frame(MODEM_MAC, CmSetKeyCnf(0))
        elif isinstance(message, QualcommNetworkReq):
            self.frame(MODEM_MAC, QualcommNetworkCnf(self.nid))

    nid: bytes = bytes(7)

    def pilot(self, pilot: ControlPilot, wanted: bool) -> None:
        if pilot is not ControlPilot.UNKNOWN:
            self.plugged = pilot.plugged or (self.plugged and self.core._blind_until_s > self.now_s)
        self.look(self.core.note_pilot(pilot, self.now_s, wanted=wanted))

    def wait(self, for_s: float) -> None:
        end_s = self.now_s + for_s
        while (due_s := self.core.due_s) is not None and due_s <= end_s:
            self.now_s = max(self.now_s, due_s) + 0.001
            self.look(self.core.keep_time(self.now_s))
        self.now_s = max(self.now_s, end_s)

    def matching(self, car: bytes, run_id: bytes) -> None:
        self.frame(car, CmSlacParmReq(run_id))
        self.frame(car, CmStartAttenCharInd(car, run_id, 10, 6))
        self.profiles(car, 10)
        self.wait(0.05)
        self.frame(car, CmAttenCharRsp(car, run_id))
        self.frame(car, CmSlacMatchReq(car, HOST, run_id))

    def race(self, one: bytes, other: bytes) -> None:
        """Both sound at once; the first one asks for the key at once."""
        for car in (one, other):
            self.frame(car, CmSlacParmReq(RUNS[0]))
            self.frame(car, CmStartAttenCharInd(car, RUNS[0], 10, 6))
        for car in (one, other):
            self.profiles(car, 10)
        self.wait(0.05)
        for car in (one, other):
            self.frame(car, CmAttenCharRsp(car, RUNS[0]))
            self.frame(car, CmSlacMatchReq(car, HOST, RUNS[0]))

    def unconfirmed(self, car: bytes, run_id: bytes) -> None:
        self.frame(car, CmSlacParmReq(run_id))
        self.frame(car, CmStartAttenCharInd(car, run_id, 10, 6))
        self.profiles(car, 10)
        self.wait(0.05)
        self.frame(car, CmSlacMatchReq(car, HOST, run_id))

    def profiles(self, car: bytes, count: int) -> None:
        for _ in range(count):
            self.frame(MODEM_MAC, CmAttenProfileInd(car, bytes((ATTENUATION_dB[car],)) * 58))


def observed(*, ac: bool) -> Observer:
    observer = Observer(EvseSlac(EvseId(1), random.Random(3).randbytes, ac=ac))
    observer.look(observer.core.interface_up(HOST, observer.now_s))
    return observer


@given(steps, st.booleans())
def test_a_key_goes_to_the_best_match_only(story: list[tuple[str, object, object]], ac: bool) -> None:
    observer = observed(ac=ac)
    observer.pilot(ControlPilot.B, True)
    for kind, first, second in story:
        match kind, first, second:
            case "matching", bytes() as car, bytes() as run_id:
                observer.matching(car, run_id)
            case "unconfirmed", bytes() as car, bytes() as run_id:
                observer.unconfirmed(car, run_id)
            case "race", bytes() as one, bytes() as other:
                observer.race(one, other)
            case "frame", bytes() as source, message:
                observer.frame(source, message)  # type: ignore[arg-type]
            case "profiles", bytes() as car, int() as count:
                observer.profiles(car, count)
            case "pilot", ControlPilot() as pilot, bool() as wanted:
                observer.pilot(pilot, wanted)
            case "wait", None, float() as for_s:
                observer.wait(for_s)
            case _:
                raise AssertionError(kind)


def test_the_observer_sees_keys_at_all() -> None:
    """Or the property above could hold because nothing ever happens."""
    observer = observed(ac=False)
    observer.pilot(ControlPilot.B, True)
    observer.matching(CARS[0], RUNS[0])
    assert len(observer.given) == 1


@given(st.lists(st.tuples(st.binary(max_size=140), st.sampled_from([0.0, 0.3, 12.0])), max_size=30))
def test_any_bytes_after_a_good_header_never_raise(story: list[tuple[bytes, float]]) -> None:
    observer = observed(ac=False)
    observer.pilot(ControlPilot.B, True)
    for data, for_s in story:
        found = unpack(HOST + CARS[0] + b"\x88\xe1\x01" + data)
        if isinstance(found, SlacFrame):
            observer.look(observer.core.take(found, observer.now_s), found.source, found.message)
        observer.wait(for_s)
