"""A scripted car of ISO 15118-2 in front of the conversation: requests as objects, time as a number, the station as a view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.exi.codec import NS_ISO2, NS_SAP, decode, encode
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.protocol import served
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq
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
from chargepoint.iso15118.messages.xmldsig import Signature, X509IssuerSerial
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, PayloadType, frame
from chargepoint.model.car import CarDemand, CarDemandChanged, ControlMode, EnergyService, QuestionAsked
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece, PricePiece
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import AcSupply, ControlPilot, MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import StationView, Wish, WishForCar

SESSION_ID = bytes.fromhex("0102030405060708")
UTC_S = 1_800_000_000
DC_CAN = StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0)
SUPPLY = AcSupply(230.0, 50.0, 3, 16.0)
AC_CAN = StageCapabilities(207.0, 253.0, 48.0, 48.0, 11_040.0, 11_040.0, ac=SUPPLY)
READY = StationView(
    authorized=True,
    may_energise=True,
    transaction_id=TransactionId("tx-1"),
    pilot=ControlPilot.C,
    permitted=True,
    voltage_V=1.0,
    current_A=0.0,
    power_W=0.0,
    meter=MeterRegisters(5000.4, 700.6, 400.0, 10.0, 4000.0, 0.0),
)
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


class Iso2Car:
    """One car on one connection. `ask` sends a request and gives the body of its one response."""

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
        self.t = 1000.0
        services = (EnergyService.AC,) if ac else (EnergyService.DC_BPT, EnergyService.DC)
        values = {"services": services, "control_modes": (ControlMode.DYNAMIC,), "least_answer_time_s": 0.0, **settings}
        self.settings = SeccSettings(1, "DE*OCP*E1", **values)
        self.secc = Conversation(
            self.settings,
            served(self.settings),
            Peer("fe80::1", tls),
            lambda n: session_id[:n] * (n // 8 or 1),
            self.now,
            kept=kept,
        )
        can = AC_CAN if ac else DC_CAN
        self.inputs = replace(
            READY, capabilities=can, limits_W=Interval(-can.discharge_power_max_W, can.charge_power_max_W)
        )
        self.foreseen: tuple[PowerPiece, ...] | None = None
        """What the station answers when it is asked for its forecast; None: its capabilities, for ever."""
        self.prices: tuple[PricePiece, ...] = ()
        """And what it says of prices."""
        self.answers_questions = True
        self.session_id = bytes(1)
        self.events: list[Any] = []
        self._framing = Framing()
        self.secc.update(self.inputs, self.now)

    @property
    def now(self) -> Now:
        return Now(self.t, UTC_S + int(self.t))

    # -- wire ------------------------------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> list[Any]:
        self.secc.receive(data, self.now)
        return self.answers()

    def send(self, body: Any, session_id: bytes | None = None, signature: Signature | None = None) -> list[Any]:
        return self.send_bytes(frame(PayloadType.EXI_SAP, encode(self.message(body, session_id, signature))))

    def message(
        self, body: Any, session_id: bytes | None = None, signature: Signature | None = None
    ) -> iso2.V2G_Message:
        own = self.session_id if session_id is None else session_id
        header = iso2.MessageHeader(SessionID=own, Signature=signature)
        return iso2.V2G_Message(Header=header, Body=iso2.Body(BodyElement=body))

    def ask(self, body: Any, session_id: bytes | None = None, signature: Signature | None = None) -> Any:
        answers = self.send(body, session_id, signature) or self.await_answer(6.0)
        assert len(answers) == 1, f"{type(body).__name__} answered with {answers}"
        return answers[0]

    def answers(self) -> list[Any]:
        self._take_events()
        found = []
        for event in self._framing.receive(self.secc.to_send()):
            assert isinstance(event, FrameReceived)
            message = decode(NS_SAP if self.secc.session is None else NS_ISO2, event.payload)
            found.append(message.Body.BodyElement if isinstance(message, iso2.V2G_Message) else message)
            if isinstance(message, iso2.V2G_Message):
                self.heard_id = message.Header.SessionID
        return found

    def _take_events(self) -> None:
        events = self.secc.events()
        self.events += events
        for event in events:
            if isinstance(event, QuestionAsked) and self.answers_questions:
                self.answer(event)
                self._take_events()

    def answer(self, asked: QuestionAsked) -> None:
        """The station's answer to a question."""
        match asked.question:
            case ForeseePower(_, horizon_s, _):
                can = AC_CAN if self.ac else DC_CAN
                whole = (PowerPiece(horizon_s, can.charge_power_max_W, can.discharge_power_max_W),)
                self.secc.answer(asked.number, PowerForeseen(self.foreseen or whole, self.prices), self.now)

    def wish(self, wish: Wish | None, delay_s: float = 0.0) -> list[Any]:
        """The station asks the car for something."""
        return self.see(wish=None if wish is None else WishForCar(wish, self.t + delay_s))

    def see(self, **changes: Any) -> list[Any]:
        """The inputs change; what is answered because of it."""
        self.inputs = replace(self.inputs, **changes)
        self.secc.update(self.inputs, self.now)
        return self.answers()

    def wait(self, seconds: float) -> list[Any]:
        """Time passes, as a shell would let it: tick at each deadline, then at the end."""
        end_s, found = self.t + seconds, []
        while (due_s := self.secc.deadline_s) is not None and due_s <= end_s:
            self.t = max(self.t, due_s)
            self.secc.tick(self.now)
            found += self.answers()
        self.t = end_s
        self.secc.tick(self.now)
        return found + self.answers()

    def await_answer(self, patience_s: float) -> list[Any]:
        """Time passes until an answer comes."""
        until_s = self.t + patience_s
        while self.t < until_s:
            if found := self.wait(0.05):
                return found
        return []

    def learned(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def demands(self) -> list[CarDemand]:
        return [event.demand for event in self.events if isinstance(event, CarDemandChanged)]

    # -- requests --------------------------------------------------------------------------------------------------

    def app_protocol(self) -> supportedAppProtocolReq:
        offered = AppProtocol(
            ProtocolNamespace=NS_ISO2, VersionNumberMajor=2, VersionNumberMinor=0, SchemaID=0, Priority=1
        )
        return supportedAppProtocolReq(AppProtocol=(offered,))

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

    def agree(self) -> Any:
        """The protocol; its response."""
        self.secc.receive(frame(PayloadType.EXI_SAP, encode(self.app_protocol())), self.now)
        (event,) = self._framing.receive(self.secc.to_send())
        assert isinstance(event, FrameReceived)
        self._take_events()
        return decode(NS_SAP, event.payload)

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
