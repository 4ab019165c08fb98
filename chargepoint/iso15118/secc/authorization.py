"""AuthorizationSetup and Authorization: EIM only, so that no car picks Plug & Charge (docs/sources/iso15118.md 1)."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import (
    Authorization,
    AuthorizationReq,
    AuthorizationRes,
    AuthorizationSetupReq,
    AuthorizationSetupRes,
    EIM_ASResAuthorizationMode,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import SeccInputs


def respond_setup(_: AuthorizationSetupReq, session: Session, now: Now) -> Answer:
    """What the car may authorise with."""
    response = AuthorizationSetupRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        AuthorizationServices=(Authorization.EIM,),
        CertificateInstallationService=False,
        EIM_ASResAuthorizationMode=EIM_ASResAuthorizationMode(),
    )
    return Answer(response, replace(session, state=State.AUTHORIZATION))


def respond(request: AuthorizationReq, session: Session, inputs: SeccInputs, now: Now) -> Answer:
    """Ongoing until the station decided; a refusal is a warning, the car may ask again."""
    code, processing, after = ResponseCode.OK, Processing.Finished, session
    if request.SelectedAuthorizationService is not Authorization.EIM:
        code = ResponseCode.WARNING_AuthorizationSelectionInvalid
    elif inputs.authorized is None:
        processing = Processing.Ongoing_WaitingForCustomerInteraction
    elif not inputs.authorized:
        code = ResponseCode.WARNING_EIMAuthorizationFailure
    else:
        after = replace(session, state=State.SERVICE_DISCOVERY)
    return Answer(AuthorizationRes(Header=session.header(now), ResponseCode=code, EVSEProcessing=processing), after)
