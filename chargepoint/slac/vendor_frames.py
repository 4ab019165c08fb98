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
_LUMISSIL = bytes.fromhex("0016e8") + bytes(19)
"""Behind the vendor's number of Lumissil: version, request id and reserved bytes; all zero here."""

_VENDOR_BYTES = 3

VERSION_TEXT_MAX = 120
"""Characters of a version that are kept."""


@dataclass(frozen=True, slots=True)
class VendorFrame:
    """A frame of one vendor: the head that all of them begin with, and a body."""

    version: ClassVar[int] = VERSION_1_0
    head: ClassVar[bytes]

    @classmethod
    def body_of(cls, payload: bytes, least: int = 0) -> bytes:
        """What follows the head. Raises ValueError for another vendor, and for fewer bytes than `least`."""
        vendor = cls.head[:_VENDOR_BYTES]
        if payload[:_VENDOR_BYTES] != vendor:
            raise ValueError(f"vendor {payload[:_VENDOR_BYTES].hex()}, not {vendor.hex()}")
        body = payload[len(cls.head) :]
        if len(body) < least:
            raise ValueError("it is too short")
        return body


@dataclass(frozen=True, slots=True)
class VendorQuestion(VendorFrame):
    """A question without a body."""

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self.head

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        cls.body_of(payload)
        return cls()


@dataclass(frozen=True, slots=True)
class VendorLinkCnf(VendorFrame):
    """Whether a car has joined the network: the last byte of the body is 1 then."""

    link: bool

    before_link: ClassVar[bytes] = b""

    def payload(self) -> bytes:
        """See `SlacMessage`."""
        return self.head + self.before_link + bytes((int(self.link),))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        place = len(cls.before_link)
        return cls(cls.body_of(payload, place + 1)[place] == 1)


@dataclass(frozen=True, slots=True)
class QualcommVersionReq(VendorQuestion):
    """GET_SW.REQ: which firmware?"""

    mmtype: ClassVar[int] = 0xA000
    head: ClassVar[bytes] = _QUALCOMM


@dataclass(frozen=True, slots=True)
class QualcommVersionCnf(VendorFrame):
    """GET_SW.CNF: the firmware's name, printable characters only."""

    text: str

    mmtype: ClassVar[int] = 0xA001
    head: ClassVar[bytes] = _QUALCOMM

    def payload(self) -> bytes:
        """Status 0, device 0."""
        text = self.text.encode("ascii", "replace")[:VERSION_TEXT_MAX]
        return self.head + bytes((0, 0, len(text))) + text

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        body = cls.body_of(payload, 3)
        return cls(_printable(body[3 : 3 + body[2]]))


@dataclass(frozen=True, slots=True)
class QualcommNetworkReq(VendorQuestion):
    """NW_INFO.REQ: which network are you in?"""

    mmtype: ClassVar[int] = 0xA038
    head: ClassVar[bytes] = _QUALCOMM


@dataclass(frozen=True, slots=True)
class QualcommNetworkCnf(VendorFrame):
    """NW_INFO.CNF: the first network's identifier; None where the modem is in none."""

    nid: bytes | None

    mmtype: ClassVar[int] = 0xA039
    head: ClassVar[bytes] = _QUALCOMM

    def payload(self) -> bytes:
        """One network without stations, or none."""
        return self.head + (b"\0" if self.nid is None else b"\1" + self.nid + bytes(11))

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        if cls.body_of(payload, 1)[0] == 0:
            return cls(None)
        return cls(cls.body_of(payload, 1 + NID_BYTES)[1 : 1 + NID_BYTES])


@dataclass(frozen=True, slots=True)
class QualcommLinkReq(VendorQuestion):
    """LINK_STATUS.REQ: has a car joined the network?"""

    mmtype: ClassVar[int] = 0xA0B8
    head: ClassVar[bytes] = _QUALCOMM


@dataclass(frozen=True, slots=True)
class QualcommLinkCnf(VendorLinkCnf):
    """LINK_STATUS.CNF: a status goes before."""

    mmtype: ClassVar[int] = 0xA0B9
    head: ClassVar[bytes] = _QUALCOMM
    before_link: ClassVar[bytes] = b"\0"


@dataclass(frozen=True, slots=True)
class LumissilVersionReq(VendorQuestion):
    """NSCM_GET_VERSION.REQ: which firmware?"""

    mmtype: ClassVar[int] = 0xAC6C
    head: ClassVar[bytes] = _LUMISSIL


@dataclass(frozen=True, slots=True)
class LumissilVersionCnf(VendorFrame):
    """NSCM_GET_VERSION.CNF: four numbers."""

    text: str

    mmtype: ClassVar[int] = 0xAC6D
    head: ClassVar[bytes] = _LUMISSIL
    _layout: ClassVar[struct.Struct] = struct.Struct("<HHHH")

    def payload(self) -> bytes:
        """The text is four numbers with points between them."""
        numbers = [int(part) for part in self.text.split(".")]
        return self.head + self._layout.pack(*numbers) + bytes(2)

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """See `SlacMessage`."""
        numbers = cls._layout.unpack_from(cls.body_of(payload, cls._layout.size))
        return cls(".".join(map(str, numbers)))


@dataclass(frozen=True, slots=True)
class LumissilLinkReq(VendorQuestion):
    """NSCM_GET_D_LINK_STATUS.REQ: has a car joined the network?"""

    mmtype: ClassVar[int] = 0xAC9C
    head: ClassVar[bytes] = _LUMISSIL


@dataclass(frozen=True, slots=True)
class LumissilLinkCnf(VendorLinkCnf):
    """NSCM_GET_D_LINK_STATUS.CNF."""

    mmtype: ClassVar[int] = 0xAC9D
    head: ClassVar[bytes] = _LUMISSIL


def _printable(text: bytes) -> str:
    plain = text.split(b"\0", 1)[0][:VERSION_TEXT_MAX]
    return "".join(chr(byte) for byte in plain if 0x20 <= byte < 0x7F)
