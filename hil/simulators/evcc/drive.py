"""One charging session as the car drives it, message by message, in the order it happens."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chargepoint.iso15118.exi.codec import NS_DC
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq, supportedAppProtocolRes
from chargepoint.iso15118.messages.common_types import (
    DisplayParameters,
    EvseNotification,
    MessageHeader,
    Processing,
    ResponseCode,
)
from chargepoint.iso15118.rational import maybe, number, rational
from hil.simulators.evcc.body import Inlet, PlantBody
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wire import Wire, WireError, connect
from hil.simulators.line_socket import Refused

R = TypeVar("R")

DC, DC_BPT = 2, 6
_MODE_NUMBER = {"scheduled": 1, "dynamic": 2}
CLOSE_WITHIN_V = 20.0


class CarStopped(RuntimeError):
    """The station said FAILED, or time was up: the car ends its session."""


@dataclass(slots=True)
class Progress:
    """What the session has seen so far; seconds are monotonic."""

    phase: str = "unplugged"
    marks: dict[str, float] = field(default_factory=dict)
    tls: str | None = None
    service_id: int | None = None
    control_mode: str | None = None
    loops: int = 0
    present_voltage_V: float | None = None
    present_current_A: float | None = None
    charge_limit_W: float | None = None
    discharge_limit_W: float | None = None
    asked_to_stop: bool = False
    error: str | None = None


class Drive:
    """One session. `stop` asks it to end; `progress` is live."""

    def __init__(
        self,
        spec: CarSpec,
        body: PlantBody,
        interface: str,
        tls: ssl.SSLContext | None,
        sdp_port: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._body = body
        self._interface = interface
        self._tls = tls
        self._sdp_port = sdp_port
        self._now = now
        self._session_id = bytes(8)
        self._wire: Wire | None = None
        self._stop = False
        self._mode = "dynamic"
        self._bidirectional = True
        self._limits: tuple[float | None, float | None] = (None, None)
        self.progress = Progress()

    def stop(self) -> None:
        """End after the current charge loop."""
        self._stop = True

    async def run(self) -> Progress:
        """From digital communication on the pilot to the end of the session. Never leaves its contactors closed."""
        try:
            await self._negotiate()
            await self._energise()
            await self._loop()
            await self._finish()
        except (WireError, CarStopped, Refused, ssl.SSLError, OSError) as error:
            self.progress.error = str(error)
        finally:
            await self._leave()
        return self.progress

    # -- steps ----------------------------------------------------------------------------------------------------

    async def _negotiate(self) -> None:
        self._mark("wait_pwm")
        await self._until(is_digital, self._spec.ongoing_timeout_s, "no 5 % PWM on the pilot")
        self._mark("connect")
        self._wire = await connect(self._interface, self._tls, self._sdp_port)
        self.progress.tls = self._wire.tls
        offer = AppProtocol(ProtocolNamespace=NS_DC, VersionNumberMajor=1, VersionNumberMinor=0, SchemaID=1, Priority=1)
        agreed = await self._wire.exchange(
            supportedAppProtocolReq(AppProtocol=(offer,)), supportedAppProtocolRes, self._spec.message_timeout_s
        )
        if agreed.SchemaID != 1:
            raise CarStopped(f"no common protocol: {agreed.ResponseCode.value}")
        setup = await self._ask(
            cm.SessionSetupReq(Header=self._header(), EVCCID=self._spec.evcc_id), cm.SessionSetupRes
        )
        self._session_id = setup.Header.SessionID
        await self._ask(cm.AuthorizationSetupReq(Header=self._header()), cm.AuthorizationSetupRes)
        self._mark("authorization")
        await self._authorise()
        self._mark("service")
        await self._select_service()
        await self._ask(self._charge_parameters(), dc.DC_ChargeParameterDiscoveryRes)
        await self._ask(await self._schedule_request(), cm.ScheduleExchangeRes)

    async def _authorise(self) -> None:
        request = cm.AuthorizationReq(
            Header=self._header(),
            SelectedAuthorizationService=cm.Authorization.EIM,
            EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
        )
        while True:
            answer = await self._ask(request, cm.AuthorizationRes)
            if answer.ResponseCode is ResponseCode.WARNING_EIMAuthorizationFailure:
                await self._stop_session("AuthorizationRefused", "the station refused the authorisation")
                raise CarStopped("authorisation refused")
            if answer.EVSEProcessing is Processing.Finished:
                return
            if self._stop:
                raise CarStopped("stopped while waiting for authorisation")
            await asyncio.sleep(0.1)

    async def _select_service(self) -> None:
        found = await self._ask(cm.ServiceDiscoveryReq(Header=self._header()), cm.ServiceDiscoveryRes)
        offered = [s.ServiceID for s in found.EnergyTransferServiceList.Service]
        wanted = DC_BPT if self._spec.bidirectional and DC_BPT in offered else DC
        detail = await self._ask(cm.ServiceDetailReq(Header=self._header(), ServiceID=wanted), cm.ServiceDetailRes)
        sets = detail.ServiceParameterList.ParameterSet
        chosen = next((s for s in sets if _mode_of(s) == _MODE_NUMBER[self._spec.control_mode]), sets[0])
        self._mode = "scheduled" if _mode_of(chosen) == 1 else "dynamic"
        self._bidirectional = wanted == DC_BPT
        self.progress.service_id, self.progress.control_mode = wanted, self._mode
        selection = cm.SelectedService(ServiceID=wanted, ParameterSetID=chosen.ParameterSetID)
        await self._ask(
            cm.ServiceSelectionReq(Header=self._header(), SelectedEnergyTransferService=selection),
            cm.ServiceSelectionRes,
        )

    async def _energise(self) -> None:
        await self._body.pilot("C")
        self._mark("cable_check")
        await self._repeat(
            lambda: dc.DC_CableCheckReq(Header=self._header()),
            dc.DC_CableCheckRes,
            lambda answer: answer.EVSEProcessing is Processing.Finished,
            self._spec.cable_check_timeout_s,
        )
        self._mark("pre_charge")
        until_s = self._now() + self._spec.pre_charge_timeout_s
        while True:
            seen = await self._body.look()
            matched = abs(seen.inlet_V - seen.battery_V) <= CLOSE_WITHIN_V
            if matched:
                seen = await self._body.contactors(closed=True)
            await self._ask(self._pre_charge(seen, finished=matched), dc.DC_PreChargeRes)
            if matched:
                break
            if self._now() > until_s:
                raise CarStopped("pre-charge took too long")
            await asyncio.sleep(0.05)
        self._mark("power_delivery")
        await self._ask(self._power_delivery(cm.ChargeProgress.Start), cm.PowerDeliveryRes, patience_s=2.0)

    async def _loop(self) -> None:
        self._mark("transfer")
        while not self._stop:
            seen = await self._body.look()
            answer = await self._ask(self._charge_loop(seen), dc.DC_ChargeLoopRes, patience_s=self._spec.loop_timeout_s)
            self.progress.loops += 1
            if self.progress.loops == 1:
                self._mark("first_loop")
            self._learn(answer)
            if answer.EVSEStatus is not None and answer.EVSEStatus.EVSENotification is EvseNotification.Terminate:
                self.progress.asked_to_stop = True
                return
            await asyncio.sleep(self._spec.loop_period_s)

    async def _finish(self) -> None:
        self._mark("stopping")
        await self._ask(self._power_delivery(cm.ChargeProgress.Stop), cm.PowerDeliveryRes, patience_s=5.0)
        await self._until(self._no_current, 5.0, "current does not stop")
        await self._body.contactors(closed=False)
        self._mark("welding_detection")
        for processing in (Processing.Ongoing, Processing.Finished):
            request = dc.DC_WeldingDetectionReq(Header=self._header(), EVProcessing=processing)
            await self._ask(request, dc.DC_WeldingDetectionRes)
        await self._stop_session()
        self._mark("session_stop")

    async def _stop_session(self, code: str | None = None, explanation: str | None = None) -> None:
        """Send SessionStopReq(Terminate), with the car's own code and explanation where it has one."""
        stop = cm.SessionStopReq(
            Header=self._header(),
            ChargingSession=cm.ChargingSession.Terminate,
            EVTerminationCode=code,
            EVTerminationExplanation=explanation,
        )
        await self._ask(stop, cm.SessionStopRes)

    async def _leave(self) -> None:
        """Whatever happened: contactors open, pilot back to B, connection closed."""
        try:
            await self._body.contactors(closed=False)
            await self._body.pilot("B")
        except Refused as error:
            self.progress.error = self.progress.error or str(error)
        finally:
            if self._wire is not None:
                await self._wire.close()
        self._mark("ended")

    # -- requests -------------------------------------------------------------------------------------------------

    def _header(self) -> MessageHeader:
        return MessageHeader(SessionID=self._session_id, TimeStamp=int(time.time()))

    def _charge_parameters(self) -> dc.DC_ChargeParameterDiscoveryReq:
        s, zero = self._spec, rational(0)
        common = {
            "EVMaximumChargePower": rational(s.charge_power_max_W),
            "EVMinimumChargePower": zero,
            "EVMaximumChargeCurrent": rational(s.charge_current_max_A),
            "EVMinimumChargeCurrent": zero,
            "EVMaximumVoltage": rational(s.voltage_max_V),
            "EVMinimumVoltage": rational(s.voltage_min_V),
        }
        target = round(s.target_soc_percent)
        mode: dc.DC_CPDReqEnergyTransferMode | dc.BPT_DC_CPDReqEnergyTransferMode
        if self._bidirectional:
            mode = dc.BPT_DC_CPDReqEnergyTransferMode(
                **common,
                TargetSOC=target,
                EVMaximumDischargePower=rational(s.discharge_power_max_W),
                EVMinimumDischargePower=zero,
                EVMaximumDischargeCurrent=rational(s.discharge_current_max_A),
                EVMinimumDischargeCurrent=zero,
            )
        else:
            mode = dc.DC_CPDReqEnergyTransferMode(**common, TargetSOC=target)
        return dc.DC_ChargeParameterDiscoveryReq(Header=self._header(), DC_CPDReqEnergyTransferMode=mode)

    async def _schedule_request(self) -> cm.ScheduleExchangeReq:
        s = self._spec
        target_Wh, max_Wh, min_Wh, max_v2x_Wh, min_v2x_Wh = self._energy((await self._body.look()).soc_percent)
        if self._mode == "dynamic":
            return cm.ScheduleExchangeReq(
                Header=self._header(),
                MaximumSupportingPoints=1024,
                Dynamic_SEReqControlMode=cm.Dynamic_SEReqControlMode(
                    DepartureTime=s.departure_s,
                    MinimumSOC=round(s.minimum_soc_percent),
                    TargetSOC=round(s.target_soc_percent),
                    EVTargetEnergyRequest=rational(target_Wh),
                    EVMaximumEnergyRequest=rational(max_Wh),
                    EVMinimumEnergyRequest=rational(min_Wh),
                    EVMaximumV2XEnergyRequest=rational(max_v2x_Wh) if self._bidirectional else None,
                    EVMinimumV2XEnergyRequest=rational(min_v2x_Wh) if self._bidirectional else None,
                ),
            )
        return cm.ScheduleExchangeReq(
            Header=self._header(),
            MaximumSupportingPoints=1024,
            Scheduled_SEReqControlMode=cm.Scheduled_SEReqControlMode(
                DepartureTime=s.departure_s,
                EVTargetEnergyRequest=rational(target_Wh),
                EVMaximumEnergyRequest=rational(max_Wh),
                EVMinimumEnergyRequest=rational(min_Wh),
            ),
        )

    def _energy(self, soc_percent: float) -> tuple[float, float, float, float, float]:
        """Target, maximum, minimum, maximum V2X and minimum V2X energy requests, Wh from this state of charge."""
        s = self._spec

        def to(percent: float) -> float:
            return (percent - soc_percent) / 100.0 * s.capacity_Wh

        return to(s.target_soc_percent), to(100.0), to(s.minimum_soc_percent), to(100.0), to(s.minimum_soc_percent)

    def _pre_charge(self, seen: Inlet, *, finished: bool) -> dc.DC_PreChargeReq:
        return dc.DC_PreChargeReq(
            Header=self._header(),
            EVProcessing=Processing.Finished if finished else Processing.Ongoing,
            EVPresentVoltage=rational(seen.inlet_V),
            EVTargetVoltage=rational(seen.battery_V),
        )

    def _power_delivery(self, progress: cm.ChargeProgress) -> cm.PowerDeliveryReq:
        profile = None
        if progress is cm.ChargeProgress.Start:
            entry = cm.PowerScheduleEntry(Duration=3600, Power=rational(min(self._spec.scheduled_power_W, 1000.0)))
            entries = cm.EVPowerProfileEntryList(EVPowerProfileEntry=(entry,))
            anchor = int(time.time())
            if self._mode == "scheduled":
                scheduled = cm.Scheduled_EVPPTControlMode(SelectedScheduleTupleID=1)
                profile = cm.EVPowerProfile(
                    TimeAnchor=anchor, Scheduled_EVPPTControlMode=scheduled, EVPowerProfileEntries=entries
                )
            else:
                profile = cm.EVPowerProfile(
                    TimeAnchor=anchor,
                    Dynamic_EVPPTControlMode=cm.Dynamic_EVPPTControlMode(),
                    EVPowerProfileEntries=entries,
                )
        channel = cm.ChannelSelection.Charge if self._bidirectional and profile is not None else None
        return cm.PowerDeliveryReq(
            Header=self._header(),
            EVProcessing=Processing.Finished,
            ChargeProgress=progress,
            EVPowerProfile=profile,
            BPT_ChannelSelection=channel,
        )

    def _charge_loop(self, seen: Inlet) -> dc.DC_ChargeLoopReq:
        return dc.DC_ChargeLoopReq(
            Header=self._header(),
            DisplayParameters=DisplayParameters(
                PresentSOC=min(100, max(0, round(seen.soc_percent))),
                MinimumSOC=round(self._spec.minimum_soc_percent),
                TargetSOC=round(self._spec.target_soc_percent),
            ),
            MeterInfoRequested=False,
            EVPresentVoltage=rational(seen.inlet_V),
            CLReqControlMode=self._dynamic(seen) if self._mode == "dynamic" else self._scheduled(seen),
        )

    def _dynamic(self, seen: Inlet) -> dc.Dynamic_DC_CLReqControlMode | dc.BPT_Dynamic_DC_CLReqControlMode:
        s, zero = self._spec, rational(0)
        target_Wh, max_Wh, min_Wh, max_v2x_Wh, min_v2x_Wh = self._energy(seen.soc_percent)
        common: dict[str, Any] = {
            "DepartureTime": s.departure_s,
            "EVTargetEnergyRequest": rational(target_Wh),
            "EVMaximumEnergyRequest": rational(max_Wh),
            "EVMinimumEnergyRequest": rational(min_Wh),
            "EVMaximumChargePower": rational(s.charge_power_max_W),
            "EVMinimumChargePower": zero,
            "EVMaximumChargeCurrent": rational(s.charge_current_max_A),
            "EVMaximumVoltage": rational(s.voltage_max_V),
            "EVMinimumVoltage": rational(s.voltage_min_V),
        }
        if not self._bidirectional:
            return dc.Dynamic_DC_CLReqControlMode(**common)
        return dc.BPT_Dynamic_DC_CLReqControlMode(
            **common,
            EVMaximumDischargePower=rational(s.discharge_power_max_W),
            EVMinimumDischargePower=zero,
            EVMaximumDischargeCurrent=rational(s.discharge_current_max_A),
            EVMaximumV2XEnergyRequest=rational(max_v2x_Wh),
            EVMinimumV2XEnergyRequest=rational(min_v2x_Wh),
        )

    def _scheduled(self, seen: Inlet) -> dc.Scheduled_DC_CLReqControlMode | dc.BPT_Scheduled_DC_CLReqControlMode:
        charge_W, discharge_W = self._limits
        wish_W = self._spec.scheduled_power_W
        if charge_W == 0.0 and discharge_W:
            wish_W = -discharge_W  # a willing car: where only discharge is offered, it gives
        elif charge_W is not None:
            wish_W = min(wish_W, charge_W)
        if discharge_W is not None:
            wish_W = max(wish_W, -discharge_W)
        current_A = wish_W / max(seen.inlet_V, 1.0)
        common = {
            "EVTargetCurrent": rational(current_A),
            "EVTargetVoltage": rational(self._spec.voltage_max_V),
            "EVMaximumVoltage": rational(self._spec.voltage_max_V),
            "EVMinimumVoltage": rational(self._spec.voltage_min_V),
        }
        if self._bidirectional:
            return dc.BPT_Scheduled_DC_CLReqControlMode(**common)
        return dc.Scheduled_DC_CLReqControlMode(**common)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _learn(self, answer: dc.DC_ChargeLoopRes) -> None:
        p, mode = self.progress, answer.CLResControlMode
        p.present_voltage_V, p.present_current_A = number(answer.EVSEPresentVoltage), number(answer.EVSEPresentCurrent)
        p.charge_limit_W = maybe(mode.EVSEMaximumChargePower)
        if isinstance(mode, (dc.BPT_Dynamic_DC_CLResControlMode, dc.BPT_Scheduled_DC_CLResControlMode)):
            p.discharge_limit_W = maybe(mode.EVSEMaximumDischargePower)
        self._limits = (p.charge_limit_W, p.discharge_limit_W)

    async def _ask(self, request: Any, response: type[R], patience_s: float | None = None) -> R:
        assert self._wire is not None
        answer = await self._wire.exchange(request, response, patience_s or self._spec.message_timeout_s)
        code: ResponseCode = answer.ResponseCode  # type: ignore[attr-defined]  # every response has one
        if code.value.startswith("FAILED"):
            raise CarStopped(f"{type(answer).__name__}: {code.value}")
        return answer

    async def _repeat(
        self, make: Callable[[], Any], response: type[R], done: Callable[[R], bool], timeout_s: float
    ) -> None:
        until_s = self._now() + timeout_s
        while not done(await self._ask(make(), response)):
            if self._now() > until_s:
                raise CarStopped(f"{response.__name__} Ongoing for {timeout_s:.0f} s")
            await asyncio.sleep(0.05)

    async def _until(self, condition: Callable[[Inlet], bool], timeout_s: float, complaint: str) -> None:
        until_s = self._now() + timeout_s
        while not condition(await self._body.look()):
            if self._now() > until_s or self._stop:
                raise CarStopped(complaint)
            await asyncio.sleep(0.02)

    @staticmethod
    def _no_current(seen: Inlet) -> bool:
        return abs(seen.current_A) < 1.0

    def _mark(self, phase: str) -> None:
        self.progress.phase = phase
        self.progress.marks[phase] = self._now()


def is_digital(seen: Inlet) -> bool:
    """The pilot asks for digital communication: 5 % duty, 3 to 7 % measured (IEC 61851-1 Annex A)."""
    return seen.duty_percent is not None and 3.0 <= seen.duty_percent <= 7.0


def _mode_of(parameters: cm.ParameterSet) -> int | None:
    return next((p.intValue for p in parameters.Parameter if p.Name == "ControlMode"), None)
