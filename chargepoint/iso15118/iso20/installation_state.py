"""What a session knows of a contract certificate that is being installed in the car."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.messages.common_messages import CertificateInstallationReq
from chargepoint.model.car_questions import InstallCertificate


@dataclass(frozen=True, slots=True)
class Installation:
    """One chain that the car asked for. `answered`: the car got the final response; it may ask for the next chain."""

    request: CertificateInstallationReq
    question: InstallCertificate
    answered: bool = False
