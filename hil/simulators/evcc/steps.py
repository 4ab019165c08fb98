"""The steps of a session as the car goes through them, and how a message's file names the next one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class SessionStep(Enum):
    """What the car does next: it waits for something, or it sends the request of that name."""

    WAIT_PILOT = "wait for 5 % on the pilot"
    CONNECT = "connect"
    AWAY = "without a connection: paused, or lost on purpose"
    WAKE_UP = "toggle the pilot to wake the station"
    SILENT = "send nothing more and wait for the station's end"
    LISTEN = "session over; listen to what the station still sends"

    APP_PROTOCOL = "supportedAppProtocolReq"
    SESSION_SETUP = "SessionSetupReq"
    AUTHORIZATION_SETUP = "AuthorizationSetupReq"
    CERTIFICATE_INSTALLATION = "CertificateInstallationReq"
    AUTHORIZATION = "AuthorizationReq"
    SERVICE_DISCOVERY = "ServiceDiscoveryReq"
    SERVICE_DETAIL = "ServiceDetailReq"
    SERVICE_SELECTION = "ServiceSelectionReq"
    DC_CHARGE_PARAMETERS = "DC_ChargeParameterDiscoveryReq"
    AC_CHARGE_PARAMETERS = "AC_ChargeParameterDiscoveryReq"
    SCHEDULE_EXCHANGE = "ScheduleExchangeReq"
    CABLE_CHECK = "DC_CableCheckReq"
    PRE_CHARGE = "DC_PreChargeReq"
    POWER_START = "PowerDeliveryReq(Start)"
    POWER_STANDBY = "PowerDeliveryReq(Standby)"
    POWER_RENEGOTIATE = "PowerDeliveryReq(ScheduleRenegotiation)"
    DC_CHARGE_LOOP = "DC_ChargeLoopReq"
    AC_CHARGE_LOOP = "AC_ChargeLoopReq"
    METERING_CONFIRMATION = "MeteringConfirmationReq"
    POWER_STOP = "PowerDeliveryReq(Stop)"
    WELDING_DETECTION = "DC_WeldingDetectionReq"
    SESSION_STOP = "SessionStopReq"


LOOPS = (SessionStep.DC_CHARGE_LOOP, SessionStep.AC_CHARGE_LOOP)


class Next(NamedTuple):
    """The step after an answer, and the pause before it in seconds."""

    step: SessionStep
    after_s: float = 0.0


class SessionAbandoned(Exception):
    """The car ends the session at once, without another message; the text is what `Progress.error` becomes."""
