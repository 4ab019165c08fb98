"""CAN frames, and the frames of each family of modules against bytes written down from docs/sources/hardware.md 1.4 and 1.5."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.can.frame import CanFilter, CanFrame, ControllerNotice, packed, packed_filter, unpacked
from drivers.power_module.can_dialect import (
    Accepted,
    Dialect,
    ModuleOrder,
    Quantity,
    Rejected,
    Shown,
    Status,
    Unreadable,
)
from drivers.power_module.infypower import INVERTER, RECTIFIER, InfypowerBeg1k075g
from drivers.power_module.uugreenpower import HIGH, LOW, UuGreenPower
from drivers.power_module.winline import Winline

INFY, WINLINE, UU = InfypowerBeg1k075g(3), Winline(2), UuGreenPower(1)


def frame(can_id: int, data: str) -> CanFrame:
    return CanFrame(can_id, bytes.fromhex(data))


def test_the_sixteen_bytes_are_those_of_socketcan() -> None:
    data = packed(frame(0x02A403F0, "1110 0000 0000 00A1"))
    assert len(data) == 16
    assert data[:4] == struct.pack("=I", 0x82A4_03F0)
    assert data[4] == 8 and data[8:] == bytes.fromhex("11100000000000A1")
    assert unpacked(data) == frame(0x02A403F0, "1110 0000 0000 00A1")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(15),
        bytes(17),
        struct.pack("=IB3x8s", 0x123, 2, b""),
        struct.pack("=IB3x8s", 0xC000_0001, 0, b""),
        struct.pack("=IB3x8s", 0x8000_0001, 9, b""),
    ],
    ids=["empty", "short", "long", "11-bit", "remote", "nine bytes"],
)
def test_what_is_no_such_frame_is_none(data: bytes) -> None:
    assert unpacked(data) is None


def test_error_reports_of_the_controller() -> None:
    off, back, nobody = (unpacked(struct.pack("=IB3x8s", 0x2000_0000 | bits, 8, b"")) for bits in (0x40, 0x100, 0x20))
    assert isinstance(off, ControllerNotice) and off.bus_off and not off.restarted
    assert isinstance(back, ControllerNotice) and back.restarted
    assert isinstance(nobody, ControllerNotice) and "acknowledges" in nobody.words


def test_a_filter_in_the_kernels_layout_takes_only_data_frames_with_long_identifiers() -> None:
    assert packed_filter(CanFilter(0x0280_F003, 0x03C0_FFFF)) == struct.pack("=II", 0x8280_F003, 0xC3C0_FFFF)


@pytest.mark.parametrize(
    ("made", "can_id", "data"),
    [
        (INFY.order(ModuleOrder.OUTPUT, 1), 0x02A4_03F0, "1110 0000 0000 00A0"),
        (INFY.order(ModuleOrder.OUTPUT, 0), 0x02A4_03F0, "1110 0000 0000 00A1"),
        (INFY.order(ModuleOrder.SETTING, RECTIFIER), 0x02A4_03F0, "2110 0000 0000 00A0"),
        (INFY.order(ModuleOrder.SETTING, INVERTER), 0x02A4_03F0, "2110 0000 0000 00A1"),
        (INFY.order(ModuleOrder.SOFT_START_OFF, 0), 0x02A4_03F0, "1122 0000 0000 00A0"),
        (INFY.order(ModuleOrder.VOLTAGE, 400.0), 0x02A4_03F0, "1001 0000 0006 1A80"),
        (INFY.order(ModuleOrder.CURRENT, -12.5), 0x02A4_03F0, "1002 0000 0000 30D4"),
        (INFY.question(Quantity.CURRENT), 0x02A3_03F0, "4102 0000 0000 0000"),
        (INFY.question(Quantity.STATUS), 0x02A3_03F0, "1110 0000 0000 0000"),
        (WINLINE.order(ModuleOrder.CURRENT, 0.0), 0x0608_1780, "0300 001B 0000 0000"),
        (WINLINE.order(ModuleOrder.CURRENT, 10.0), 0x0608_1780, "0300 001B 0000 2800"),
        (WINLINE.order(ModuleOrder.VOLTAGE, 400.0), 0x0608_1780, "0300 0021 43C8 0000"),
        (WINLINE.order(ModuleOrder.OUTPUT, 0), 0x0608_1780, "0300 0030 0001 0000"),
        (WINLINE.order(ModuleOrder.OUTPUT, 1), 0x0608_1780, "0300 0030 0000 0000"),
        (WINLINE.question(Quantity.STATUS), 0x0608_1780, "1000 0040 0000 0000"),
        (UU.order(ModuleOrder.OUTPUT, 0), 0x0220_4000, "0004 0000 0000 0001"),
        (UU.order(ModuleOrder.SETTING, HIGH), 0x0220_4000, "005F 0000 0000 0001"),
        (UU.order(ModuleOrder.CURRENT, 1.0), 0x0220_4000, "0003 0000 0000 03E8"),
        (UU.question(Quantity.VOLTAGE), 0x0220_4000, "0262 0000 0000 0000"),
    ],
)
def test_frames_we_send(made: CanFrame, can_id: int, data: str) -> None:
    assert f"{made.can_id:08X}" == f"{can_id:08X}"
    assert made.data.hex() == bytes.fromhex(data).hex()


ANSWER = 0x02A3_F003
WRITTEN = 0x02A4_F003


@pytest.mark.parametrize(
    ("can_id", "data", "answer"),
    [
        (ANSWER, "4101 0000 0006 1A80", Shown(Quantity.VOLTAGE, 400.0)),
        (ANSWER, "4102 0000 FFFF CF2C", Shown(Quantity.CURRENT, -12.5)),
        (ANSWER, "1111 0000 0000 0001", Shown(Quantity.SETTING_SHOWN, INVERTER)),
        (ANSWER, "1132 0000 0000 9C40", Shown(Quantity.RATED_CURRENT, 40.0)),
        (ANSWER, "1110 0000 0000 0000", Shown(Quantity.STATUS, Status(True))),
        (ANSWER, "1110 0000 0002 0100", Shown(Quantity.STATUS, Status(False, ("address used twice",)))),
        (ANSWER, "1110 0000 0000 0201", Shown(Quantity.STATUS, Status(True, ("output short circuit", "module fault")))),
        (ANSWER, "1110 0000 0001 4000", Shown(Quantity.STATUS, Status(True, (), ("soft start", "power limited")))),
        (WRITTEN, "1002 0000 0000 30D4", Accepted(ModuleOrder.CURRENT)),
        (WRITTEN | 3 << 26, "1002 0000 0000 30D4", Rejected(ModuleOrder.CURRENT, "bad data (3)")),
        (WRITTEN | 2 << 26, "2110 0000 0000 00A1", Rejected(ModuleOrder.SETTING, "bad command (2)")),
        (WRITTEN | 7 << 26, "1110 0000 0000 00A0", Rejected(ModuleOrder.OUTPUT, "still starting (7)", passing=True)),
        (ANSWER | 2 << 26, "1111 0000 0000 0000", Rejected(Quantity.SETTING_SHOWN, "bad command (2)")),
    ],
)
def test_answers_of_an_infypower(can_id: int, data: str, answer: object) -> None:
    assert INFY.answer(frame(can_id, data)) == answer


@pytest.mark.parametrize("data", ["", "4101 0000 0006", "9999 0000 0000 0000"])
def test_what_an_infypower_never_answers_is_unusable(data: str) -> None:
    assert isinstance(INFY.answer(frame(ANSWER, data)), Unreadable)


@pytest.mark.parametrize(
    ("dialect", "can_id", "wanted"),
    [
        (INFY, 0x02A3_F003, True),
        (INFY, 0x0EA4_F003, True),  # an error code
        (INFY, 0x02A3_F004, False),  # another module
        (INFY, 0x02A3_F103, False),  # to another controller
        (INFY, 0x02A3_03F0, False),  # our own
        (WINLINE, 0x060F_8010, True),
        (WINLINE, 0x060F_8012, True),  # of a group
        (WINLINE, 0x060F_8018, False),
        (UU, 0x0220_4000, True),
        (UU, 0x0220_8000, False),
    ],
)
def test_only_the_frames_of_this_module_to_us_pass(dialect: Dialect, can_id: int, wanted: bool) -> None:
    assert any(one.passes(can_id) for one in dialect.filters) is wanted


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ("41F0 0001 43C8 0000", Shown(Quantity.VOLTAGE, 400.0)),
        ("41F0 0002 4120 0000", Shown(Quantity.CURRENT, 10.0)),
        ("42F0 0040 0040 0000", Shown(Quantity.STATUS, Status(False))),
        ("42F0 0040 0000 0001", Shown(Quantity.STATUS, Status(True, ("module fault",)))),
        ("42F0 001B 0000 2800", Accepted(ModuleOrder.CURRENT)),
        ("42F2 001B 0000 2800", Rejected(ModuleOrder.CURRENT, "error byte 0xf2")),
        ("41F2 0001 43C8 0000", Rejected(Quantity.VOLTAGE, "error byte 0xf2")),
    ],
)
def test_answers_of_a_winline(data: str, answer: object) -> None:
    assert WINLINE.answer(frame(0x060F_8010, data)) == answer


@pytest.mark.parametrize(
    "data", ["41F0 0001 7FC0 0000", "41F0 0001 7F80 0000", "42F0 0001 0000 0001", "55F0 0001 43C8 0000", "41F0 0001"]
)
def test_what_is_no_number_of_a_winline_is_unusable(data: str) -> None:
    assert isinstance(WINLINE.answer(frame(0x060F_8010, data)), Unreadable)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ("0362 0000 0006 1A80", Shown(Quantity.VOLTAGE, 400.0)),
        ("035F 0000 0000 0001", Shown(Quantity.SETTING_SHOWN, HIGH)),
        ("0308 0000 0000 0001", Shown(Quantity.STATUS, Status(False))),
        ("0104 0000 0000 0001", Accepted(ModuleOrder.OUTPUT)),
    ],
)
def test_answers_of_a_uugreenpower(data: str, answer: object) -> None:
    assert UU.answer(frame(0x0220_4000, data)) == answer


def test_the_range_of_a_uugreenpower_follows_the_highest_voltage() -> None:
    assert (UU.setting_for(5.0, 450.0), UU.setting_for(5.0, 501.0)) == (LOW, HIGH)


@given(st.integers(0, 0x1FFF_FFFF), st.binary(max_size=8))
def test_no_frame_raises(can_id: int, data: bytes) -> None:
    for dialect in (INFY, WINLINE, UU):
        answer = dialect.answer(CanFrame(can_id, data))
        if isinstance(answer, Shown) and isinstance(answer.value, float):
            assert abs(answer.value) < float("inf")
