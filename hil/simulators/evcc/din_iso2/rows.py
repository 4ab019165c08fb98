"""The table of messages of a car of ISO 15118-2 or DIN 70121."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargepoint.iso15118.exi.codec import NS_DIN, NS_ISO2
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolRes
from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc import row
from hil.simulators.evcc.din_iso2 import energise, loops, parameters, power_delivery, session_end, setup
from hil.simulators.evcc.din_iso2.memory import WORDS
from hil.simulators.evcc.row import CarMessageRow
from hil.simulators.evcc.steps import SessionStep

APP_PROTOCOL = CarMessageRow(setup.offer_protocols, supportedAppProtocolRes, setup.protocol_chosen, PayloadType.EXI_SAP)

_S = SessionStep


def _rows(namespace: str) -> dict[SessionStep, CarMessageRow]:
    words, din = WORDS[namespace], namespace == NS_DIN

    def made(
        request: Callable[[Any], Any], answer: str, answered: Callable[[Any, Any], Any], **more: Any
    ) -> CarMessageRow:
        return CarMessageRow(request, getattr(words, answer), answered, PayloadType.EXI_SAP, **more)

    selection = "ServicePaymentSelectionRes" if din else "PaymentServiceSelectionRes"
    found = {
        _S.SESSION_SETUP: made(setup.session_setup, "SessionSetupRes", setup.session_is_set_up),
        _S.SERVICE_DISCOVERY: made(setup.service_discovery, "ServiceDiscoveryRes", setup.services_discovered),
        _S.SERVICE_SELECTION: made(setup.service_selection, selection, setup.service_selected),
        _S.AUTHORIZATION: made(
            setup.authorization, "ContractAuthenticationRes" if din else "AuthorizationRes", setup.authorized
        ),
        _S.DC_CHARGE_PARAMETERS: made(
            parameters.dc_parameters,
            "ChargeParameterDiscoveryRes",
            parameters.parameters_agreed,
            repeats_s=row.ongoing,
        ),
        _S.CABLE_CHECK: made(
            energise.cable_check,
            "CableCheckRes",
            energise.cable_checked,
            repeats_s=lambda spec: spec.cable_check_timeout_s,
        ),
        _S.PRE_CHARGE: made(
            energise.pre_charge,
            "PreChargeRes",
            energise.pre_charged,
            repeats_s=lambda spec: spec.pre_charge_timeout_s,
        ),
        _S.POWER_START: made(power_delivery.start, "PowerDeliveryRes", power_delivery.started),
        _S.DC_CHARGE_LOOP: made(loops.current_demand, "CurrentDemandRes", loops.current_demanded, patience_s=row.loop),
        _S.POWER_STOP: made(
            power_delivery.stop,
            "PowerDeliveryRes",
            power_delivery.stopped,
            patience_s=row.stop,
            before=power_delivery.before_stop,
            before_complaint="the charger's power does not stop",
        ),
        _S.WELDING_DETECTION: made(
            session_end.welding_detection,
            "WeldingDetectionRes",
            session_end.welding_detected,
            before=session_end.no_current,
            before_complaint="current does not stop",
        ),
        _S.SESSION_STOP: made(
            session_end.session_stop,
            "SessionStopRes",
            session_end.session_stopped,
            patience_s=row.stop,
            before=session_end.charger_at_rest,
            before_complaint="the charger's power does not stop",
        ),
    }
    if not din:
        found[_S.AC_CHARGE_PARAMETERS] = made(
            parameters.ac_parameters,
            "ChargeParameterDiscoveryRes",
            parameters.parameters_agreed,
            repeats_s=row.ongoing,
        )
        found[_S.POWER_RENEGOTIATE] = made(
            power_delivery.renegotiate, "PowerDeliveryRes", power_delivery.renegotiated, patience_s=row.stop
        )
        found[_S.AC_CHARGE_LOOP] = made(loops.charging_status, "ChargingStatusRes", loops.charging_status_known)
    return found


ROWS = {namespace: _rows(namespace) for namespace in (NS_DIN, NS_ISO2)}
"""By the protocol that the station chose."""
