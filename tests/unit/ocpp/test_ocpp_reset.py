"""Reset: what the station does not do is refused in the words of the protocol."""

from __future__ import annotations

from chargepoint.ocpp.version import OCPP_2_1
from tests.unit.ocpp.conftest import Desk, FakePort


def test_a_reset_that_shall_resume_transactions_is_refused() -> None:
    """OCPP 2.1, B13.FR.01: there is no TxResumptionTimeout, so the type is Rejected. It was an InternalError."""
    desk = Desk(FakePort(), version=OCPP_2_1)
    desk.port.begin()
    answer = desk.answer("Reset", {"type": "ImmediateAndResume"})
    assert answer.payload["status"] == "Rejected"
    assert answer.payload["statusInfo"]["reasonCode"] == "UnsupportedParam"
    assert desk.port.commands == []
    assert answer.effects == ()
