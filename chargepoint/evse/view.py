"""What readers see of a session: one frozen picture. No code outside `evse` reads the session itself."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.authorization import TokenRefusal
from chargepoint.evse.permit import Permission
from chargepoint.evse.transaction_life import Stop
from chargepoint.model.car import CarDemand, MeterReadingConfirmed
from chargepoint.model.data_link import DataLinkChanged
from chargepoint.model.ids import IdToken, TransactionId
from chargepoint.model.image import EvseImage
from chargepoint.model.station_view import WishForCar
from chargepoint.model.status import ConnectorStatus
from chargepoint.model.transactions import ChargingState


@dataclass(frozen=True, slots=True)
class CarLink:
    """The car's connection: `open` until its session ended, shown until the car is unplugged.

    `known`: its certificate is that of the car whose session the station kept. `next`: the car asked for authorisation while the transaction before was still ending, and waits for one of its own.
    """

    protocol: str
    tls: str | None
    evcc_id: str | None = None
    open: bool = True
    next: bool = False
    known: bool = False


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session at one moment. None: not known, or there is none."""

    status: ConnectorStatus
    status_settled: bool
    """False after the start, until the status is certain."""
    plugged: bool
    """The pilot shows a car now."""
    plugged_in: bool
    """A plug-in is under way; an unclear pilot does not end it."""
    operative: bool
    permission: Permission
    token: IdToken | None
    refusal: TokenRefusal | None
    """The last token that was refused, until another one is authorised."""
    obstacle: str | None
    """Why nothing can begin now."""
    transaction_id: TransactionId | None
    transaction_started_s: float | None
    charging_state: ChargingState
    stop: Stop | None
    image: EvseImage | None
    car: CarDemand | None
    car_link: CarLink | None
    authorized: bool | None
    stop_requested: bool
    wish: WishForCar | None
    """What the car is asked to do, beside a stop."""
    confirmed: MeterReadingConfirmed | None
    """The last meter reading that the car confirmed, until it is unplugged."""
    paused: bool
    """The car paused its session and keeps its transaction."""
    must_stay_locked: bool
    cable_check_failed: bool
    data_link: DataLinkChanged | None
    """As SLAC last reported it; None where this station does not match its cars."""
    wants_data_link: bool
    """A car shall be matched by SLAC: a conversation is wanted, and none is open."""
