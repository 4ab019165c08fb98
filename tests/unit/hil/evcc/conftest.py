"""A scripted station in front of the virtual car's core: answers from the codec, time as a number, a body in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_AC, NS_CM, NS_DC, NS_SAP, ExiError, decode, encode
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import app_protocol as sap
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import (
    EvseNotification,
    EVSEStatus,
    MessageHeader,
    MeterInfo,
    Processing,
    ResponseCode,
)
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, PayloadType, frame
from hil.simulators.evcc.body import MemoryBody
from hil.simulators.evcc.core import CarCore
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.orders import CarOrder, OrderConnection, OrderDisconnection
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.spec import CarSpec

UTC_S = 1_800_000_000.0
ANSWER_S = 0.01
NAMESPACES = {
    PayloadType.EXI_SAP: NS_SAP,
    PayloadType.MAINSTREAM: NS_CM,
    PayloadType.AC_MAINSTREAM: NS_AC,
    PayloadType.DC_MAINSTREAM: NS_DC,
    PayloadType.METERING_CONFIRMATION: NS_CM,
}
AC_SERVICES, BPT_SERVICES = (1, 5), (5, 6, 9)
OK = ResponseCode.OK
Answering = Callable[[Any, Any], Any]


def parameter_sets(service: int) -> tuple[cm.ParameterSet, ...]:
    """Scheduled as set 1, Dynamic as 2, and of Dynamic one with mobility needs by the station as 3."""
    made = []
    for number, mode, needs in ((1, 1, 1), (2, 2, 1), (3, 2, 2)):
        values = {"Connector": 2, "ControlMode": mode, "MobilityNeedsMode": needs, "Pricing": 0}
        if service in BPT_SERVICES:
            values |= {"BPTChannel": 1, "GeneratorMode": 1}
        if service in AC_SERVICES:
            values["EVSENominalVoltage"] = 230
        if service == 5:
            values["GridCodeIslandingDetectionMethod"] = 1
        parameters = tuple(cm.Parameter(Name=name, intValue=value) for name, value in values.items())
        made.append(cm.ParameterSet(ParameterSetID=number, Parameter=parameters))
    return tuple(made)


def power_schedule(*entries: tuple[int, float]) -> cm.ChargingSchedule:
    rows = tuple(cm.PowerScheduleEntry(Duration=s, Power=rational(power_W)) for s, power_W in entries)
    return cm.ChargingSchedule(
        PowerSchedule=cm.PowerSchedule(
            TimeAnchor=int(UTC_S), PowerScheduleEntries=cm.PowerScheduleEntryList(PowerScheduleEntry=rows)
        )
    )


@dataclass
class Station:
    """Answers every request as a good station does, unless the test says otherwise.

    `codes` gives the code of the n-th answer to a request, `instead` makes the whole answer, `notify` is by loop number.
    """

    services: tuple[int, ...] = (6, 2)
    vas: tuple[int, ...] = ()
    renegotiation: bool = True
    joins: bool = True
    services_of_authorization: tuple[cm.Authorization, ...] = (cm.Authorization.EIM,)
    installs: bool = False
    codes: dict[tuple[str, int], ResponseCode] = field(default_factory=dict)
    instead: dict[tuple[str, int], Answering] = field(default_factory=dict)
    notify: dict[int, EvseNotification] = field(default_factory=dict)
    max_delay_s: int = 0
    target_W: float = 7000.0
    schedule: tuple[tuple[int, float], ...] = ((86_400, 11_000.0),)
    closes_after_failed: bool = True
    body: MemoryBody = field(default_factory=MemoryBody)
    session_id: bytes = bytes(8)
    sessions: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    seen: list[Any] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    """Payload types, one for each request seen."""
    loops: int = 0
    closed: bool = False

    def take(self, payload_type: int, payload: bytes) -> list[bytes]:
        """The frames that answer one frame."""
        namespace = next((n for kind, n in NAMESPACES.items() if kind == payload_type), None)
        if namespace == NS_SAP and self.counts["supportedAppProtocolReq"]:
            namespace = NS_CM
        if namespace is None:
            return []
        try:
            request = decode(namespace, payload)
        except ExiError:
            self.closed = True
            return []
        name = type(request).__name__
        self.counts[name] += 1
        self.seen.append(request)
        self.kinds.append(payload_type)
        key = (name, self.counts[name])
        header = getattr(request, "Header", None)
        known = header is None or name == "SessionSetupReq" or header.SessionID == self.session_id
        answer = getattr(self, f"on_{name}")(request)
        if not known:
            answer = replace(answer, ResponseCode=ResponseCode.FAILED_UnknownSession)
        if key in self.codes:
            answer = replace(answer, ResponseCode=self.codes[key])
        if key in self.instead:
            answer = self.instead[key](request, answer)
        if answer is None:
            return []
        code = getattr(answer, "ResponseCode", None)
        if code is not None and code.value.startswith("FAILED") and self.closes_after_failed:
            self.closed = True
        return [frame(kind_of(answer), encode(answer))]

    def seen_loops(self) -> list[Any]:
        """The charge-loop requests."""
        return [r for r in self.seen if isinstance(r, dc.DC_ChargeLoopReq | ac.AC_ChargeLoopReq)]

    def head(self) -> dict[str, Any]:
        return {"Header": MessageHeader(SessionID=self.session_id, TimeStamp=int(UTC_S)), "ResponseCode": OK}

    def on_supportedAppProtocolReq(self, request: sap.supportedAppProtocolReq) -> Any:
        best = min(request.AppProtocol, key=lambda protocol: protocol.Priority)
        return sap.supportedAppProtocolRes(
            ResponseCode=sap.ResponseCode.OK_SuccessfulNegotiation, SchemaID=best.SchemaID
        )

    def on_SessionSetupReq(self, request: cm.SessionSetupReq) -> Any:
        old = self.joins and request.Header.SessionID == self.session_id != bytes(8)
        if not old:
            self.sessions += 1
            self.session_id = bytes([self.sessions]) * 8
        code = ResponseCode.OK_OldSessionJoined if old else ResponseCode.OK_NewSessionEstablished
        return cm.SessionSetupRes(**{**self.head(), "ResponseCode": code}, EVSEID="DE*TST*E1")

    def on_AuthorizationSetupReq(self, _: Any) -> Any:
        pnc = cm.Authorization.PnC in self.services_of_authorization
        return cm.AuthorizationSetupRes(
            **self.head(),
            AuthorizationServices=self.services_of_authorization,
            CertificateInstallationService=self.installs,
            PnC_ASResAuthorizationMode=cm.PnC_ASResAuthorizationMode(GenChallenge=bytes(range(16))) if pnc else None,
            EIM_ASResAuthorizationMode=None if pnc else cm.EIM_ASResAuthorizationMode(),
        )

    def on_CertificateInstallationReq(self, _: Any) -> Any:
        first = self.counts["CertificateInstallationReq"] == 1
        return cm.CertificateInstallationRes(
            **self.head(),
            EVSEProcessing=Processing.Ongoing if first else Processing.Finished,
            CPSCertificateChain=cm.CertificateChain(Certificate=b"cps"),
            SignedInstallationData=cm.SignedInstallationData(
                Id="id1",
                ContractCertificateChain=cm.ContractCertificateChain(
                    Certificate=b"leaf", SubCertificates=cm.SubCertificates(Certificate=(b"sub",))
                ),
                ECDHCurve=cm.EcdhCurve.SECP521,
                DHPublicKey=bytes(133),
                SECP521_EncryptedPrivateKey=bytes(94),
            ),
            RemainingContractCertificateChains=0,
        )

    def on_AuthorizationReq(self, _: Any) -> Any:
        return cm.AuthorizationRes(**self.head(), EVSEProcessing=Processing.Finished)

    def on_ServiceDiscoveryReq(self, request: cm.ServiceDiscoveryReq) -> Any:
        wanted = None if request.SupportedServiceIDs is None else request.SupportedServiceIDs.ServiceID
        vas = [s for s in self.vas if wanted is None or s in wanted]
        return cm.ServiceDiscoveryRes(
            **self.head(),
            ServiceRenegotiationSupported=self.renegotiation,
            EnergyTransferServiceList=service_list(self.services),
            VASList=service_list(vas) if vas else None,
        )

    def on_ServiceDetailReq(self, request: cm.ServiceDetailReq) -> Any:
        sets = parameter_sets(request.ServiceID)
        if request.ServiceID in self.vas:
            parameters = (cm.Parameter(Name="Protocol", finiteString="http"), cm.Parameter(Name="Port", intValue=80))
            sets = (cm.ParameterSet(ParameterSetID=3, Parameter=parameters),)
        return cm.ServiceDetailRes(
            **self.head(),
            ServiceID=request.ServiceID,
            ServiceParameterList=cm.ServiceParameterList(ParameterSet=sets),
        )

    def on_ServiceSelectionReq(self, _: Any) -> Any:
        return cm.ServiceSelectionRes(**self.head())

    def on_DC_ChargeParameterDiscoveryReq(self, request: dc.DC_ChargeParameterDiscoveryReq) -> Any:
        values = {
            "EVSEMaximumChargePower": rational(22_000),
            "EVSEMinimumChargePower": rational(0),
            "EVSEMaximumChargeCurrent": rational(60),
            "EVSEMinimumChargeCurrent": rational(0),
            "EVSEMaximumVoltage": rational(500),
            "EVSEMinimumVoltage": rational(150),
        }
        mode: Any = dc.DC_CPDResEnergyTransferMode(**values)
        if isinstance(request.DC_CPDReqEnergyTransferMode, dc.BPT_DC_CPDReqEnergyTransferMode):
            mode = dc.BPT_DC_CPDResEnergyTransferMode(
                **values,
                EVSEMaximumDischargePower=rational(-20_000),
                EVSEMinimumDischargePower=rational(0),
                EVSEMaximumDischargeCurrent=rational(-50),
                EVSEMinimumDischargeCurrent=rational(0),
            )
        return dc.DC_ChargeParameterDiscoveryRes(**self.head(), DC_CPDResEnergyTransferMode=mode)

    def on_AC_ChargeParameterDiscoveryReq(self, request: ac.AC_ChargeParameterDiscoveryReq) -> Any:
        values = {
            "EVSEMaximumChargePower": rational(22_000),
            "EVSEMinimumChargePower": rational(0),
            "EVSENominalFrequency": rational(50),
        }
        mode: Any = ac.AC_CPDResEnergyTransferMode(**values)
        if isinstance(request.AC_CPDReqEnergyTransferMode, ac.BPT_AC_CPDReqEnergyTransferMode):
            mode = ac.BPT_AC_CPDResEnergyTransferMode(
                **values, EVSEMaximumDischargePower=rational(-10_000), EVSEMinimumDischargePower=rational(0)
            )
        return ac.AC_ChargeParameterDiscoveryRes(**self.head(), AC_CPDResEnergyTransferMode=mode)

    def on_ScheduleExchangeReq(self, request: cm.ScheduleExchangeReq) -> Any:
        item = cm.ScheduleTuple(ScheduleTupleID=7, ChargingSchedule=power_schedule(*self.schedule))
        scheduled = cm.Scheduled_SEResControlMode(ScheduleTuple=(item,))
        dynamic = request.Dynamic_SEReqControlMode is not None
        return cm.ScheduleExchangeRes(
            **self.head(),
            EVSEProcessing=Processing.Finished,
            Scheduled_SEResControlMode=None if dynamic else scheduled,
            Dynamic_SEResControlMode=cm.Dynamic_SEResControlMode() if dynamic else None,
        )

    def on_DC_CableCheckReq(self, _: Any) -> Any:
        finished = self.counts["DC_CableCheckReq"] % 2 == 0
        return dc.DC_CableCheckRes(
            **self.head(), EVSEProcessing=Processing.Finished if finished else Processing.Ongoing
        )

    def on_DC_PreChargeReq(self, request: dc.DC_PreChargeReq) -> Any:
        self.body.inlet = replace(self.body.inlet, inlet_V=self.body.inlet.battery_V)
        return dc.DC_PreChargeRes(**self.head(), EVSEPresentVoltage=rational(self.body.inlet.battery_V))

    def on_PowerDeliveryReq(self, request: cm.PowerDeliveryReq) -> Any:
        flows = request.ChargeProgress in (cm.ChargeProgress.Start, cm.ChargeProgress.ScheduleRenegotiation)
        self.body.inlet = replace(self.body.inlet, current_A=20.0 if flows else 0.0)
        return cm.PowerDeliveryRes(**self.head())

    def _status(self) -> EVSEStatus | None:
        self.loops += 1
        notification = self.notify.get(self.loops)
        if notification is None:
            return None
        return EVSEStatus(NotificationMaxDelay=self.max_delay_s, EVSENotification=notification)

    def _meter(self, request: Any) -> MeterInfo | None:
        if not request.MeterInfoRequested and self.notify.get(self.loops) is not EvseNotification.MeteringConfirmation:
            return None
        return MeterInfo(MeterID="M1", ChargedEnergyReadingWh=1234)

    def on_DC_ChargeLoopReq(self, request: dc.DC_ChargeLoopReq) -> Any:
        limits = {"EVSEMaximumChargePower": rational(22_000), "EVSEMinimumChargePower": rational(0)}
        limits |= {"EVSEMaximumChargeCurrent": rational(60), "EVSEMaximumVoltage": rational(500)}
        name = type(request.CLReqControlMode).__name__
        if name.startswith("BPT"):
            limits |= {"EVSEMaximumDischargePower": rational(-20_000), "EVSEMinimumDischargePower": rational(0)}
            limits |= {"EVSEMaximumDischargeCurrent": rational(-50), "EVSEMinimumVoltage": rational(150)}
        return dc.DC_ChargeLoopRes(
            **self.head(),
            EVSEStatus=self._status(),
            MeterInfo=self._meter(request),
            EVSEPresentCurrent=rational(self.body.inlet.current_A),
            EVSEPresentVoltage=rational(self.body.inlet.inlet_V),
            EVSEPowerLimitAchieved=False,
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            CLResControlMode=getattr(dc, name.replace("Req", "Res"))(**limits),
        )

    def on_AC_ChargeLoopReq(self, request: ac.AC_ChargeLoopReq) -> Any:
        name = type(request.CLReqControlMode).__name__
        target = {} if "Scheduled" in name else {"EVSETargetActivePower": rational(self.target_W)}
        return ac.AC_ChargeLoopRes(
            **self.head(),
            EVSEStatus=self._status(),
            MeterInfo=self._meter(request),
            CLResControlMode=getattr(ac, name.replace("Req", "Res"))(**target),
        )

    def on_MeteringConfirmationReq(self, _: Any) -> Any:
        return cm.MeteringConfirmationRes(**self.head())

    def on_DC_WeldingDetectionReq(self, _: Any) -> Any:
        return dc.DC_WeldingDetectionRes(**self.head(), EVSEPresentVoltage=rational(10))

    def on_SessionStopReq(self, _: Any) -> Any:
        return cm.SessionStopRes(**self.head())


def service_list(services: Any) -> cm.ServiceList:
    return cm.ServiceList(Service=tuple(cm.Service(ServiceID=s, FreeService=False) for s in services))


def kind_of(answer: Any) -> int:
    if isinstance(answer, cm.MeteringConfirmationRes):
        return PayloadType.METERING_CONFIRMATION
    module = type(answer).__module__.rpartition(".")[2]
    kinds = {"app_protocol": PayloadType.EXI_SAP, "dc": PayloadType.DC_MAINSTREAM, "ac": PayloadType.AC_MAINSTREAM}
    return kinds.get(module, PayloadType.MAINSTREAM)


class Trip:
    """One session of the car's core with a station, in virtual time."""

    def __init__(
        self,
        plan: CarPlan | None = None,
        station: Station | None = None,
        spec: CarSpec | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.station = station or Station()
        self.body = self.station.body
        self.spec = spec or CarSpec()
        self.now_s = 100.0
        self.car = CarCore(self.spec, plan or CarPlan(), self.now_s, UTC_S, credentials)
        self.connections = 0
        self.sent_at_s: list[float] = []
        self.received = b""
        """Every byte the station got."""
        self._wire: Framing | None = None
        self._answers: list[tuple[float, bytes]] = []
        self._close_s: float | None = None

    def run(self, until_s: float = 4000.0, loops: int | None = None) -> CarCore:
        """Until the session has ended; with `loops` the driver stops the car after so many."""
        end_s = self.now_s + until_s
        while not self.car.ended and self.now_s < end_s:
            if loops is not None and self.car.progress.loops >= loops and not self.car.memory.stop_wanted:
                self.car.stop(self.now_s)
            self._step(end_s)
        self._perform()
        return self.car

    def _step(self, end_s: float) -> None:
        due = [at_s for at_s in (self.car.deadline_s, self._close_s) if at_s is not None]
        due += [at_s for at_s, _ in self._answers[:1]]
        self.now_s = min(max(self.now_s, min(due, default=end_s)), end_s)
        while self._answers and self._answers[0][0] <= self.now_s:
            _, data = self._answers.pop(0)
            self.car.receive(data, self.now_s)
            self._perform()
        if self._close_s is not None and self._close_s <= self.now_s:
            self._close_s, self._wire, self._answers, self.station.closed = None, None, [], False
            self.car.connection_lost("closed", self.now_s)
        deadline_s = self.car.deadline_s
        if deadline_s is not None and deadline_s <= self.now_s:
            self.car.measured(self.body.inlet)
            self.car.tick(self.now_s)
        self._perform()

    def _perform(self) -> None:
        later: list[CarOrder] = []
        for order in self.car.orders():
            self.body.perform(order)
            later += [order] if isinstance(order, OrderConnection | OrderDisconnection) else []
        data = self.car.to_send(self.now_s)
        if data:
            self.sent_at_s.append(self.now_s)
            self.received += data
            self._deliver(data)
        for order in later:
            if isinstance(order, OrderDisconnection):
                self._wire, self._answers, self._close_s = None, [], None
            else:
                self.connections += 1
                self._wire = Framing()
                self.station.counts["supportedAppProtocolReq"] = 0
                self.car.connected(None, self.now_s)

    def _deliver(self, data: bytes) -> None:
        if self._wire is None:
            return
        for event in self._wire.receive(data):
            if isinstance(event, FrameReceived):
                for answer in self.station.take(event.payload_type, event.payload):
                    self._answers.append((self.now_s + ANSWER_S, answer))
            else:
                self.station.closed = True
        if self.station.closed and self._close_s is None:
            self._close_s = self.now_s + 2 * ANSWER_S


@pytest.fixture
def trip() -> type[Trip]:
    """`trip(plan, station, spec, credentials).run(...)`."""
    return Trip


@pytest.fixture
def new_station() -> type[Station]:
    """`new_station(services=…, notify=…)`."""
    return Station


@pytest.fixture
def schedule() -> Callable[..., cm.ChargingSchedule]:
    """`schedule((seconds, watts), …)`."""
    return power_schedule
