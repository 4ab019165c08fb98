"""What of a log line is its cause: numbers are not, in whatever form they are written."""

from __future__ import annotations

from chargepoint.app.log_repeats import cause_of

UNDECODABLE = (
    "! car session protocol error: undecodable EXI (17 bytes): bit {}: MessageHeader.TimeStamp: {} is not possible here"
)


def test_hexadecimal_numbers_with_their_prefix_are_no_part_of_the_cause() -> None:
    causes = {cause_of(UNDECODABLE.format(bit, f"{found:#x}")) for bit, found in ((100, 0x1EE), (111, 0x4), (9, 0xFF))}
    assert causes == {UNDECODABLE.format("#", "#").replace("17", "#")}


def test_a_word_that_holds_the_prefix_stays() -> None:
    assert cause_of("device psu0x1e failed") == "device psu0x1e failed"
