"""A kept session is a part of one transaction: it ends with the transaction, with the plug-in, and joins no other transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoint.config.car_section import Iso15118Section, TlsPolicy
from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.server import SeccServer
from chargepoint.model.car import CarIdentified
from chargepoint.model.ids import TransactionId
from tests.unit.iso15118.iso20.conftest import SESSION_ID, ScriptedCar

NewCar = Callable[..., ScriptedCar]
LEAF = b"the certificate of one car"


def kept_by(car: ScriptedCar) -> KeptSession:
    assert car.secc.kept is not None
    return car.secc.kept


def back(new_car: NewCar, kept: KeptSession, *, asked_id: bytes = SESSION_ID, **view: Any) -> tuple[ScriptedCar, Any]:
    """The car on a new connection at an outlet with this view, and the answer to its SessionSetupReq."""
    car = new_car(kept=kept, leaf=LEAF, session_id=b"freshid!")
    car.see(**view)
    car.agree()
    car.session_id = asked_id
    return car, car.ask(car.request(cm.SessionSetupReq))


def test_a_session_is_kept_with_its_transaction(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    assert kept_by(car).transaction_id == "tx-1"
    assert KeptSession.from_json(kept_by(car).to_json()) == kept_by(car)


@pytest.mark.parametrize("now", [None, TransactionId("tx-2")], ids=["none runs", "another one runs"])
def test_it_is_not_joined_in_another_transaction(new_car: NewCar, now: TransactionId | None) -> None:
    kept = kept_by(new_car(leaf=LEAF).reach(State.CHARGE_LOOP))
    car, answer = back(new_car, kept, transaction_id=now)
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert car.secc.session.state is State.AUTHORIZATION_SETUP


def test_it_ends_with_its_transaction_while_the_car_still_talks(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    assert car.secc.kept is not None
    car.see(transaction_id=None)
    assert car.secc.kept is None
    car.ask(car.charge_loop())
    assert car.secc.kept is None
    car.secc.peer_gone("reset")
    car.answers()
    assert not car.events[-1].resumable


@pytest.mark.parametrize(
    ("asked_id", "joined"), [(SESSION_ID, True), (bytes(8), False)], ids=["joins", "begins a new session"]
)
def test_a_car_is_known_by_its_certificate_whatever_session_it_asks_for(
    new_car: NewCar, asked_id: bytes, joined: bool
) -> None:
    kept = kept_by(new_car(leaf=LEAF).reach(State.CHARGE_LOOP))
    car, _ = back(new_car, kept, asked_id=asked_id)
    (identified,) = [e for e in car.events if isinstance(e, CarIdentified)]
    assert (identified.joined, identified.known) == (joined, True)


def test_another_certificate_is_not_known(new_car: NewCar) -> None:
    kept = kept_by(new_car(leaf=LEAF).reach(State.CHARGE_LOOP))
    car = new_car(kept=kept, leaf=b"another car")
    car.agree()
    car.session_id = SESSION_ID
    car.ask(car.request(cm.SessionSetupReq))
    (identified,) = [e for e in car.events if isinstance(e, CarIdentified)]
    assert (identified.joined, identified.known) == (False, False)


@pytest.mark.parametrize("stored", ['"transaction_id":7', '"other":"x"'])
def test_a_stored_session_without_its_transaction_is_none(new_car: NewCar, stored: str) -> None:
    text = kept_by(new_car(leaf=LEAF).reach(State.CHARGE_LOOP)).to_json()
    with pytest.raises(ValueError):
        KeptSession.from_json(text.replace('"transaction_id":"tx-1"', stored))


# -- the server ----------------------------------------------------------------------------------------------------------


class FixedClock:
    """The clock of the scripted car."""

    def monotonic_s(self) -> float:
        return 1000.0

    def utc(self) -> datetime:
        return datetime(2027, 1, 15, tzinfo=UTC) + timedelta(seconds=0)


@dataclass
class Line:
    """A connection without a transport."""

    conversation: Conversation | None = None
    over: bool = False

    def abandon(self) -> None:
        """The transport reports its end later."""


def at_a_server(car: ScriptedCar, kept: list[KeptSession | None]) -> tuple[SeccServer, Line]:
    """The car's conversation is that of a server, which notes in `kept` what goes to the store."""
    section = Iso15118Section(tls=TlsPolicy.OFF)
    server = SeccServer(
        "lo",
        section,
        replace(car.settings, iso20_without_tls=True),
        None,
        lambda: car.inputs,
        lambda _: None,
        kept.append,
        FixedClock(),
        logging.getLogger("t"),
    )
    line = Line()
    line.conversation = server.begin(line, Peer("fe80::1", None, LEAF))  # type: ignore[arg-type]
    assert line.conversation is not None
    car.secc = line.conversation
    return server, line


def test_a_pulled_plug_leaves_nothing_kept_when_the_connection_reports_its_end_later(new_car: NewCar) -> None:
    stored: list[KeptSession | None] = []
    car = new_car(leaf=LEAF)
    server, _ = at_a_server(car, stored)
    car.reach(State.CHARGE_LOOP)
    server.pass_on(car.secc)
    assert stored[-1] is not None
    server.unplugged()
    assert stored[-1] is None
    server.pass_on(car.secc)  # what connection_lost does
    assert stored[-1] is None


def test_a_forgotten_session_is_not_kept_again_by_the_next_image(new_car: NewCar) -> None:
    stored: list[KeptSession | None] = []
    car = new_car(leaf=LEAF)
    server, _ = at_a_server(car, stored)
    car.reach(State.CHARGE_LOOP)
    server.pass_on(car.secc)
    car.inputs = car.inputs.__class__(authorized=False)
    server.forget()
    assert stored[-1] is None
    car.secc.update(car.inputs, car.now)
    server.pass_on(car.secc)
    assert stored[-1] is None
