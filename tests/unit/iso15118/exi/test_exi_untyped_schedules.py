"""An empty SASchedules in DIN's ChargeParameterDiscoveryRes: its type is abstract, and stations send it while they answer Ongoing.

The bytes follow from the grammar: SASchedules is the second of the two elements of its substitution group, and has no content.
"""

from __future__ import annotations

import pytest

from chargepoint.iso15118.exi.codec import NS_DIN, decode, encode, from_json, to_json
from chargepoint.iso15118.messages import din70121 as din

ONGOING = "809a02270910db0538b76b1080024800400000c0c1f4060e161d402060a1e8060606000060a12c022303001100"


def test_an_ongoing_answer_with_an_empty_schedule_decodes() -> None:
    message = decode(NS_DIN, bytes.fromhex(ONGOING))
    assert isinstance(message, din.V2G_Message)
    body = message.Body.BodyElement
    assert isinstance(body, din.ChargeParameterDiscoveryRes)
    assert body.EVSEProcessing is din.EVSEProcessing.Ongoing
    assert body.SASchedules == din.SASchedules()
    assert isinstance(body.EVSEChargeParameter, din.DC_EVSEChargeParameter)
    assert body.EVSEChargeParameter.EVSEMaximumCurrentLimit.Value == 125
    assert encode(message).hex() == ONGOING
    assert from_json(NS_DIN, to_json(message)) == message


@pytest.mark.parametrize("processing", list(din.EVSEProcessing))
@pytest.mark.parametrize("is_ac", [False, True])
def test_it_round_trips_beside_either_kind_of_parameters(processing: din.EVSEProcessing, is_ac: bool) -> None:
    number = din.PhysicalValue(Multiplier=0, Unit=None, Value=16)
    none = din.EVSENotification.None_
    parameter: din.AC_EVSEChargeParameter | din.DC_EVSEChargeParameter
    if is_ac:
        parameter = din.AC_EVSEChargeParameter(
            AC_EVSEStatus=din.AC_EVSEStatus(
                PowerSwitchClosed=False, RCD=False, NotificationMaxDelay=0, EVSENotification=none
            ),
            EVSEMaxVoltage=number,
            EVSEMaxCurrent=number,
            EVSEMinCurrent=number,
        )
    else:
        parameter = din.DC_EVSEChargeParameter(
            DC_EVSEStatus=din.DC_EVSEStatus(
                EVSEStatusCode=din.DC_EVSEStatusCode.EVSE_Ready, NotificationMaxDelay=0, EVSENotification=none
            ),
            EVSEMaximumCurrentLimit=number,
            EVSEMaximumVoltageLimit=number,
            EVSEMinimumCurrentLimit=number,
            EVSEMinimumVoltageLimit=number,
            EVSEPeakCurrentRipple=number,
        )
    body = din.ChargeParameterDiscoveryRes(
        ResponseCode=din.ResponseCode.OK,
        EVSEProcessing=processing,
        SASchedules=din.SASchedules(),
        EVSEChargeParameter=parameter,
    )
    message = din.V2G_Message(Header=din.MessageHeader(SessionID=b"\1"), Body=din.Body(BodyElement=body))
    assert decode(NS_DIN, encode(message)) == message
