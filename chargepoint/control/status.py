"""How one EVSE's status is made of its session, setpoint and transaction."""

from __future__ import annotations

from dataclasses import asdict

from chargepoint.control.evse_control import EvseControl
from chargepoint.control.last_session import LastSession
from chargepoint.evse.authorization import TokenRefusal
from chargepoint.model.car import CarDemand
from chargepoint.model.data_link import DataLinkChanged
from chargepoint.model.faults import CATALOGUE
from chargepoint.model.image import EvseImage, MeterRegisters
from chargepoint.model.station_status import (
    AcSupplyStatus,
    CarStatus,
    ConfirmedReadingStatus,
    ConversationStatus,
    DataLinkStatus,
    EvseStatus,
    LastSessionStatus,
    MeterStatus,
    RefusalStatus,
    SetpointStatus,
    StageStatus,
    TransactionStatus,
)


def evse_status(control: EvseControl, conversation: ConversationStatus | None, now_s: float) -> EvseStatus:
    """One EVSE as of `now_s` (monotonic)."""
    view, setpoint, state = control.view, control.setpoint, control.transaction
    import_Wh, export_Wh = control.energy_now_Wh
    car, link = view.car, view.car_link
    return EvseStatus(
        status=view.status.value,
        plugged=view.plugged,
        permission=view.permission.value,
        obstacle=view.obstacle,
        image=None if view.image is None else _stage(view.image, now_s),
        setpoint=SetpointStatus(
            power_W=setpoint.power_W,
            low_W=setpoint.limits_W.low,
            high_W=setpoint.limits_W.high,
            decided_by=setpoint.decided_by.value,
            limited_by=None if setpoint.limited_by is None else setpoint.limited_by.value,
            explanation=setpoint.explanation,
        ),
        car=None if car is None else _car(car, now_s),
        paused=view.paused,
        asked_of_car=None if view.wish is None else view.wish.wish.value,
        evcc_id=None if link is None else link.evcc_id,
        protocol=None if link is None else link.protocol,
        tls=None if link is None else link.tls,
        secc=conversation,
        transaction=None
        if state is None
        else TransactionStatus(
            id=str(state.transaction_id),
            charging_state=state.charging_state.value,
            next_seq_no=state.next_seq_no,
            import_Wh=import_Wh,
            export_Wh=export_Wh,
        ),
        stopping=None if view.stop is None else view.stop.reason.value,
        last_session=None if control.last_session is None else _last_session(control.last_session),
        refusal=None if view.refusal is None else _refusal(view.refusal, now_s),
        confirmed_reading=None
        if view.confirmed is None
        else ConfirmedReadingStatus(view.confirmed.charged_Wh, view.confirmed.discharged_Wh, view.confirmed.signed),
        data_link=None if view.data_link is None else _data_link(view.data_link),
    )


def _data_link(shown: DataLinkChanged) -> DataLinkStatus:
    return DataLinkStatus(shown.state.value, shown.detail, shown.car_mac, shown.attenuation_dB, shown.modem)


def _car(car: CarDemand, now_s: float) -> CarStatus:
    return CarStatus(
        phase=car.phase.name,
        service=car.service.value,
        control_mode=car.control_mode.value,
        soc_percent=car.energy.soc_percent,
        minimum_soc_percent=car.energy.minimum_soc_percent,
        target_soc_percent=car.energy.target_soc_percent,
        departure_s=None if car.energy.departure_at_s is None else car.energy.departure_at_s - now_s,
        standby=car.standby,
        to_target_soc_s=car.display.to_target_soc_s,
        charging_complete=car.display.charging_complete,
        capacity_Wh=car.display.capacity_Wh,
        inlet_hot=car.display.inlet_hot,
    )


def _stage(image: EvseImage, now_s: float) -> StageStatus:
    faults, can = sorted(image.faults), image.capabilities
    supply = None if can is None else can.ac
    return StageStatus(
        age_s=now_s - image.taken_at_s,
        stage=image.stage.name,
        pilot=image.pilot.name,
        contactor=image.contactor.name,
        lock=image.lock.name,
        voltage_V=image.voltage_V,
        current_A=image.current_A,
        power_W=image.power_W,
        applied_W=image.applied_W,
        target_W=image.target_W,
        limited_by_stage=image.limited_by_stage,
        insulation_ohm=image.insulation_ohm,
        temperature_degC=image.temperature_degC,
        permitted=image.permitted,
        faults={code.name: CATALOGUE[code].title for code in faults},
        fault_remedies={code.name: CATALOGUE[code].remedy for code in faults},
        meter=None if image.meter is None else _meter(image.meter),
        frequency_Hz=image.frequency_Hz,
        ac=None if supply is None else AcSupplyStatus(**asdict(supply)),
    )


def _last_session(last: LastSession) -> LastSessionStatus:
    return LastSessionStatus(
        transaction_id=last.transaction_id,
        token=None if last.token is None else f"…{last.token[-4:]}",
        started_utc=last.started_utc.isoformat(),
        ended_utc=last.ended_utc.isoformat(),
        duration_s=last.duration_s,
        reason=last.reason.value,
        detail=last.detail,
        import_Wh=last.import_Wh,
        export_Wh=last.export_Wh,
    )


def _refusal(refusal: TokenRefusal, now_s: float) -> RefusalStatus:
    return RefusalStatus(refusal.token_hint, refusal.reason, now_s - refusal.at_s)


def _meter(registers: MeterRegisters) -> MeterStatus:
    return MeterStatus(
        import_Wh=registers.import_Wh,
        export_Wh=registers.export_Wh,
        voltage_V=registers.voltage_V,
        current_A=registers.current_A,
        power_W=registers.power_W,
        taken_at_s=registers.taken_at_s,
    )
