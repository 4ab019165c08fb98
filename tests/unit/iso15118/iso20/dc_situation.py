"""A session and a situation at a DC outlet, for tests that call a message's `respond` directly."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Inquiry, Peer, Situation
from chargepoint.iso15118.exi.codec import decode, encode, namespace_of
from chargepoint.iso15118.iso20.services import DcConnector, MobilityNeedsMode, ParameterChoice
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import MessageHeader
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.model.station_view import StationView

SESSION_ID = bytes.fromhex("0102030405060708")
UTC_S = 1_800_000_000
HEADER = MessageHeader(SessionID=SESSION_ID, TimeStamp=UTC_S)
CAPABILITIES = StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0)
LIMITS = PowerLimits(280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0)


def situation(
    settings: dict[str, Any] | None = None,
    *,
    time_is_up: bool = False,
    inquiry: Inquiry | None = None,
    peer: Peer | None = None,
    **view: Any,
) -> Situation:
    """At monotonic second 1000; `view` overrides what a ready outlet shows."""
    values: dict[str, Any] = {
        "authorized": True,
        "may_energise": True,
        "transaction_id": TransactionId("tx-1"),
        "permitted": True,
        "voltage_V": 400.0,
        "current_A": 0.0,
        "power_W": 0.0,
        "capabilities": CAPABILITIES,
        "limits_W": Interval(-20_000.0, 22_000.0),
        **view,
    }
    chosen: dict[str, Any] = {
        "services": (EnergyService.DC_BPT, EnergyService.DC),
        "control_modes": (ControlMode.DYNAMIC, ControlMode.SCHEDULED),
        **(settings or {}),
    }
    return Situation(
        settings=SeccSettings(1, "DE*OCP*E1", **chosen),
        view=StationView(**values),
        now=Now(1000.0, UTC_S),
        peer=peer or Peer("fe80::1"),
        random_bytes=lambda n: bytes(range(1, n + 1)),
        time_is_up=time_is_up,
        inquiries={} if inquiry is None else {type(inquiry.question): inquiry},
    )


def choice(
    service: EnergyService = EnergyService.DC_BPT,
    mode: ControlMode = ControlMode.DYNAMIC,
    mobility: MobilityNeedsMode = MobilityNeedsMode.EVCC,
) -> ParameterChoice:
    return ParameterChoice(service, 1, mode, mobility, DcConnector.EXTENDED)


def session(state: State, chosen: ParameterChoice | None = None, **more: Any) -> Session:
    """After ChargeParameterDiscovery of a car that takes 50 kW and gives 18 kW."""
    values: dict[str, Any] = {"limits": LIMITS, "announced": LIMITS, "offered": CAPABILITIES, **more}
    return Session(state=state, session_id=SESSION_ID, choice=chosen or choice(), **values)


def answered(reply: Reply[Session]) -> tuple[Any, Session]:
    """Response and session of an answer, whose response the codec can carry."""
    assert isinstance(reply, Answer), reply
    assert decode(namespace_of(reply.response), encode(reply.response)) == reply.response
    return reply.response, reply.session


def refused(reply: Reply[Session]) -> Refusal:
    assert isinstance(reply, Refusal), reply
    return reply


def held(reply: Reply[Session]) -> Later[Session]:
    assert isinstance(reply, Later), reply
    return reply
