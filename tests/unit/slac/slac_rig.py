"""Stations and cars of SLAC joined without a wire, with the time as a number. Every frame goes through its bytes."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping

from chargepoint.model.data_link import DataLinkChanged, DataLinkRemark, DataLinkState
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot
from chargepoint.slac.evse_slac import EvseSlac, SlacOutput
from chargepoint.slac.frame_codec import pack, unpack
from chargepoint.slac.frames import CmSetKeyReq, CmSlacMatchCnf, SlacFrame
from hil.simulators.slac.ev_slac import CarHabits, EvSlac
from hil.simulators.slac.powerline import CarOnLine, ModemFaults, Powerline, SimulatedModem

TICK_S = 0.01


def mac(number: int) -> bytes:
    return bytes((0x02, 0, 0, 0, 0, number))


def modem(number: int, *, vendor: str = "qualcomm", faults: ModemFaults | None = None) -> SimulatedModem:
    return SimulatedModem(mac(0x80 + number), vendor, faults or ModemFaults())


def car(number: int, attenuation_dB: Mapping[str, int], habits: CarHabits | None = None) -> CarOnLine:
    source = random.Random(number)
    return CarOnLine(EvSlac(mac(number), source.randbytes, habits), attenuation_dB, modem(0x40 + number))


class Rig:
    """Stations with their names as keys, on one line with cars. `run` lets the time go by in steps of 10 ms."""

    def __init__(
        self,
        modems: Mapping[str, SimulatedModem],
        cars: Mapping[str, CarOnLine],
        *,
        ac: bool = False,
        offset_dB: float = 0.0,
    ) -> None:
        self.line = Powerline(modems, cars)
        source = random.Random(7)
        self.stations = {
            name: EvseSlac(EvseId(number), source.randbytes, ac=ac, attenuation_offset_dB=offset_dB)
            for number, name in enumerate(modems, start=1)
        }
        self.hosts = {name: mac(0xE0 + number) for number, name in enumerate(modems)}
        self.now_s = 100.0
        self.changes: dict[str, list[DataLinkChanged]] = {name: [] for name in modems}
        self.remarks: dict[str, list[DataLinkRemark]] = {name: [] for name in modems}
        self.sent: list[tuple[float, str, SlacFrame]] = []
        self.pilots = dict.fromkeys(modems, ControlPilot.A)
        self._waiting: deque[tuple[str, SlacFrame]] = deque()
        self._delivering = False
        for name, station in self.stations.items():
            self._after(name, station.interface_up(self.hosts[name], self.now_s))

    def state(self, name: str = "one") -> DataLinkState:
        return self.stations[name].state

    def states(self, name: str = "one") -> list[DataLinkState]:
        return [change.state for change in self.changes[name]]

    def problems(self, name: str = "one") -> list[str]:
        return [remark.text for remark in self.remarks[name] if remark.problem]

    def keys_given(self) -> list[tuple[str, bytes, bytes]]:
        """Station, car's address and key of each CM_SLAC_MATCH.CNF."""
        sent = [(name, frame) for _, name, frame in self.sent if isinstance(frame.message, CmSlacMatchCnf)]
        return [(name, f.destination, f.message.nmk) for name, f in sent if isinstance(f.message, CmSlacMatchCnf)]

    def keys_set(self, name: str = "one") -> list[bytes]:
        found = [frame.message for _, of, frame in self.sent if of == name]
        return [message.nmk for message in found if isinstance(message, CmSetKeyReq)]

    def plug_in(self, car_name: str | None = None, name: str = "one", *, wanted: bool = True) -> None:
        """The pilot shows B at this station; the car sees 5 % where the station is ready."""
        self.pilots[name] = ControlPilot.B
        self._after(name, self.stations[name].note_pilot(ControlPilot.B, self.now_s, wanted=wanted))
        if car_name is not None:
            self._deliver(self.line.plug_in(car_name, self.now_s))

    def unplug(self, car_name: str | None = None, name: str = "one") -> None:
        self.pilots[name] = ControlPilot.A
        self._after(name, self.stations[name].note_pilot(ControlPilot.A, self.now_s))
        if car_name is not None:
            self.line.unplug(car_name)

    def pilot(self, pilot: ControlPilot, name: str = "one", *, wanted: bool = True) -> None:
        self.pilots[name] = pilot
        self._after(name, self.stations[name].note_pilot(pilot, self.now_s, wanted=wanted))

    def to_station(self, frame: SlacFrame, name: str = "one") -> None:
        self._deliver([(name, frame)])

    def run(self, for_s: float, until: DataLinkState | None = None, name: str = "one") -> None:
        """Let time go by; end early where this station reaches a state."""
        end_s = self.now_s + for_s
        while self.now_s < end_s:
            if until is not None and self.state(name) is until:
                return
            self.now_s += TICK_S
            for of, station in self.stations.items():
                self._after(of, station.keep_time(self.now_s))
            self._deliver(self.line.keep_time(self.now_s))

    def _deliver(self, frames: list[tuple[str, SlacFrame]]) -> None:
        """One frame after the other: the answer to a frame comes after all that the frame led to."""
        self._waiting.extend(frames)
        if self._delivering:
            return
        self._delivering = True
        while self._waiting:
            name, frame = self._waiting.popleft()
            self._after(name, self.stations[name].take(self._through_bytes(frame), self.now_s))
        self._delivering = False

    def _after(self, name: str, outputs: list[SlacOutput]) -> None:
        for output in outputs:
            if isinstance(output, DataLinkChanged):
                self.changes[name].append(output)
            elif isinstance(output, DataLinkRemark):
                self.remarks[name].append(output)
            else:
                self.sent.append((self.now_s, name, output))
                self._deliver(self.line.from_station(name, self._through_bytes(output), self.now_s))

    @staticmethod
    def _through_bytes(frame: SlacFrame) -> SlacFrame:
        again = unpack(pack(frame))
        assert again == frame
        return frame
