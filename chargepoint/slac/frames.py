"""HomePlug Green PHY management messages as Ethernet frames: named values in, bytes out, and back. Pure.

`frame_codec` packs and unpacks them. The messages have the names of ISO 15118-3 without underscores. Layouts:
docs/sources/iso15118.md 6. A frame that cannot be read gives `UnreadableFrame` with the reason; no bytes raise an exception.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

from chargepoint.slac.network_key import NID_BYTES, NMK_BYTES

ETHERTYPE = 0x88E1
FRAME_BYTES_MIN = 60
"""Shorter frames are filled with zeros."""
FRAME_BYTES_MAX = 1518
"""Nothing longer is read."""

MAC_BYTES = 6
BROADCAST = b"\xff" * MAC_BYTES
MODEM = bytes.fromhex("00b052000001")
"""The address at which the modem beside this computer answers, whatever its own address is."""

RUN_ID_BYTES = 8
STATION_ID_BYTES = 17
GROUPS_MAX = 58
"""Groups of carriers in an attenuation profile."""

VERSION_1_0, VERSION_1_1 = 0, 1
"""Management message versions: vendors' messages carry 0 and no fragment field."""

_NO_ID = bytes(STATION_ID_BYTES)
_MATCH_REQ_BYTES, _MATCH_CNF_BYTES = 0x3E, 0x56
"""The length that a CM_SLAC_MATCH names of what follows."""


class SlacMessage(Protocol):
    """One kind of message. `payload` gives its bytes; `read` makes it of them, and raises ValueError or struct.error."""

    mmtype: ClassVar[int]
    version: ClassVar[int]

    def payload(self) -> bytes:
        """The bytes behind the header."""
        ...

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """The message of these bytes; zeros that follow are padding."""
        ...


@dataclass(frozen=True, slots=True)
class SlacFrame:
    """One message with its two Ethernet addresses of 6 bytes."""

    destination: bytes
    source: bytes
    message: SlacMessage


@dataclass(frozen=True, slots=True)
class UnreadableFrame:
    """A frame of this ethertype that means nothing here, with the reason."""

    source: bytes
    reason: str


def mac_text(mac: bytes) -> str:
    """An address as people write it."""
    return mac.hex(":")


# -- the messages -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CmSetKeyReq:
    """The modem shall use this key from now on."""

    nid: bytes
    nmk: bytes = field(repr=False)

    mmtype: ClassVar[int] = 0x6008
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BIIBHBB7sB16s")

    def payload(self) -> bytes:
        """Key type 1 (NMK), no nonces, protocol 4 (HLE), encryption key select 1."""
        return self._layout.pack(1, 0, 0, 4, 0, 0, 0, self.nid, 1, self.nmk)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        kind, *_, nid, _select, nmk = cls._layout.unpack_from(payload)
        if kind != 1:
            raise ValueError(f"key type {kind}, not 1 (NMK)")
        return cls(nid, nmk)


@dataclass(frozen=True, slots=True)
class CmSetKeyCnf:
    """The modem's answer to its key. `result` 0: taken. 1 means «failed» in the standard; some Qualcomm firmware means «taken»."""

    result: int

    mmtype: ClassVar[int] = 0x6009
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BIIBHBB")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self._layout.pack(self.result, 0, 0, 4, 0, 0, 0)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        return cls(cls._layout.unpack_from(payload)[0])


@dataclass(frozen=True, slots=True)
class CmSlacParmReq:
    """A car looks for its station: begin a matching with this run id."""

    run_id: bytes

    mmtype: ClassVar[int] = 0x6064
    version: ClassVar[int] = VERSION_1_1

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return b"\0\0" + self.run_id

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _check_types(payload[0:1], payload[1:2])
        return cls(_exactly(payload[2 : 2 + RUN_ID_BYTES], RUN_ID_BYTES))


@dataclass(frozen=True, slots=True)
class CmSlacParmCnf:
    """A station's answer: send so many sounds within so many 100 ms."""

    ev_mac: bytes
    run_id: bytes
    sounds: int
    timeout_100ms: int

    mmtype: ClassVar[int] = 0x6065
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<6sBBB6sBB8s")

    def payload(self) -> bytes:
        """Sound target everybody, response type 1 (other station)."""
        return self._layout.pack(BROADCAST, self.sounds, self.timeout_100ms, 1, self.ev_mac, 0, 0, self.run_id)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _target, sounds, timeout_100ms, _type, ev_mac, app, security, run_id = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        return cls(ev_mac, run_id, sounds, timeout_100ms)


@dataclass(frozen=True, slots=True)
class CmStartAttenCharInd:
    """The car's sounds follow."""

    ev_mac: bytes
    run_id: bytes
    sounds: int
    timeout_100ms: int

    mmtype: ClassVar[int] = 0x606A
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BBBBB6s8s")

    def payload(self) -> bytes:
        """Response type 1 (other station)."""
        return self._layout.pack(0, 0, self.sounds, self.timeout_100ms, 1, self.ev_mac, self.run_id)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, sounds, timeout_100ms, _type, ev_mac, run_id = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        return cls(ev_mac, run_id, sounds, timeout_100ms)


@dataclass(frozen=True, slots=True)
class CmMnbcSoundInd:
    """One sound of a car, with the number of sounds that follow it. The modem measures it."""

    run_id: bytes
    remaining: int
    random: bytes = bytes(16)

    mmtype: ClassVar[int] = 0x6076
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BB17sB8s8x16s")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self._layout.pack(0, 0, _NO_ID, self.remaining, self.run_id, self.random)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, _sender, remaining, run_id, random = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        return cls(run_id, remaining, random)


