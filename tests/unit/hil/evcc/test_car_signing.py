"""What the virtual car signs is accepted by the station's own check of signatures."""

from __future__ import annotations

from typing import Any

import pytest

from certs.pki import Curve
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import EvseNotification
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.pnc.signature import SignatureFault, SignedElement, verify
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.signing import signed_by

CONTRACT = {Curve.P521: Curve.P521.key(), Curve.ED448: Curve.ED448.key()}
PROVISIONING = Curve.P521.key()


@pytest.mark.parametrize("curve", list(CONTRACT))
def test_contract_metering_and_installation_are_signed(trip: Any, new_station: Any, curve: Curve) -> None:
    key: Any = CONTRACT[curve]
    provisioning: Any = PROVISIONING
    credentials = Credentials(
        contract_chain=(b"leaf", b"sub"),
        sign=signed_by(key),
        provisioning_chain=(b"oem",),
        sign_provisioning=signed_by(provisioning),
        root_ids=(X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1),),
    )
    plan = CarPlan(authorization="PnC", installs_certificate=True)
    station = new_station(
        services_of_authorization=(cm.Authorization.PnC,),
        installs=True,
        notify={2: EvseNotification.MeteringConfirmation},
    )
    car = trip(plan, station, credentials=credentials).run(loops=4)
    assert (car.progress.error, car.violations) == (None, [])
    (contract,) = car.log.requests("AuthorizationReq")
    (metering,) = car.log.requests("MeteringConfirmationReq")
    installation = car.log.requests("CertificateInstallationReq")[0]
    public = key.public_key()
    mode = SignedElement(contract.PnC_AReqAuthorizationMode)
    assert verify(contract.Header.Signature, [mode], public) is None
    assert verify(metering.Header.Signature, [SignedElement(metering.SignedMeteringData)], public) is None
    chain = SignedElement(installation.OEMProvisioningCertificateChain, "OEMProvisioningCertificateChain")
    assert verify(installation.Header.Signature, [chain], provisioning.public_key()) is None
    # and the check can fail: the contract's signature is not that of the metering data
    wrong = verify(contract.Header.Signature, [SignedElement(metering.SignedMeteringData)], public)
    assert wrong is not None and wrong.fault is not SignatureFault.MISSING
