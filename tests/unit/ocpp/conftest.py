"""A station core without a socket: its port says what the test wants, time is what the test says."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.car import CarDemand, CarEnergy, ControlMode, EnergyService
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, MeterRegisters, Stage
from chargepoint.model.limits import PowerLimits
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged, EvseState
from chargepoint.ocpp.blocks.block import StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    Effect,
    Effects,
    Failure,
    KeepFile,
    LimitsChanged,
    NoAnswer,
    Order,
    Post,
    Send,
    Share,
    status,
)
from chargepoint.ocpp.blocks.registration import RegistrationBlock
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.station import Station
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1, OcppVersion
from chargepoint.store.rows import Json, Keep

UTC0_S = 1_772_366_400.0  # 2026-03-01T12:00:00Z
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)


def idle_evse(number: int = 1) -> EvseState:
    return EvseState(
        EvseId(number), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True
    )


BPT_CAR = CarDemand(
    EvseId(1),
    at_s=0.0,
    phase=Phase.TRANSFER,
    service=EnergyService.DC_BPT,
    control_mode=ControlMode.DYNAMIC,
    limits=PowerLimits(280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0),
    energy=CarEnergy(soc_percent=55.0, departure_at_s=3600.0),
)
"""A car in the transfer that takes and gives."""


@dataclass
class FakePort:
    evses: list[EvseState] = field(default_factory=lambda: [idle_evse()])
    commands: list[StationCommand] = field(default_factory=list)
    result: CommandResult = field(default_factory=lambda: CommandResult(True))
    version: str = "9.9"

    def evse_states(self) -> tuple[EvseState, ...]:
        return tuple(self.evses)

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        return self.result

    def firmware_version(self) -> str:
        return self.version

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
        """Other values of an EVSE. `power_W`: the present power that its image shows; None: there is no image."""
        if "power_W" in fields:
            power_W = fields.pop("power_W")
            fields["image"] = None if power_W is None else measured_image(number, power_W)
        self.evses[number - 1] = replace(self.evses[number - 1], **fields)


def measured_image(number: int, power_W: float, **more: Any) -> EvseImage:
    """What the power process measures at 400 V."""
    image = EvseImage(
        evse_id=EvseId(number),
        seq=0,
        taken_at_s=0.0,
        demand_seq=0,
        phase=Phase.TRANSFER,
        stage=Stage.TRANSFER,
        pilot=ControlPilot.C,
        duty_percent=5.0,
        contactor=Contactor.CLOSED,
        lock=Lock.LOCKED,
        voltage_V=400.0,
        current_A=power_W / 400.0,
        applied_W=power_W,
        target_W=power_W,
        limited_by_stage="",
        insulation_ohm=1e6,
        meter=MeterRegisters(1000.0, 500.0, 400.0, power_W / 400.0, power_W, 0.0),
        temperature_degC=40.0,
        capabilities=None,
        faults=frozenset(),
        permitted=True,
    )
    return replace(image, **more)


SUPPORTED = Station(CsmsSection(), StationSection(), FakePort(), Kept(lambda _: {}), lambda _: 0).supported
"""The CALLs that are built."""


class Desk:
    """The station with a store that is a dictionary; it carries out effects as the performer does, without waiting."""

    def __init__(self, port: FakePort, csms: CsmsSection | None = None, version: OcppVersion = OCPP_2_0_1) -> None:
        self.port = port
        self.version = version
        self.csms = csms or CsmsSection()
        self.section = StationSection()
        self.manufacturer_roots = ""
        self.stored: dict[str, dict[str, Json]] = {}
        self.files: dict[str, str] = {}
        """The station's secrets on the disk, by name."""
        self.configured: dict[str, str] = {}
        """Certificates of the configuration, by name."""
        self.csms_mark = ""
        self.sent: list[Send] = []
        self.effects: list[Effect] = []
        """What was done since the last `forget`, Keeps included."""
        self.waiting: dict[str | None, int] = {}
        self.now_s = 0.0
        self.schemas = Schemas(version)
        self._ids = itertools.count()
        self.restart()
        self.accept()

    def restart(self) -> None:
        """A new process with what is kept, connected."""
        stored = json.loads(json.dumps(self.stored))
        kept = Kept(lambda space: stored.get(space, {}))
        files = KeptFiles(self.files, self.configured)
        self.station = Station(
            self.csms,
            self.section,
            self.port,
            kept,
            lambda t: self.waiting.get(t, 0),
            files=files,
            csms_mark=self.csms_mark,
            manufacturer_roots=self.manufacturer_roots,
        )
        self.sent.clear()
        self.perform(self.station.started(self.moment))
        self.station.network.target(self.now.utc_s)
        self.perform(self.station.connected(self.version, 0.0, self.moment))

    def accept(self, status: str = "Accepted", interval: int = 300) -> None:
        """The central system answers a BootNotification."""
        response = {"status": status, "interval": interval, "currentTime": self.moment.wire}
        self.answered("BootNotification", {}, response)

    @property
    def moment(self) -> Moment:
        return Moment(self.now_s, UTC0_S + self.now_s)

    @property
    def now(self) -> StationNow:
        return self.station.at(self.moment)

    def kept(self, space: str) -> dict[str, Json]:
        """What is on the disk in this space."""
        return self.stored.get(space, {})

    @property
    def variables(self) -> dict[str, Json]:
        """Values on the disk, by key."""
        return self.kept("variables")

    @property
    def profiles(self) -> dict[int, Json]:
        """Charging profiles on the disk, by id."""
        return {int(key): document for key, document in self.kept("charging-profiles").items()}

    @staticmethod
    def sends(answer: CallAnswer) -> list[Send]:
        """The messages that follow an answer."""
        return [effect for effect in answer.then if isinstance(effect, Send)]

    @property
    def boot_reason(self) -> str:
        """The reason in the BootNotification sent last."""
        boot = next(send for send in reversed(self.sent) if send.action == "BootNotification")
        return str(boot.payload["reason"])

    # -- effects -------------------------------------------------------------------------------------------------------

    def perform(self, effects: Effects) -> None:
        self._keep(effects)
        self._do(effects)

    def _keep(self, effects: Effects) -> None:
        for effect in effects:
            if isinstance(effect, Keep):
                space = self.stored.setdefault(effect.space, {})
                space.pop(effect.key, None)
                if effect.value is not None:
                    space[effect.key] = json.loads(json.dumps(effect.value))
                self.station.kept.take(effect)
            elif isinstance(effect, KeepFile):
                self.files.pop(effect.name, None)
                if effect.content is not None:
                    self.files[effect.name] = effect.content
                self.station.files.take(effect)

    def _do(self, effects: Effects) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Order(command):
                    self.port.command(command)
                case Send(action, payload):
                    assert self.schemas.check_request(action, payload) is None
                    self.sent.append(effect)
                case Post(action, payload):
                    assert self.schemas.check_request(action, payload) is None
                case Share(event):
                    self.perform(self.station.informed(event, self.moment))
                case LimitsChanged():
                    self.perform(self.station.contributions(self.moment))
                case _:
                    pass

    # -- the central system --------------------------------------------------------------------------------------------

    def handle(self, action: str, payload: dict[str, Any] | None = None) -> CallAnswer | CallRefusal:
        """One CALL into the station; nothing is kept or done."""
        payload = payload or {}
        assert self.schemas.check_request(action, payload) is None
        return self.station.handle(CallReceived(str(next(self._ids)), action, payload), self.moment)

    def refusal(self, action: str, payload: dict[str, Any] | None = None) -> CallRefusal:
        """The CALLERROR of a CALL that must get one."""
        refusal = self.handle(action, payload)
        assert isinstance(refusal, CallRefusal)
        return refusal

    def answer(self, action: str, payload: dict[str, Any] | None = None) -> CallAnswer:
        """The answer of a CALL that must get one: checked, kept, ordered, done."""
        answer = self.handle(action, payload)
        assert isinstance(answer, CallAnswer)
        if answer.order is not None:
            result = self.port.command(answer.order)
            if not result.accepted:
                answer = CallAnswer(status(answer.otherwise, result.reason_code or "InternalError", result.text))
        assert self.schemas.check_response(action, answer.payload) is None
        self.perform(answer.effects)
        self.perform(answer.then)
        return answer

    def ask(self, action: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """The payload of that answer."""
        return self.answer(action, payload).payload

    def answered(self, action: str, request: dict[str, Any], response: dict[str, Any]) -> None:
        """The central system answers a CALL of ours."""
        self.perform(self.station.answered(action, request, response, self.moment))

    def unanswered(self, action: str, code: str = "", failure: Failure = Failure.REFUSED, **request: Any) -> None:
        """A CALL of ours comes to nothing."""
        no_answer = NoAnswer(failure, code or failure.value, code)
        self.perform(self.station.unanswered(action, request, no_answer, self.moment))

    @property
    def registration(self) -> RegistrationBlock:
        """The block of registration."""
        return self.station.registration

    # -- the station ---------------------------------------------------------------------------------------------------

    def due(self, at_s: float | None = None) -> list[str]:
        """What time alone makes the station send now (or at this second), by action."""
        self.now_s = self.now_s if at_s is None else at_s
        before = len(self.sent)
        self.perform(self.station.tick(self.moment))
        return [send.action for send in self.sent[before:]]

    def reported(self, at_s: float | None = None) -> list[str]:
        """The connector states sent now, as the central system reads them; each is answered."""
        before = len(self.sent)
        self.due(at_s)
        found = [send.payload for send in self.sent[before:] if send.action == "StatusNotification"]
        for payload in found:
            self.answered("StatusNotification", payload, {})
        return [payload["connectorStatus"] for payload in found]

    def change_status(self, evse_id: int, status: ConnectorStatus) -> None:
        """A connector's status changes."""
        self.port.change(evse_id, status=status)
        change = ConnectorStatusChanged(EvseId(evse_id), 1, status, self.moment.utc)
        self.perform(self.station.informed(change, self.moment))

    def follow(self) -> None:
        """Transactions came or went."""
        self.perform(self.station.states_changed(self.moment))

    def set(self, component: str, variable: str, value: str, instance: str = "") -> str:
        data = {
            "component": {"name": component},
            "variable": {"name": variable, **({"instance": instance} if instance else {})},
            "attributeValue": value,
        }
        status: str = self.ask("SetVariables", {"setVariableData": [data]})["setVariableResult"][0]["attributeStatus"]
        return status

    def contribute(self) -> float:
        """The arbiter is given the limits of now; when next (monotonic s)."""
        self.perform(self.station.contributions(self.moment))
        again_s = self.station.smart_charging.deadline_s
        assert again_s is not None
        return again_s

    def contributions(self) -> list[Any]:
        """What the arbiter is given now, one per EVSE with something to say."""
        self.port.commands.clear()
        self.contribute()
        return [c for command in self.port.commands for c in command.contributions]  # type: ignore[union-attr]


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture(params=[OCPP_2_0_1, OCPP_2_1], ids=["2.0.1", "2.1"])
def desk(port: FakePort, request: pytest.FixtureRequest) -> Desk:
    """Connected, in each version in turn: the blocks are the same."""
    return Desk(port, version=request.param)


@pytest.fixture
def two_evses() -> Desk:
    return Desk(FakePort([idle_evse(1), idle_evse(2)]))
