"""ChargeParameterDiscovery: car and station exchange their limits, and the car gets its schedule.

What each kind of outlet says of itself is in `dc_parameters` and `ac_parameters`. Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_ONGOING_S
from chargepoint.iso15118.iso2 import ac_parameters, dc_parameters
from chargepoint.iso15118.iso2.offers import discharges, energy_transfer_modes
from chargepoint.iso15118.iso2.sa_schedule import DURATION_MAX_S, points_of, possible, sa_schedules
from chargepoint.iso15118.iso2.sae_discharge import SaeService
from chargepoint.iso15118.iso2.sales_tariff import sales_tariff
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    AC_EVChargeParameter,
    AC_EVSEChargeParameter,
    ChargeParameterDiscoveryReq,
    ChargeParameterDiscoveryRes,
    DC_EVSEChargeParameter,
    EVSEProcessing,
    ResponseCode,
    SAScheduleList,
)
from chargepoint.iso15118.steps.schedule import foreseen, offered, prices, question
from chargepoint.model.car import CarEvent, ControlMode, EnergyService, ScheduleOffered, ServiceSelected
from chargepoint.model.ids import EvseId
from chargepoint.model.schedule_offer import shortened

ANSWER_WITHIN_S = 0.2
"""An answer that waits for the station is Ongoing after this: a known car leaves after 400 ms without one."""


def respond(request: ChargeParameterDiscoveryReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Our limits for theirs, and one schedule; Ongoing while the station makes it. An AC car that renegotiates goes on charging meanwhile:
    it sends no charge loops because the station is slow, so each Ongoing counts as one.

    Outside the standard: a car that selected V2H of SAE J2847/2 is answered Ongoing once, and sends its limits again.
    After FAILED_WrongEnergyTransferMode ([476]) and FAILED_WrongChargeParameter ([477]) the car may try other parameters.
    """
    mode, parameters = request.RequestedEnergyTransferMode, request.EVChargeParameter
    if mode not in energy_transfer_modes(at.settings):
        return Refusal(ResponseCode.FAILED_WrongEnergyTransferMode, f"{mode.value} is not offered")
    if isinstance(parameters, AC_EVChargeParameter) is not at.settings.is_ac:
        why = f"it sends {type(parameters).__name__} with {mode.value}"
        return Refusal(ResponseCode.FAILED_WrongChargeParameter, why)
    if session.sae is SaeService.V2H and not session.sae_begun and (can := at.view.capabilities) is not None:
        first = replace(session, sae_begun=True, offered=can)
        return Answer(_response(first, at, EVSEProcessing.Ongoing), first)
    if isinstance(parameters, AC_EVChargeParameter):
        heard = ac_parameters.heard(parameters, mode, session, at)
    else:
        heard = dc_parameters.heard(parameters, session, at)
    if isinstance(heard, Refusal):
        return heard
    heard = replace(heard, mode=mode)
    asked = question(heard.schedule_round, heard.energy.departure_at_s, points_of(request), at)
    found = foreseen(asked, at)
    if found is None:
        if at.waited_s(asked) >= V2G_SECC_ONGOING_S:
            return Refusal(ResponseCode.FAILED, "the station made no schedule in time", ours=True)
        if not at.time_is_up:
            return Later(heard, ask=asked, hold_s=ANSWER_WITHIN_S)
        waiting = heard.within(heard_s=at.now.monotonic_s) if heard.renegotiating else heard
        return Answer(_response(waiting, at, EVSEProcessing.Ongoing), waiting, ask=asked)
    pieces = shortened(possible(found, heard), points_of(request))
    if not pieces:
        return Refusal(ResponseCode.FAILED, "the station foresees nothing", ours=True)
    offer = offered(heard.schedule, pieces, at, joined=heard.joined)
    state = Iso2State.POWER_DELIVERY if heard.is_ac else Iso2State.CABLE_CHECK
    after = replace(heard, state=state, schedule=offer, profile=None, sae_begun=False)
    left_s = min(int(offer.end_utc_s) - at.now.utc_s, DURATION_MAX_S)
    tariff = sales_tariff(prices(asked, at), after.payment, points_of(request), left_s)
    schedules = sa_schedules(offer, at.now.utc_s, tariff)
    return Answer(_response(after, at, EVSEProcessing.Finished, schedules), after)


def refuse(
    _: ChargeParameterDiscoveryReq, code: ResponseCode, session: Iso2Session, at: Situation
) -> ChargeParameterDiscoveryRes:
    """The response with this code: nothing may flow."""
    return ChargeParameterDiscoveryRes(
        ResponseCode=code,
        EVSEProcessing=EVSEProcessing.Finished,
        EVSEChargeParameter=_ours(replace(session, offered=None), at),
    )


def learned(
    _: ChargeParameterDiscoveryReq, before: Iso2Session, after: Iso2Session, at: Situation
) -> tuple[CarEvent, ...]:
    """Once the answer is Finished: the service, where this is no renegotiation, and what the car may plan with from now on."""
    if after.schedule is None or after.service is None or after.state is before.state:
        return ()
    evse_id = EvseId(at.settings.evse_id)
    offer = ScheduleOffered(evse_id, after.schedule)
    if before.schedule is not None and not after.joined:
        return (offer,)
    if after.is_dc and (after.sae is not None or discharges(at.settings)):
        return (ServiceSelected(evse_id, EnergyService.DC_BPT, ControlMode.DYNAMIC), offer)
    return (ServiceSelected(evse_id, after.service, ControlMode.SCHEDULED), offer)


def _response(
    session: Iso2Session, at: Situation, processing: EVSEProcessing, schedules: SAScheduleList | None = None
) -> ChargeParameterDiscoveryRes:
    return ChargeParameterDiscoveryRes(
        ResponseCode=ResponseCode.OK,
        EVSEProcessing=processing,
        SASchedules=schedules,
        EVSEChargeParameter=_ours(session, at),
    )


def _ours(session: Iso2Session, at: Situation) -> AC_EVSEChargeParameter | DC_EVSEChargeParameter:
    return ac_parameters.ours(session, at) if at.settings.is_ac else dc_parameters.ours(session, at)
