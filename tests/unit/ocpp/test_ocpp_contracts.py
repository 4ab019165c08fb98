"""C07 and M01: contracts and their installation as OCPP has them: requests that fit the schema, and what answers mean."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

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
from chargepoint.ocpp.blocks.context import BlockContext
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1

HASH = CertificateHash("SHA256", "aa" * 32, "bb" * 32, "0123", "http://ocsp.example.com")
KNOWN = AuthorizeContract("UKSWI123456791A", "-----BEGIN CERTIFICATE-----\n", (HASH,) * 3, True)
UNKNOWN_ROOT = replace(KNOWN, root_known=False)
TOKEN = IdToken("UKSWI123456791A", IdTokenType.E_MAID)
EVSE = EvseId(1)
NOW = Moment(10.0, 1_800_000_000.0)
SCHEMAS = Schemas(OCPP_2_0_1)


@pytest.fixture
def context(desk: Any) -> BlockContext:
    found: BlockContext = desk.station.context
    return found


def test_the_request_names_emaid_and_hashes_and_keeps_the_chain_back(context: BlockContext) -> None:
    payload = contracts.request(replace(KNOWN, hashes=(HASH,) * 5), context)
    assert isinstance(payload, dict)
    assert payload["idToken"] == {"idToken": "UKSWI123456791A", "type": "eMAID"}
    assert len(payload["iso15118CertificateHashData"]) == 4
    assert "certificate" not in payload
    assert SCHEMAS.check_request("Authorize", payload) is None


def test_without_hashes_the_field_is_left_out(context: BlockContext) -> None:
    payload = contracts.request(replace(KNOWN, hashes=()), context)
    assert isinstance(payload, dict) and "iso15118CertificateHashData" not in payload
    assert SCHEMAS.check_request("Authorize", payload) is None


def test_an_unknown_root_sends_the_chain_where_that_is_allowed(context: BlockContext) -> None:
    payload = contracts.request(UNKNOWN_ROOT, context)
    assert isinstance(payload, dict) and payload["certificate"] == KNOWN.chain_pem
    assert SCHEMAS.check_request("Authorize", payload) is None
    context.model.keep(contracts.CENTRAL_VALIDATION, "false")
    refused = contracts.request(UNKNOWN_ROOT, context)
    assert isinstance(refused, contracts.NotAsked)
    assert refused.judged.status is ContractStatus.UNKNOWN_PROVIDER


def test_a_chain_longer_than_ocpp_takes_is_not_sent(context: BlockContext) -> None:
    longest = replace(UNKNOWN_ROOT, chain_pem="x" * 5500)
    payload = contracts.request(longest, context)
    assert isinstance(payload, dict) and SCHEMAS.check_request("Authorize", payload) is None
    refused = contracts.request(replace(longest, chain_pem="x" * 5501), context)
    assert isinstance(refused, contracts.NotAsked) and "5501" in refused.judged.why


@pytest.mark.parametrize(
    ("response", "contract", "status"),
    [
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}, KNOWN, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}, UNKNOWN_ROOT, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}}, KNOWN, "ACCEPTED"),
        ({"idTokenInfo": {"status": "Accepted"}}, UNKNOWN_ROOT, "UNKNOWN_PROVIDER"),
        ({"idTokenInfo": {"status": "Accepted", "evseId": [2]}}, KNOWN, "REFUSED"),
        ({"idTokenInfo": {"status": "Blocked"}, "certificateStatus": "ContractCancelled"}, KNOWN, "REFUSED"),
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


def offline(context: BlockContext, contract: AuthorizeContract = KNOWN) -> ContractJudged:
    return contracts.without_csms(contract, EVSE, context, NOW, "no connection")


def remember(context: BlockContext, status: str) -> None:
    context.tokens.learn(TOKEN, {"status": status}, NOW.utc_s, 3600.0)


def test_offline_an_unknown_contract_may_not_charge(context: BlockContext) -> None:
    judged = offline(context)
    assert judged.status is ContractStatus.UNKNOWN_PROVIDER and "no connection" in judged.why


def test_offline_the_cache_decides(context: BlockContext) -> None:
    remember(context, "Accepted")
    assert offline(context) == ContractJudged(ContractStatus.ACCEPTED)
    assert offline(context, UNKNOWN_ROOT).status is ContractStatus.UNKNOWN_PROVIDER  # FR.08
    remember(context, "Blocked")
    assert offline(context).status is ContractStatus.REFUSED


@pytest.mark.parametrize("key", [contracts.OFFLINE_VALIDATION, "AuthCtrlr/LocalAuthorizeOffline"])
def test_offline_charging_can_be_forbidden(context: BlockContext, key: str) -> None:
    remember(context, "Accepted")
    context.model.keep("AuthCtrlr/OfflineTxForUnknownIdEnabled", "true")
    context.model.keep(key, "false")
    judged = offline(context)
    assert judged.status is ContractStatus.REFUSED and key in judged.why


def test_offline_unknown_contracts_can_be_let_in(context: BlockContext) -> None:
    context.model.keep("AuthCtrlr/OfflineTxForUnknownIdEnabled", "true")
    assert offline(context).status is ContractStatus.ACCEPTED  # FR.12
    remember(context, "Blocked")
    assert offline(context).status is ContractStatus.REFUSED


QUESTION = InstallCertificate(b"\x80\x01\x02", "urn:iso:std:iso:15118:-20:CommonMessages", 3, ("DE8AAA1B2C3D4E5",))


def test_a_request_of_2_0_1_has_no_field_of_2_1() -> None:
    payload = ev_certificates.request(QUESTION, OCPP_2_0_1)
    assert payload == {
        "iso15118SchemaVersion": "urn:iso:std:iso:15118:-20:CommonMessages",
        "action": "Install",
        "exiRequest": "gAEC",
    }
    assert SCHEMAS.check_request(ev_certificates.ACTION, payload) is None


def test_a_version_that_counts_chains_is_given_number_and_emaids() -> None:
    payload = ev_certificates.request(QUESTION, replace(OCPP_2_0_1, counts_contract_chains=True))
    assert payload["maximumContractCertificateChains"] == 3
    assert payload["prioritizedEMAIDs"] == ["DE8AAA1B2C3D4E5"]
    plain = ev_certificates.request(
        replace(QUESTION, maximum_chains=None, prioritized_emaids=()), replace(OCPP_2_0_1, counts_contract_chains=True)
    )
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
    assert SCHEMAS.check_answer(ev_certificates.ACTION, response) is None
    assert ev_certificates.relayed(response) == relayed


def test_a_request_longer_than_2_0_1_takes_is_found_before_it_is_sent() -> None:
    payload = ev_certificates.request(replace(QUESTION, exi_request=bytes(4201)), OCPP_2_0_1)
    assert len(base64.b64decode(payload["exiRequest"])) == 4201
    assert SCHEMAS.check_request(ev_certificates.ACTION, payload) is not None
