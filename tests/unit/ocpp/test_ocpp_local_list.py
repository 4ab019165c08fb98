"""D01, D02, C09, C13, C14, C16: the local list, its versions, its priority; groups and master pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus
from chargepoint.ocpp.blocks.authorization import token_on_wire
from chargepoint.ocpp.blocks.effects import CallAnswer
from chargepoint.ocpp.variables.local_list import MAX_ENTRIES, MAX_PER_MESSAGE

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

ACCEPTED, BLOCKED = AuthorizationStatus.ACCEPTED, AuthorizationStatus.BLOCKED
EXPIRED, UNKNOWN = AuthorizationStatus.EXPIRED, AuthorizationStatus.UNKNOWN
EVSE = EvseId(1)


def card(number: int) -> IdToken:
    return IdToken(f"{number:08X}", IdTokenType.ISO14443)


def entry(number: int, status: str | None = "Accepted", **info: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"idToken": token_on_wire(card(number))}
    if status is not None:
        found["idTokenInfo"] = {"status": status, **info}
    return found


def group(name: str) -> dict[str, Any]:
    return {"groupIdToken": {"idToken": name, "type": "Central"}}


def send(desk: Desk, version: int, *entries: dict[str, Any], kind: str = "Full") -> str:
    request: dict[str, Any] = {"versionNumber": version, "updateType": kind}
    if entries:
        request["localAuthorizationList"] = list(entries)
    status: str = desk.ask("SendLocalList", request)["status"]
    return status


def version(desk: Desk) -> int:
    number: int = desk.ask("GetLocalListVersion")["versionNumber"]
    return number


def known(desk: Desk) -> dict[int, AuthorizationStatus]:
    """What is decided offline about the cards 1 to 4."""
    return {n: desk.station.authorization.without_csms(card(n), EVSE, desk.now) for n in (1, 2, 3, 4)}


def test_a_full_list_replaces_and_a_differential_one_changes(desk: Desk) -> None:
    """D01.FR.01."""
    assert version(desk) == 0  # D02.FR.02
    assert send(desk, 4, entry(1), entry(2, "Blocked")) == "Accepted"
    assert (version(desk), known(desk)) == (4, {1: ACCEPTED, 2: BLOCKED, 3: UNKNOWN, 4: UNKNOWN})
    changes = (entry(1, None), entry(2), entry(3, "Expired"), entry(4, None))
    assert send(desk, 5, *changes, kind="Differential") == "Accepted"
    assert (version(desk), known(desk)) == (5, {1: UNKNOWN, 2: ACCEPTED, 3: EXPIRED, 4: UNKNOWN})
    assert send(desk, 9, kind="Differential") == "Accepted"  # D01.FR.05
    assert (version(desk), known(desk)[2]) == (9, ACCEPTED)
    assert send(desk, 3, entry(4)) == "Accepted"  # a full list may have any version
    assert (version(desk), known(desk)) == (3, {1: UNKNOWN, 2: UNKNOWN, 3: UNKNOWN, 4: ACCEPTED})
    assert send(desk, 4) == "Accepted"  # D01.FR.04
    assert (version(desk), desk.kept("local-list")) == (4, {})


@pytest.mark.parametrize("number", [3, 4])
def test_an_old_differential_list_is_refused(desk: Desk, number: int) -> None:
    send(desk, 4, entry(1))
    assert send(desk, number, entry(2), kind="Differential") == "VersionMismatch"  # D01.FR.19
    assert (version(desk), known(desk)[2]) == (4, UNKNOWN)


@pytest.mark.parametrize(
    ("number", "kind", "entries", "reason"),
    [
        (0, "Full", (), "ValueTooLow"),
        (-1, "Differential", (), "ValueTooLow"),
        (5, "Full", (entry(1), entry(1, "Blocked")), "DuplicateRequestId"),
        (5, "Differential", (entry(1), entry(1, None)), "DuplicateRequestId"),
        (5, "Full", (entry(1), entry(2, None)), "MissingParam"),
        (5, "Full", ({"idToken": {"idToken": "zz", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}},), "InvalidIdToken"),
        (5, "Full", tuple(entry(n) for n in range(MAX_PER_MESSAGE + 1)), "TooManyElements"),
    ],
)  # fmt: skip
def test_a_bad_list_changes_nothing(desk: Desk, number: int, kind: str, entries: Any, reason: str) -> None:
    """D01.FR.06, FR.18."""
    send(desk, 4, entry(3))
    request: dict[str, Any] = {"versionNumber": number, "updateType": kind}
    if entries:
        request["localAuthorizationList"] = list(entries)
    answer = desk.ask("SendLocalList", request)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", reason)
    assert (version(desk), known(desk)[3], known(desk)[1]) == (4, ACCEPTED, UNKNOWN)


def test_ten_thousand_tokens_and_not_one_more(desk: Desk) -> None:
    """D01.FR.12."""
    for page in range(MAX_ENTRIES // MAX_PER_MESSAGE):
        numbers = range(page * MAX_PER_MESSAGE, (page + 1) * MAX_PER_MESSAGE)
        kind = "Differential" if page else "Full"
        assert send(desk, page + 1, *(entry(n) for n in numbers), kind=kind) == "Accepted"
    assert desk.station.model.text("LocalAuthListCtrlr/Entries") == str(MAX_ENTRIES)
    assert send(desk, 50, entry(MAX_ENTRIES), kind="Differential") == "Failed"
    assert send(desk, 50, entry(5, "Blocked"), kind="Differential") == "Accepted"
    desk.restart()
    assert (len(desk.station.kept.space("local-list")), version(desk)) == (MAX_ENTRIES, 50)


def test_switched_off_it_is_as_if_there_were_none(desk: Desk) -> None:
    """D01.FR.13."""
    send(desk, 4, entry(1))
    assert desk.set("LocalAuthListCtrlr", "Enabled", "false") == "Accepted"
    assert (version(desk), send(desk, 5), known(desk)[1]) == (0, "Failed", UNKNOWN)
    desk.set("LocalAuthListCtrlr", "Enabled", "true")
    assert (version(desk), known(desk)[1]) == (4, ACCEPTED)


def test_the_list_has_priority_over_the_cache(desk: Desk) -> None:
    desk.answered("Authorize", {"idToken": token_on_wire(card(1))}, {"idTokenInfo": {"status": "Accepted"}})
    assert known(desk)[1] is ACCEPTED
    send(desk, 1, entry(1, "Blocked"))
    assert known(desk)[1] is BLOCKED  # C13.FR.01


def test_who_is_asked_about_while_online(desk: Desk) -> None:
    """C14.FR.02 to FR.05, with LocalPreAuthorize as C12 and C14 have it. C13.FR.03."""
    before = desk.station.authorization.before_asking
    past, future = "2026-03-01T11:59:59Z", "2026-03-01T12:00:01Z"
    send(
        desk, 1, entry(1), entry(2, "Blocked"), entry(3, cacheExpiryDateTime=past), entry(4, cacheExpiryDateTime=future)
    )
    assert [before(card(n), EVSE, desk.now) for n in (1, 2, 3, 4)] == [None, None, None, None]
    desk.set("AuthCtrlr", "LocalPreAuthorize", "true")
    assert [before(card(n), EVSE, desk.now) for n in (1, 2, 3, 4, 5)] == [ACCEPTED, None, None, ACCEPTED, None]
    assert known(desk)[3] is EXPIRED  # C13.FR.05: no unknown id
    desk.set("LocalAuthListCtrlr", "DisablePostAuthorize", "true")
    assert [before(card(n), EVSE, desk.now) for n in (1, 2, 3)] == [ACCEPTED, BLOCKED, EXPIRED]
    desk.set("AuthCtrlr", "DisableRemoteAuthorization", "true")
    assert before(card(5), EVSE, desk.now) is UNKNOWN


def test_only_the_list_s_own_evses(desk: Desk) -> None:
    send(desk, 1, entry(1, evseId=[2]))
    assert known(desk)[1] is AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE


# -- groups --------------------------------------------------------------------------------------------------------------


def learn(desk: Desk, number: int, **info: Any) -> None:
    desk.answered(
        "Authorize", {"idToken": token_on_wire(card(number))}, {"idTokenInfo": {"status": "Accepted", **info}}
    )


def test_a_token_of_the_same_group_may_stop(desk: Desk) -> None:
    block = desk.station.authorization
    learn(desk, 1, **group("family"))
    learn(desk, 2, **group("Family"))
    learn(desk, 3, **group("others"))
    learn(desk, 4)
    assert [block.same_group(card(n), card(1)) for n in (2, 3, 4)] == [True, False, False]
    assert not block.same_group(card(4), IdToken("", IdTokenType.NO_AUTHORIZATION))
    assert block.stops_without_asking(card(2), card(1), EVSE, desk.now)  # C09.FR.07
    learn(desk, 2, **group("family"), status="Blocked")
    assert not block.stops_without_asking(card(2), card(1), EVSE, desk.now)


def test_groups_are_known_without_a_cache_and_after_a_restart_with_one(desk: Desk) -> None:
    learn(desk, 1, **group("family"))
    desk.restart()
    assert desk.station.authorization.group(card(1)) == "family"
    desk.accept()
    desk.set("AuthCacheCtrlr", "Enabled", "false")
    learn(desk, 2, **group("family"))
    assert desk.station.authorization.group(card(2)) == "family"


def test_the_list_names_groups_too(desk: Desk) -> None:
    send(desk, 1, entry(1, **group("family")), entry(2, **group("family")))
    assert desk.station.authorization.stops_without_asking(card(2), card(1), EVSE, desk.now)


def test_a_master_pass_is_a_token_of_its_group(desk: Desk) -> None:
    learn(desk, 1, **group("police"))
    block = desk.station.authorization
    assert not block.master_pass(card(1))  # nobody named a group
    assert desk.set("AuthCtrlr", "MasterPassGroupId", "Police") == "Accepted"
    assert (block.master_pass(card(1)), block.master_pass(card(2))) == (True, False)


# -- the cache's room ----------------------------------------------------------------------------------------------------


def test_what_is_not_accepted_leaves_a_full_cache_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """C10.FR.07, and C10.FR.10 for what is over."""
    monkeypatch.setattr("chargepoint.ocpp.token_cache.TOKENS_MAX", 3)
    learn(desk, 1)
    learn(desk, 2, status="Blocked")
    learn(desk, 3)
    learn(desk, 4)
    assert known(desk) == {1: ACCEPTED, 2: UNKNOWN, 3: ACCEPTED, 4: ACCEPTED}
    learn(desk, 5)
    assert known(desk)[1] is UNKNOWN  # the oldest
    learn(desk, 5, cacheExpiryDateTime="2026-03-01T12:00:05Z")
    desk.now_s = 6.0
    learn(desk, 6)
    assert sorted(desk.kept("token-cache")) == [f"ISO14443:0000000{n}" for n in (3, 4, 6)]


def test_a_list_is_on_the_disk_before_it_is_accepted(desk: Desk) -> None:
    answer = desk.handle(
        "SendLocalList", {"versionNumber": 2, "updateType": "Full", "localAuthorizationList": [entry(1)]}
    )
    assert isinstance(answer, CallAnswer)
    assert version(desk) == 0  # until the effects are carried out
