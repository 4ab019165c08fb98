"""A scripted car in front of the conversation: requests as objects, time as a number, the station as a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.exi.codec import NS_AC, NS_CM, NS_DC, NS_SAP, encode
from chargepoint.iso15118.iso20.protocol import served
from chargepoint.iso15118.iso20.rows import may_come
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq
from chargepoint.iso15118.messages.common_types import (
    DisplayParameters,
    ListOfRootCertificateIDs,
    MessageHeader,
    MeterInfo,
    Processing,
)
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.image import Stage
from tests.unit.iso15118.car_on_connection import CAPABILITIES, READY, SESSION_ID, UTC_S, CarOnConnection

__all__ = ["CAPABILITIES", "READY", "SESSION_ID", "UTC_S", "ScriptedCar"]

NAMESPACES = {
    PayloadType.EXI_SAP: NS_SAP,
    PayloadType.MAINSTREAM: NS_CM,
    PayloadType.AC_MAINSTREAM: NS_AC,
    PayloadType.DC_MAINSTREAM: NS_DC,
    PayloadType.METERING_CONFIRMATION: NS_CM,
    PayloadType.PARKING_STATUS: NS_CM,
}
SIDE_STREAMS = {
    cm.MeteringConfirmationReq: PayloadType.METERING_CONFIRMATION,
    cm.VehicleCheckInReq: PayloadType.PARKING_STATUS,
    cm.VehicleCheckOutReq: PayloadType.PARKING_STATUS,
}
NUMBER = {ControlMode.DYNAMIC: 1, ControlMode.SCHEDULED: 2}
ORDER = [
    State.SESSION_SETUP,
    State.AUTHORIZATION_SETUP,
    State.AUTHORIZATION,
    State.SERVICE_DISCOVERY,
    State.SERVICE_DETAIL,
    State.SERVICE_SELECTION,
    State.CHARGE_PARAMETER_DISCOVERY,
    State.SCHEDULE_EXCHANGE,
    State.CABLE_CHECK,
    State.PRE_CHARGE,
    State.POWER_DELIVERY,
    State.CHARGE_LOOP,
    State.WELDING_DETECTION,
    State.SESSION_STOP,
]


def payload_type(message: Any) -> PayloadType:
    if type(message) in SIDE_STREAMS:
        return SIDE_STREAMS[type(message)]
    module = type(message).__module__.rpartition(".")[2]
    own = {
        "app_protocol": PayloadType.EXI_SAP,
        "ac": PayloadType.AC_MAINSTREAM,
        "dc": PayloadType.DC_MAINSTREAM,
    }
    return own.get(module, PayloadType.MAINSTREAM)


def ac_control_mode(mode: ControlMode, bidirectional: bool, **changes: Any) -> Any:
    """The control mode of an AC_ChargeLoopReq."""
    kind: Any = {
        (ControlMode.DYNAMIC, False): ac.Dynamic_AC_CLReqControlMode,
        (ControlMode.DYNAMIC, True): ac.BPT_Dynamic_AC_CLReqControlMode,
        (ControlMode.SCHEDULED, False): ac.Scheduled_AC_CLReqControlMode,
        (ControlMode.SCHEDULED, True): ac.BPT_Scheduled_AC_CLReqControlMode,
    }[mode, bidirectional]
    values: dict[str, Any] = {"EVPresentActivePower": rational(0)}
    if mode is ControlMode.DYNAMIC:
        values |= {
            "EVTargetEnergyRequest": rational(30_000),
            "EVMaximumEnergyRequest": rational(40_000),
            "EVMinimumEnergyRequest": rational(-10_000),
            "EVMaximumChargePower": rational(11_000),
            "EVMinimumChargePower": rational(0),
            "EVPresentReactivePower": rational(0),
        }
        if bidirectional:
            values |= {"EVMaximumDischargePower": rational(10_000), "EVMinimumDischargePower": rational(0)}
    return kind(**{**values, **changes})


AC_MESSAGES = frozenset({ac.AC_ChargeParameterDiscoveryReq, ac.AC_ChargeLoopReq})
"""A DC outlet does not know their grammar."""
ALLOWED = {state: may_come(state) - {cm.SessionStopReq} - AC_MESSAGES for state in State}
"""Every message of a DC outlet in its states; SessionStopReq is in all of them."""
ALWAYS = frozenset({cm.SessionStopReq})


class ScriptedCar(CarOnConnection):
    """One car on one connection. `ask` sends a request and gives its one response."""

    def __init__(
        self,
        mode: ControlMode = ControlMode.DYNAMIC,
        bidirectional: bool = True,
        loop_timeout_s: float = 0.5,
        session_id: bytes = SESSION_ID,
        discharge: bool = True,
        modes: tuple[ControlMode, ...] = (ControlMode.DYNAMIC, ControlMode.SCHEDULED),
        kept: KeptSession | None = None,
        leaf: bytes | None = None,
        services: tuple[EnergyService, ...] | None = None,
        **settings: Any,
    ) -> None:
        self.mode, self.bidirectional = mode, bidirectional
        self.parameter_set = NUMBER[mode]
        if services is None:
            services = (EnergyService.DC_BPT, EnergyService.DC) if discharge else (EnergyService.DC,)
        secc = SeccSettings(1, "DE*OCP*E1", services, modes, loop_timeout_s, **settings)
        super().__init__(
            secc,
            served(secc),
            Peer("fe80::1", None if leaf is None else "TLSv1.3", leaf),
            lambda n: session_id[:n] * (n // 8 or 1),
            kept,
        )

    @property
    def service_id(self) -> int:
        return 6 if self.bidirectional else 2

    # -- wire ------------------------------------------------------------------------------------------------------

    def grammar_of(self, payload_type: int) -> str:
        return NAMESPACES[PayloadType(payload_type)]

    def frame_of(self, message: Any) -> bytes:
        return frame(payload_type(message), encode(message))

    def send(self, message: Any, kind: int | None = None) -> list[Any]:
        return self.send_bytes(frame(payload_type(message) if kind is None else kind, encode(message)))

    # -- requests --------------------------------------------------------------------------------------------------

    def header(self) -> MessageHeader:
        return MessageHeader(SessionID=self.session_id, TimeStamp=UTC_S)

    def app_protocol(self, namespace: str = NS_DC, major: int = 1, minor: int = 0) -> supportedAppProtocolReq:
        return supportedAppProtocolReq(
            AppProtocol=(
                AppProtocol(
                    ProtocolNamespace=namespace,
                    VersionNumberMajor=major,
                    VersionNumberMinor=minor,
                    SchemaID=7,
                    Priority=1,
                ),
            )
        )

    def charge_parameters(self, **changes: Any) -> dc.DC_ChargeParameterDiscoveryReq:
        values: dict[str, Any] = {
            "EVMaximumChargePower": rational(50_000),
            "EVMinimumChargePower": rational(0),
            "EVMaximumChargeCurrent": rational(125),
            "EVMinimumChargeCurrent": rational(0),
            "EVMaximumVoltage": rational(450),
            "EVMinimumVoltage": rational(280),
            "TargetSOC": 80,
        }
        kind: Any = dc.DC_CPDReqEnergyTransferMode
        if self.bidirectional:
            kind = dc.BPT_DC_CPDReqEnergyTransferMode
            values |= {
                "EVMaximumDischargePower": rational(18_000),
                "EVMinimumDischargePower": rational(0),
                "EVMaximumDischargeCurrent": rational(50),
                "EVMinimumDischargeCurrent": rational(0),
            }
        return dc.DC_ChargeParameterDiscoveryReq(
            Header=self.header(), DC_CPDReqEnergyTransferMode=kind(**{**values, **changes})
        )

    def schedule_exchange(self, **changes: Any) -> cm.ScheduleExchangeReq:
        if self.mode is ControlMode.SCHEDULED:
            values = {"DepartureTime": 7200, "EVTargetEnergyRequest": rational(30_000), **changes}
            return cm.ScheduleExchangeReq(
                Header=self.header(),
                MaximumSupportingPoints=1024,
                Scheduled_SEReqControlMode=cm.Scheduled_SEReqControlMode(**values),
            )
        values = {
            "DepartureTime": 7200,
            "MinimumSOC": 30,
            "TargetSOC": 80,
            "EVTargetEnergyRequest": rational(30_000),
            "EVMaximumEnergyRequest": rational(40_000),
            "EVMinimumEnergyRequest": rational(-10_000),
            "EVMaximumV2XEnergyRequest": rational(20_000) if self.bidirectional else None,
            "EVMinimumV2XEnergyRequest": rational(-5_000) if self.bidirectional else None,
            **changes,
        }
        return cm.ScheduleExchangeReq(
            Header=self.header(),
            MaximumSupportingPoints=1024,
            Dynamic_SEReqControlMode=cm.Dynamic_SEReqControlMode(**values),
        )

    def pre_charge(self, processing: Processing = Processing.Finished, target_V: float = 400) -> dc.DC_PreChargeReq:
        return dc.DC_PreChargeReq(
            Header=self.header(),
            EVProcessing=processing,
            EVPresentVoltage=rational(399),
            EVTargetVoltage=rational(target_V),
        )

    def power_delivery(
        self,
        progress: cm.ChargeProgress = cm.ChargeProgress.Start,
        processing: Processing = Processing.Finished,
        profile_W: tuple[float, ...] | None = (10_000,),
        tuple_id: int = 1,
    ) -> cm.PowerDeliveryReq:
        profile = None
        if progress is cm.ChargeProgress.Start and profile_W is not None:
            entries = cm.EVPowerProfileEntryList(
                EVPowerProfileEntry=tuple(cm.PowerScheduleEntry(Duration=600, Power=rational(p)) for p in profile_W)
            )
            chosen: dict[str, Any] = {"Dynamic_EVPPTControlMode": cm.Dynamic_EVPPTControlMode()}
            if self.mode is ControlMode.SCHEDULED:
                scheduled = cm.Scheduled_EVPPTControlMode(SelectedScheduleTupleID=tuple_id)
                chosen = {"Scheduled_EVPPTControlMode": scheduled}
            profile = cm.EVPowerProfile(TimeAnchor=self.now.utc_s, EVPowerProfileEntries=entries, **chosen)
        return cm.PowerDeliveryReq(
            Header=self.header(), EVProcessing=processing, ChargeProgress=progress, EVPowerProfile=profile
        )

    def control_mode(self, mode: ControlMode, bidirectional: bool, **changes: Any) -> Any:
        values: dict[str, Any]
        if mode is ControlMode.SCHEDULED:
            kind: Any = dc.BPT_Scheduled_DC_CLReqControlMode if bidirectional else dc.Scheduled_DC_CLReqControlMode
            values = {"EVTargetCurrent": rational(12), "EVTargetVoltage": rational(410)}
            return kind(**{**values, **changes})
        values = {
            "EVTargetEnergyRequest": rational(30_000),
            "EVMaximumEnergyRequest": rational(40_000),
            "EVMinimumEnergyRequest": rational(-10_000),
            "EVMaximumChargePower": rational(50_000),
            "EVMinimumChargePower": rational(0),
            "EVMaximumChargeCurrent": rational(125),
            "EVMaximumVoltage": rational(450),
            "EVMinimumVoltage": rational(280),
        }
        if not bidirectional:
            return dc.Dynamic_DC_CLReqControlMode(**{**values, **changes})
        values |= {
            "EVMaximumDischargePower": rational(18_000),
            "EVMinimumDischargePower": rational(0),
            "EVMaximumDischargeCurrent": rational(50),
            "EVMaximumV2XEnergyRequest": rational(20_000),
            "EVMinimumV2XEnergyRequest": rational(-5_000),
        }
        return dc.BPT_Dynamic_DC_CLReqControlMode(**{**values, **changes})

    def charge_loop(self, control: Any = None, soc: int | None = 55, meter: bool = False, **changes: Any) -> Any:
        display = None if soc is None else DisplayParameters(PresentSOC=soc)
        return dc.DC_ChargeLoopReq(
            Header=self.header(),
            DisplayParameters=display,
            MeterInfoRequested=meter,
            EVPresentVoltage=rational(400),
            CLReqControlMode=control or self.control_mode(self.mode, self.bidirectional, **changes),
        )

    def request(self, kind: type) -> Any:
        """A well-formed request of this class."""
        head: dict[str, Any] = {"Header": self.header()}
        match kind:
            case cm.SessionSetupReq:
                return cm.SessionSetupReq(**head, EVCCID="WMIV1234567890ABCDEX")
            case cm.AuthorizationReq:
                return cm.AuthorizationReq(
                    **head,
                    SelectedAuthorizationService=cm.Authorization.EIM,
                    EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
                )
            case cm.ServiceDetailReq:
                return cm.ServiceDetailReq(**head, ServiceID=self.service_id)
            case cm.ServiceSelectionReq:
                chosen = cm.SelectedService(ServiceID=self.service_id, ParameterSetID=self.parameter_set)
                return cm.ServiceSelectionReq(**head, SelectedEnergyTransferService=chosen)
            case ac.AC_ChargeParameterDiscoveryReq:
                limits = {"EVMaximumChargePower": rational(11_000), "EVMinimumChargePower": rational(0)}
                mode = ac.AC_CPDReqEnergyTransferMode(**limits)
                return ac.AC_ChargeParameterDiscoveryReq(**head, AC_CPDReqEnergyTransferMode=mode)
            case ac.AC_ChargeLoopReq:
                control = ac_control_mode(self.mode, self.bidirectional)
                return ac.AC_ChargeLoopReq(**head, MeterInfoRequested=False, CLReqControlMode=control)
            case dc.DC_ChargeParameterDiscoveryReq:
                return self.charge_parameters()
            case cm.ScheduleExchangeReq:
                return self.schedule_exchange()
            case dc.DC_PreChargeReq:
                return self.pre_charge()
            case cm.PowerDeliveryReq:
                return self.power_delivery()
            case dc.DC_ChargeLoopReq:
                return self.charge_loop()
            case dc.DC_WeldingDetectionReq:
                return dc.DC_WeldingDetectionReq(**head, EVProcessing=Processing.Finished)
            case cm.SessionStopReq:
                return cm.SessionStopReq(**head, ChargingSession=cm.ChargingSession.Terminate)
            case cm.CertificateInstallationReq:
                chain = cm.SignedCertificateChain(Id="oem", Certificate=b"leaf")
                issuer = X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1)
                roots = ListOfRootCertificateIDs(RootCertificateID=(issuer,))
                return cm.CertificateInstallationReq(
                    **head,
                    OEMProvisioningCertificateChain=chain,
                    ListOfRootCertificateIDs=roots,
                    MaximumContractCertificateChains=1,
                )
            case cm.VehicleCheckInReq:
                return cm.VehicleCheckInReq(
                    **head, EVCheckInStatus=cm.EvCheckInStatus.CheckIn, ParkingMethod=cm.ParkingMethod.Manual
                )
            case cm.VehicleCheckOutReq:
                return cm.VehicleCheckOutReq(**head, EVCheckOutStatus=cm.EvCheckOutStatus.CheckOut, CheckOutTime=UTC_S)
            case cm.MeteringConfirmationReq:
                signed = cm.SignedMeteringData(
                    Id="m",
                    SessionID=self.session_id,
                    MeterInfo=MeterInfo(MeterID="m", ChargedEnergyReadingWh=1),
                    Dynamic_SMDTControlMode=cm.Dynamic_SMDTControlMode(),
                )
                return cm.MeteringConfirmationReq(**head, SignedMeteringData=signed)
            case _:
                return kind(**head)

    # -- a whole way -----------------------------------------------------------------------------------------------

    def step(self, state: State) -> list[Any]:
        """From this state to the next one, the stage following as it would; the responses."""
        match state:
            case State.SESSION_SETUP:
                answer = self.ask(self.request(cm.SessionSetupReq))
                self.session_id = answer.Header.SessionID
                return [answer]
            case State.AUTHORIZATION_SETUP:
                return [self.ask(self.request(cm.AuthorizationSetupReq))]
            case State.AUTHORIZATION:
                return [self.ask(self.request(cm.AuthorizationReq))]
            case State.SERVICE_DISCOVERY:
                return [self.ask(self.request(cm.ServiceDiscoveryReq))]
            case State.SERVICE_DETAIL:
                return [self.ask(self.request(cm.ServiceDetailReq))]
            case State.SERVICE_SELECTION:
                return [self.ask(self.request(cm.ServiceSelectionReq))]
            case State.CHARGE_PARAMETER_DISCOVERY:
                return [self.ask(self.charge_parameters())]
            case State.SCHEDULE_EXCHANGE:
                return [self.ask(self.schedule_exchange())]
            case State.CABLE_CHECK:
                first = self.ask(self.request(dc.DC_CableCheckReq))
                self.see(stage=Stage.CABLE_CHECKED)
                return [first, self.ask(self.request(dc.DC_CableCheckReq))]
            case State.PRE_CHARGE:
                first = self.ask(self.pre_charge(Processing.Ongoing))
                self.see(stage=Stage.PRE_CHARGED, voltage_V=399.0)
                return [first, self.ask(self.pre_charge())]
            case State.POWER_DELIVERY:
                held = self.send(self.power_delivery())
                return held + self.see(stage=Stage.TRANSFER)
            case State.CHARGE_LOOP:
                loops = [self.ask(self.charge_loop()) for _ in range(3)]
                held = self.send(self.power_delivery(cm.ChargeProgress.Stop))
                return loops + held + self.see(stage=Stage.OFF, voltage_V=12.0, current_A=0.0)
            case State.WELDING_DETECTION:
                return [self.ask(self.request(dc.DC_WeldingDetectionReq))]
            case _:
                return [self.ask(self.request(cm.SessionStopReq))]

    def agree(self) -> Any:
        """The protocol; its response."""
        return self.ask(self.app_protocol())

    def reach(self, state: State) -> ScriptedCar:
        """Be where the SECC waits for this."""
        self.agree()
        for before in ORDER[: ORDER.index(state)]:
            self.step(before)
        assert self.secc.session.state is state
        return self


@pytest.fixture
def new_car() -> Callable[..., ScriptedCar]:
    """Makes a car on a fresh connection: `new_car(mode, bidirectional, …)`."""
    return ScriptedCar


@pytest.fixture
def order() -> list[State]:
    """The states of a session in the order it goes through them."""
    return ORDER
