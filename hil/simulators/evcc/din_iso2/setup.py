"""From the offer of protocols to the authorisation."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq, supportedAppProtocolRes
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.messages.app_protocol import chosen, offer
from hil.simulators.evcc.steps import Next, SessionStep

SPOKEN = (NS_DIN, NS_ISO2)
CHARGE_SERVICE_ID = 1


def offer_protocols(memory: DinIso2Memory) -> supportedAppProtocolReq:
    """What the plan says."""
    return offer(memory.plan.protocols)


def protocol_chosen(memory: DinIso2Memory, answer: supportedAppProtocolRes) -> Next:
    """On in the protocol that the station chose."""
    memory.namespace = chosen(offer_protocols(memory), SPOKEN, answer)
    memory.session_id = memory.paused_id or bytes(memory.habits.session_id_bytes)
    memory.forget()
    return Next(SessionStep.SESSION_SETUP)


def session_setup(memory: DinIso2Memory) -> Any:
    """The car names itself by six bytes, as a MAC address."""
    memory.mark("session_setup")
    return memory.words.SessionSetupReq(EVCCID=memory.spec.evcc_id.encode()[-6:])


def session_is_set_up(memory: DinIso2Memory, answer: Any) -> Next:
    """The session's id is taken from the header by the language. A joined session goes through all messages again."""
    memory.paused_id = b""
    if answer.ResponseCode.value == "OK_OldSessionJoined":
        memory.progress.sessions_joined += 1
    return Next(SessionStep.SERVICE_DISCOVERY)


def service_discovery(memory: DinIso2Memory) -> Any:
    """Category and scope are left out, as real cars do."""
    return memory.words.ServiceDiscoveryReq()


def services_discovered(memory: DinIso2Memory, answer: Any) -> Next:
    """The charge service is taken as it is, and the service of SAE J2847/2 that the car wants, where it is listed."""
    listed = getattr(answer, "ServiceList", None)
    wanted = memory.habits.sae_service
    for service in () if listed is None or memory.is_din else listed.Service:
        if wanted and service.ServiceName == f"SAE J2847/2 {wanted}":
            memory.sae, memory.sae_id = wanted, service.ServiceID
    return Next(SessionStep.SERVICE_SELECTION)


def service_selection(memory: DinIso2Memory) -> Any:
    """The charge service, paid by external means."""
    words = memory.words
    ids = (CHARGE_SERVICE_ID, memory.sae_id) if memory.sae else (CHARGE_SERVICE_ID,)
    selected = words.SelectedServiceList(SelectedService=tuple(words.SelectedService(ServiceID=one) for one in ids))
    kind = words.ServicePaymentSelectionReq if memory.is_din else words.PaymentServiceSelectionReq
    return kind(SelectedPaymentOption=words.PaymentOption.ExternalPayment, SelectedServiceList=selected)


def service_selected(_: DinIso2Memory, __: Any) -> Next:
    """Wait for the driver's card."""
    return Next(SessionStep.AUTHORIZATION)


def authorization(memory: DinIso2Memory) -> Any:
    """Without content: external means."""
    if memory.authorization_asked == 0:
        memory.mark("authorization")
    memory.authorization_asked += 1
    words = memory.words
    return words.ContractAuthenticationReq() if memory.is_din else words.AuthorizationReq()


def authorized(memory: DinIso2Memory, answer: Any) -> Next:
    """Again until the station has finished."""
    if answer.EVSEProcessing.value != "Finished":
        return Next(SessionStep.AUTHORIZATION, memory.spec.ongoing_pause_s)
    return Next(SessionStep.AC_CHARGE_PARAMETERS if memory.is_ac else SessionStep.DC_CHARGE_PARAMETERS)
