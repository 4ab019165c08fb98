"""The words of the bit level, each against its definition in EXI 1.0, clause 7.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.exi import bits
from chargepoint.iso15118.exi.errors import ExiError


def written(a: int) -> str:
    """What was appended behind the leading 1, as a string of bits."""
    return bin(a)[3:]


def stream(a: int) -> tuple[int, int]:
    """An appended value as a stream: all bits and their number."""
    size = a.bit_length() - 1
    return a ^ 1 << size, size


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "00000000"), (127, "01111111"), (128, "1000000000000001"), (300, "1010110000000010")],
)
def test_unsigned_integer(value: int, expected: str) -> None:
    assert written(bits.put_unsigned(1, value, 0, None, "")) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, "000000000"), (-1, "100000000"), (-128, "101111111")])
def test_integer(value: int, expected: str) -> None:
    assert written(bits.put_integer(1, value, None, None, "")) == expected


@pytest.mark.parametrize(
    ("text", "groups"), [("", "02"), ("A", "0341"), ("é", "03e901"), ("€", "03ac41"), ("😀", "0380ec07")]
)
def test_string_counts_code_points(text: str, groups: str) -> None:
    v, q = stream(bits.put_string(1, text))
    assert v.to_bytes(q // 8, "big").hex() == groups
    assert bits.take_string(v, q) == (text, 0)


@given(st.text(max_size=300), st.integers(0, 7))
def test_strings(text: str, shift: int) -> None:
    v, q = stream(bits.put_string(1 << shift, text))
    assert bits.take_string(v, q - shift) == (text, 0)


@given(st.binary(max_size=300), st.integers(0, 7))
def test_binaries(data: bytes, shift: int) -> None:
    v, q = stream(bits.put_binary(1 << shift, data))
    assert bits.take_binary(v, q - shift) == (data, 0)


@given(st.integers())
def test_integers(value: int) -> None:
    v, q = stream(bits.put_any_integer(1, value))
    assert bits.take_integer(v, q) == (value, 0)


@given(st.binary(min_size=1, max_size=300), st.data())
def test_window_answers_like_the_whole_int(data: bytes, draw: st.DataObject) -> None:
    whole, window = int.from_bytes(data, "big"), bits.Window(data)
    q = draw.draw(st.integers(0, 8 * len(data)))
    mask = (1 << 256) - 1
    assert (window >> q) & mask == (whole >> q) & mask
    count = draw.draw(st.integers(0, (8 * len(data) - q) // 8))
    assert window.take(q, count) == bits.take_bytes(whole, q + 8 * count, count)[0]
    with pytest.raises(ValueError, match="negative"):
        window >> -1


@pytest.mark.parametrize("groups", ["00", "01", "03ffffffff7f", "0380b003", "0380808001"])
def test_impossible_strings(groups: str) -> None:
    # hits in string tables that do not exist; above U+10FFFF; a surrogate; too many groups for a character
    data = bytes.fromhex(groups)
    try:
        text, _ = bits.take_string(int.from_bytes(data, "big"), 8 * len(data))
    except ExiError:
        return
    assert text == chr(1 << 21 & 0x10FFFF) if groups == "0380808001" else False


def test_surrogates_are_not_characters() -> None:
    with pytest.raises(ExiError):
        bits.put_string(1, "\ud800")
