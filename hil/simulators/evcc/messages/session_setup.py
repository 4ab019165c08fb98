"""SessionSetup: a new session, or an old one joined after a pause or a lost connection."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import SessionSetupReq, SessionSetupRes
from chargepoint.iso15118.messages.common_types import ResponseCode
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.steps import Next, SessionStep


def request(memory: CarMemory) -> SessionSetupReq:
    """The session's id is zero for a new session; else the car asks to join the old one."""
    return SessionSetupReq(Header=memory.header(), EVCCID=memory.spec.evcc_id)


def answered(memory: CarMemory, answer: SessionSetupRes) -> Next:
    """A joined session goes straight to ChargeParameterDiscovery (docs/sources/iso15118-20.md 3)."""
    memory.session_id = answer.Header.SessionID
    if answer.ResponseCode is ResponseCode.OK_OldSessionJoined:
        memory.progress.sessions_joined += 1
        memory.energised = memory.standby = False
        memory.starts_polled = memory.welding_asked = 0
        return Next(charge_parameters(memory))
    memory.forget_selection()
    memory.authorization = memory.installation = None
    return Next(SessionStep.AUTHORIZATION_SETUP)


def charge_parameters(memory: CarMemory) -> SessionStep:
    """ChargeParameterDiscovery of the selected service."""
    return SessionStep.AC_CHARGE_PARAMETERS if memory.selected.is_ac else SessionStep.DC_CHARGE_PARAMETERS
