"""How long the EXI codec takes per message: `python -m tests.bench.exi [--json]`.

The messages are those of a -20 DC session, filled as a session fills them. Each figure is the median of batches,
in microseconds. `dc_charge_loop_pair_us` is what a charge loop costs the station: decode request, encode answer.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[2]))

from chargepoint.iso15118.exi.codec import NS_CM, NS_DC, NS_SAP, decode, encode
from chargepoint.iso15118.messages import app_protocol as sap
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import common_types as ct
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages import xmldsig as ds

BATCHES = 15
BATCH_S = 0.02
CANONICAL = "http://www.w3.org/TR/canonical-exi/"


def number(value: int, exponent: int = 0) -> ct.RationalNumber:
    return ct.RationalNumber(Exponent=exponent, Value=value)


def all_of(kind: type, **values: Any) -> Any:
    """An object of a control-mode class with every field set: the given ones, the others to some power or voltage."""
    plain = {name: number(4000 + 17 * i) for i, name in enumerate(kind.__slots__)}  # type: ignore[attr-defined]
    return kind(**(plain | values))


def messages() -> dict[str, tuple[str, Any]]:
    """Name -> namespace and message."""
    source = random.Random(1)
    header = ct.MessageHeader(SessionID=source.randbytes(8), TimeStamp=1795225684)
    ok = ct.ResponseCode.OK
    signature = ds.Signature(
        SignedInfo=ds.SignedInfo(
            CanonicalizationMethod=ds.CanonicalizationMethod(Algorithm=CANONICAL),
            SignatureMethod=ds.SignatureMethod(Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
            Reference=(
                ds.Reference(
                    URI="#id1",
                    Transforms=ds.Transforms(Transform=(ds.Transform(Algorithm=CANONICAL),)),
                    DigestMethod=ds.DigestMethod(Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"),
                    DigestValue=source.randbytes(64),
                ),
            ),
        ),
        SignatureValue=ds.SignatureValue(value=source.randbytes(132)),
    )
    signed = ct.MessageHeader(SessionID=header.SessionID, TimeStamp=header.TimeStamp, Signature=signature)
    parameters = tuple(
        cm.ParameterSet(
            ParameterSetID=n,
            Parameter=(
                cm.Parameter(Name="Connector", intValue=2),
                cm.Parameter(Name="ControlMode", intValue=n),
                cm.Parameter(Name="MobilityNeedsMode", intValue=1),
                cm.Parameter(Name="Pricing", intValue=0),
                cm.Parameter(Name="BPTChannel", intValue=1),
                cm.Parameter(Name="GeneratorMode", intValue=1),
            ),
        )
        for n in (1, 2, 3)
    )
    schedule = cm.PowerSchedule(
        TimeAnchor=1795225684,
        PowerScheduleEntries=cm.PowerScheduleEntryList(
            PowerScheduleEntry=tuple(cm.PowerScheduleEntry(Duration=3600, Power=number(11000 + n)) for n in range(12))
        ),
    )
    prices = cm.PriceLevelSchedule(
        TimeAnchor=1795225684,
        PriceScheduleID=1,
        NumberOfPriceLevels=3,
        PriceLevelScheduleEntries=cm.PriceLevelScheduleEntryList(
            PriceLevelScheduleEntry=tuple(cm.PriceLevelScheduleEntry(Duration=3600, PriceLevel=n) for n in range(12))
        ),
    )
    charging = cm.ChargingSchedule(PowerSchedule=schedule, PriceLevelSchedule=prices)
    display = ct.DisplayParameters(PresentSOC=42, ChargingComplete=False)
    result = {
        "supportedAppProtocolReq": sap.supportedAppProtocolReq(
            AppProtocol=(
                sap.AppProtocol(
                    ProtocolNamespace=NS_DC, VersionNumberMajor=1, VersionNumberMinor=0, SchemaID=1, Priority=1
                ),
            )
        ),
        "supportedAppProtocolRes": sap.supportedAppProtocolRes(
            ResponseCode=sap.ResponseCode.OK_SuccessfulNegotiation, SchemaID=1
        ),
        "SessionSetupReq": cm.SessionSetupReq(Header=header, EVCCID="WMIV1234567890ABCDEX"),
        "SessionSetupRes": cm.SessionSetupRes(
            Header=header, ResponseCode=ct.ResponseCode.OK_NewSessionEstablished, EVSEID="UK123E1234"
        ),
        "AuthorizationSetupRes": cm.AuthorizationSetupRes(
            Header=header,
            ResponseCode=ok,
            AuthorizationServices=(cm.Authorization.EIM, cm.Authorization.PnC),
            CertificateInstallationService=True,
            PnC_ASResAuthorizationMode=cm.PnC_ASResAuthorizationMode(GenChallenge=source.randbytes(16)),
        ),
        "AuthorizationReq PnC": cm.AuthorizationReq(
            Header=signed,
            SelectedAuthorizationService=cm.Authorization.PnC,
            PnC_AReqAuthorizationMode=cm.PnC_AReqAuthorizationMode(
                Id="id1",
                GenChallenge=source.randbytes(16),
                ContractCertificateChain=cm.ContractCertificateChain(
                    Certificate=source.randbytes(560),
                    SubCertificates=cm.SubCertificates(Certificate=(source.randbytes(560), source.randbytes(560))),
                ),
            ),
        ),
        "ServiceDetailRes 3 sets": cm.ServiceDetailRes(
            Header=header,
            ResponseCode=ok,
            ServiceID=6,
            ServiceParameterList=cm.ServiceParameterList(ParameterSet=parameters),
        ),
        "DC_ChargeParameterDiscoveryReq BPT": dc.DC_ChargeParameterDiscoveryReq(
            Header=header,
            DC_CPDReqEnergyTransferMode=all_of(dc.BPT_DC_CPDReqEnergyTransferMode, TargetSOC=80),
        ),
        "DC_ChargeParameterDiscoveryRes BPT": dc.DC_ChargeParameterDiscoveryRes(
            Header=header,
            ResponseCode=ok,
            DC_CPDResEnergyTransferMode=all_of(dc.BPT_DC_CPDResEnergyTransferMode),
        ),
        "ScheduleExchangeReq": cm.ScheduleExchangeReq(
            Header=header,
            MaximumSupportingPoints=1024,
            Scheduled_SEReqControlMode=cm.Scheduled_SEReqControlMode(
                DepartureTime=36000,
                EVTargetEnergyRequest=number(4000, 1),
                EVMaximumEnergyRequest=number(6000, 1),
                EVMinimumEnergyRequest=number(-2000, 1),
                EVEnergyOffer=cm.EVEnergyOffer(
                    EVPowerSchedule=cm.EVPowerSchedule(
                        TimeAnchor=1795225684,
                        EVPowerScheduleEntries=cm.EVPowerScheduleEntryList(
                            EVPowerScheduleEntry=(cm.EVPowerScheduleEntry(Duration=3600, Power=number(-10000)),)
                        ),
                    ),
                    EVAbsolutePriceSchedule=cm.EVAbsolutePriceSchedule(
                        TimeAnchor=1795225684,
                        Currency="EUR",
                        PriceAlgorithm="urn:iso:std:iso:15118:-20:PriceAlgorithm:1-Power",
                        EVPriceRuleStacks=cm.EVPriceRuleStackList(
                            EVPriceRuleStack=(
                                cm.EVPriceRuleStack(
                                    Duration=3600,
                                    EVPriceRule=(cm.EVPriceRule(EnergyFee=number(12, -2), PowerRangeStart=number(0)),),
                                ),
                            )
                        ),
                    ),
                ),
            ),
        ),
        "ScheduleExchangeRes": cm.ScheduleExchangeRes(
            Header=header,
            ResponseCode=ok,
            EVSEProcessing=ct.Processing.Finished,
            Scheduled_SEResControlMode=cm.Scheduled_SEResControlMode(
                ScheduleTuple=(
                    cm.ScheduleTuple(ScheduleTupleID=1, ChargingSchedule=charging, DischargingSchedule=charging),
                )
            ),
        ),
        "DC_ChargeLoopReq BPT scheduled": dc.DC_ChargeLoopReq(
            Header=header,
            DisplayParameters=display,
            MeterInfoRequested=False,
            EVPresentVoltage=number(400),
            CLReqControlMode=dc.BPT_Scheduled_DC_CLReqControlMode(
                EVTargetCurrent=number(200, -1), EVTargetVoltage=number(400)
            ),
        ),
        "DC_ChargeLoopRes BPT scheduled": dc.DC_ChargeLoopRes(
            Header=header,
            ResponseCode=ok,
            EVSEPresentCurrent=number(200, -1),
            EVSEPresentVoltage=number(400),
            EVSEPowerLimitAchieved=False,
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            CLResControlMode=all_of(dc.BPT_Scheduled_DC_CLResControlMode),
        ),
        "DC_ChargeLoopReq BPT dynamic": dc.DC_ChargeLoopReq(
            Header=header,
            DisplayParameters=display,
            MeterInfoRequested=True,
            EVPresentVoltage=number(400),
            CLReqControlMode=all_of(dc.BPT_Dynamic_DC_CLReqControlMode, DepartureTime=36000),
        ),
        "DC_ChargeLoopRes BPT dynamic": dc.DC_ChargeLoopRes(
            Header=header,
            ResponseCode=ok,
            EVSEStatus=ct.EVSEStatus(NotificationMaxDelay=0, EVSENotification=ct.EvseNotification.Pause),
            MeterInfo=ct.MeterInfo(
                MeterID="METER-1",
                ChargedEnergyReadingWh=123456,
                BPT_DischargedEnergyReadingWh=23456,
                MeterSignature=source.randbytes(64),
                MeterTimestamp=1795225684,
            ),
            EVSEPresentCurrent=number(-200, -1),
            EVSEPresentVoltage=number(400),
            EVSEPowerLimitAchieved=False,
            EVSECurrentLimitAchieved=True,
            EVSEVoltageLimitAchieved=False,
            CLResControlMode=all_of(
                dc.BPT_Dynamic_DC_CLResControlMode, DepartureTime=36000, MinimumSOC=20, TargetSOC=80, AckMaxDelay=30
            ),
        ),
        "CertificateInstallationReq": cm.CertificateInstallationReq(
            Header=signed,
            OEMProvisioningCertificateChain=cm.SignedCertificateChain(
                Id="id1",
                Certificate=source.randbytes(560),
                SubCertificates=cm.SubCertificates(Certificate=(source.randbytes(560),)),
            ),
            ListOfRootCertificateIDs=ct.ListOfRootCertificateIDs(
                RootCertificateID=(
                    ds.X509IssuerSerial(X509IssuerName="CN=V2GRootCA,O=Example", X509SerialNumber=123456789),
                )
            ),
            MaximumContractCertificateChains=1,
            PrioritizedEMAIDs=cm.EMAIDList(EMAID=("DE8AA1A2B3C4D5",)),
        ),
    }
    namespaces = {"app_protocol": NS_SAP, "common_messages": NS_CM, "dc": NS_DC}
    return {name: (namespaces[type(m).__module__.rpartition(".")[2]], m) for name, m in result.items()}


def microseconds(call: Callable[[], object]) -> float:
    """Median time of a call over batches."""
    start = time.perf_counter_ns()
    call()
    count = max(1, int(BATCH_S * 1e9 / max(1, time.perf_counter_ns() - start)))
    results = []
    for _ in range(BATCHES):
        start = time.perf_counter_ns()
        for _ in range(count):
            call()
        results.append((time.perf_counter_ns() - start) / count / 1000)
    return round(statistics.median(results), 2)


def measure() -> dict[str, Any]:
    """All figures."""
    rows = []
    prepared = messages()
    for name, (namespace, message) in prepared.items():
        data = encode(message)
        if decode(namespace, data) != message:
            raise AssertionError(name)
        rows.append(
            {
                "message": name,
                "bytes": len(data),
                "decode_us": microseconds(lambda n=namespace, d=data: decode(n, d)),  # type: ignore[misc]
                "encode_us": microseconds(lambda m=message: encode(m)),  # type: ignore[misc]
            }
        )
    request = encode(prepared["DC_ChargeLoopReq BPT scheduled"][1])
    response = prepared["DC_ChargeLoopRes BPT scheduled"][1]

    def pair() -> None:
        decode(NS_DC, request)
        encode(response)

    return {"messages": rows, "dc_charge_loop_pair_us": microseconds(pair)}


def main() -> None:
    """Prints the figures as a table, or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure()
    if arguments.json:
        print(json.dumps(result))
        return
    for row in result["messages"]:
        print(f"{row['message']:36} {row['bytes']:6} B  decode {row['decode_us']:8}  encode {row['encode_us']:8} us")
    print(f"DC charge loop, decode + encode: {result['dc_charge_loop_pair_us']} us")


if __name__ == "__main__":
    main()
