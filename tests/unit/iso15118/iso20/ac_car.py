"""A scripted car at an AC outlet of three phases, 32 A: 22 kW in, 11 kW out."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.exi.codec import NS_AC
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.messages.common_types import DisplayParameters
from chargepoint.iso15118.rational import rational
from chargepoint.model.car import ControlMode, EnergyService
from chargepoint.model.image import AcSupply, Stage, StageCapabilities
from tests.unit.iso15118.iso20.conftest import ORDER, ScriptedCar, ac_control_mode

SUPPLY = AcSupply(230.0, 50.0, 3, 32.0)
AC_CAPABILITIES = StageCapabilities(
    voltage_min_V=230.0,
    voltage_max_V=230.0,
    charge_current_max_A=96.0,
    discharge_current_max_A=48.0,
    charge_power_max_W=22_000.0,
    discharge_power_max_W=11_000.0,
    ac=SUPPLY,
)
AC_ORDER: list[State] = [s for s in ORDER if s not in (State.CABLE_CHECK, State.PRE_CHARGE, State.WELDING_DETECTION)]


class ScriptedAcCar(ScriptedCar):
    """One AC car on one connection."""

    def __init__(self, mode: ControlMode = ControlMode.DYNAMIC, bidirectional: bool = True, **settings: Any) -> None:
        settings.setdefault("services", (EnergyService.AC_BPT, EnergyService.AC))
        super().__init__(mode, bidirectional, **settings)
        self.see(capabilities=AC_CAPABILITIES, voltage_V=230.0, current_A=0.0, power_W=0.0, frequency_Hz=50.0)

    @property
    def service_id(self) -> int:
        return 5 if self.bidirectional else 1

    def app_protocol(self, namespace: str = NS_AC, major: int = 1, minor: int = 0) -> supportedAppProtocolReq:
        return super().app_protocol(namespace, major, minor)

    def charge_parameters(self, **changes: Any) -> Any:
        values = {"EVMaximumChargePower": rational(11_000), "EVMinimumChargePower": rational(1_400)}
        kind: Any = ac.AC_CPDReqEnergyTransferMode
        if self.bidirectional:
            kind = ac.BPT_AC_CPDReqEnergyTransferMode
            values |= {"EVMaximumDischargePower": rational(-10_000), "EVMinimumDischargePower": rational(0)}
        return ac.AC_ChargeParameterDiscoveryReq(
            Header=self.header(), AC_CPDReqEnergyTransferMode=kind(**{**values, **changes})
        )

    def control_mode(self, mode: ControlMode, bidirectional: bool, **changes: Any) -> Any:
        return ac_control_mode(mode, bidirectional, **changes)

    def charge_loop(self, control: Any = None, soc: int | None = 55, meter: bool = False, **changes: Any) -> Any:
        return ac.AC_ChargeLoopReq(
            Header=self.header(),
            DisplayParameters=None if soc is None else DisplayParameters(PresentSOC=soc),
            MeterInfoRequested=meter,
            CLReqControlMode=control or self.control_mode(self.mode, self.bidirectional, **changes),
        )

    def request(self, kind: type) -> Any:
        match kind:
            case ac.AC_ChargeParameterDiscoveryReq:
                return self.charge_parameters()
            case ac.AC_ChargeLoopReq:
                return self.charge_loop()
        return super().request(kind)

    def step(self, state: State) -> list[Any]:
        if state is State.CHARGE_LOOP:
            loops = [self.ask(self.charge_loop()) for _ in range(3)]
            held = self.send(self.power_delivery(cm.ChargeProgress.Stop))
            opening = self.see(stage=Stage.OPENING)
            return loops + held + opening + self.see(stage=Stage.OFF)
        return super().step(state)

    def reach(self, state: State) -> ScriptedAcCar:
        """Be where the SECC waits for this."""
        self.agree()
        for before in AC_ORDER[: AC_ORDER.index(state)]:
            self.step(before)
        assert self.secc.session.state is state
        return self
