"""What failed handshakes mean, and how many of them become security events."""

from __future__ import annotations

import ssl

import pytest

from chargepoint.security.handshake import (
    HandshakeFault,
    SecurityEventBound,
    failure,
    failure_of,
)


def error_with(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "fault", "event"),
    [
        ("UNSUPPORTED_PROTOCOL", HandshakeFault.VERSION, "InvalidTLSVersion"),
        ("NO_SHARED_CIPHER", HandshakeFault.CIPHER_SUITE, "InvalidTLSCipherSuite"),
        ("TLSV1_ALERT_UNKNOWN_CA", HandshakeFault.REFUSED_BY_CAR, "InvalidChargingStationCertificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", HandshakeFault.REFUSED_BY_CAR, "InvalidChargingStationCertificate"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", HandshakeFault.REFUSED_BY_CAR, "InvalidChargingStationCertificate"),
        ("NO_SUITABLE_SIGNATURE_ALGORITHM", HandshakeFault.SIGNATURE_ALGORITHM, None),
        ("NO_SUITABLE_KEY_SHARE", HandshakeFault.GROUP, None),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", HandshakeFault.NO_CERTIFICATE, None),
        ("WRONG_VERSION_NUMBER", HandshakeFault.PLAIN, None),
        ("SOMETHING_NEW", HandshakeFault.OTHER, None),
    ],
)
def test_each_reason_has_its_fault_and_its_event(reason: str, fault: HandshakeFault, event: str | None) -> None:
    found = failure_of(error_with(reason))
    assert (found.fault, found.security_event) == (fault, event)
    assert found.sentence.startswith(f"TLS handshake with a car failed: {reason.lower().replace('_', ' ')}")


@pytest.mark.parametrize(
    ("code", "fault"),
    [(20, HandshakeFault.ROOT_UNKNOWN), (10, HandshakeFault.CERTIFICATE), (34, HandshakeFault.CERTIFICATE)],
)
def test_a_certificate_that_does_not_verify(code: int, fault: HandshakeFault) -> None:
    error = ssl.SSLCertVerificationError(1, "no")
    error.reason, error.verify_code, error.verify_message = "CERTIFICATE_VERIFY_FAILED", code, "because"
    found = failure_of(error)
    assert (found.fault, found.security_event) == (fault, "InvalidVehicleCertificate")
    assert "certificate verify failed: because" in found.sentence


def test_events_have_names_that_ocpp_can_carry() -> None:
    for fault in HandshakeFault:
        event = failure(fault, "x").security_event
        assert event is None or 0 < len(event) <= 50


def test_of_each_event_one_is_sent_in_a_minute() -> None:
    bound = SecurityEventBound()
    old = failure(HandshakeFault.VERSION, "old")
    foreign = failure(HandshakeFault.ROOT_UNKNOWN, "foreign")
    assert bound.admit(old, 100.0) == "InvalidTLSVersion"
    assert [bound.admit(old, 100.0 + n / 100) for n in range(5999)] == [None] * 5999
    assert bound.admit(foreign, 101.0) == "InvalidVehicleCertificate"
    assert bound.admit(failure(HandshakeFault.VEHICLE, "also"), 102.0) is None
    assert bound.admit(old, 160.0) == "InvalidTLSVersion"
    assert bound.admit(failure(HandshakeFault.PLAIN, "plain"), 200.0) is None
