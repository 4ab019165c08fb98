"""Discovery: bytes as an outside car sends them, and who gets which answer."""

import ipaddress

import pytest

from chargepoint.config.car_section import TlsPolicy
from chargepoint.iso15118 import sdp
from chargepoint.iso15118.sdp import SdpRequest, SdpResponse, Security

# as sent by the EcoG EVCC (PyPI iso15118 0.31.2): docs/sources/iso15118.md 1
ECOG_NO_TLS = bytes.fromhex("01fe9000000000021000")
ECOG_TLS = bytes.fromhex("01fe9000000000020000")


def test_an_outside_cars_requests_are_read() -> None:
    assert sdp.parse_request(ECOG_NO_TLS) == SdpRequest(Security.NONE)
    assert sdp.parse_request(ECOG_TLS) == SdpRequest(Security.TLS)
    assert sdp.request(Security.NONE) == ECOG_NO_TLS


def test_noise_gets_silence() -> None:
    for noise in (b"", ECOG_TLS[:-1], ECOG_TLS + b"\0", bytes.fromhex("01fe9000000000020001"), b"\xff" * 10):
        assert sdp.parse_request(noise) is None


def test_a_response_survives_the_wire() -> None:
    answer = SdpResponse(ipaddress.IPv6Address("fe80::1"), 61341, Security.TLS)
    assert sdp.parse_response(sdp.response(answer)) == answer


@pytest.mark.parametrize(
    ("policy", "wish", "keys", "answer"),
    [
        (TlsPolicy.REQUIRED, Security.NONE, True, Security.TLS),
        (TlsPolicy.REQUIRED, Security.TLS, False, None),
        (TlsPolicy.OPTIONAL, Security.TLS, True, Security.TLS),
        (TlsPolicy.OPTIONAL, Security.TLS, False, Security.NONE),
        (TlsPolicy.OPTIONAL, Security.NONE, True, Security.NONE),
        (TlsPolicy.OFF, Security.TLS, True, Security.NONE),
    ],
)
def test_policy(policy: TlsPolicy, wish: Security, keys: bool, answer: Security | None) -> None:
    assert sdp.choose(SdpRequest(wish), policy, tls_possible=keys) is answer
