"""C09, E07, C16: another token than that of the transaction: asked about; the same group stops, a master pass stops all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.evse.events import AskAuthorization, AuthorizationAnswered, MasterPassShown, SessionOutput
from chargepoint.model.commands import StopTransaction
from chargepoint.model.ids import IdToken, IdTokenType
from chargepoint.model.image import ControlPilot
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import StopReason, TriggerReason

if TYPE_CHECKING:
    from tests.unit.evse.conftest import Station

FIRST = IdToken("04A1B2C3", IdTokenType.ISO14443)
OTHER = IdToken("04FFFFFF", IdTokenType.ISO14443)


def answer(
    station: Station, accepted: bool = True, may_stop: bool = False, master_pass: bool = False
) -> list[SessionOutput]:
    status = AuthorizationStatus.ACCEPTED if accepted else AuthorizationStatus.BLOCKED
    return station.feed(AuthorizationAnswered(OTHER, status, may_stop=may_stop, master_pass=master_pass))


def asked(outputs: list[SessionOutput]) -> list[AskAuthorization]:
    return [output for output in outputs if isinstance(output, AskAuthorization)]


def test_another_token_is_asked_about_with_the_first(station: Station) -> None:
    station.transferring()
    assert asked(station.present(OTHER.value)) == [AskAuthorization(OTHER, FIRST)]
    assert asked(station.present("04EEEEEE")) == []  # one question at a time
    assert station.session.view.stop is None


def test_a_token_of_the_same_group_stops(station: Station) -> None:
    station.transferring()
    station.present(OTHER.value)
    answer(station, may_stop=True)
    stop = station.session.view.stop
    assert stop is not None
    assert (stop.reason, stop.trigger, stop.token) == (StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, OTHER)


@pytest.mark.parametrize(("accepted", "may_stop"), [(True, False), (False, True), (False, False)])
def test_a_stranger_and_a_refused_member_stop_nothing(station: Station, accepted: bool, may_stop: bool) -> None:
    """C09.FR.11."""
    station.transferring()
    station.present(OTHER.value)
    answer(station, accepted, may_stop)
    assert station.session.view.stop is None
    assert asked(station.present(OTHER.value)) != []  # it may be asked about again


def test_a_master_pass_stops_by_its_own_order(station: Station) -> None:
    station.transferring()
    station.present(OTHER.value)
    assert MasterPassShown(OTHER) in answer(station, master_pass=True)
    transaction_id = station.session.view.transaction_id
    assert transaction_id is not None
    station.feed(StopTransaction(transaction_id, TriggerReason.STOP_AUTHORIZED, StopReason.MASTER_PASS, OTHER))
    stop = station.session.view.stop
    assert stop is not None
    assert (stop.reason, stop.token) == (StopReason.MASTER_PASS, OTHER)


def test_a_refused_master_pass_stops_nothing(station: Station) -> None:
    station.transferring()
    station.present(OTHER.value)
    assert not any(isinstance(o, MasterPassShown) for o in answer(station, accepted=False, master_pass=True))


def test_a_master_pass_starts_nothing(station: Station) -> None:
    """C16.FR.03; it still ends what runs elsewhere (C16.FR.02)."""
    station.see(pilot=ControlPilot.B)
    station.present(OTHER.value)
    assert MasterPassShown(OTHER) in answer(station, master_pass=True)
    station.live(1.0)
    assert station.session.view.transaction_id is None
    assert station.session.view.token is None


def test_an_answer_after_the_end_is_harmless(station: Station) -> None:
    station.transferring()
    station.present(OTHER.value)
    station.present(FIRST.value)
    stop = station.session.view.stop
    answer(station, may_stop=True)
    assert station.session.view.stop == stop
