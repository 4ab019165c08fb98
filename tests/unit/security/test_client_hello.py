"""The first message of a TLS client: bytes of OpenSSL's own client, whole, in pieces, and damaged."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.security.client_hello import TLS_1_2, TLS_1_3, ClientHello, NamedBy, NamedRoot, NotClientHello, parse


def hello_of_openssl(newest: ssl.TLSVersion) -> bytes:
    """The first bytes that OpenSSL's client sends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = newest
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="secc")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def record(message: bytes, pieces: int = 1) -> bytes:
    """A handshake message in TLS records."""
    size = -(-len(message) // pieces)
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def message(extensions: bytes) -> bytes:
    """A ClientHello of TLS 1.2 with these extensions."""
    body = (
        b"\x03\x03"
        + bytes(32)
        + b"\x00"
        + b"\x00\x02\xc0\x23"
        + b"\x01\x00"
        + len(extensions).to_bytes(2, "big")
        + extensions
    )
    return b"\x01" + len(body).to_bytes(3, "big") + body


def trusted_ca_keys(entries: bytes) -> bytes:
    content = len(entries).to_bytes(2, "big") + entries
    return b"\x00\x03" + len(content).to_bytes(2, "big") + content


def test_openssl_offers_both_versions_or_the_old_one() -> None:
    both = parse(hello_of_openssl(ssl.TLSVersion.TLSv1_3))
    assert both is not None
    assert {TLS_1_2, TLS_1_3} <= both.versions
    assert parse(hello_of_openssl(ssl.TLSVersion.TLSv1_2)) == ClientHello(frozenset({TLS_1_2}))


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_beginning_of_the_message_asks_for_more(newest: ssl.TLSVersion) -> None:
    hello = hello_of_openssl(newest)
    assert all(parse(hello[:count]) is None for count in range(len(hello)))
    assert parse(hello + b"whatever follows") == parse(hello)


def test_a_message_in_several_records_is_joined() -> None:
    inner = hello_of_openssl(ssl.TLSVersion.TLSv1_3)[5:]
    for pieces in (2, 3, 7):
        split = record(inner, pieces)
        assert parse(split) == parse(record(inner))
        assert all(parse(split[:count]) is None for count in range(len(split)))


def test_the_roots_that_a_car_names() -> None:
    """By RFC 6066 section 6: agreed before, hash of the key, distinguished name, hash of the certificate."""
    entries = b"\x00" + b"\x01" + b"k" * 20 + b"\x02" + b"\x00\x03DN!" + b"\x03" + b"c" * 20
    found = parse(record(message(trusted_ca_keys(entries))))
    assert found is not None
    assert found.roots == (
        NamedRoot(NamedBy.KEY_SHA1, b"k" * 20),
        NamedRoot(NamedBy.DISTINGUISHED_NAME, b"DN!"),
        NamedRoot(NamedBy.CERTIFICATE_SHA1, b"c" * 20),
    )


def test_a_kind_of_name_that_nobody_knows_ends_the_list() -> None:
    found = parse(record(message(trusted_ca_keys(b"\x01" + b"k" * 20 + b"\x09" + b"?" * 30))))
    assert found is not None
    assert found.roots == (NamedRoot(NamedBy.KEY_SHA1, b"k" * 20),)


def test_a_hello_without_extensions_offers_its_own_version() -> None:
    body = message(b"")[4:-2]
    assert parse(record(b"\x01" + len(body).to_bytes(3, "big") + body)) == ClientHello(frozenset({TLS_1_2}))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "record of type 71"),
        (b"\x01\xfe\x80\x01", "record of type 1"),
        (b"\x16\x02\x00\x00\x05hello", "record version 2.0"),
        (record(b"\x02\x00\x00\x01x"), "handshake message of type 2"),
        (record(b"\x01\xff\xff\xff"), "at most 32768"),
        (b"\x16\x03\x01\x00\x00", "an empty record"),
        (record(message(trusted_ca_keys(b"\x01short"))), "beyond the message"),
    ],
)
def test_what_is_no_hello_says_why(data: bytes, why: str) -> None:
    with pytest.raises(NotClientHello, match=why):
        parse(data)


@given(st.binary(max_size=400), st.integers(0, 600), st.integers(0, 255))
def test_no_bytes_raise_anything_else(junk: bytes, at: int, value: int) -> None:
    hello = bytearray(hello_of_openssl(ssl.TLSVersion.TLSv1_3))
    hello[at % len(hello)] = value
    for data in (junk, bytes(hello), b"\x16\x03\x01" + junk):
        with contextlib.suppress(NotClientHello):
            parse(data)
