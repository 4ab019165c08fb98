"""A car without a contract authorises by one only after it was installed."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from hil.simulators.evcc.memory import CarMemory, Credentials
from hil.simulators.evcc.messages.authorization import takes_contract
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec


def signature(part: object) -> None:
    """Nobody asks for it here."""


@pytest.mark.parametrize(
    ("has_contract", "installed", "takes"), [(True, False, True), (False, False, False), (False, True, True)]
)
def test_a_contract_is_taken_when_the_car_has_one(has_contract: bool, installed: bool, takes: bool) -> None:
    plan = CarPlan(authorization="PnC", has_contract=has_contract)
    credentials = Credentials(contract_chain=(b"leaf", b"sub"), sign=signature)  # type: ignore[arg-type]
    memory = CarMemory(CarSpec(), plan, credentials)
    memory.setup = cm.AuthorizationSetupRes(
        Header=memory.header(),
        ResponseCode=ResponseCode.OK,
        AuthorizationServices=(cm.Authorization.PnC,),
        CertificateInstallationService=True,
        PnC_ASResAuthorizationMode=cm.PnC_ASResAuthorizationMode(GenChallenge=bytes(16), SupportedProviders=None),
    )
    if installed:
        memory.installed.append(object())  # type: ignore[arg-type]
    assert takes_contract(memory) is takes
