"""A station core without a socket: its port says what the test wants, time is what the test says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.blocks.context import CallAnswer
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.station import CallRefusal, Station, Stored
from chargepoint.ocpp.version import OCPP_2_0_1
from chargepoint.store.rows import DeleteProfile, ProfileRow, PutProfile, SetAvailability, SetVariable, Write

UTC0_S = 1_772_366_400.0  # 2026-03-01T12:00:00Z
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)


def idle_evse(number: int = 1) -> EvseState:
    return EvseState(
        EvseId(number), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True
    )


@dataclass
class FakePort:
    evses: list[EvseState] = field(default_factory=lambda: [idle_evse()])
    commands: list[StationCommand] = field(default_factory=list)
    result: CommandResult = field(default_factory=lambda: CommandResult(True))

    def evse_states(self) -> tuple[EvseState, ...]:
        return tuple(self.evses)

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        return self.result

    def firmware_version(self) -> str:
        return "9.9"

    def begin(self, number: int = 1, transaction_id: str = "tx-1", at_s: float = 0.0, discharge: bool = True) -> None:
        self.change(
            number,
            status=ConnectorStatus.OCCUPIED,
            plugged=True,
            transaction_id=TransactionId(transaction_id),
            id_token=TOKEN,
            discharge_negotiated=discharge,
            voltage_V=400.0,
            transaction_started_s=at_s,
        )

    def end(self, number: int = 1) -> None:
        self.evses[number - 1] = idle_evse(number)

    def change(self, number: int, **fields: Any) -> None:
        self.evses[number - 1] = replace(self.evses[number - 1], **fields)


class Desk:
    """The station with a store that is two dictionaries; `ask` does what the client does with an answer."""

    def __init__(self, port: FakePort, csms: CsmsSection | None = None) -> None:
        self.port = port
        self.csms = csms or CsmsSection()
        self.variables: dict[str, str] = {}
        self.profiles: dict[int, ProfileRow] = {}
        self.availability: dict[int, bool] = {}
        self.waiting: dict[str | None, int] = {}
        self.now_s = 0.0
        self.schemas = Schemas(OCPP_2_0_1)
        self._ids = itertools.count()
        self.restart()
        self.accept()

    def restart(self) -> None:
        stored = Stored(self.variables, tuple(self.profiles.values()), (), self.availability)
        self.station = Station(self.csms, StationSection(), self.port, stored, lambda t: self.waiting.get(t, 0))

    def accept(self, status: str = "Accepted", interval: int = 300) -> None:
        response = {"status": status, "interval": interval, "currentTime": self.moment.wire}
        self.station.answered("BootNotification", {}, response, self.moment)

    @property
    def moment(self) -> Moment:
        return Moment(self.now_s, UTC0_S + self.now_s)

    def keep(self, writes: tuple[Write, ...]) -> None:
        for write in writes:
            match write:
                case PutProfile(row=row):
                    self.profiles[row.profile_id] = row
                case DeleteProfile(profile_id=profile_id):
                    self.profiles.pop(profile_id, None)
                case SetVariable(key=key, value=value) if value is not None:
                    self.variables[key] = value
                case SetVariable(key=key):
                    self.variables.pop(key, None)
                case SetAvailability(evse_id=evse_id, operative=operative):
                    self.availability[evse_id] = operative
                case _:
                    pass

    def handle(self, action: str, payload: dict[str, Any] | None = None) -> CallAnswer | CallRefusal:
        """One CALL into the station; nothing is kept or applied."""
        payload = payload or {}
        assert self.schemas.check_request(action, payload) is None
        return self.station.handle(CallReceived(str(next(self._ids)), action, payload), self.moment)

    def refusal(self, action: str, payload: dict[str, Any] | None = None) -> CallRefusal:
        """The CALLERROR of a CALL that must get one."""
        refusal = self.handle(action, payload)
        assert isinstance(refusal, CallRefusal)
        return refusal

    def answer(self, action: str, payload: dict[str, Any] | None = None) -> CallAnswer:
        """The answer of a CALL that must get one: checked, kept and applied."""
        answer = self.handle(action, payload)
        assert isinstance(answer, CallAnswer)
        assert self.schemas.check_response(action, answer.payload) is None
        for outgoing in answer.then:
            if outgoing.action != "BootNotification":
                assert self.schemas.check_request(outgoing.action, outgoing.payload) is None
        self.keep(answer.writes)
        answer.apply()
        answer.after()
        return answer

    def ask(self, action: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """The payload of that answer."""
        return self.answer(action, payload).payload

    def due_action(self, moment: Moment) -> str | None:
        """The action of the CALL the clock asks for at this moment."""
        outgoing = self.station.due(moment)
        return None if outgoing is None else outgoing.action

    def follow(self) -> None:
        change = self.station.follow_transactions(self.moment)
        if change is not None:
            self.keep(change.writes)
            change.apply()

    def set(self, component: str, variable: str, value: str, instance: str = "") -> str:
        data = {
            "component": {"name": component},
            "variable": {"name": variable, **({"instance": instance} if instance else {})},
            "attributeValue": value,
        }
        status: str = self.ask("SetVariables", {"setVariableData": [data]})["setVariableResult"][0]["attributeStatus"]
        return status

    def contributions(self) -> list[Any]:
        """What the arbiter is given now, one per EVSE with something to say."""
        self.port.commands.clear()
        self.station.contribute(self.moment)
        return [c for command in self.port.commands for c in command.contributions]  # type: ignore[union-attr]


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture
def desk(port: FakePort) -> Desk:
    return Desk(port)


@pytest.fixture
def two_evses() -> Desk:
    return Desk(FakePort([idle_evse(1), idle_evse(2)]))
