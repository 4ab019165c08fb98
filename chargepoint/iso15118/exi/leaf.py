"""Elements of a simple type as fragments: characters and nothing else. Only fragments need them; messages have them inlined."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from typing import Any

from chargepoint.iso15118.exi.bits import (
    NO_BYTES,
    NO_CHARACTERS,
    empty,
    fail,
    put_integer,
    put_octets,
    put_text,
    put_unsigned,
    take_binary,
    take_integer,
    take_string,
    take_unsigned,
    wrong,
)
from chargepoint.iso15118.exi.errors import ExiError


@dataclass(frozen=True, slots=True)
class Leaf:
    """One element name with its simple type: `kind` is bool, int, str, bytes or an enumeration."""

    name: str
    kind: type[Any]
    low: int | None = None
    high: int | None = None
    form: str = ""
    """of binaries: "hex" or "base64" """

    @property
    def _width(self) -> int | None:
        """Bits of a value of fixed width; None if it is coded in groups."""
        if self.kind is bool:
            return 1
        if issubclass(self.kind, Enum):
            return (len(self.kind) - 1).bit_length()
        if self.low is None or self.high is None or self.high - self.low >= 4096:
            return None
        return (self.high - self.low).bit_length()

    def decode(self, v: int, q: int) -> tuple[Any, int]:
        """The value, and what is left behind the end of the element."""
        value: Any
        q -= 1
        if found := v >> q & 1:
            if self.kind not in (str, bytes):
                raise fail(q, self.name, found)
            value, q = NO_CHARACTERS if self.kind is str else NO_BYTES, empty(v, q, found, self.name)
        else:
            value, q = self._take(v, q)
        q -= 1
        if rest := v >> q & 1:
            raise fail(q, self.name, rest)
        return value, q

    def _take(self, v: int, q: int) -> tuple[Any, int]:
        if self.kind is str:
            return take_string(v, q)
        if self.kind is bytes:
            return take_binary(v, q)
        width = self._width
        if width is None:
            signed = self.low is None or self.low < 0
            value, q = take_integer(v, q) if signed else take_unsigned(v, q)
            if not self._fits(value):
                raise fail(q, self.name, value)
            return value, q
        q -= width
        code = v >> q & ((1 << width) - 1)
        if self.kind is bool:
            return code == 1, q
        if issubclass(self.kind, Enum):
            members = tuple(self.kind)
            if code >= len(members):
                raise fail(q, self.name, code)
            return members[code], q
        value = code + (self.low or 0)
        if not self._fits(value):
            raise fail(q, self.name, code)
        return value, q

    def encode(self, a: int, value: Any) -> int:
        """Appends the element behind its event code. Raises ExiError for a value of another type or range."""
        if not isinstance(value, self.kind) or (self.kind is int and isinstance(value, bool)):
            raise wrong(self.name, value)
        a <<= 1
        if self.kind is str:
            return put_text(a, value) << 1
        if self.kind is bytes:
            return put_octets(a, value) << 1
        width = self._width
        if width is None:
            if self.low is None or self.low < 0:
                return put_integer(a, value, self.low, self.high, self.name) << 1
            return put_unsigned(a, value, self.low, self.high, self.name) << 1
        if isinstance(value, Enum):
            code = list(type(value)).index(value)
        elif self._fits(value):
            code = int(value) - (self.low or 0)
        else:
            raise wrong(self.name, value)
        return (a << width | code) << 1

    def _fits(self, value: Any) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def to_json(self, value: Any) -> Any:
        """The value as JSON has it."""
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, bytes):
            return value.hex().upper() if self.form == "hex" else base64.b64encode(value).decode("ascii")
        return value

    def from_json(self, data: Any) -> Any:
        """The reverse. Raises ExiError for what is no value of this type."""
        try:
            if self.kind is bytes and isinstance(data, str):
                return bytes.fromhex(data) if self.form == "hex" else base64.b64decode(data, validate=True)
            if issubclass(self.kind, Enum):
                return self.kind(data)
        except (ValueError, binascii.Error):
            raise ExiError(f"{self.name}: {str(data)[:80]!r} is not possible here") from None
        if not isinstance(data, self.kind) or (self.kind is int and (isinstance(data, bool) or not self._fits(data))):
            raise ExiError(f"{self.name}: {str(data)[:80]!r} is not possible here")
        return data
