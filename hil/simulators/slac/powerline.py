"""Modems on one powerline: each answers its own host, measures the sounds of the others, and is linked by a common key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chargepoint.slac.frames import (
    BROADCAST,
    GROUPS_MAX,
    MODEM,
    CmAttenProfileInd,
    CmMnbcSoundInd,
    CmSetKeyCnf,
    CmSetKeyReq,
    SlacFrame,
    SlacMessage,
)
from chargepoint.slac.vendor_frames import (
    LumissilLinkCnf,
    LumissilLinkReq,
    LumissilVersionCnf,
    LumissilVersionReq,
    QualcommLinkCnf,
    QualcommLinkReq,
    QualcommNetworkCnf,
    QualcommNetworkReq,
    QualcommVersionCnf,
    QualcommVersionReq,
)
from hil.simulators.slac.ev_slac import EvSlac

LUMISSIL_VERSION = "1.2.3.4"


@dataclass(frozen=True, slots=True)
class ModemFaults:
    """What is wrong with a modem. The default: nothing."""

    silent: bool = False
    """It answers nothing."""
    refuses_key: bool = False
    """It answers CM_SET_KEY with `result`, and keeps its old key."""
    result: int = 0
    """The result of CM_SET_KEY.CNF. Some Qualcomm firmware answers 1 for a key that it takes."""
    names_network: bool = True
    """It answers NW_INFO (Qualcomm)."""
    never_links: bool = False
    """No car ever joins its network."""
    drops_profiles: int = 0
    """So many of the first sounds of each car are not measured."""


@dataclass(slots=True)
class SimulatedModem:
    """One modem. `vendor`: "qualcomm", "lumissil", or another one that answers no vendor's question."""

    mac: bytes
    vendor: str = "qualcomm"
    faults: ModemFaults = ModemFaults()
    nid: bytes = bytes(7)
    nmk: bytes = b""
    keys_set: int = 0

    def answer(self, message: SlacMessage, *, linked: bool) -> list[SlacMessage]:
        """What it answers its own host."""
        if self.faults.silent:
            return []
        match message:
            case CmSetKeyReq(nid, nmk):
                if not self.faults.refuses_key:
                    self.nid, self.nmk = nid, nmk
                    self.keys_set += 1
                return [CmSetKeyCnf(self.faults.result)]
            case QualcommVersionReq() if self.vendor == "qualcomm":
                return [QualcommVersionCnf("SIMULATED-QCA-1.0")]
            case QualcommNetworkReq() if self.vendor == "qualcomm" and self.faults.names_network:
                return [QualcommNetworkCnf(self.nid)]
            case QualcommLinkReq() if self.vendor == "qualcomm":
                return [QualcommLinkCnf(linked)]
            case LumissilVersionReq() if self.vendor == "lumissil":
                return [LumissilVersionCnf(LUMISSIL_VERSION)]
            case LumissilLinkReq() if self.vendor == "lumissil":
                return [LumissilLinkCnf(linked)]
        return []


@dataclass(slots=True)
class CarOnLine:
    """One car and its modem. `attenuation_dB`: by the station's name, from the car's sound to that station's modem."""

    core: EvSlac
    attenuation_dB: Mapping[str, int]
    modem: SimulatedModem
    heard: dict[str, int] = field(default_factory=dict)


class Powerline:
    """Stations by name, each with its modem, and cars. Frames go to a station as (name, frame)."""

    def __init__(self, stations: Mapping[str, SimulatedModem], cars: Mapping[str, CarOnLine]) -> None:
        self.stations = stations
        self.cars = cars
        self._hosts: dict[str, bytes] = {}

    @property
    def due_s(self) -> float | None:
        """When `keep_time` has something to do."""
        return min((car.core.due_s for car in self.cars.values() if car.core.due_s is not None), default=None)

    def plug_in(self, name: str, now_s: float) -> list[tuple[str, SlacFrame]]:
        """5 % came on at this car's pilot."""
        car = self.cars[name]
        car.heard.clear()
        return self._carry(name, car.core.begin(now_s), now_s)

    def unplug(self, name: str) -> None:
        """The car leaves; its modem forgets the network."""
        car = self.cars[name]
        car.core.stop()
        car.modem.nmk = b""

    def from_station(self, name: str, frame: SlacFrame, now_s: float) -> list[tuple[str, SlacFrame]]:
        """A frame that a station sends: to its own modem, or to cars."""
        self._hosts[name] = frame.source
        modem = self.stations[name]
        if frame.destination == MODEM:
            answers = modem.answer(frame.message, linked=self._linked(modem))
            return [(name, SlacFrame(frame.source, modem.mac, answer)) for answer in answers]
        out: list[tuple[str, SlacFrame]] = []
        for car_name, car in self.cars.items():
            if frame.destination in (BROADCAST, car.core.mac):
                out += self._carry(car_name, car.core.take(frame, now_s), now_s)
        return out

    def keep_time(self, now_s: float) -> list[tuple[str, SlacFrame]]:
        """What cars send by now."""
        out: list[tuple[str, SlacFrame]] = []
        for name, car in self.cars.items():
            out += self._carry(name, car.core.keep_time(now_s), now_s)
        return out

    def _linked(self, modem: SimulatedModem) -> bool:
        keys = {car.modem.nmk for car in self.cars.values()} - {b""}
        return modem.nmk in keys and not modem.faults.never_links

    def _carry(self, car_name: str, sent: list[SlacFrame], now_s: float) -> list[tuple[str, SlacFrame]]:
        out: list[tuple[str, SlacFrame]] = []
        car = self.cars[car_name]
        for frame in sent:
            if frame.destination == MODEM:
                car.modem.answer(frame.message, linked=False)
                continue
            for name, dB in car.attenuation_dB.items():
                modem = self.stations[name]
                if modem.faults.silent or frame.destination not in (BROADCAST, self._hosts.get(name)):
                    continue
                out.append((name, frame))
                if isinstance(frame.message, CmMnbcSoundInd):
                    car.heard[name] = car.heard.get(name, 0) + 1
                    if car.heard[name] > modem.faults.drops_profiles:
                        profile = CmAttenProfileInd(car.core.mac, bytes((dB,)) * GROUPS_MAX)
                        host = self._hosts.get(name, BROADCAST)
                        out.append((name, SlacFrame(host, modem.mac, profile)))
        return out
