"""ScheduleExchange: the car's energy needs, and the station's schedules."""

from __future__ import annotations

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.rational import rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.needs import energy_needs
from hil.simulators.evcc.steps import Next, SessionStep

ONGOING_PAUSE_S = 0.1
OFFER_S = 3600


def request(memory: CarMemory) -> cm.ScheduleExchangeReq:
    """The control mode is that of the selected parameter set."""
    scheduled = memory.selected.scheduled
    return cm.ScheduleExchangeReq(
        Header=memory.header(),
        MaximumSupportingPoints=memory.plan.supporting_points_max,
        Scheduled_SEReqControlMode=_scheduled(memory) if scheduled else None,
        Dynamic_SEReqControlMode=None if scheduled else _dynamic(memory),
    )


def answered(memory: CarMemory, answer: cm.ScheduleExchangeRes) -> Next:
    """Again while the station is not ready. Then cable check, or on to power where the contactors are closed already."""
    if answer.EVSEProcessing is not Processing.Finished:
        return Next(SessionStep.SCHEDULE_EXCHANGE, ONGOING_PAUSE_S)
    if (schedules := answer.Scheduled_SEResControlMode) is not None:
        last = memory.plan.schedule_tuple == "last"
        memory.schedule = schedules.ScheduleTuple[-1 if last else 0]
    if memory.selected.is_ac or memory.energised:
        return Next(SessionStep.POWER_START)
    return Next(SessionStep.CABLE_CHECK)


def _scheduled(memory: CarMemory) -> cm.Scheduled_SEReqControlMode:
    return cm.Scheduled_SEReqControlMode(
        DepartureTime=memory.spec.departure_s if memory.plan.gives_departure_time else None,
        **energy_needs(memory).requests(),
        EVEnergyOffer=_energy_offer(memory) if memory.plan.energy_offer else None,
    )


def _dynamic(memory: CarMemory) -> cm.Dynamic_SEReqControlMode:
    spec, needs = memory.spec, energy_needs(memory)
    v2x = needs.v2x_requests() if memory.selected.bidirectional else {}
    return cm.Dynamic_SEReqControlMode(
        DepartureTime=spec.departure_s,
        MinimumSOC=round(spec.minimum_soc_percent),
        TargetSOC=round(spec.target_soc_percent),
        **needs.requests(),
        **v2x,
    )


def _energy_offer(memory: CarMemory) -> cm.EVEnergyOffer:
    """One hour of the car's discharge power, for a price."""
    anchor = int(memory.utc_s)
    power = cm.EVPowerScheduleEntry(Duration=OFFER_S, Power=rational(-memory.spec.discharge_power_max_W))
    price = cm.EVPriceRule(EnergyFee=rational(0.3), PowerRangeStart=rational(0))
    return cm.EVEnergyOffer(
        EVPowerSchedule=cm.EVPowerSchedule(
            TimeAnchor=anchor,
            EVPowerScheduleEntries=cm.EVPowerScheduleEntryList(EVPowerScheduleEntry=(power,)),
        ),
        EVAbsolutePriceSchedule=cm.EVAbsolutePriceSchedule(
            TimeAnchor=anchor,
            Currency="EUR",
            PriceAlgorithm="urn:iso:std:iso:15118:-20:PriceAlgorithm:1-Power",
            EVPriceRuleStacks=cm.EVPriceRuleStackList(
                EVPriceRuleStack=(cm.EVPriceRuleStack(Duration=OFFER_S, EVPriceRule=(price,)),)
            ),
        ),
    )
