"""M01 Certificate installation in the car: Get15118EVCertificate, which carries the car's request and the response unread."""

from __future__ import annotations

import base64
import binascii

from chargepoint.model.car_questions import CertificateRelayed, InstallCertificate
from chargepoint.ocpp.blocks.effects import Send
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.version import OcppVersion


def request(question: InstallCertificate, version: OcppVersion) -> Send:
    """Get15118EVCertificate with action Install, or Update for a car of ISO 15118-2. The number of chains and the EMAIDs are fields of OCPP 2.1 (M01.FR.03)."""
    payload: Payload = {
        "iso15118SchemaVersion": question.schema_version,
        "action": "Update" if question.update else "Install",
        "exiRequest": base64.b64encode(question.exi_request).decode("ascii"),
    }
    if version.counts_contract_chains:
        if question.maximum_chains is not None:
            payload["maximumContractCertificateChains"] = question.maximum_chains
        if question.prioritized_emaids:
            payload["prioritizedEMAIDs"] = list(question.prioritized_emaids)
    return Send("Get15118EVCertificate", payload)


def relayed(response: Payload) -> CertificateRelayed:
    """What a Get15118EVCertificate response brings. The response for the car counts also where the status is Failed: it may say why."""
    text, info = response["exiResponse"], response.get("statusInfo", {})
    detail = f" ({info['reasonCode']})" if "reasonCode" in info else ""
    if not text:
        return CertificateRelayed(None, reason=f"the central system answers {response['status']}{detail}")
    try:
        exi = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return CertificateRelayed(None, reason="the central system's exiResponse is no base64")
    return CertificateRelayed(exi, response.get("remainingContracts"))
