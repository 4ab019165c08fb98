"""The table of the car's messages: for each step the request, its answer, payload type, patience and conditions."""

from __future__ import annotations

from chargepoint.iso15118.exi.codec import NS_AC, NS_CM, NS_DC, NS_SAP
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolRes
from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc import row
from hil.simulators.evcc.messages import (
    ac_charge_loop,
    ac_charge_parameters,
    app_protocol,
    authorization,
    authorization_setup,
    cable_check,
    certificate_installation,
    dc_charge_loop,
    dc_charge_parameters,
    metering_confirmation,
    power_delivery,
    pre_charge,
    schedule_exchange,
    service_detail,
    service_discovery,
    service_selection,
    session_setup,
    session_stop,
    welding_detection,
)
from hil.simulators.evcc.row import CarMessageRow
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import SessionStep

SLOW_ANSWER_S = 5.0
"""V2G_EVCC_Msg_Timeout of CertificateInstallation and ServiceDetail (docs/sources/iso15118-20.md 7)."""

NAMESPACES = {
    PayloadType.EXI_SAP: NS_SAP,
    PayloadType.MAINSTREAM: NS_CM,
    PayloadType.AC_MAINSTREAM: NS_AC,
    PayloadType.DC_MAINSTREAM: NS_DC,
    PayloadType.SCHEDULE_RENEGOTIATION: NS_CM,
    PayloadType.METERING_CONFIRMATION: NS_CM,
}
"""The grammar of each payload type this car takes."""


def _slow(spec: CarSpec) -> float:
    return max(SLOW_ANSWER_S, spec.message_timeout_s)


_S = SessionStep
_AC, _DC = PayloadType.AC_MAINSTREAM, PayloadType.DC_MAINSTREAM

ROWS: dict[SessionStep, CarMessageRow] = {
    _S.APP_PROTOCOL: CarMessageRow(
        app_protocol.request, supportedAppProtocolRes, app_protocol.answered, PayloadType.EXI_SAP
    ),
    _S.SESSION_SETUP: CarMessageRow(session_setup.request, cm.SessionSetupRes, session_setup.answered),
    _S.AUTHORIZATION_SETUP: CarMessageRow(
        authorization_setup.request, cm.AuthorizationSetupRes, authorization_setup.answered
    ),
    _S.CERTIFICATE_INSTALLATION: CarMessageRow(
        certificate_installation.request,
        cm.CertificateInstallationRes,
        certificate_installation.answered,
        patience_s=_slow,
        repeats_s=row.ongoing,
    ),
    _S.AUTHORIZATION: CarMessageRow(authorization.request, cm.AuthorizationRes, authorization.answered),
    _S.SERVICE_DISCOVERY: CarMessageRow(service_discovery.request, cm.ServiceDiscoveryRes, service_discovery.answered),
    _S.SERVICE_DETAIL: CarMessageRow(
        service_detail.request, cm.ServiceDetailRes, service_detail.answered, patience_s=_slow
    ),
    _S.SERVICE_SELECTION: CarMessageRow(service_selection.request, cm.ServiceSelectionRes, service_selection.answered),
    _S.DC_CHARGE_PARAMETERS: CarMessageRow(
        dc_charge_parameters.request, dc.DC_ChargeParameterDiscoveryRes, dc_charge_parameters.answered, _DC
    ),
    _S.AC_CHARGE_PARAMETERS: CarMessageRow(
        ac_charge_parameters.request, ac.AC_ChargeParameterDiscoveryRes, ac_charge_parameters.answered, _AC
    ),
    _S.SCHEDULE_EXCHANGE: CarMessageRow(
        schedule_exchange.request, cm.ScheduleExchangeRes, schedule_exchange.answered, repeats_s=row.ongoing
    ),
    _S.CABLE_CHECK: CarMessageRow(
        cable_check.request,
        dc.DC_CableCheckRes,
        cable_check.answered,
        _DC,
        repeats_s=lambda spec: spec.cable_check_timeout_s,
    ),
    _S.PRE_CHARGE: CarMessageRow(
        pre_charge.request,
        dc.DC_PreChargeRes,
        pre_charge.answered,
        _DC,
        repeats_s=lambda spec: spec.pre_charge_timeout_s,
    ),
    _S.POWER_START: CarMessageRow(power_delivery.start, cm.PowerDeliveryRes, power_delivery.started),
    _S.POWER_STANDBY: CarMessageRow(power_delivery.standby, cm.PowerDeliveryRes, power_delivery.in_standby),
    _S.POWER_RENEGOTIATE: CarMessageRow(power_delivery.renegotiate, cm.PowerDeliveryRes, power_delivery.renegotiated),
    _S.DC_CHARGE_LOOP: CarMessageRow(
        dc_charge_loop.request, dc.DC_ChargeLoopRes, dc_charge_loop.answered, _DC, patience_s=row.loop
    ),
    _S.AC_CHARGE_LOOP: CarMessageRow(
        ac_charge_loop.request, ac.AC_ChargeLoopRes, ac_charge_loop.answered, _AC, patience_s=row.loop
    ),
    _S.METERING_CONFIRMATION: CarMessageRow(
        metering_confirmation.request,
        cm.MeteringConfirmationRes,
        metering_confirmation.answered,
        PayloadType.METERING_CONFIRMATION,
    ),
    _S.POWER_STOP: CarMessageRow(
        power_delivery.stop,
        cm.PowerDeliveryRes,
        power_delivery.stopped,
        patience_s=row.stop,
        before=power_delivery.before_stop,
        before_complaint="the charger's power does not stop",
    ),
    _S.WELDING_DETECTION: CarMessageRow(
        welding_detection.request,
        dc.DC_WeldingDetectionRes,
        welding_detection.answered,
        _DC,
        before=welding_detection.before,
        before_complaint="current does not stop",
    ),
    _S.SESSION_STOP: CarMessageRow(session_stop.request, cm.SessionStopRes, session_stop.answered, patience_s=row.stop),
}


def row_of(name: str) -> CarMessageRow:
    """The row of a request's class name, for a wrong sequence. Raises ValueError."""
    for step, found in ROWS.items():
        if step.value.partition("(")[0] == name:
            return found
    known = dict.fromkeys(step.value.partition("(")[0] for step in ROWS)
    raise ValueError(f"{name}: no request of this car; one of {', '.join(known)}")
