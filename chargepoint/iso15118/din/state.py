"""What the SECC of a DIN 70121 session waits for. Source: docs/sources/iso15118-2-din.md 1.3."""

from __future__ import annotations

from enum import Enum


class DinState(Enum):
    """A state is named after what the SECC waits for."""

    SESSION_SETUP = "SessionSetup"
    SERVICE_DISCOVERY = "ServiceDiscovery"
    SERVICE_PAYMENT_SELECTION = "ServicePaymentSelection"
    CONTRACT_AUTHENTICATION = "ContractAuthentication"
    CHARGE_PARAMETER_DISCOVERY = "ChargeParameterDiscovery"
    CABLE_CHECK = "CableCheck"
    PRE_CHARGE = "PreCharge"
    CURRENT_DEMAND = "CurrentDemand"
    WELDING_DETECTION = "WeldingDetection"
    ENDED = "Ended"
