"""A session and a situation at an AC outlet, for tests that call a message's `respond` directly."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.iso20.services import AcConnector, MobilityNeedsMode, ParameterChoice
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import MessageHeader
from chargepoint.iso15118.rational import number
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.ids import TransactionId
from chargepoint.model.limits import Interval, PowerLimits
from chargepoint.model.station_view import StationView
from tests.unit.iso15118.iso20.ac_car import AC_CAPABILITIES

SESSION_ID = bytes.fromhex("0102030405060708")
HEADER = MessageHeader(SessionID=SESSION_ID, TimeStamp=1_800_000_000)
UTC_S = 1_800_000_000


def situation(settings: dict[str, Any] | None = None, time_is_up: bool = False, **view: Any) -> Situation:
    """At monotonic second 1000; `view` overrides what a ready outlet shows."""
    values: dict[str, Any] = {
        "authorized": True,
        "may_energise": True,
        "transaction_id": TransactionId("tx-1"),
        "permitted": True,
        "voltage_V": 230.0,
        "current_A": 0.0,
        "capabilities": AC_CAPABILITIES,
        "limits_W": Interval(-11_000.0, 22_000.0),
        **view,
    }
    services = (EnergyService.AC_BPT, EnergyService.AC)
    modes = (ControlMode.DYNAMIC, ControlMode.SCHEDULED)
    return Situation(
        settings=SeccSettings(1, "DE*OCP*E1", services, modes, **(settings or {})),
        view=StationView(**values),
        now=Now(1000.0, UTC_S),
        peer=Peer("fe80::1"),
        random_bytes=bytes,
        time_is_up=time_is_up,
    )


def choice(
    service: EnergyService = EnergyService.AC_BPT,
    mode: ControlMode = ControlMode.DYNAMIC,
    phases: int = 3,
    mobility: MobilityNeedsMode = MobilityNeedsMode.EVCC,
) -> ParameterChoice:
    connector = AcConnector.THREE_PHASE if phases == 3 else AcConnector.SINGLE_PHASE
    return ParameterChoice(service, 1, mode, mobility, connector, 230)


def session(state: State = State.CHARGE_LOOP, chosen: ParameterChoice | None = None, **more: Any) -> Session:
    """After ChargeParameterDiscovery of a car that takes 11 kW and gives 10 kW."""
    limits = PowerLimits(230.0, 230.0, 16.0, 15.0, 11_000.0, 10_000.0)
    values: dict[str, Any] = {"limits": limits, "announced": limits, "offered": AC_CAPABILITIES, **more}
    return Session(state=state, session_id=SESSION_ID, choice=chosen or choice(), **values)


def powers(mode: Any, name: str) -> tuple[float | None, ...]:
    """What a field says: base, `_L2`, `_L3`; None where it was not sent."""
    values = (getattr(mode, name + suffix) for suffix in ("", "_L2", "_L3"))
    return tuple(None if value is None else number(value) for value in values)
