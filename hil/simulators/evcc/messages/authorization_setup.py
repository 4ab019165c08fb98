"""AuthorizationSetup: what the station offers for authorization."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import AuthorizationSetupReq, AuthorizationSetupRes
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.steps import Next, SessionStep


def request(memory: CarMemory) -> AuthorizationSetupReq:
    """A header only."""
    return AuthorizationSetupReq(Header=memory.header())


def answered(memory: CarMemory, answer: AuthorizationSetupRes) -> Next:
    """A contract certificate first, where the plan wants one and the station installs."""
    memory.setup = answer
    memory.mark("authorization")
    plan, credentials = memory.plan, memory.credentials
    possible = credentials is not None and credentials.provisioning_chain and credentials.root_ids
    if plan.installs_certificate and possible and (answer.CertificateInstallationService or plan.installs_unasked):
        return Next(SessionStep.CERTIFICATE_INSTALLATION)
    return Next(SessionStep.AUTHORIZATION)
