"""Ethernet frames of SLAC and the messages in them, of the standard and of both vendors. Pure."""

from __future__ import annotations

import struct

from chargepoint.slac import frames, vendor_frames
from chargepoint.slac.frames import (
    ETHERTYPE,
    FRAME_BYTES_MAX,
    FRAME_BYTES_MIN,
    MAC_BYTES,
    VERSION_1_0,
    SlacFrame,
    SlacMessage,
    UnreadableFrame,
)

_HEADER = struct.Struct("!6s6sH")
_MANAGEMENT = struct.Struct("<BH")
_FRAGMENT_BYTES = 2

MESSAGES: tuple[type[SlacMessage], ...] = (
    frames.CmSetKeyReq,
    frames.CmSetKeyCnf,
    frames.CmSlacParmReq,
    frames.CmSlacParmCnf,
    frames.CmStartAttenCharInd,
    frames.CmMnbcSoundInd,
    frames.CmAttenProfileInd,
    frames.CmAttenCharInd,
    frames.CmAttenCharRsp,
    frames.CmValidateReq,
    frames.CmValidateCnf,
    frames.CmSlacMatchReq,
    frames.CmSlacMatchCnf,
    vendor_frames.QualcommVersionReq,
    vendor_frames.QualcommVersionCnf,
    vendor_frames.QualcommNetworkReq,
    vendor_frames.QualcommNetworkCnf,
    vendor_frames.QualcommLinkReq,
    vendor_frames.QualcommLinkCnf,
    vendor_frames.LumissilVersionReq,
    vendor_frames.LumissilVersionCnf,
    vendor_frames.LumissilLinkReq,
    vendor_frames.LumissilLinkCnf,
)

_BY_TYPE = {kind.mmtype: kind for kind in MESSAGES}


def pack(frame: SlacFrame) -> bytes:
    """The frame's bytes, filled to 60."""
    message = frame.message
    fragment = b"" if message.version == VERSION_1_0 else bytes(_FRAGMENT_BYTES)
    head = _HEADER.pack(frame.destination, frame.source, ETHERTYPE) + _MANAGEMENT.pack(message.version, message.mmtype)
    return (head + fragment + message.payload()).ljust(FRAME_BYTES_MIN, b"\0")


def unpack(data: bytes) -> SlacFrame | UnreadableFrame:
    """The frame of these bytes; `UnreadableFrame` where they are none of `MESSAGES`. Any bytes may come."""
    source = data[MAC_BYTES : 2 * MAC_BYTES]
    least = _HEADER.size + _MANAGEMENT.size
    if not least <= len(data) <= FRAME_BYTES_MAX:
        return UnreadableFrame(source, f"{len(data)} bytes: {least} to {FRAME_BYTES_MAX}")
    destination, source, ethertype = _HEADER.unpack_from(data)
    if ethertype != ETHERTYPE:
        return UnreadableFrame(source, f"ethertype {ethertype:#06x}")
    version, mmtype = _MANAGEMENT.unpack_from(data, _HEADER.size)
    kind = _BY_TYPE.get(mmtype)
    if kind is None:
        return UnreadableFrame(source, f"message type {mmtype:#06x} is not used here")
    begin = least
    if version != VERSION_1_0:
        begin += _FRAGMENT_BYTES
        if len(data) < begin:
            return UnreadableFrame(source, f"{kind.__name__}: it is too short")
        if data[least] != 0:
            return UnreadableFrame(source, f"{kind.__name__} in fragments")
    try:
        return SlacFrame(destination, source, kind.read(data[begin:]))
    except (ValueError, struct.error) as error:
        return UnreadableFrame(source, f"{kind.__name__}: {error}")
