"""Frames of SLAC: bytes of other people's modems, cars and tests; any bytes; every message there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.slac import frames as f
from chargepoint.slac import vendor_frames as v
from chargepoint.slac.frame_codec import MESSAGES, pack, unpack
from chargepoint.slac.frames import MODEM, SlacFrame, SlacMessage, UnreadableFrame

PEV, EVSE = b"\xaa" * 6, b"\xab" * 6
RUN_ID = bytes.fromhex("0001000100010001")
NID = bytes.fromhex("026bcba5354e08")
NMK = bytes.fromhex("b59319d7e8157ba001b018669ccee30d")

# The payloads of EcoG pyslac 0.8.3, tests/test_slac_messages.py, written out. Its CM_SLAC_MATCH has the length in the wrong
# byte order in that test; here it stands as HomePlug has it (least byte first).
PYSLAC: list[tuple[SlacMessage, str]] = [
    (
        f.CmSetKeyReq(NID, NMK),
        "01 00000000 00000000 04 0000 00 00 026bcba5354e08 01 b59319d7e8157ba001b018669ccee30d",
    ),
    (f.CmSetKeyCnf(0), "00 00000000 00000000 04 0000 00 00"),
    (f.CmSlacParmReq(RUN_ID), "00 00 0001000100010001"),
    (f.CmSlacParmCnf(PEV, RUN_ID, 10, 6), "ffffffffffff 0a 06 01 aaaaaaaaaaaa 00 00 0001000100010001"),
    (f.CmStartAttenCharInd(PEV, RUN_ID, 10, 6), "00 00 0a 06 01 aaaaaaaaaaaa 0001000100010001"),
    (
        f.CmMnbcSoundInd(RUN_ID, 10, bytes(15) + b"\xfa"),
        "00 00" + "00" * 17 + "0a 0001000100010001" + "00" * 8 + "00" * 15 + "fa",
    ),
    (f.CmAttenProfileInd(PEV, bytes((20, 30, 10))), "aaaaaaaaaaaa 03 00 141e0a"),
    (
        f.CmAttenCharInd(PEV, RUN_ID, 10, bytes((20, 30, 10))),
        "00 00 aaaaaaaaaaaa 0001000100010001" + "00" * 34 + "0a 03 141e0a",
    ),
    (f.CmAttenCharRsp(PEV, RUN_ID, 0), "00 00 aaaaaaaaaaaa 0001000100010001" + "00" * 34 + "00"),
    (
        f.CmSlacMatchReq(PEV, EVSE, RUN_ID),
        "00 00 3e00" + "00" * 17 + "aaaaaaaaaaaa" + "00" * 17 + "abababababab 0001000100010001" + "00" * 8,
    ),
    (
        f.CmSlacMatchCnf(PEV, EVSE, RUN_ID, NID, NMK),
        "00 00 5600"
        + "00" * 17
        + "aaaaaaaaaaaa"
        + "00" * 17
        + "abababababab 0001000100010001"
        + "00" * 8
        + "026bcba5354e08 00 b59319d7e8157ba001b018669ccee30d",
    ),
]

# Frames of a Qualcomm modem, as FAIFA printed them (Zyxel PLA-470 manual, pages 221 and 222)
GET_SW_REQ = bytes.fromhex("00b052000001 000000000000 88e1 00 00a0 00b052".replace(" ", "")).ljust(60, b"\0")
GET_SW_CNF = bytes.fromhex(
    "000000000000000cb908470f88e10001"
    "a000b05200022a494e54363030302d4d"
    "41432d332d312d333130332d31363632"
    "2d32303037303931352d46494e414c2d"
    "42"
).ljust(156, b"\0")
NW_INFO_CNF = bytes.fromhex(
    "000000000000000cb908470f88e10039a000b05201b0f2e695666b030e0100000cb908471003010 0000cb908471003ffff".replace(
        " ", ""
    )
    + "ffffffff0000000000000000"
)


@pytest.mark.parametrize(("message", "payload"), PYSLAC, ids=lambda value: type(value).__name__)
def test_payloads_are_those_of_another_stack(message: SlacMessage, payload: str) -> None:
    expected = bytes.fromhex(payload.replace(" ", ""))
    assert message.payload() == expected
    assert type(message).read(expected) == message


def test_the_header_is_the_one_of_the_standard() -> None:
    data = pack(SlacFrame(b"\xff" * 6, PEV, f.CmSlacParmReq(RUN_ID)))
    assert data.hex() == (("ff" * 6) + ("aa" * 6) + "88e1" + "01" + "6460" + "0000" + "0000" + RUN_ID.hex()).ljust(
        120, "0"
    )
    assert len(data) == 60


def test_a_qualcomm_modems_own_frames_are_read() -> None:
    assert pack(SlacFrame(MODEM, bytes(6), v.QualcommVersionReq())) == GET_SW_REQ
    version = unpack(GET_SW_CNF)
    assert isinstance(version, SlacFrame)
    assert version.message == v.QualcommVersionCnf("INT6000-MAC-3-1-3103-1662-20070915-FINAL-B")
    network = unpack(NW_INFO_CNF)
    assert isinstance(network, SlacFrame)
    assert network.message == v.QualcommNetworkCnf(bytes.fromhex("b0f2e695666b03"))


EVERY_MESSAGE: list[SlacMessage] = [
    *(message for message, _ in PYSLAC),
    f.CmValidateReq(5, 1),
    f.CmValidateCnf(2, 3),
    v.QualcommVersionReq(),
    v.QualcommVersionCnf("MAC-QCA7000"),
    v.QualcommNetworkReq(),
    v.QualcommNetworkCnf(NID),
    v.QualcommNetworkCnf(None),
    v.QualcommLinkReq(),
    v.QualcommLinkCnf(True),
    v.QualcommLinkCnf(False),
    v.LumissilVersionReq(),
    v.LumissilVersionCnf("1.2.3.4"),
    v.LumissilLinkReq(),
    v.LumissilLinkCnf(True),
]


def test_every_message_is_tried() -> None:
    assert {type(message) for message in EVERY_MESSAGE} == set(MESSAGES)


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_wire(message: SlacMessage) -> None:
    frame = SlacFrame(EVSE, PEV, message)
    assert unpack(pack(frame)) == frame


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: type(message).__name__)
def test_a_frame_cut_anywhere_is_read_or_named(message: SlacMessage) -> None:
    whole = pack(SlacFrame(EVSE, PEV, message))
    for size in range(len(whole)):
        found = unpack(whole[:size])
        assert isinstance(found, SlacFrame) or found.reason


def test_what_is_wrong_is_named() -> None:
    good = pack(SlacFrame(EVSE, PEV, f.CmSlacParmReq(RUN_ID)))
    cases = {
        good[:16]: "16 bytes",
        good + bytes(1518): "1578 bytes",
        good[:12] + b"\x08\x00" + good[14:]: "ethertype 0x0800",
        good[:15] + b"\xff\xff" + good[17:]: "message type 0xffff",
        good[:17] + b"\x10" + good[18:]: "in fragments",
        good[:19] + b"\x00\x01" + good[21:]: "application and security type",
        good[:24]: "too short",
    }
    for data, reason in cases.items():
        found = unpack(data)
        assert isinstance(found, UnreadableFrame), data.hex()
        assert reason in found.reason


def test_a_profile_has_58_groups_at_most() -> None:
    data = pack(SlacFrame(EVSE, PEV, f.CmAttenProfileInd(PEV, bytes(58))))
    found = unpack(data[:25] + bytes((59,)) + data[26:] + b"\0")
    assert isinstance(found, UnreadableFrame)
    assert "59 groups" in found.reason
    assert isinstance(unpack(data), SlacFrame)


def test_a_key_is_not_in_the_text_of_a_message() -> None:
    for message in (f.CmSetKeyReq(NID, NMK), f.CmSlacMatchCnf(PEV, EVSE, RUN_ID, NID, NMK)):
        assert repr(NMK) not in repr(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named(data: bytes) -> None:
    assert isinstance(unpack(data), SlacFrame | UnreadableFrame)


@given(st.sampled_from(MESSAGES), st.binary(max_size=160), st.sampled_from([0, 1]))
def test_any_payload_is_read_or_named(kind: type[SlacMessage], payload: bytes, version: int) -> None:
    head = EVSE + PEV + b"\x88\xe1" + bytes((version,)) + kind.mmtype.to_bytes(2, "little") + bytes(2 * version)
    assert isinstance(unpack(head + payload), SlacFrame | UnreadableFrame)
