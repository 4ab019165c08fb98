"""A scripted car of ISO 15118-2 in front of the conversation: requests as objects, time as a number, the station as a view."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.exi.codec import NS_ISO2
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.protocol import served
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    ChargingSession,
    DC_EVErrorCode,
    EnergyTransferMode,
    PaymentOption,
    PhysicalValue,
    ResponseCode,
    UnitSymbol,
)
from chargepoint.iso15118.messages.xmldsig import X509IssuerSerial
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.image import AcSupply, ControlPilot, Stage, StageCapabilities
from chargepoint.model.limits import Interval
from tests.unit.iso15118.car_on_connection import CAPABILITIES, SESSION_ID, CarWithBodies

DC_CAN = CAPABILITIES
SUPPLY = AcSupply(230.0, 50.0, 3, 16.0)
AC_CAN = StageCapabilities(207.0, 253.0, 48.0, 48.0, 11_040.0, 11_040.0, ac=SUPPLY)
BEFORE = {
    False: [
        Iso2State.SESSION_SETUP,
        Iso2State.SERVICE_DISCOVERY,
        Iso2State.PAYMENT_SERVICE_SELECTION,
        Iso2State.AUTHORIZATION,
        Iso2State.CHARGE_PARAMETER_DISCOVERY,
        Iso2State.CABLE_CHECK,
        Iso2State.PRE_CHARGE,
        Iso2State.POWER_DELIVERY,
        Iso2State.CHARGE_LOOP,
        Iso2State.WELDING_DETECTION,
    ],
    True: [
        Iso2State.SESSION_SETUP,
        Iso2State.SERVICE_DISCOVERY,
        Iso2State.PAYMENT_SERVICE_SELECTION,
        Iso2State.AUTHORIZATION,
        Iso2State.CHARGE_PARAMETER_DISCOVERY,
        Iso2State.POWER_DELIVERY,
        Iso2State.CHARGE_LOOP,
        Iso2State.SESSION_STOP,
    ],
}
"""The states of a session in the order it goes through them, for DC and for AC."""


class Iso2Car(CarWithBodies):
    """One car on one connection."""

    words = iso2
    namespace = NS_ISO2
    patience_s = 6.0

    def __init__(
        self,
        *,
        ac: bool = False,
        session_id: bytes = SESSION_ID,
        kept: KeptSession | None = None,
        tls: str | None = None,
        **settings: Any,
    ) -> None:
        self.ac = ac
        services = (EnergyService.AC,) if ac else (EnergyService.DC_BPT, EnergyService.DC)
        values = {"services": services, "control_modes": (ControlMode.DYNAMIC,), "least_answer_time_s": 0.0, **settings}
        secc = SeccSettings(1, "DE*OCP*E1", **values)
        peer = Peer("fe80::1", tls)
        super().__init__(secc, served(secc), peer, lambda n: session_id[:n] * (n // 8 or 1), kept)
        self.capabilities = can = AC_CAN if ac else DC_CAN
        limits_W = Interval(-can.discharge_power_max_W, can.charge_power_max_W)
        self.see(capabilities=can, limits_W=limits_W, power_W=0.0)

    # -- requests --------------------------------------------------------------------------------------------------

    def ev_status(
        self, soc: int = 40, *, ready: bool = True, error: DC_EVErrorCode = DC_EVErrorCode.NO_ERROR
    ) -> iso2.DC_EVStatus:
        return iso2.DC_EVStatus(EVReady=ready, EVErrorCode=error, EVRESSSOC=soc)

    def payment_selection(
        self, *services: int, payment: PaymentOption = PaymentOption.ExternalPayment
    ) -> iso2.PaymentServiceSelectionReq:
        chosen = tuple(iso2.SelectedService(ServiceID=number) for number in services or (1,))
        return iso2.PaymentServiceSelectionReq(
            SelectedPaymentOption=payment, SelectedServiceList=iso2.SelectedServiceList(SelectedService=chosen)
        )

    def charge_parameters(
        self, mode: EnergyTransferMode | None = None, entries: int | None = None, **changes: Any
    ) -> iso2.ChargeParameterDiscoveryReq:
        parameters: iso2.AC_EVChargeParameter | iso2.DC_EVChargeParameter
        if self.ac:
            ac = {"EAmount": watt_hours(20_000), "EVMaxVoltage": volts(400), "EVMaxCurrent": amperes(16)}
            parameters = iso2.AC_EVChargeParameter(**{**ac, "EVMinCurrent": amperes(6), **changes})
            wanted = EnergyTransferMode.AC_three_phase_core
        else:
            dc: dict[str, Any] = {
                "DC_EVStatus": self.ev_status(),
                "EVMaximumCurrentLimit": amperes(125),
                "EVMaximumPowerLimit": watts(50_000),
                "EVMaximumVoltageLimit": volts(450),
            }
            parameters = iso2.DC_EVChargeParameter(**{**dc, **changes})
            wanted = EnergyTransferMode.DC_extended
        return iso2.ChargeParameterDiscoveryReq(
            MaxEntriesSAScheduleTuple=entries, RequestedEnergyTransferMode=mode or wanted, EVChargeParameter=parameters
        )

    def cable_check(self, **status: Any) -> iso2.CableCheckReq:
        return iso2.CableCheckReq(DC_EVStatus=self.ev_status(**status))

    def pre_charge(self, target_V: float = 400.0, target_A: float = 2.0) -> iso2.PreChargeReq:
        return iso2.PreChargeReq(
            DC_EVStatus=self.ev_status(), EVTargetVoltage=volts(target_V), EVTargetCurrent=amperes(target_A)
        )

    def power_delivery(
        self,
        progress: ChargeProgress = ChargeProgress.Start,
        profile: tuple[tuple[int, PhysicalValue], ...] | None = None,
        tuple_id: int = 1,
    ) -> iso2.PowerDeliveryReq:
        """`profile`: start (s) and power of each entry."""
        entries = () if profile is None else profile
        named = tuple(
            iso2.ProfileEntry(ChargingProfileEntryStart=start_s, ChargingProfileEntryMaxPower=power)
            for start_s, power in entries
        )
        parameter = None
        if not self.ac:
            parameter = iso2.DC_EVPowerDeliveryParameter(DC_EVStatus=self.ev_status(), ChargingComplete=False)
        return iso2.PowerDeliveryReq(
            ChargeProgress=progress,
            SAScheduleTupleID=tuple_id,
            ChargingProfile=iso2.ChargingProfile(ProfileEntry=named) if named else None,
            EVPowerDeliveryParameter=parameter,
        )

    def current_demand(self, target_A: float = 20.0, target_V: float = 420.0, **changes: Any) -> iso2.CurrentDemandReq:
        values: dict[str, Any] = {"DC_EVStatus": self.ev_status(), "ChargingComplete": False, **changes}
        return iso2.CurrentDemandReq(EVTargetCurrent=amperes(target_A), EVTargetVoltage=volts(target_V), **values)

    def loop(self) -> Any:
        """The response to one message of the charge loop."""
        return self.ask(iso2.ChargingStatusReq() if self.ac else self.current_demand())

    def session_stop(self, session: ChargingSession = ChargingSession.Terminate) -> iso2.SessionStopReq:
        return iso2.SessionStopReq(ChargingSession=session)

    def request(self, state: Iso2State) -> Any:
        """The request that a car sends in this state."""
        match state:
            case Iso2State.SESSION_SETUP:
                return iso2.SessionSetupReq(EVCCID=bytes.fromhex("3E89F8859407"))
            case Iso2State.SERVICE_DISCOVERY:
                return iso2.ServiceDiscoveryReq()
            case Iso2State.PAYMENT_SERVICE_SELECTION:
                return self.payment_selection()
            case Iso2State.AUTHORIZATION:
                return iso2.AuthorizationReq()
            case Iso2State.CHARGE_PARAMETER_DISCOVERY:
                return self.charge_parameters()
            case Iso2State.CABLE_CHECK:
                return self.cable_check()
            case Iso2State.PRE_CHARGE:
                return self.pre_charge()
            case Iso2State.POWER_DELIVERY:
                return self.power_delivery()
            case Iso2State.CHARGE_LOOP:
                return iso2.ChargingStatusReq() if self.ac else self.current_demand()
            case Iso2State.WELDING_DETECTION:
                return iso2.WeldingDetectionReq(DC_EVStatus=self.ev_status())
            case _:
                return self.session_stop()

    def request_of(self, kind: type) -> Any:
        """A well-formed request of this class."""
        nobody = iso2.CertificateChain(Certificate=b"leaf")
        roots = iso2.ListOfRootCertificateIDs(
            RootCertificateID=(X509IssuerSerial(X509IssuerName="CN=root", X509SerialNumber=1),)
        )
        emaid = "DEABC123456789A"
        match kind:
            case iso2.ServiceDetailReq:
                return iso2.ServiceDetailReq(ServiceID=1)
            case iso2.ChargingStatusReq:
                return iso2.ChargingStatusReq()
            case iso2.CurrentDemandReq:
                return self.current_demand()
            case iso2.PaymentDetailsReq:
                return iso2.PaymentDetailsReq(eMAID=emaid, ContractSignatureCertChain=nobody)
            case iso2.CertificateInstallationReq:
                return iso2.CertificateInstallationReq(
                    Id="id1", OEMProvisioningCert=b"leaf", ListOfRootCertificateIDs=roots
                )
            case iso2.CertificateUpdateReq:
                return iso2.CertificateUpdateReq(
                    Id="id1", ContractSignatureCertChain=nobody, eMAID=emaid, ListOfRootCertificateIDs=roots
                )
            case iso2.MeteringReceiptReq:
                return iso2.MeteringReceiptReq(SessionID=self.session_id, MeterInfo=iso2.MeterInfo(MeterID="meter"))
            case _:
                return next(found for state in Iso2State if type(found := self.request(state)) is kind)

    # -- a whole way -----------------------------------------------------------------------------------------------

    def step(self, state: Iso2State) -> list[Any]:
        """From this state to the next one, the stage following as it would; the responses."""
        match state:
            case Iso2State.SESSION_SETUP:
                answers = [self.ask(self.request(state))]
                self.session_id = self.heard_id
                return answers
            case Iso2State.CABLE_CHECK:
                first = self.ask(self.cable_check())
                self.see(stage=Stage.CABLE_CHECKED)
                return [first, self.ask(self.cable_check())]
            case Iso2State.PRE_CHARGE:
                first = self.ask(self.pre_charge())
                self.see(stage=Stage.PRE_CHARGED, voltage_V=399.0)
                return [first, self.ask(self.pre_charge())]
            case Iso2State.POWER_DELIVERY:
                held = self.send(self.power_delivery())
                return held + self.see(stage=Stage.TRANSFER, voltage_V=230.0 if self.ac else 400.0)
            case Iso2State.CHARGE_LOOP:
                loops = [self.loop() for _ in range(3)]
                held = self.send(self.power_delivery(ChargeProgress.Stop))
                return loops + held + self.see(stage=Stage.OFF, voltage_V=12.0, current_A=0.0, pilot=ControlPilot.B)
            case _:
                return [self.ask(self.request(state))]

    def reach(self, state: Iso2State) -> Iso2Car:
        """Be where the SECC waits for this."""
        self.agree()
        before = BEFORE[self.ac]
        for step in before[: before.index(state)]:
            for answer in self.step(step):
                assert answer.ResponseCode in GOOD, answer
        assert self.state is state
        return self

    @property
    def state(self) -> Iso2State:
        found = self.secc.session.state
        assert isinstance(found, Iso2State)
        return found


GOOD = (ResponseCode.OK, ResponseCode.OK_NewSessionEstablished, ResponseCode.OK_OldSessionJoined)


def watt_hours(value: int) -> PhysicalValue:
    multiplier = 0
    while value > 32_767:
        value, multiplier = value // 10, multiplier + 1
    return PhysicalValue(Multiplier=multiplier, Unit=UnitSymbol.Wh, Value=value)