@dataclass(frozen=True, slots=True)
class CmAttenProfileInd:
    """The modem measured one sound of this car: the attenuation of each group of carriers, in whole dB."""

    ev_mac: bytes
    groups: bytes

    mmtype: ClassVar[int] = 0x6086
    version: ClassVar[int] = VERSION_1_1

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self.ev_mac + bytes((len(self.groups), 0)) + self.groups

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        ev_mac = _exactly(payload[:MAC_BYTES], MAC_BYTES)
        return cls(ev_mac, _groups(payload[6:7], payload[8:]))


@dataclass(frozen=True, slots=True)
class CmAttenCharInd:
    """The station's mean over the sounds of this car: the attenuation of each group of carriers, in whole dB."""

    ev_mac: bytes
    run_id: bytes
    sounds: int
    groups: bytes

    mmtype: ClassVar[int] = 0x606E
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BB6s8s17s17sB")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        fixed = self._layout.pack(0, 0, self.ev_mac, self.run_id, _NO_ID, _NO_ID, self.sounds)
        return fixed + bytes((len(self.groups),)) + self.groups

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, ev_mac, run_id, _source, _answerer, sounds = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        end = cls._layout.size
        return cls(ev_mac, run_id, sounds, _groups(payload[end : end + 1], payload[end + 1 :]))


@dataclass(frozen=True, slots=True)
class CmAttenCharRsp:
    """The car has the station's mean. `result` 0: good."""

    ev_mac: bytes
    run_id: bytes
    result: int = 0

    mmtype: ClassVar[int] = 0x606F
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BB6s8s17s17sB")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self._layout.pack(0, 0, self.ev_mac, self.run_id, _NO_ID, _NO_ID, self.result)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, ev_mac, run_id, _source, _answerer, result = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        return cls(ev_mac, run_id, result)


@dataclass(frozen=True, slots=True)
class CmValidateReq:
    """The car wants to be recognised by toggles of its pilot. `timer` in units of 100 ms; `result` 1: ready."""

    timer: int
    result: int

    mmtype: ClassVar[int] = 0x6078
    version: ClassVar[int] = VERSION_1_1

    def payload(self) -> bytes:
        """Signal type 0: toggles of S2."""
        return bytes((0, self.timer, self.result))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _signal, timer, result = _exactly(payload[:3], 3)
        return cls(timer, result)


VALIDATE_FAILURE = 3
"""In the first CM_VALIDATE.CNF: this station cannot validate; the car decides by attenuation alone (V2G3-A09-51)."""


@dataclass(frozen=True, slots=True)
class CmValidateCnf:
    """The station's answer: 0 not ready, 1 ready, 2 success, 3 failure, 4 not required."""

    toggles: int
    result: int

    mmtype: ClassVar[int] = 0x6079
    version: ClassVar[int] = VERSION_1_1

    def payload(self) -> bytes:
        """Signal type 0: toggles of S2."""
        return bytes((0, self.toggles, self.result))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _signal, toggles, result = _exactly(payload[:3], 3)
        return cls(toggles, result)


@dataclass(frozen=True, slots=True)
class CmSlacMatchReq:
    """The car chose this station, and asks for the key of its network."""

    ev_mac: bytes
    evse_mac: bytes
    run_id: bytes
    ev_id: bytes = _NO_ID
    evse_id: bytes = _NO_ID

    mmtype: ClassVar[int] = 0x607C
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct("<BBH17s6s17s6s8s8x")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self._layout.pack(
            0, 0, _MATCH_REQ_BYTES, self.ev_id, self.ev_mac, self.evse_id, self.evse_mac, self.run_id
        )

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, size, ev_id, ev_mac, evse_id, evse_mac, run_id = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        if size != _MATCH_REQ_BYTES:
            raise ValueError(f"length {size:#x}, not {_MATCH_REQ_BYTES:#x}")
        return cls(ev_mac, evse_mac, run_id, ev_id, evse_id)


@dataclass(frozen=True, slots=True)
class CmSlacMatchCnf:
    """The key of the station's network, for this car alone."""

    ev_mac: bytes
    evse_mac: bytes
    run_id: bytes
    nid: bytes
    nmk: bytes = field(repr=False)
    ev_id: bytes = _NO_ID
    evse_id: bytes = _NO_ID

    mmtype: ClassVar[int] = 0x607D
    version: ClassVar[int] = VERSION_1_1
    _layout: ClassVar[struct.Struct] = struct.Struct(f"<BBH17s6s17s6s8s8x{NID_BYTES}sx{NMK_BYTES}s")

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        ids = (self.ev_id, self.ev_mac, self.evse_id, self.evse_mac)
        return self._layout.pack(0, 0, _MATCH_CNF_BYTES, *ids, self.run_id, self.nid, self.nmk)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        app, security, size, ev_id, ev_mac, evse_id, evse_mac, run_id, nid, nmk = cls._layout.unpack_from(payload)
        _check_types(bytes((app,)), bytes((security,)))
        if size != _MATCH_CNF_BYTES:
            raise ValueError(f"length {size:#x}, not {_MATCH_CNF_BYTES:#x}")
        return cls(ev_mac, evse_mac, run_id, nid, nmk, ev_id, evse_id)


def _exactly(found: bytes, size: int) -> bytes:
    if len(found) != size:
        raise ValueError("it is too short")
    return found


def _check_types(application: bytes, security: bytes) -> None:
    if application != b"\0" or security != b"\0":
        raise ValueError("application and security type are not 0 0: cars and stations without a secure SLAC")


def _groups(count: bytes, rest: bytes) -> bytes:
    number = _exactly(count, 1)[0]
    if not 1 <= number <= GROUPS_MAX:
        raise ValueError(f"{number} groups of carriers: 1 to {GROUPS_MAX}")
    return _exactly(rest[:number], number)
