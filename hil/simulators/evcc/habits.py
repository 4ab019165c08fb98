"""What a real car does differently from the standard, as data. The default is an ordinary car.

Source of the habits: docs/sources/iso15118-2-din.md 7.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """Of a car of ISO 15118-2 or DIN 70121; those of the connection hold for every car."""

    session_id_bytes: int = 1
    """So many zero bytes are the SessionID of SessionSetupReq: 1, 8, or 0."""
    ready_in_parameters: bool = True
    """EVReady in ChargeParameterDiscoveryReq."""
    names_power_limit: bool = True
    """EVMaximumPowerLimit is sent."""
    names_energy: bool = True
    """EVEnergyCapacity, EVEnergyRequest, FullSOC and BulkSOC are sent."""
    parameters_patience_s: float = 2.0
    """The car leaves without an answer to ChargeParameterDiscoveryReq within this time."""
    stops_after_parameters: bool = False
    """SessionStopReq follows ChargeParameterDiscoveryRes: the car never charges."""
    pre_charge_current_A: float = 1.0
    """EVTargetCurrent of PreChargeReq."""
    first_pre_charge_V: float | None = None
    """A wrong voltage in the first PreChargeReq."""
    target_steps_V: tuple[float, ...] = ()
    """Added to the target of the first PreChargeReqs, one after the other: the target moves."""
    starts_after_polls: int = 0
    """n: PowerDeliveryReq follows the n-th PreChargeRes whatever the voltage is; 0: once the voltage matches."""
    start_pause_s: float = 0.0
    """Before PowerDeliveryReq(Start)."""
    first_loop_pause_s: float = 0.0
    """After PowerDeliveryRes(Start)."""
    profile_ends_at_zero: bool = False
    """The last entry of the charging profile has 0 W."""
    profile_with_stop: bool = False
    """PowerDeliveryReq(Stop) brings the charging profile, too."""
    paces_from_answer: bool = False
    """The car's loop period counts from the station's answer, not from its own request."""
    loops_without_current: int = 0
    """The first loops ask for 0 A."""
    limits_wander: bool = False
    """The car's maximum current and power change with each loop."""
    whole_amperes: bool = False
    """The target current has no decimals."""
    minimum_current_A: float = 6.0
    """AC: EVMinCurrent."""
    obeys_the_end: bool = True
    """EVSE_Shutdown, and in -2 StopCharging, end the charge."""
    obeys_notification: bool = True
    """-2: StopCharging ends the charge; False: EVSE_Shutdown alone does."""
    obeys_renegotiation: bool = False
    """-2: ReNegotiation of the station is followed."""
    sae_service: str = ""
    """-2, outside the standard: `V2G` or `V2H` of SAE J2847/2, which the car selects where the station lists it; empty: neither."""
    stops_from_loop: bool = False
    """SessionStopReq comes straight from the charge loop."""
    checks_welding: bool = True
    """WeldingDetectionReq after the stop."""
    asks_for_tls: bool = False
    """Discovery asks for TLS, and the car goes on without it."""
    abandons_first_connection: bool = False
    """The first TCP connection is reset after 10 ms, the next one comes 190 ms later."""
    knocks_every_s: float = 0.0
    """n: each n seconds a TCP connection to a port of the station where nobody listens; 0: never."""
    resets_after_end: bool = False
    """The connection is reset after the station has closed it."""


ORDINARY = Habits()
"""Nothing of it."""
