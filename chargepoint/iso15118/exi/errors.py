"""The one error of the EXI codec."""

from __future__ import annotations


class ExiError(ValueError):
    """Bytes that are not a valid EXI stream of the schema, or an object that the schema cannot express.

    `bit` is the offset in the stream, counted from the first bit of the EXI header, at which decoding stopped (None
    when encoding). The text says where in the grammar that was, what was found and what was possible.
    """

    def __init__(self, message: str, bit: int | None = None, remaining: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.bit = bit
        self.remaining = remaining

    def __str__(self) -> str:
        return self.message if self.bit is None else f"bit {self.bit}: {self.message}"
