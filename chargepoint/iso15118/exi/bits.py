"""The bit-level words of EXI: how integers, strings and binaries are read from and appended to one big Python int.

Reading: `v` is the whole stream as an int, `q` the number of bits not yet read, so that the next n bits are
`v >> (q - n) & ((1 << n) - 1)`. Reading past the end shifts by a negative count, which Python refuses with ValueError;
the codec turns that into `ExiError`. Long streams come as `Window`, which answers `>>` with a slice.

Writing: `a` is everything written so far behind a leading 1 bit, so its length needs no second variable.

W3C EXI 1.0, clauses 7.1.1 (binary), 7.1.5 (integer), 7.1.6 (unsigned integer), 7.1.10 (string).
"""

from __future__ import annotations

from typing import NoReturn

from chargepoint.iso15118.exi.errors import ExiError

LONGEST_INTEGER_GROUPS = 2000
"""An xs:integer of more 7-bit groups than this is refused: no certificate serial number comes near."""

LONGEST_LIST = 4096
"""Items of a list, or pieces of content, that the schema leaves unbounded; more are refused, reading and writing."""

BIT = {False: 0, True: 1}


class _NoCharacters(str):
    """An empty string that was sent without a characters event."""

    __slots__ = ()


class _NoBytes(bytes):
    """An empty binary that was sent without a characters event."""

    __slots__ = ()


NO_CHARACTERS: str = _NoCharacters()
"""What an element without characters decodes to. It equals "", but encodes as it came: a signature over it depends on it."""

NO_BYTES: bytes = _NoBytes()
"""The same for binaries."""


