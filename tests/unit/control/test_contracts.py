"""A car's contract in the station's decisions: who is asked, who pays, and which answers come too late."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from chargepoint.control.effects import AnswerCar, AskForContract, Effect, RelayInstallation
from chargepoint.control.evse_control import ControlEvent, EvseControl, InstallationAnswered
from chargepoint.evse.events import AuthorizationAnswered, ContractAnswered
from chargepoint.evse.permit import Permission
from chargepoint.model.car import (
    AuthorizationWanted,
    CarRemark,
    CarSessionEnded,
    MeterReadingConfirmed,
    QuestionAsked,
    SessionEnd,
)
from chargepoint.model.car_questions import (
    AuthorizeContract,
    CertificateRelayed,
    ContractJudged,
    ContractStatus,
    InstallCertificate,
)
from chargepoint.model.commands import StopTransaction
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.status import AuthorizationStatus

EVSE = EvseId(1)
CONTRACT = AuthorizeContract("UKSWI123456791A", "PEM", (), True)
TOKEN = IdToken("UKSWI123456791A", IdTokenType.E_MAID)
ACCEPTED = ContractJudged(ContractStatus.ACCEPTED)
REFUSED = ContractJudged(ContractStatus.REFUSED, "the central system answers Blocked")


class Station(Protocol):
    """The bench of `conftest.py`, as far as it is used here."""

    t: float
    answer: AuthorizationStatus | None
    lines: list[tuple[str, str]]
    records: list[Any]
    evse: EvseControl

    def feed(self, event: ControlEvent) -> list[Effect]: ...
    def live(self, seconds: float, **changes: Any) -> None: ...
    def see(self, **changes: Any) -> list[Effect]: ...
    def present(self, value: str = ...) -> list[Effect]: ...
    def connect(self) -> None: ...


@pytest.fixture
def station(bench: Station) -> Station:
    """A car is plugged in and talks."""
    bench.live(0.2, pilot=ControlPilot.B)
    bench.connect()
    bench.feed(AuthorizationWanted(EVSE))
    return bench


def ask(station: Station, number: int = 1, contract: AuthorizeContract = CONTRACT) -> QuestionAsked:
    asked = QuestionAsked(EVSE, number, contract, station.t + 55.0)
    effects = station.feed(asked)
    assert [e for e in effects if isinstance(e, AskForContract)] == [AskForContract(EVSE, asked, contract)]
    return asked


def answers(effects: list[Effect]) -> list[AnswerCar]:
    return [e for e in effects if isinstance(e, AnswerCar)]


def test_an_accepted_contract_is_the_token_of_the_transaction(station: Station) -> None:
    asked = ask(station)
    assert station.evse.view.authorized is None and station.evse.view.permission is Permission.ASKED
    effects = station.feed(ContractAnswered(asked, ACCEPTED))
    assert answers(effects) == [AnswerCar(EVSE, 1, ACCEPTED)]
    assert station.evse.view.authorized is True
    assert station.records[0].id_token == TOKEN
    assert station.evse.view.token == TOKEN


def test_a_refused_contract_leaves_room_for_a_card(station: Station) -> None:
    effects = station.feed(ContractAnswered(ask(station), REFUSED))
    assert answers(effects) == [AnswerCar(EVSE, 1, REFUSED)]
    view = station.evse.view
    assert (view.permission, view.authorized) == (Permission.NONE, None)
    assert view.refusal is not None and view.refusal.token_hint == "…791A"
    assert "UKSWI" not in " ".join(text for _, text in station.lines)
    station.present()
    assert station.evse.view.authorized is True


def test_a_token_that_is_permitted_already_pays(station: Station) -> None:
    station.present()
    assert station.evse.view.transaction_id is not None
    effects = station.feed(QuestionAsked(EVSE, 4, CONTRACT, station.t + 55.0))
    assert answers(effects) == [AnswerCar(EVSE, 4, ACCEPTED)]
    assert not [e for e in effects if isinstance(e, AskForContract)]
    assert station.evse.view.token != TOKEN


def test_a_bench_where_everybody_charges_asks_nobody(new_bench: Any) -> None:
    station: Station = new_bench(authorization="none")
    station.live(0.2, pilot=ControlPilot.B)
    station.connect()
    station.feed(AuthorizationWanted(EVSE))
    effects = station.feed(QuestionAsked(EVSE, 1, CONTRACT, station.t + 55.0))
    assert answers(effects) == [AnswerCar(EVSE, 1, ACCEPTED)]
    assert station.evse.view.authorized is True


def test_the_contract_takes_the_place_of_a_card_that_waits_for_its_answer(station: Station) -> None:
    station.answer = None
    station.present("04A1B2C3")
    asked = ask(station)
    station.feed(AuthorizationAnswered(IdToken("04A1B2C3", IdTokenType.ISO14443), AuthorizationStatus.ACCEPTED))
    assert station.evse.view.authorized is None
    station.feed(ContractAnswered(asked, ACCEPTED))
    assert station.evse.view.token == TOKEN


def test_an_outlet_that_cannot_charge_refuses_and_asks_nobody(station: Station) -> None:
    station.see(faults=frozenset({FaultCode.EMERGENCY_STOP}))
    effects = station.feed(QuestionAsked(EVSE, 2, CONTRACT, station.t + 55.0))
    (answer,) = answers(effects)
    assert isinstance(answer.answer, ContractJudged) and answer.answer.status is ContractStatus.REFUSED
    assert "nothing can start here" in answer.answer.why


def test_an_answer_after_the_cars_time_begins_nothing(station: Station) -> None:
    asked = ask(station)
    station.live(55.1)
    station.feed(ContractAnswered(asked, ACCEPTED))
    assert station.evse.view.permission is Permission.NONE
    assert station.evse.view.transaction_id is None


@pytest.mark.parametrize("end", [SessionEnd.TERMINATED, SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT])
def test_an_answer_after_the_end_of_the_conversation_begins_nothing(station: Station, end: SessionEnd) -> None:
    asked = ask(station)
    station.feed(CarSessionEnded(EVSE, end, "gone"))
    assert answers(station.feed(ContractAnswered(asked, ACCEPTED))) == []
    assert station.evse.view.permission is Permission.NONE
    assert station.evse.view.transaction_id is None


def test_an_answer_about_an_earlier_contract_is_not_taken_for_the_present_one(station: Station) -> None:
    first = ask(station)
    station.feed(ContractAnswered(first, REFUSED))
    other = AuthorizeContract("DEABC12345678X9", "PEM", (), True, round=2)
    second = ask(station, 2, other)
    assert answers(station.feed(ContractAnswered(first, ACCEPTED))) == []
    assert station.evse.view.permission is Permission.ASKED
    station.feed(ContractAnswered(second, ACCEPTED))
    assert station.evse.view.token == IdToken("DEABC12345678X9", IdTokenType.E_MAID)


def test_a_request_for_a_certificate_goes_out_and_its_answer_back(station: Station) -> None:
    question = InstallCertificate(b"exi", "urn", 1)
    effects = station.feed(QuestionAsked(EVSE, 7, question, station.t + 55.0))
    assert [e for e in effects if isinstance(e, RelayInstallation)] == [RelayInstallation(EVSE, 7, question)]
    relayed = CertificateRelayed(b"response")
    assert answers(station.feed(InstallationAnswered(7, relayed))) == [AnswerCar(EVSE, 7, relayed)]


def test_a_confirmed_reading_and_a_remark_reach_log_and_view(station: Station) -> None:
    confirmed = MeterReadingConfirmed(EVSE, 4321, 21, signed=True)
    station.feed(confirmed)
    station.feed(CarRemark(EVSE, "contract …791A: because"))
    assert station.evse.view.confirmed == confirmed
    assert ("=", "car confirmed 4321 Wh in, 21 Wh out, signed with its contract") in station.lines
    assert ("=", "contract …791A: because") in station.lines
    station.live(0.2, pilot=ControlPilot.A)
    assert station.evse.view.confirmed is None


def test_a_contract_waits_while_the_transaction_before_is_ending(station: Station) -> None:
    station.feed(ContractAnswered(ask(station), ACCEPTED))
    station.live(0.2, stage=Stage.TRANSFER)
    transaction_id = station.evse.view.transaction_id
    assert transaction_id is not None
    station.feed(StopTransaction(transaction_id))
    station.connect()
    station.feed(AuthorizationWanted(EVSE))
    effects = station.feed(QuestionAsked(EVSE, 2, CONTRACT, station.t + 55.0))
    assert not [e for e in effects if isinstance(e, AnswerCar | AskForContract)], "the old token does not pay"
    ended = station.see(stage=Stage.OFF)
    (asked,) = [e for e in ended if isinstance(e, AskForContract)]
    effects = station.feed(ContractAnswered(asked.asked, ACCEPTED))
    assert answers(effects) == [AnswerCar(EVSE, 2, ACCEPTED)]
    assert station.evse.view.transaction_id not in (None, transaction_id)
