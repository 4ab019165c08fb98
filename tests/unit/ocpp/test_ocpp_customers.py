"""Customer information: what is found, what is cleared, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.ocpp.blocks.authorization import token_on_wire
from tests.unit.ocpp.conftest import TOKEN, UTC0_S

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

ON_WIRE = token_on_wire(TOKEN)


def ask(desk: Desk, report: bool = True, clear: bool = False, **reference: Any) -> tuple[str, str]:
    """The status, and the data of all pages."""
    request = {"requestId": 3, "report": report, "clear": clear, **(reference or {"idToken": ON_WIRE})}
    answer = desk.answer("CustomerInformation", request)
    pages = [s.payload for s in desk.sends(answer)]
    assert [(p["requestId"], p["seqNo"], p["tbc"]) for p in pages] == [
        (3, number, number < len(pages) - 1) for number in range(len(pages))
    ]
    return answer.payload["status"], "".join(p["data"] for p in pages)


def know(desk: Desk) -> None:
    """The customer is in the cache, in the list and in a reservation."""
    desk.answered("Authorize", {"idToken": ON_WIRE}, {"idTokenInfo": {"status": "Accepted"}})
    entry = {"idToken": ON_WIRE, "idTokenInfo": {"status": "Accepted", "cacheExpiryDateTime": "2030-01-01T00:00:00Z"}}
    desk.ask("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]})
    expiry = {"id": 1, "expiryDateTime": "2026-03-01T13:00:00Z", "idToken": ON_WIRE}
    assert desk.ask("ReserveNow", expiry)["status"] == "Accepted"
    assert desk.moment.utc_s == UTC0_S


def test_everything_that_is_kept_is_reported(desk: Desk) -> None:
    know(desk)
    desk.port.begin()
    outcome, data = ask(desk)
    assert outcome == "Accepted"
    for word in ("authorizationCache", "localList", "reservations", "tx-1"):
        assert word in data
    assert desk.kept("token-cache")  # nothing was cleared


def test_clearing_leaves_the_local_list(desk: Desk) -> None:
    know(desk)
    outcome, data = ask(desk, clear=True)
    assert outcome == "Accepted" and "authorizationCache" in data
    assert (desk.kept("token-cache"), desk.kept("reservations")) == ({}, {})
    assert len(desk.kept("local-list")) == 1  # N10.FR.03


def test_clearing_without_a_report_says_so(desk: Desk) -> None:
    know(desk)
    assert ask(desk, report=False, clear=True) == ("Accepted", "the data was cleared")


@pytest.mark.parametrize("reference", ["token", "customerIdentifier", "customerCertificate"])
def test_nothing_is_known(desk: Desk, reference: str) -> None:
    hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "0", "issuerKeyHash": "0", "serialNumber": "1"}
    choices: dict[str, dict[str, Any]] = {
        "token": {"idToken": ON_WIRE},
        "customerIdentifier": {"customerIdentifier": "me"},
        "customerCertificate": {"customerCertificate": hashes},
    }
    given = choices[reference]
    assert ask(desk, **given) == ("Accepted", "")
    assert ask(desk, clear=True, **given) == ("Accepted", "")
    assert ask(desk, report=False, clear=True, **given) == ("Accepted", "the data was cleared")  # N10.FR.06


def test_an_identifier_is_the_value_of_a_token(desk: Desk) -> None:
    """TC_N_62_CS: reported and cleared by identifier, in either case of its letters; afterwards nothing is found."""
    know(desk)
    identifier = TOKEN.value.lower()
    outcome, data = ask(desk, clear=True, customerIdentifier=identifier)
    assert outcome == "Accepted" and "ISO14443" in data and "authorizationCache" in data
    assert (desk.kept("token-cache"), desk.kept("reservations")) == ({}, {})
    desk.ask("SendLocalList", {"versionNumber": 2, "updateType": "Full"})
    assert ask(desk, customerIdentifier=identifier) == ("Accepted", "")


def test_an_identifier_finds_a_contract_too(desk: Desk) -> None:
    contract = {"idToken": "DE8AA1A2B3C4D59", "type": "eMAID"}
    desk.answered("Authorize", {"idToken": contract}, {"idTokenInfo": {"status": "Accepted"}})
    assert "eMAID" in ask(desk, customerIdentifier=contract["idToken"])[1]
    assert ask(desk, customerIdentifier="x" * 64) == ("Accepted", "")  # longer than any token


def test_exactly_one_reference(desk: Desk) -> None:
    assert ask(desk, idToken=ON_WIRE, customerIdentifier="me") == ("Invalid", "")  # N09.FR.09
    request = {"requestId": 3, "report": True, "clear": False}
    assert desk.ask("CustomerInformation", request)["status"] == "Invalid"


def test_nothing_asked_for(desk: Desk) -> None:
    assert ask(desk, report=False) == ("Rejected", "")  # N09.FR.07
