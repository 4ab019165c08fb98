"""Handshakes that fail for different reasons do not hide each other in the log; a car's own words make no new cause."""

from __future__ import annotations

import ssl

from chargepoint.security.handshake import HandshakeFault, failure, failure_of


def refused_certificate(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    error.verify_code, error.verify_message = code, message
    return error


def test_an_expired_certificate_and_one_not_yet_valid_are_two_causes() -> None:
    expired = failure_of(refused_certificate(10, "certificate has expired"))
    early = failure_of(refused_certificate(9, "certificate is not yet valid"))
    assert expired.fault is early.fault is HandshakeFault.CERTIFICATE
    assert expired.cause != early.cause
    assert expired.cause == failure_of(refused_certificate(10, "certificate has expired")).cause


def test_the_name_in_a_certificate_makes_no_new_cause() -> None:
    first, second = (failure(HandshakeFault.VEHICLE, f"{name}: the leaf may sign certificates") for name in "AB")
    assert first.sentence != second.sentence
    assert first.cause == second.cause
