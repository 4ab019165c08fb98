"""Which tokens are asked about, cached and accepted without the central system, by their type, group and status."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.outbox import _for_the_journal
from chargepoint.ocpp.token_cache import SPACE
from tests.unit.ocpp.conftest import TOKEN, Desk

EVSE = EvseId(1)
CENTRAL = IdToken("order-4711", IdTokenType.CENTRAL)
NOBODY = IdToken("", IdTokenType.NO_AUTHORIZATION)
ACCEPTED, UNKNOWN = AuthorizationStatus.ACCEPTED, AuthorizationStatus.UNKNOWN


def learn(desk: Desk, token: IdToken = TOKEN, **info: Any) -> None:
    """The central system answers an Authorize for this token."""
    request = {"idToken": {"idToken": token.value, "type": token.type.value}}
    desk.answered("Authorize", request, {"idTokenInfo": {"status": "Accepted", **info}})


@pytest.mark.parametrize("token", [CENTRAL, NOBODY], ids=["Central", "NoAuthorization"])
def test_nobody_is_asked_about_a_token_of_the_central_system(desk: Desk, token: IdToken) -> None:
    """C03.FR.01, C05.FR.01: also where remote starts are authorised, no Authorize goes out."""
    assert desk.station.authorization.before_asking(token, EVSE, desk.now) is ACCEPTED
    assert desk.station.authorization.without_csms(token, EVSE, desk.now) is ACCEPTED


@pytest.mark.parametrize("token", [CENTRAL, NOBODY], ids=["Central", "NoAuthorization"])
def test_what_no_card_shows_is_not_cached(desk: Desk, token: IdToken) -> None:
    """C02.FR.03, C03.FR.02, C05.FR.02."""
    learn(desk, token)
    assert desk.kept(SPACE) == {}
    learn(desk)
    assert len(desk.kept(SPACE)) == 1


def test_where_an_unknown_token_may_charge_an_accepted_one_may(desk: Desk) -> None:
    """C13.FR.06: the list says Accepted, its date has not passed; LocalAuthorizeOffline does not count."""
    other = IdToken("04FFFFFF", IdTokenType.ISO14443)
    entries = [
        {"idToken": {"idToken": token.value, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted", **more}}
        for token, more in ((TOKEN, {}), (other, {"cacheExpiryDateTime": "2026-03-01T12:01:00Z"}))
    ]
    request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": entries}
    assert desk.ask("SendLocalList", request)["status"] == "Accepted"
    desk.set("AuthCtrlr", "LocalAuthorizeOffline", "false")
    authorization = desk.station.authorization
    assert authorization.without_csms(TOKEN, EVSE, desk.now) is UNKNOWN
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    assert authorization.without_csms(TOKEN, EVSE, desk.now) is ACCEPTED
    assert authorization.without_csms(other, EVSE, desk.now) is ACCEPTED
    desk.now_s = 61.0
    assert authorization.without_csms(other, EVSE, desk.now) is AuthorizationStatus.EXPIRED
    assert authorization.without_csms(IdToken("04EEEEEE", IdTokenType.ISO14443), EVSE, desk.now) is ACCEPTED


def test_an_unknown_token_that_may_charge_is_not_cached(desk: Desk) -> None:
    """C15.FR.01: after the permission is taken back, the token is as unknown as before."""
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    assert desk.station.authorization.without_csms(TOKEN, EVSE, desk.now) is ACCEPTED
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false")
    assert desk.station.authorization.without_csms(TOKEN, EVSE, desk.now) is UNKNOWN
    assert desk.kept(SPACE) == {}


def test_the_cache_holds_what_was_said_last_whatever_it_was(desk: Desk) -> None:
    """C10.FR.01."""
    for status in ("Accepted", "Blocked", "Expired", "Invalid", "NoCredit", "Accepted"):
        learn(desk, status=status)
        [entry] = desk.kept(SPACE).values()
        assert entry["status"] == status
    learn(desk, IdToken("04EEEEEE", IdTokenType.ISO14443), status="Unknown")
    assert len(desk.kept(SPACE)) == 2


def test_a_tariff_is_not_cached(desk: Desk) -> None:
    """C10.FR.09."""
    learn(desk, personalMessage={"format": "UTF8", "content": "0.42 EUR/kWh"})
    assert "0.42" not in str(desk.kept(SPACE))
    assert len(desk.kept(SPACE)) == 1


def test_the_date_of_a_token_ends_its_place_in_the_cache(desk: Desk) -> None:
    """C10.FR.13: cacheExpiryDateTime counts, and not LifeTime."""
    learn(desk, cacheExpiryDateTime="2026-03-01T12:01:00Z")
    authorization = desk.station.authorization
    desk.now_s = 59.0
    assert authorization.without_csms(TOKEN, EVSE, desk.now) is ACCEPTED
    desk.now_s = 61.0
    assert authorization.without_csms(TOKEN, EVSE, desk.now) is UNKNOWN


@pytest.mark.parametrize("named", ["by the cache", "by the request"])
def test_a_master_pass_starts_nothing_from_afar(desk: Desk, named: str) -> None:
    """C12.FR.09: neither a cached master pass, nor one whose group the order itself names."""
    desk.set("AuthCtrlr", "MasterPassGroupId", "MASTER")
    request: dict[str, Any] = {"idToken": {"idToken": TOKEN.value, "type": "ISO14443"}, "remoteStartId": 1}
    group = {"idToken": "master", "type": "Central"}
    if named == "by the cache":
        learn(desk, groupIdToken=group)
        desk.restart()
        desk.accept()
    else:
        request["groupIdToken"] = group
    desk.port.commands.clear()
    assert desk.ask("RequestStartTransaction", request)["status"] == "Rejected"
    assert desk.port.commands == []
    assert desk.station.authorization.master_pass(TOKEN) is (named == "by the cache")


def test_a_key_code_is_in_no_log() -> None:
    """C04.FR.04: neither its hint, nor a message that nobody took, shows a digit."""
    code = IdToken("1234", IdTokenType.KEY_CODE)
    assert "1234" not in code.hint
    assert TOKEN.hint == "…B2C3"
    payload = {"idToken": {"idToken": "1234", "type": "KeyCode"}}
    assert _for_the_journal('{"idToken":"1234","type":"KeyCode"}', payload) == '{"idToken":"…","type":"KeyCode"}'
    assert _for_the_journal("{}", {"idToken": {"idToken": "1", "type": "Central"}}) == "{}"


def test_the_list_names_a_master_pass_too(desk: Desk) -> None:
    """C16.FR.04 (the cache), C16.FR.05 (the list): no Authorize is needed to know one."""
    desk.set("AuthCtrlr", "MasterPassGroupId", "MASTER")
    group = {"groupIdToken": {"idToken": "master", "type": "Central"}}
    listed = IdToken("04EEEEEE", IdTokenType.ISO14443)
    entry = {"idToken": {"idToken": listed.value, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted", **group}}
    request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    assert desk.ask("SendLocalList", request)["status"] == "Accepted"
    learn(desk, groupIdToken=group["groupIdToken"])
    desk.restart()
    block = desk.station.authorization
    assert [block.master_pass(token) for token in (listed, TOKEN, CENTRAL)] == [True, True, False]


def test_only_the_central_system_changes_the_list(desk: Desk) -> None:
    """D01.FR.09: neither other answers about the token, nor ClearCache."""
    entry = {"idToken": {"idToken": TOKEN.value, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
    request = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": [entry]}
    assert desk.ask("SendLocalList", request)["status"] == "Accepted"
    before = dict(desk.kept("local-list"))
    learn(desk, status="Blocked")
    assert desk.ask("ClearCache")["status"] == "Accepted"
    desk.restart()
    desk.accept()
    assert desk.kept("local-list") == before != {}
    assert desk.ask("GetLocalListVersion")["versionNumber"] == 3
