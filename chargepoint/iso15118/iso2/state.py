"""What the SECC of an ISO 15118-2 session waits for. Which message may come in which state is said in `rows.py`.

Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from enum import Enum


class Iso2State(Enum):
    """A state is named after what the SECC waits for."""

    SESSION_SETUP = "SessionSetup"
    SERVICE_DISCOVERY = "ServiceDiscovery"
    PAYMENT_SERVICE_SELECTION = "PaymentServiceSelection"
    PAYMENT_DETAILS = "PaymentDetails"
    AUTHORIZATION = "Authorization"
    CHARGE_PARAMETER_DISCOVERY = "ChargeParameterDiscovery"
    CABLE_CHECK = "CableCheck"
    PRE_CHARGE = "PreCharge"
    POWER_DELIVERY = "PowerDelivery"
    CHARGE_LOOP = "ChargeLoop"
    METERING_RECEIPT = "MeteringReceipt"
    WELDING_DETECTION = "WeldingDetection"
    SESSION_STOP = "SessionStop"
    ENDED = "Ended"
