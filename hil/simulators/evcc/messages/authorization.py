"""Authorization: external identification (EIM), or the contract certificate (PnC)."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import (
    Authorization,
    AuthorizationReq,
    AuthorizationRes,
    ContractCertificateChain,
    EIM_AReqAuthorizationMode,
    PnC_AReqAuthorizationMode,
    SubCertificates,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.steps import Next, SessionStep

ONGOING_PAUSE_S = 0.1


def takes_contract(memory: CarMemory) -> bool:
    """Whether the car authorizes by its contract: planned, offered, possible, and not refused before."""
    setup, credentials = memory.setup, memory.credentials
    return (
        memory.plan.authorization == "PnC"
        and (memory.plan.has_contract or bool(memory.installed))
        and not memory.refused_contract
        and setup is not None
        and setup.PnC_ASResAuthorizationMode is not None
        and Authorization.PnC in setup.AuthorizationServices
        and credentials is not None
        and credentials.sign is not None
        and len(credentials.contract_chain) > 1
    )


def request(memory: CarMemory) -> AuthorizationReq:
    """The same request again while the answer is Ongoing; its time stamp alone changes."""
    if memory.authorization is None:
        memory.authorization = _by_contract(memory) if takes_contract(memory) else _external(memory)
    same = memory.authorization
    return replace(same, Header=replace(memory.header(), Signature=same.Header.Signature))


def answered(memory: CarMemory, answer: AuthorizationRes) -> Next:
    """A refused contract may be followed by EIM; a refused EIM ends the session."""
    code = answer.ResponseCode
    if code is ResponseCode.WARNING_EIMAuthorizationFailure:
        return _refused(memory, "authorisation refused")
    if memory.stop_wanted:
        memory.ending.error = "stopped while waiting for authorisation"
        return Next(SessionStep.SESSION_STOP)
    if answer.EVSEProcessing is not Processing.Finished:
        return Next(SessionStep.AUTHORIZATION, ONGOING_PAUSE_S)
    if not code.value.startswith("WARNING"):
        memory.mark("service")
        return Next(SessionStep.SERVICE_DISCOVERY)
    by_contract = memory.authorization is not None and memory.authorization.PnC_AReqAuthorizationMode is not None
    eim_offered = memory.setup is not None and Authorization.EIM in memory.setup.AuthorizationServices
    if by_contract and memory.plan.falls_back_to_eim and eim_offered:
        memory.refused_contract, memory.authorization = True, None
        return Next(SessionStep.AUTHORIZATION)
    return _refused(memory, f"authorisation refused: {code.value}")


def _refused(memory: CarMemory, error: str) -> Next:
    ending = memory.ending
    ending.code, ending.explanation = "AuthorizationRefused", "the station refused the authorisation"
    ending.error = error
    return Next(SessionStep.SESSION_STOP)


def _external(memory: CarMemory) -> AuthorizationReq:
    return AuthorizationReq(
        Header=memory.header(),
        SelectedAuthorizationService=Authorization.EIM,
        EIM_AReqAuthorizationMode=EIM_AReqAuthorizationMode(),
    )


def _by_contract(memory: CarMemory) -> AuthorizationReq:
    setup, credentials = memory.setup, memory.credentials
    assert setup is not None and setup.PnC_ASResAuthorizationMode is not None
    assert credentials is not None and credentials.sign is not None
    leaf, *above = credentials.contract_chain
    mode = PnC_AReqAuthorizationMode(
        Id="id1",
        GenChallenge=setup.PnC_ASResAuthorizationMode.GenChallenge,
        ContractCertificateChain=ContractCertificateChain(
            Certificate=leaf, SubCertificates=SubCertificates(Certificate=tuple(above))
        ),
    )
    return AuthorizationReq(
        Header=memory.header(credentials.sign(mode)),
        SelectedAuthorizationService=Authorization.PnC,
        PnC_AReqAuthorizationMode=mode,
    )
