"""What modems of Qualcomm and Lumissil are asked about themselves: version, network, link. Pure.

Layouts: docs/sources/iso15118.md 6; the replies of a Qualcomm modem as recorded by others (tests/unit/slac/test_frames.py).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from chargepoint.slac.frames import VERSION_1_0
from chargepoint.slac.network_key import NID_BYTES

_QUALCOMM = bytes.fromhex("00b052")
_LUMISSIL = bytes.fromhex("0016e8")
_LUMISSIL_HEADER_BYTES = 19
"""Behind the vendor's number: version, request id and reserved bytes; all zero here."""

VERSION_TEXT_MAX = 120
"""Characters of a version that are kept."""


def _of(vendor: bytes, payload: bytes) -> bytes:
    """What follows the vendor's number. Raises ValueError for another vendor."""
    if payload[:3] != vendor:
        raise ValueError(f"vendor {payload[:3].hex()}, not {vendor.hex()}")
    return payload[3:]


def _printable(text: bytes) -> str:
    plain = text.split(b"\0", 1)[0][:VERSION_TEXT_MAX]
    return "".join(chr(byte) for byte in plain if 0x20 <= byte < 0x7F)


@dataclass(frozen=True, slots=True)
class QualcommVersionReq:
    """GET_SW.REQ: which firmware?"""

    mmtype: ClassVar[int] = 0xA000
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _QUALCOMM

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _of(_QUALCOMM, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class QualcommVersionCnf:
    """GET_SW.CNF: the firmware's name, printable characters only."""

    text: str

    mmtype: ClassVar[int] = 0xA001
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """Status 0, device 0."""
        text = self.text.encode("ascii", "replace")[:VERSION_TEXT_MAX]
        return _QUALCOMM + bytes((0, 0, len(text))) + text

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        body = _of(_QUALCOMM, payload)
        if len(body) < 3:
            raise ValueError("it is too short")
        return cls(_printable(body[3 : 3 + body[2]]))


@dataclass(frozen=True, slots=True)
class QualcommNetworkReq:
    """NW_INFO.REQ: which network are you in?"""

    mmtype: ClassVar[int] = 0xA038
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _QUALCOMM

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _of(_QUALCOMM, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class QualcommNetworkCnf:
    """NW_INFO.CNF: the first network's identifier; None where the modem is in none."""

    nid: bytes | None

    mmtype: ClassVar[int] = 0xA039
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """One network without stations, or none."""
        return _QUALCOMM + (b"\0" if self.nid is None else b"\1" + self.nid + bytes(11))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        body = _of(_QUALCOMM, payload)
        if not body:
            raise ValueError("it is too short")
        if body[0] == 0:
            return cls(None)
        nid = body[1 : 1 + NID_BYTES]
        if len(nid) != NID_BYTES:
            raise ValueError("it is too short")
        return cls(nid)


@dataclass(frozen=True, slots=True)
class QualcommLinkReq:
    """LINK_STATUS.REQ: has a car joined the network?"""

    mmtype: ClassVar[int] = 0xA0B8
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _QUALCOMM

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _of(_QUALCOMM, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class QualcommLinkCnf:
    """LINK_STATUS.CNF."""

    link: bool

    mmtype: ClassVar[int] = 0xA0B9
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _QUALCOMM + bytes((0, int(self.link)))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        body = _of(_QUALCOMM, payload)
        if len(body) < 2:
            raise ValueError("it is too short")
        return cls(body[1] == 1)


@dataclass(frozen=True, slots=True)
class LumissilVersionReq:
    """NSCM_GET_VERSION.REQ: which firmware?"""

    mmtype: ClassVar[int] = 0xAC6C
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _LUMISSIL + bytes(_LUMISSIL_HEADER_BYTES)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _of(_LUMISSIL, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class LumissilVersionCnf:
    """NSCM_GET_VERSION.CNF: four numbers."""

    text: str

    mmtype: ClassVar[int] = 0xAC6D
    version: ClassVar[int] = VERSION_1_0
    _layout: ClassVar[struct.Struct] = struct.Struct("<HHHH")

    def payload(self) -> bytes:
        """The text is four numbers with points between them."""
        numbers = [int(part) for part in self.text.split(".")]
        return _LUMISSIL + bytes(_LUMISSIL_HEADER_BYTES) + self._layout.pack(*numbers) + bytes(2)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        numbers = cls._layout.unpack_from(_of(_LUMISSIL, payload), _LUMISSIL_HEADER_BYTES)
        return cls(".".join(map(str, numbers)))


@dataclass(frozen=True, slots=True)
class LumissilLinkReq:
    """NSCM_GET_D_LINK_STATUS.REQ: has a car joined the network?"""

    mmtype: ClassVar[int] = 0xAC9C
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _LUMISSIL + bytes(_LUMISSIL_HEADER_BYTES)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        _of(_LUMISSIL, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class LumissilLinkCnf:
    """NSCM_GET_D_LINK_STATUS.CNF."""

    link: bool

    mmtype: ClassVar[int] = 0xAC9D
    version: ClassVar[int] = VERSION_1_0

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return _LUMISSIL + bytes(_LUMISSIL_HEADER_BYTES) + bytes((int(self.link),))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        body = _of(_LUMISSIL, payload)
        if len(body) <= _LUMISSIL_HEADER_BYTES:
            raise ValueError("it is too short")
        return cls(body[_LUMISSIL_HEADER_BYTES] == 1)
