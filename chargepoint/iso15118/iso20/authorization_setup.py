"""AuthorizationSetup: what the car may authorise with. Source: docs/sources/iso15118-20.md 2.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.contract_state import ContractState
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import (
    Authorization,
    AuthorizationSetupReq,
    AuthorizationSetupRes,
    EIM_ASResAuthorizationMode,
    PnC_ASResAuthorizationMode,
    SupportedProvidersList,
)
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.car import AuthorizationWanted, CarEvent
from chargepoint.model.ids import EvseId

GEN_CHALLENGE_BYTES = 16


def respond(_: AuthorizationSetupReq, session: Session, at: Situation) -> Answer[Session]:
    """EIM always; Plug and Charge with a fresh challenge where it is offered (V2G20-1219, V2G20-2566)."""
    common: dict[str, Any] = {"Header": session.header(at.now), "ResponseCode": ResponseCode.OK}
    installation = at.settings.certificate_installation and may_use_contracts(at)
    # contracts may sign the new challenge; how many were judged in this conversation is not forgotten
    contract = ContractState(attempts=session.contract.attempts)
    after = replace(
        session, state=State.AUTHORIZATION, gen_challenge=b"", awaited_authorization=None, contract=contract
    )
    if not (at.settings.plug_and_charge and may_use_contracts(at)):
        response = AuthorizationSetupRes(
            **common,
            AuthorizationServices=(Authorization.EIM,),
            CertificateInstallationService=installation,
            EIM_ASResAuthorizationMode=EIM_ASResAuthorizationMode(),
        )
        return Answer(response, after)
    challenge = at.random_bytes(GEN_CHALLENGE_BYTES)
    providers = SupportedProvidersList(ProviderID=at.settings.emsp_ids) if at.settings.emsp_ids else None
    response = AuthorizationSetupRes(
        **common,
        AuthorizationServices=(Authorization.EIM, Authorization.PnC),
        CertificateInstallationService=installation,
        PnC_ASResAuthorizationMode=PnC_ASResAuthorizationMode(GenChallenge=challenge, SupportedProviders=providers),
    )
    return Answer(response, replace(after, gen_challenge=challenge))


def refuse(_: AuthorizationSetupReq, code: ResponseCode, session: Session, at: Situation) -> AuthorizationSetupRes:
    """The response with this code."""
    return AuthorizationSetupRes(
        **head(code, session, at),
        AuthorizationServices=(Authorization.EIM,),
        CertificateInstallationService=False,
        EIM_ASResAuthorizationMode=EIM_ASResAuthorizationMode(),
    )


def learned(_: AuthorizationSetupReq, __: Session, ___: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car will wait for authorisation."""
    return (AuthorizationWanted(EvseId(at.settings.evse_id)),)


def may_use_contracts(at: Situation) -> bool:
    """TLS in which the car showed its certificate; a bench does without."""
    return at.settings.plug_and_charge_without_tls or (at.peer.tls is not None and at.peer.leaf is not None)
