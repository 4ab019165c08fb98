"""C07 and M01: contracts and their installation as OCPP has them: requests that fit the schema, and what answers mean."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.car_questions import (
    AuthorizeContract,
    CertificateHash,
    CertificateRelayed,
    ContractJudged,
    ContractStatus,
    InstallCertificate,
)
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.ocpp.blocks import contracts, ev_certificates
from chargepoint.ocpp.blocks.authorization import token_on_wire
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

HASH = CertificateHash("SHA256", "aa" * 32, "bb" * 32, "0123", "http://ocsp.example.com")
KNOWN = AuthorizeContract("UKSWI123456791A", "-----BEGIN CERTIFICATE-----\n", (HASH,) * 3, True)
UNKNOWN_ROOT = replace(KNOWN, root_known=False)
TOKEN = IdToken("UKSWI123456791A", IdTokenType.E_MAID)
EVSE = EvseId(1)
SCHEMAS = Schemas(OCPP_2_0_1)


def asked(desk: Desk, contract: AuthorizeContract) -> dict[str, Any]:
    """The Authorize that goes out for this contract."""
    send = desk.station.contracts.question(contract, desk.now)
    assert isinstance(send, Send)
    assert desk.schemas.check_request("Authorize", send.payload) is None
    return send.payload


def not_asked(desk: Desk, contract: AuthorizeContract) -> ContractJudged:
    """The judgement of a contract that nobody is asked about."""
    found = desk.station.contracts.question(contract, desk.now)
    assert isinstance(found, contracts.NotAsked)
    return found.judged


def test_the_request_names_emaid_and_hashes_and_keeps_the_chain_back(desk: Desk) -> None:
    payload = asked(desk, replace(KNOWN, hashes=(HASH,) * 5))
    assert payload["idToken"] == {"idToken": "UKSWI123456791A", "type": "eMAID"}
    assert len(payload["iso15118CertificateHashData"]) == 4
    assert "certificate" not in payload


def test_without_hashes_the_field_is_left_out(desk: Desk) -> None:
    assert "iso15118CertificateHashData" not in asked(desk, replace(KNOWN, hashes=()))


def test_an_unknown_root_sends_the_chain_where_that_is_allowed(desk: Desk) -> None:
    assert asked(desk, UNKNOWN_ROOT)["certificate"] == KNOWN.chain_pem
    desk.set("ISO15118Ctrlr", "CentralContractValidationAllowed", "false")
    assert not_asked(desk, UNKNOWN_ROOT).status is ContractStatus.UNKNOWN_PROVIDER


def test_a_chain_longer_than_ocpp_takes_is_not_sent(desk: Desk) -> None:
    most = desk.version.certificate_max_characters
    assert most == {"ocpp2.0.1": 5500, "ocpp2.1": 10_000}[desk.version.subprotocol]
    longest = replace(UNKNOWN_ROOT, chain_pem="x" * most)
    assert len(asked(desk, longest)["certificate"]) == most
    assert f"{most + 1} characters" in not_asked(desk, replace(longest, chain_pem="x" * (most + 1))).why


@pytest.mark.parametrize(
    ("response", "contract", "status"),
    [
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}, KNOWN, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}, UNKNOWN_ROOT, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}}, KNOWN, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}}, UNKNOWN_ROOT, "UNKNOWN_PROVIDER"),
        ({"idTokenInfo": {"status": "Accepted", "evseId": [2]}}, KNOWN, "REFUSED"),
        ({"idTokenInfo": {"status": "Blocked"}, "certificateStatus": "ContractCancelled"}, KNOWN, "CANCELED"),
        ({"idTokenInfo": {"status": "Unknown"}, "certificateStatus": "ContractCancelled"}, KNOWN, "UNKNOWN_PROVIDER"),
        ({"idTokenInfo": {"status": "ConcurrentTx"}, "certificateStatus": "Accepted"}, KNOWN, "REFUSED"),
        (
            {"idTokenInfo": {"status": "Expired"}, "certificateStatus": "CertificateExpired"},
            KNOWN,
            "CERTIFICATE_EXPIRED",
        ),
        (
            {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"},
            KNOWN,
            "CERTIFICATE_REVOKED",
        ),
        ({"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertChainError"}, KNOWN, "CERTIFICATE_INVALID"),
        ({"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "SignatureError"}, KNOWN, "CERTIFICATE_INVALID"),
        (
            {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "NoCertificateAvailable"},
            KNOWN,
            "CERTIFICATE_INVALID",
        ),
    ],
)
def test_the_chain_decides_first_and_then_the_emaid(
    response: dict[str, Any], contract: AuthorizeContract, status: str
) -> None:
    assert SCHEMAS.check_answer("Authorize", response) is None
    judged = contracts.judged(contract, response, EVSE)
    assert judged.status is ContractStatus[status]
    assert bool(judged.why) is (judged.status is not ContractStatus.ACCEPTED)


def offline(desk: Desk, contract: AuthorizeContract = KNOWN) -> ContractJudged:
    return desk.station.contracts.without_csms(contract, EVSE, desk.now, "no connection")


def remember(desk: Desk, status: str) -> None:
    desk.answered("Authorize", {"idToken": token_on_wire(TOKEN)}, {"idTokenInfo": {"status": status}})


def test_offline_an_unknown_contract_may_not_charge(desk: Desk) -> None:
    judged = offline(desk)
    assert judged.status is ContractStatus.UNKNOWN_PROVIDER and "no connection" in judged.why


def test_offline_the_cache_decides(desk: Desk) -> None:
    remember(desk, "Accepted")
    assert offline(desk) == ContractJudged(ContractStatus.ACCEPTED)
    assert offline(desk, UNKNOWN_ROOT).status is ContractStatus.UNKNOWN_PROVIDER  # FR.08
    remember(desk, "Blocked")
    assert offline(desk).status is ContractStatus.REFUSED


@pytest.mark.parametrize("key", [contracts.OFFLINE_VALIDATION, "AuthCtrlr/LocalAuthorizeOffline"])
def test_offline_charging_can_be_forbidden(desk: Desk, key: str) -> None:
    remember(desk, "Accepted")
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    component, variable = key.split("/")
    desk.set(component, variable, "false")
    judged = offline(desk)
    assert judged.status is ContractStatus.REFUSED and key in judged.why


def test_offline_unknown_contracts_can_be_let_in(desk: Desk) -> None:
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    assert offline(desk).status is ContractStatus.ACCEPTED  # FR.12
    remember(desk, "Blocked")
    assert offline(desk).status is ContractStatus.REFUSED


QUESTION = InstallCertificate(b"\x80\x01\x02", "urn:iso:std:iso:15118:-20:CommonMessages", 3, ("DE8AAA1B2C3D4E5",))


def test_a_request_of_2_0_1_has_no_field_of_2_1() -> None:
    payload = ev_certificates.request(QUESTION, OCPP_2_0_1).payload
    assert payload == {
        "iso15118SchemaVersion": "urn:iso:std:iso:15118:-20:CommonMessages",
        "action": "Install",
        "exiRequest": "gAEC",
    }
    assert SCHEMAS.check_request("Get15118EVCertificate", payload) is None


def test_a_version_that_counts_chains_is_given_number_and_emaids() -> None:
    payload = ev_certificates.request(QUESTION, replace(OCPP_2_0_1, counts_contract_chains=True)).payload
    assert payload["maximumContractCertificateChains"] == 3
    assert payload["prioritizedEMAIDs"] == ["DE8AAA1B2C3D4E5"]
    plain = ev_certificates.request(
        replace(QUESTION, maximum_chains=None, prioritized_emaids=()), replace(OCPP_2_0_1, counts_contract_chains=True)
    ).payload
    assert plain.keys() == {"iso15118SchemaVersion", "action", "exiRequest"}


@pytest.mark.parametrize(
    ("response", "relayed"),
    [
        ({"status": "Accepted", "exiResponse": "gAEC"}, CertificateRelayed(b"\x80\x01\x02")),
        ({"status": "Failed", "exiResponse": "gAEC"}, CertificateRelayed(b"\x80\x01\x02")),
        (
            {"status": "Accepted", "exiResponse": "gAEC", "remainingContracts": 2},
            CertificateRelayed(b"\x80\x01\x02", 2),
        ),
        (
            {"status": "Failed", "exiResponse": "", "statusInfo": {"reasonCode": "NoContract"}},
            CertificateRelayed(None, reason="the central system answers Failed (NoContract)"),
        ),
        (
            {"status": "Accepted", "exiResponse": "no base64!"},
            CertificateRelayed(None, reason="the central system's exiResponse is no base64"),
        ),
    ],
)
def test_what_a_response_brings(response: dict[str, Any], relayed: CertificateRelayed) -> None:
    assert SCHEMAS.check_answer("Get15118EVCertificate", response) is None
    assert ev_certificates.relayed(response) == relayed


def test_a_request_longer_than_2_0_1_takes_is_found_before_it_is_sent() -> None:
    payload = ev_certificates.request(replace(QUESTION, exi_request=bytes(4201)), OCPP_2_0_1).payload
    assert len(base64.b64decode(payload["exiRequest"])) == 4201
    assert SCHEMAS.check_request("Get15118EVCertificate", payload) is not None


def test_a_car_of_iso15118_2_asks_for_its_next_certificate() -> None:
    question = InstallCertificate(b"\x80\x01\x02", "urn:iso:15118:2:2013:MsgDef", update=True)
    payload = ev_certificates.request(question, OCPP_2_0_1).payload
    assert (payload["action"], payload["iso15118SchemaVersion"]) == ("Update", "urn:iso:15118:2:2013:MsgDef")
    assert SCHEMAS.check_request("Get15118EVCertificate", payload) is None
