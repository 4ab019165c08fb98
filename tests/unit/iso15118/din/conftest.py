"""A scripted car of DIN 70121 in front of the conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.din.protocol import served
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.image import ControlPilot, Stage
from tests.unit.iso15118.car_on_connection import SESSION_ID, CarWithBodies

ORDER: list[DinState] = [state for state in DinState if state is not DinState.ENDED]


def physical(value: int, multiplier: int = 0, unit: din.UnitSymbol | None = None) -> din.PhysicalValue:
    """A number as a car sends it."""
    return din.PhysicalValue(Multiplier=multiplier, Unit=unit, Value=value)


def ev_status(
    soc_percent: int = 55, error: din.DC_EVErrorCode = din.DC_EVErrorCode.NO_ERROR, ready: bool = True
) -> din.DC_EVStatus:
    return din.DC_EVStatus(EVReady=ready, EVErrorCode=error, EVRESSSOC=soc_percent)


class DinCar(CarWithBodies):
    """One car on one connection."""

    words = din
    namespace = NS_DIN

    def __init__(
        self,
        services: tuple[EnergyService, ...] = (EnergyService.DC_BPT, EnergyService.DC),
        session_id: bytes = SESSION_ID,
        **settings: Any,
    ) -> None:
        secc = SeccSettings(1, "DE*OCP*E1", services, (ControlMode.DYNAMIC,), **settings)
        super().__init__(secc, served(secc), Peer("fe80::1"), lambda n: session_id[:n])

    def answers(self) -> list[Any]:
        found = super().answers()
        if found and isinstance(found[-1], din.SessionSetupRes):
            self.session_id = SESSION_ID
        return found

    def request(self, kind: type) -> Any:
        """A well-formed request of this class."""
        match kind:
            case din.SessionSetupReq:
                return din.SessionSetupReq(EVCCID=bytes.fromhex("3e89f8859407"))
            case din.ServicePaymentSelectionReq:
                return self.selection()
            case din.ChargeParameterDiscoveryReq:
                return self.charge_parameters()
            case din.CableCheckReq:
                return din.CableCheckReq(DC_EVStatus=ev_status())
            case din.PreChargeReq:
                return self.pre_charge()
            case din.PowerDeliveryReq:
                return self.power_delivery(start=True)
            case din.CurrentDemandReq:
                return self.current_demand()
            case din.WeldingDetectionReq:
                return din.WeldingDetectionReq(DC_EVStatus=ev_status())
            case din.ServiceDetailReq:
                return din.ServiceDetailReq(ServiceID=1)
            case din.PaymentDetailsReq:
                chain = din.CertificateChain(Certificate=b"leaf")
                return din.PaymentDetailsReq(ContractID="DE123", ContractSignatureCertChain=chain)
            case din.MeteringReceiptReq:
                meter = din.MeterInfo(MeterID="meter")
                return din.MeteringReceiptReq(SessionID=self.session_id, MeterInfo=meter)
            case din.CertificateInstallationReq:
                roots = din.ListOfRootCertificateIDs(RootCertificateID=("root",))
                return din.CertificateInstallationReq(
                    OEMProvisioningCert=b"leaf", ListOfRootCertificateIDs=roots, DHParams=b"dh"
                )
            case din.CertificateUpdateReq:
                roots = din.ListOfRootCertificateIDs(RootCertificateID=("root",))
                return din.CertificateUpdateReq(
                    ContractSignatureCertChain=din.CertificateChain(Certificate=b"leaf"),
                    ContractID="DE123",
                    ListOfRootCertificateIDs=roots,
                    DHParams=b"dh",
                )
            case _:
                return kind()

    def selection(
        self, option: din.PaymentOption = din.PaymentOption.ExternalPayment, services: tuple[int, ...] = (1,)
    ) -> din.ServicePaymentSelectionReq:
        return din.ServicePaymentSelectionReq(
            SelectedPaymentOption=option,
            SelectedServiceList=din.SelectedServiceList(
                SelectedService=tuple(din.SelectedService(ServiceID=s) for s in services)
            ),
        )

    def charge_parameters(
        self,
        kind: din.EVRequestedEnergyTransfer = din.EVRequestedEnergyTransfer.DC_extended,
        **changes: Any,
    ) -> din.ChargeParameterDiscoveryReq:
        values: dict[str, Any] = {
            "DC_EVStatus": ev_status(),
            "EVMaximumCurrentLimit": physical(125),
            "EVMaximumPowerLimit": physical(50, 3),
            "EVMaximumVoltageLimit": physical(450),
        }
        return din.ChargeParameterDiscoveryReq(
            EVRequestedEnergyTransferType=kind, EVChargeParameter=din.DC_EVChargeParameter(**{**values, **changes})
        )

    def pre_charge(self, target_V: int = 400, target_A: int = 1) -> din.PreChargeReq:
        return din.PreChargeReq(
            DC_EVStatus=ev_status(), EVTargetVoltage=physical(target_V), EVTargetCurrent=physical(target_A)
        )

    def power_delivery(
        self, start: bool, profile: tuple[tuple[int, int], ...] | None = None, tuple_id: int = 1
    ) -> din.PowerDeliveryReq:
        charging_profile = None
        if profile is not None:
            charging_profile = din.ChargingProfile(
                SAScheduleTupleID=tuple_id,
                ProfileEntry=tuple(
                    din.ProfileEntry(ChargingProfileEntryStart=s, ChargingProfileEntryMaxPower=p) for s, p in profile
                ),
            )
        return din.PowerDeliveryReq(ReadyToChargeState=start, ChargingProfile=charging_profile)

    def current_demand(self, target_A: int = 12, target_V: int = 410, **changes: Any) -> din.CurrentDemandReq:
        values: dict[str, Any] = {
            "DC_EVStatus": ev_status(),
            "EVTargetCurrent": physical(target_A),
            "EVTargetVoltage": physical(target_V),
            "ChargingComplete": False,
        }
        return din.CurrentDemandReq(**{**values, **changes})

    def step(self, state: DinState) -> list[Any]:
        """What an ordinary car sends while the SECC waits for this, and the answers."""
        match state:
            case DinState.SESSION_SETUP:
                return [self.ask(self.request(din.SessionSetupReq))]
            case DinState.SERVICE_DISCOVERY:
                return [self.ask(din.ServiceDiscoveryReq())]
            case DinState.SERVICE_PAYMENT_SELECTION:
                return [self.ask(self.selection())]
            case DinState.CONTRACT_AUTHENTICATION:
                return [self.ask(din.ContractAuthenticationReq())]
            case DinState.CHARGE_PARAMETER_DISCOVERY:
                return [self.ask(self.charge_parameters())]
            case DinState.CABLE_CHECK:
                first = self.ask(self.request(din.CableCheckReq))
                self.see(stage=Stage.CABLE_CHECKED)
                return [first, self.ask(self.request(din.CableCheckReq))]
            case DinState.PRE_CHARGE:
                first = self.ask(self.pre_charge())
                self.see(stage=Stage.PRE_CHARGED, voltage_V=399.0)
                held = self.send(self.power_delivery(start=True))
                return [first, *held, *self.see(stage=Stage.TRANSFER), *self.wait(0.03)]
            case DinState.CURRENT_DEMAND:
                loops = [self.ask(self.current_demand()) for _ in range(3)]
                held = self.send(self.power_delivery(start=False))
                off = self.see(stage=Stage.OFF, voltage_V=12.0, current_A=0.0, pilot=ControlPilot.B)
                return [*loops, *held, *off, *self.wait(0.03)]
            case _:
                return [self.ask(din.SessionStopReq())]

    def reach(self, state: DinState) -> DinCar:
        """Be where the SECC waits for this."""
        self.agree()
        for before in ORDER[: ORDER.index(state)]:
            self.step(before)
        assert self.secc.session.state is state
        return self


@pytest.fixture
def new_car() -> Callable[..., DinCar]:
    """Makes a car on a fresh connection."""
    return DinCar
