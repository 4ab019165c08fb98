"""The first message of a TLS client, read before the handshake: which versions it offers, which roots it trusts. A core.

OpenSSL as Python has it shows neither. The station needs both: TLS 1.2 and 1.3 share one port, and a car of ISO 15118-2 names its roots.
Sources: RFC 8446 4.1.2 and 4.2.1, RFC 5246 7.4.1.2, RFC 6066 6 (trusted_ca_keys), docs/sources/iso15118-2-din.md 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

TLS_1_2, TLS_1_3 = 0x0303, 0x0304

HELLO_MAX_BYTES = 32_768
"""A longer first message is not read; the handshake then refuses it."""

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_TRUSTED_CA_KEYS, _SUPPORTED_VERSIONS = 3, 43
_AUTHORITIES_MAX = 64


class NotClientHello(ValueError):
    """The bytes are not the beginning of a TLS handshake."""


class NamedBy(IntEnum):
    """How trusted_ca_keys names a root (RFC 6066 6)."""

    PRE_AGREED = 0
    KEY_SHA1 = 1
    DISTINGUISHED_NAME = 2
    CERTIFICATE_SHA1 = 3


@dataclass(frozen=True, slots=True)
class NamedRoot:
    """A root that the client trusts. `name`: the SHA-1 of key or certificate, or the distinguished name in DER."""

    by: NamedBy
    name: bytes


@dataclass(frozen=True, slots=True)
class ClientHello:
    """`versions`: as numbers of the wire. `roots` empty: the client names none."""

    versions: frozenset[int]
    roots: tuple[NamedRoot, ...] = ()


def parse(data: bytes) -> ClientHello | None:
    """The message at the start of these bytes; None while more bytes are needed. Raises NotClientHello, and nothing else."""
    message = _message(data)
    if message is None:
        return None
    try:
        return _hello(_Reader(message))
    except IndexError as error:
        raise NotClientHello("a field goes beyond the message") from error


def _message(data: bytes) -> bytes | None:
    """The handshake message without its header, joined from its records; None while it is not whole."""
    joined, at = b"", 0
    while True:
        if len(joined) >= 4:
            if joined[0] != _CLIENT_HELLO:
                raise NotClientHello(f"handshake message of type {joined[0]}, ClientHello has {_CLIENT_HELLO}")
            length = int.from_bytes(joined[1:4], "big")
            if length > HELLO_MAX_BYTES:
                raise NotClientHello(f"{length} bytes; at most {HELLO_MAX_BYTES}")
            if len(joined) >= 4 + length:
                return joined[4 : 4 + length]
        if len(data) > at and data[at] != _HANDSHAKE:
            raise NotClientHello(f"record of type {data[at]}, a handshake has {_HANDSHAKE}")
        if len(data) < at + 5:
            return None
        if data[at + 1] != 3:
            raise NotClientHello(f"record version {data[at + 1]}.{data[at + 2]}")
        record = int.from_bytes(data[at + 3 : at + 5], "big")
        if record == 0:
            raise NotClientHello("an empty record")
        if len(data) < at + 5 + record:
            return None
        joined, at = joined + data[at + 5 : at + 5 + record], at + 5 + record


class _Reader:
    """Reads fields in their order. Raises IndexError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        """A field that begins with its length in `size` bytes."""
        return _Reader(self.take(self.number(size)))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)


def _hello(reader: _Reader) -> ClientHello:
    version = reader.number(2)
    reader.take(32)  # random
    reader.vector(1)  # session id
    reader.vector(2)  # cipher suites
    reader.vector(1)  # compression methods
    versions: frozenset[int] = frozenset((version,))
    roots: tuple[NamedRoot, ...] = ()
    extensions = reader.vector(2) if reader.left else _Reader(b"")
    while extensions.left:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SUPPORTED_VERSIONS:
            versions = _versions(content.vector(1))
        elif kind == _TRUSTED_CA_KEYS:
            roots = _roots(content)
    return ClientHello(versions, roots)


def _versions(reader: _Reader) -> frozenset[int]:
    found = set()
    while reader.left:
        found.add(reader.number(2))
    return frozenset(found)


def _roots(content: _Reader) -> tuple[NamedRoot, ...]:
    """A kind of name that is not known ends the reading: the length of what follows is not known either."""
    found: list[NamedRoot] = []
    named = content.vector(2)
    while named.left and len(found) < _AUTHORITIES_MAX:
        match named.number(1):
            case NamedBy.PRE_AGREED:
                continue
            case NamedBy.DISTINGUISHED_NAME:
                found.append(NamedRoot(NamedBy.DISTINGUISHED_NAME, named.vector(2).rest()))
            case NamedBy.KEY_SHA1 | NamedBy.CERTIFICATE_SHA1 as by:
                found.append(NamedRoot(NamedBy(by), named.take(20)))
            case _:
                break
    return tuple(found)