class Window:
    """A long stream that looks like an int to the generated code, so that each read costs the same wherever it is."""

    __slots__ = ("_data", "_size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._size = len(data)

    def __rshift__(self, q: int) -> int:
        if q < 0:
            raise ValueError("negative shift count")
        end = self._size - (q >> 3)
        return int.from_bytes(self._data[max(0, end - 40) : end], "big") >> (q & 7)

    def take(self, q: int, count: int) -> bytes:
        """The `count` bytes that end `q` bits before the end of the stream."""
        shift = q & 7
        end = self._size - (q >> 3)
        if not shift:
            return self._data[end - count : end]
        chunk = int.from_bytes(self._data[end - count - 1 : end], "big") >> shift
        return (chunk & ((1 << 8 * count) - 1)).to_bytes(count, "big")


def fail(q: int, where: str, found: int) -> ExiError:
    """The error for `found`, read just before `q`, which `where` does not allow."""
    return ExiError(f"{where}: {found:#x} is not possible here", remaining=q)


def wrong(where: str, value: object) -> ExiError:
    """The error for an object that cannot be encoded."""
    if isinstance(value, int) and value.bit_length() > 128:
        return ExiError(f"{where}: an integer of {value.bit_length()} bits cannot be encoded")
    return ExiError(f"{where}: {repr(value)[:120]} cannot be encoded")


def too_many(q: int, where: str) -> ExiError:
    """The error for a list that goes on beyond any use."""
    return ExiError(f"{where}: more than {LONGEST_LIST} items", remaining=q)


def empty(v: int, q: int, found: int, where: str) -> int:
    """What is left after an element without characters, whose end EXIficient codes on the second level: `1` `000`.

    `found` are the bits up to and including the escape. Two of the three zero bits are consumed; the third stands in
    for the end of the element that the caller expects after characters. The value is NO_CHARACTERS or NO_BYTES.
    """
    q -= 2
    if found != 1 or v >> q & 3:
        raise fail(q, where, found)
    return q


def take_bytes(v: int, q: int, count: int) -> tuple[bytes, int]:
    """The next `count` bytes in one move, wherever they start within a byte."""
    end = q - 8 * count
    if end < 0:
        raise ExiError(f"{count} bytes announced, {q // 8} left", remaining=q)
    if isinstance(v, int):
        return (v >> end & ((1 << 8 * count) - 1)).to_bytes(count, "big"), end
    return v.take(end, count), end


def more_groups(v: int, q: int, first: int) -> tuple[int, int]:
    """The value of an unsigned integer whose first 8-bit group is `first` and has its continuation bit set."""
    value = first & 127
    shift = 7
    while True:
        q -= 8
        group = v >> q & 255
        value |= (group & 127) << shift
        if group < 128:
            return value, q
        shift += 7
        if shift > 7 * LONGEST_INTEGER_GROUPS:
            raise ExiError(f"integer of more than {LONGEST_INTEGER_GROUPS} groups", remaining=q)


def take_unsigned(v: int, q: int) -> tuple[int, int]:
    """An unsigned integer of any size."""
    q -= 8
    first = v >> q & 255
    return (first, q) if first < 128 else more_groups(v, q, first)


def take_integer(v: int, q: int) -> tuple[int, int]:
    """A signed integer of any size: sign bit, then magnitude (minus one if negative)."""
    q -= 1
    negative = v >> q & 1
    value, q = take_unsigned(v, q)
    return (~value if negative else value), q


def take_binary(v: int, q: int) -> tuple[bytes, int]:
    """Binary content: length in bytes, then the bytes."""
    q -= 8
    count = v >> q & 255
    if count > 127:
        count, q = more_groups(v, q, count)
    return take_bytes(v, q, count)


def take_string(v: int, q: int) -> tuple[str, int]:
    """A string value: this profile has no string tables, so always a miss: length + 2, then the characters."""
    q -= 8
    count = v >> q & 255
    if count > 127:
        count, q = more_groups(v, q, count)
    if count < 2:
        raise ExiError("string table hit in a profile without string tables", remaining=q)
    return take_characters(v, q, count - 2)


def take_characters(v: int, q: int, count: int) -> tuple[str, int]:
    """The next `count` characters."""
    raw, q = take_bytes(v, q, count)
    if raw.isascii():
        return raw.decode("ascii"), q
    return _take_wide(v, q, raw, count)


def _take_wide(v: int, q: int, raw: bytes, count: int) -> tuple[str, int]:
    # each character has one group per 7 bits; fetch as many bytes as characters are still open, repeatedly
    characters: list[str] = []
    point = shift = 0
    while True:
        for group in raw:
            point |= (group & 127) << shift
            if group < 128:
                if point > 0x10FFFF or 0xD800 <= point < 0xE000:
                    raise ExiError(f"{point:#x} is not a character", remaining=q)
                characters.append(chr(point))
                point = shift = 0
            else:
                shift += 7
                if shift > 28:
                    raise ExiError("character of more than four groups", remaining=q)
        missing = count - len(characters)
        if not missing:
            return "".join(characters), q
        raw, q = take_bytes(v, q, missing)


def put_unsigned(a: int, value: int, low: int, high: int | None, where: str) -> int:
    """Appends an unsigned integer after checking its range."""
    if value < low or (high is not None and value > high):
        raise wrong(where, value)
    while value > 127:
        a = a << 8 | 128 | value & 127
        value >>= 7
    return a << 8 | value


def put_integer(a: int, value: int, low: int | None, high: int | None, where: str) -> int:
    """Appends a signed integer after checking its range."""
    if (low is not None and value < low) or (high is not None and value > high):
        raise wrong(where, value)
    magnitude = value if value >= 0 else ~value
    if magnitude.bit_length() > 7 * LONGEST_INTEGER_GROUPS:
        raise wrong(where, value)
    return put_unsigned(a << 1 | (value < 0), magnitude, 0, None, where)


def put_any_integer(a: int, value: int) -> int:
    """Appends an unbounded xs:integer."""
    return put_integer(a, value, None, None, "integer")


def put_binary(a: int, value: bytes) -> int:
    """Appends binary content."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong("binary", value)
    count = len(value)
    a = a << 8 | count if count < 128 else put_unsigned(a, count, 0, None, "length")
    return a << 8 * count | int.from_bytes(value, "big")


def put_octets(a: int, value: bytes) -> int:
    """Appends the binary content of an element; the last thing in `a` is the event code of characters.

    NO_BYTES turns that code into the escape behind it, and goes on as `empty` reads it.
    """
    return a + 1 << 2 if value is NO_BYTES else put_binary(a, value)


def put_text(a: int, value: str) -> int:
    """Appends the characters of an element, as `put_octets`."""
    return a + 1 << 2 if value is NO_CHARACTERS else put_string(a, value)


def put_string(a: int, value: str) -> int:
    """Appends a string as a string-table miss."""
    count = len(value)
    return put_characters(a << 8 | count + 2 if count < 126 else put_unsigned(a, count + 2, 0, None, "length"), value)


def put_characters(a: int, value: str) -> int:
    """Appends the characters alone."""
    if value.isascii():
        count = len(value)
        return a << 8 * count | int.from_bytes(value.encode("ascii"), "big")
    groups = bytearray()
    for character in value:
        point = ord(character)
        if 0xD800 <= point < 0xE000:
            raise wrong("string", value)
        while point > 127:
            groups.append(128 | point & 127)
            point >>= 7
        groups.append(point)
    return a << 8 * len(groups) | int.from_bytes(groups, "big")


def impossible(q: int, where: str) -> NoReturn:
    """Raises for a production that exists in the grammar but that no message can have, such as an abstract head."""
    raise ExiError(f"{where} is abstract or a wildcard and cannot occur", remaining=q)
