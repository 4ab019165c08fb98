"""Frames of the car with something random wrong in them. The same seed gives the same bytes. Pure.

A mutated frame may still be a message, even a good one: then the car has said something else, and the session may go on.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from chargepoint.iso15118.exi.codec import encode
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import PROTOCOL_VERSION, PayloadType, frame

ANY = "any_mutation"

Mutate = Callable[[int, bytes, random.Random], bytes]
"""Payload type, payload and chance to what goes on the wire."""


def _bits(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    wrong = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        wrong[chance.randrange(len(wrong))] ^= 1 << chance.randrange(8)
    return frame(payload_type, bytes(wrong))


def _bytes(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    wrong = bytearray(payload)
    start = chance.randrange(len(wrong))
    for place in range(start, min(len(wrong), start + chance.randint(1, 8))):
        wrong[place] = chance.randrange(256)
    return frame(payload_type, bytes(wrong))


def _truncated(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    return frame(payload_type, payload[: chance.randrange(len(payload))])


def _extended(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    return frame(payload_type, payload + chance.randbytes(chance.randint(1, 64)))


def _other_schema(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    """A good request of the application protocol where it has no place; before the agreement, a payload under another type."""
    if payload_type == PayloadType.EXI_SAP:
        return frame(chance.choice((PayloadType.MAINSTREAM, PayloadType.DC_MAINSTREAM)), payload)
    offer = AppProtocol(
        ProtocolNamespace="urn:din:70121:2012:MsgDef",
        VersionNumberMajor=2,
        VersionNumberMinor=0,
        SchemaID=1,
        Priority=1,
    )
    return frame(payload_type, encode(supportedAppProtocolReq(AppProtocol=(offer,))))


def _header_version(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    version = chance.choice([one for one in range(256) if one != PROTOCOL_VERSION])
    return bytes((version, chance.choice((version ^ 0xFF, chance.randrange(256))))) + frame(payload_type, payload)[2:]


def _header_type(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    other = chance.choice([one for one in range(0x8000, 0x8110) if one != payload_type])
    return frame(other, payload)


def _header_length(payload_type: int, payload: bytes, chance: random.Random) -> bytes:
    length = max(0, len(payload) + chance.choice((-1, 1)) * chance.randint(1, len(payload)))
    return frame(payload_type, payload)[:4] + struct.pack(">I", length) + payload


_MUTATIONS: dict[str, tuple[str, Mutate]] = {
    "flipped_bits": ("1 to 4 bits of the payload are flipped", _bits),
    "other_bytes": ("1 to 8 bytes of the payload in a row are others", _bytes),
    "truncated": ("the payload ends early, and the header says so", _truncated),
    "extended": ("1 to 64 random bytes follow the message, and the header counts them", _extended),
    "other_schema": ("a message of another schema stands in place of this one", _other_schema),
    "header_version": ("the version of the V2GTP header is another one", _header_version),
    "header_type": ("the payload type of the V2GTP header is another one", _header_type),
    "header_length": ("the length in the V2GTP header is too small or too large", _header_length),
}
MUTATIONS: dict[str, str] = {
    **{name: meaning for name, (meaning, _) in _MUTATIONS.items()},
    ANY: "one of these by chance, another one each time",
}
"""What each one does to a frame."""


def mutated(payload_type: int, payload: bytes, what: str, seed: str) -> bytes:
    """The frame with this mutation; `seed` decides every chance. Raises KeyError for a name that is not in `MUTATIONS`."""
    chance = random.Random(seed)  # a text as seed is the same in every process
    name = chance.choice(list(_MUTATIONS)) if what == ANY else what
    return _MUTATIONS[name][1](payload_type, payload, chance)
