"""Messages as a SECC author writes them, against bytes published elsewhere or worked out by hand from the grammar."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import (
    NS_CM,
    NS_DC,
    NS_ISO2,
    NS_SAP,
    NS_XMLDSIG,
    ExiError,
    decode,
    encode,
    from_json,
    namespace_of,
    preload,
    to_json,
)
from chargepoint.iso15118.messages import app_protocol, common_messages, iso15118_2, xmldsig
from chargepoint.iso15118.messages.common_types import EvseNotification, MessageHeader, RationalNumber, ResponseCode
from chargepoint.iso15118.messages.dc import (
    BPT_DC_CPDReqEnergyTransferMode,
    BPT_Dynamic_DC_CLResControlMode,
    DC_CableCheckReq,
    DC_ChargeLoopRes,
    DC_ChargeParameterDiscoveryReq,
    DC_CPDReqEnergyTransferMode,
    DC_PreChargeRes,
)

HEADER = MessageHeader(SessionID=bytes(range(1, 9)), TimeStamp=0)
ONE = RationalNumber(Exponent=0, Value=1)


def test_supported_app_protocol_res() -> None:
    # bytes seen from two independent stacks
    kind = app_protocol.supportedAppProtocolRes
    message = kind(ResponseCode=app_protocol.ResponseCode.OK_SuccessfulNegotiation, SchemaID=1)
    assert encode(message).hex() == "80400040"
    failed = kind(ResponseCode=app_protocol.ResponseCode.Failed_NoNegotiation)
    assert encode(failed).hex() == "804880"
    assert decode(NS_SAP, bytes.fromhex("804880")) == failed


def test_cable_check_req_bytes() -> None:
    assert encode(DC_CableCheckReq(Header=HEADER)).hex() == "802c0400810182028303840002"
    later = replace(HEADER, TimeStamp=128)
    assert encode(DC_CableCheckReq(Header=later)).hex() == "802c040081018202830384080012"


def test_pre_charge_res_rational_number() -> None:
    message = DC_PreChargeRes(
        Header=HEADER, ResponseCode=ResponseCode.OK, EVSEPresentVoltage=RationalNumber(Exponent=-128, Value=300)
    )
    assert encode(message).hex().endswith("02000001580400")


def test_control_mode_is_found_by_class() -> None:
    message = DC_ChargeLoopRes(
        Header=HEADER,
        ResponseCode=ResponseCode.OK,
        EVSEPresentCurrent=ONE,
        EVSEPresentVoltage=ONE,
        EVSEPowerLimitAchieved=False,
        EVSECurrentLimitAchieved=True,
        EVSEVoltageLimitAchieved=False,
        CLResControlMode=BPT_Dynamic_DC_CLResControlMode(
            EVSEMaximumChargePower=ONE,
            EVSEMinimumChargePower=ONE,
            EVSEMaximumChargeCurrent=ONE,
            EVSEMaximumVoltage=ONE,
            EVSEMaximumDischargePower=ONE,
            EVSEMinimumDischargePower=ONE,
            EVSEMaximumDischargeCurrent=ONE,
            EVSEMinimumVoltage=ONE,
        ),
    )
    again = decode(NS_DC, encode(message))
    assert again == message
    match again:
        case DC_ChargeLoopRes(CLResControlMode=BPT_Dynamic_DC_CLResControlMode(DepartureTime=None)):
            pass
        case _:
            pytest.fail("control mode lost")
    assert "BPT_Dynamic_DC_CLResControlMode" in to_json(message)["DC_ChargeLoopRes"]


def test_bidirectional_mode_is_not_taken_for_its_base() -> None:
    plain = DC_CPDReqEnergyTransferMode(
        EVMaximumChargePower=ONE,
        EVMinimumChargePower=ONE,
        EVMaximumChargeCurrent=ONE,
        EVMinimumChargeCurrent=ONE,
        EVMaximumVoltage=ONE,
        EVMinimumVoltage=ONE,
    )
    message = DC_ChargeParameterDiscoveryReq(Header=HEADER, DC_CPDReqEnergyTransferMode=plain)
    again = decode(NS_DC, encode(message))
    assert isinstance(again, DC_ChargeParameterDiscoveryReq)
    assert not isinstance(again.DC_CPDReqEnergyTransferMode, BPT_DC_CPDReqEnergyTransferMode)
    assert not issubclass(BPT_DC_CPDReqEnergyTransferMode, DC_CPDReqEnergyTransferMode)


def test_messages_are_frozen_and_slotted() -> None:
    with pytest.raises(FrozenInstanceError):
        HEADER.TimeStamp = 1  # type: ignore[misc]
    assert not hasattr(HEADER, "__dict__")


def test_enumeration_codes_follow_the_schema() -> None:
    assert [m.code for m in EvseNotification] == list(range(len(EvseNotification)))
    assert len(ResponseCode) == 40


def test_signed_info_has_other_bytes_in_the_two_schema_sets() -> None:
    info = xmldsig.SignedInfo(
        CanonicalizationMethod=xmldsig.CanonicalizationMethod(Algorithm="http://www.w3.org/TR/canonical-exi/"),
        SignatureMethod=xmldsig.SignatureMethod(Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
        Reference=(
            xmldsig.Reference(
                URI="#id1",
                Transforms=xmldsig.Transforms(
                    Transform=(xmldsig.Transform(Algorithm="http://www.w3.org/TR/canonical-exi/"),)
                ),
                DigestMethod=xmldsig.DigestMethod(Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"),
                DigestValue=bytes(64),
            ),
        ),
    )
    alone = encode(info, fragment=True)
    inside = encode(info, fragment=True, namespace=NS_CM)
    assert alone.hex().startswith("8081")
    assert inside.hex().startswith("80732")
    assert decode(NS_XMLDSIG, alone, fragment=True) == info == decode(NS_CM, inside, fragment=True)


def test_element_fragment_with_and_without_attribute() -> None:
    # eMAID of -2 has two types, hence the relaxed grammar; bytes of the first from EXIficient
    plain = bytes.fromhex("80ec8008a520a79796b719b5a63a3b3b28aab57a7a00")
    assert decode(NS_ISO2, plain, fragment=True) == "JAO/-n3kLtvvQUj"
    assert encode("JAO/-n3kLtvvQUj", True, NS_ISO2, "eMAID") == plain
    signed = iso15118_2.EMAID(Id="id1", value="DE8AA1A2B3C4D5")
    data = encode(signed, fragment=True)
    assert decode(NS_ISO2, data, fragment=True) == signed


def test_empty_values_of_other_encoders() -> None:
    # EXIficient sends no characters for an empty element but its end on the second level; bytes from there
    data = bytes.fromhex("8008000000000010")
    message = decode(NS_SAP, data)
    ours = app_protocol.supportedAppProtocolReq(
        AppProtocol=(
            app_protocol.AppProtocol(
                ProtocolNamespace="", VersionNumberMajor=0, VersionNumberMinor=0, SchemaID=0, Priority=1
            ),
        )
    )
    assert message == ours
    # each form stays what it was, because signatures are over the bytes; this codec's own empty values have characters
    assert encode(message) == data
    assert encode(ours).hex() == "800010000000000040"
    key = xmldsig.DSAKeyValue(Y=bytes.fromhex("91ae176c"), J=b"")
    assert decode(NS_XMLDSIG, bytes.fromhex("800c0491ae176c1080")) == key
    for exi, identity in (("809c00", None), ("809806c300", "a")):
        value = decode(NS_XMLDSIG, bytes.fromhex(exi))
        assert value == xmldsig.SignatureValue(Id=identity, value=b"")
        assert encode(value).hex() == exi
    # any other second-level code is refused
    for bit in range(13, 16):
        broken = int.from_bytes(data, "big") | 1 << 8 * len(data) - 1 - bit
        with pytest.raises(ExiError):
            decode(NS_SAP, broken.to_bytes(len(data), "big"))


def test_ambiguous_fragment_needs_its_name() -> None:
    chain = iso15118_2.CertificateChain(Certificate=b"x")
    with pytest.raises(ExiError, match="name the element"):
        encode(chain, fragment=True)
    assert decode(NS_ISO2, encode(chain, True, NS_ISO2, "ContractSignatureCertChain"), True) == chain


@pytest.mark.parametrize(
    "message",
    [
        DC_CableCheckReq(Header=None),  # type: ignore[arg-type]
        DC_CableCheckReq(Header=replace(HEADER, TimeStamp=-1)),
        DC_CableCheckReq(Header=replace(HEADER, TimeStamp=1 << 64)),
        DC_CableCheckReq(Header=replace(HEADER, TimeStamp=1.5)),  # type: ignore[arg-type]
        DC_CableCheckReq(Header=replace(HEADER, SessionID="text")),  # type: ignore[arg-type]
        DC_PreChargeRes(Header=HEADER, ResponseCode="OK", EVSEPresentVoltage=ONE),  # type: ignore[arg-type]
        DC_PreChargeRes(Header=HEADER, ResponseCode=ResponseCode.OK, EVSEPresentVoltage=replace(ONE, Value=32768)),
        DC_PreChargeRes(Header=HEADER, ResponseCode=ResponseCode.OK, EVSEPresentVoltage=replace(ONE, Exponent=-129)),
        DC_ChargeParameterDiscoveryReq(Header=HEADER, DC_CPDReqEnergyTransferMode=ONE),  # type: ignore[arg-type]
        common_messages.SessionSetupReq(Header=HEADER, EVCCID="\ud800"),
        common_messages.AuthorizationReq(Header=HEADER, SelectedAuthorizationService=common_messages.Authorization.EIM),
        ONE,
        "text",
        None,
    ],
)
def test_what_the_schema_cannot_say_is_an_exi_error(message: object) -> None:
    with pytest.raises(ExiError):
        encode(message)


def test_error_names_place_and_position() -> None:
    data = bytearray(encode(DC_CableCheckReq(Header=HEADER)))
    data[2] |= 0x80  # the start of SessionID's characters
    with pytest.raises(ExiError) as caught:
        decode(NS_DC, bytes(data))
    assert caught.value.bit is not None
    assert 16 <= caught.value.bit <= 40
    with pytest.raises(ExiError, match="ends within"):
        decode(NS_DC, encode(DC_CableCheckReq(Header=HEADER))[:-1])
    with pytest.raises(ExiError, match="header"):
        decode(NS_DC, b"\xa0")
    with pytest.raises(ExiError, match="left after the end"):
        decode(NS_DC, encode(DC_CableCheckReq(Header=HEADER)) + b"\0")
    with pytest.raises(ExiError, match="namespace"):
        decode("urn:nobody", b"\x80")


def test_json_refuses_what_does_not_fit() -> None:
    good = to_json(DC_CableCheckReq(Header=HEADER))
    assert from_json(NS_DC, good) == DC_CableCheckReq(Header=HEADER)
    body = good["DC_CableCheckReq"]["Header"]
    bads: tuple[dict[str, Any], ...] = (
        {},
        {"Nothing": {}},
        {"DC_CableCheckReq": []},
        {"DC_CableCheckReq": {}},
        {"DC_CableCheckReq": {"Header": {**body, "Extra": 1}}},
        {"DC_CableCheckReq": {"Header": {**body, "SessionID": "0g"}}},
        {"DC_CableCheckReq": {"Header": {**body, "TimeStamp": "1"}}},
        {"DC_CableCheckReq": {"Header": {**body, "TimeStamp": -1}}},
    )
    for bad in bads:
        with pytest.raises(ExiError):
            from_json(NS_DC, bad)


def test_namespace_of_message() -> None:
    assert namespace_of(DC_CableCheckReq(Header=HEADER)) == NS_DC
    with pytest.raises(ExiError):
        namespace_of(object())
    preload(NS_SAP, NS_DC)
    with pytest.raises(ExiError):
        preload("urn:nobody")


def test_a_dc_station_loads_no_other_schema() -> None:
    code = (
        "import sys; from chargepoint.iso15118.exi.codec import *; "
        "decode(NS_DC, bytes.fromhex('802c0400810182028303840002')); "
        "print([m for m in sys.modules if m.endswith(('din70121', 'iso15118_2', 'wpt', '.ac', 'common_messages'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
