"""H Reservation: ReserveNow, CancelReservation, ReservationStatusUpdate; who may use a reserved EVSE."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.commands import ReserveEvse
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import TransactionEventType, TransactionRecord, TriggerReason
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock, token_from_wire
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, Effect, Effects, Order, Post, WriteJournal, status
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_answer
from chargepoint.ocpp.token_cache import token_key
from chargepoint.store.rows import Json

SPACE = "reservations"
EXPIRY_MAX_S = 400 * 86_400.0
"""A reservation for longer than so many seconds is refused."""

_FREE = (ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED)
_REFUSALS = {
    ConnectorStatus.OCCUPIED: "Occupied",
    ConnectorStatus.RESERVED: "Occupied",
    ConnectorStatus.FAULTED: "Faulted",
    ConnectorStatus.UNAVAILABLE: "Unavailable",
}
"""H01.FR.11, FR.12, FR.14."""


_AUTHORIZING = (TriggerReason.AUTHORIZED, TriggerReason.REMOTE_START)


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation as kept. `evse_id`, `connector_type` None: any; `group` empty: none."""

    number: int
    token_key: str
    group: str
    evse_id: int | None
    connector_type: str | None
    expires_utc_s: float

    @classmethod
    def read(cls, key: str, kept: Json) -> Reservation:
        """The inverse of `written`."""
        return cls(int(key), kept["token"], kept["group"], kept["evseId"], kept["connectorType"], kept["expiresUtcS"])

    def written(self) -> Json:
        """What is kept, under `number`."""
        return {
            "token": self.token_key,
            "group": self.group,
            "evseId": self.evse_id,
            "connectorType": self.connector_type,
            "expiresUtcS": self.expires_utc_s,
        }

    def fits(self, evse: EvseState) -> bool:
        """The EVSE is one that this reservation means."""
        return self.evse_id in (None, int(evse.evse_id)) and self.connector_type in (None, evse.connector_type)

    def is_for(self, token: IdToken, group: str) -> bool:
        """The token, or one of the same group, may use it (H03.FR.01 to FR.06)."""
        return self.token_key == token_key(token) or (bool(self.group) and group == self.group)


class ReservationBlock(FunctionalBlock):
    """Reservations survive a restart (B24: reserved persists reset). Each EVSE is ordered reserved or free by what they need."""

    def __init__(self, model: DeviceModel, authorization: AuthorizationBlock, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._authorization = authorization
        self._space = kept.space(SPACE)
        self._ordered: frozenset[EvseId] = frozenset()
        self._used: dict[EvseId, tuple[str, int]] = {}
        """By EVSE: the token that used a reservation last, and the reservation's number, for the record that names the token."""
        self._expires_s: float | None = None
        self.calls = {"ReserveNow": self._reserve_now, "CancelReservation": self._cancel}

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """In the order of their making."""
        return tuple(Reservation.read(key, kept) for key, kept in self._space.items())

    # -- CALLs ---------------------------------------------------------------------------------------------------------

    def _reserve_now(self, request: Payload, now: StationNow) -> CallAnswer:
        """H01. A reservation of the same id is replaced (H01.FR.02)."""
        if not self._model.flag("ReservationCtrlr/Enabled"):  # H01.FR.01
            return CallAnswer(status("Rejected", "NotEnabled", "ReservationCtrlr/Enabled is false"))
        evse_id = request.get("evseId")
        if evse_id is None and not self._model.flag("ReservationCtrlr/NonEvseSpecific"):  # H01.FR.19
            return CallAnswer(status("Rejected", "MissingParam", "evseId: ReservationCtrlr/NonEvseSpecific is false"))
        if evse_id is not None and now.evse(evse_id) is None:
            return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
        expires_utc_s = from_answer(request["expiryDateTime"]).timestamp()
        if not now.utc_s < expires_utc_s <= now.utc_s + EXPIRY_MAX_S:
            text = f"expiryDateTime {request['expiryDateTime'][:40]}: after now, at most {EXPIRY_MAX_S / 86_400:.0f} days ahead"
            return CallAnswer(status("Rejected", "ValueOutOfRange", text))
        try:
            token = token_from_wire(request["idToken"])
        except ValueError as error:
            return CallAnswer(status("Rejected", "InvalidIdToken", str(error)))
        group = str(request["groupIdToken"]["idToken"]).casefold() if "groupIdToken" in request else ""
        made = Reservation(request["id"], token_key(token), group, evse_id, request.get("connectorType"), expires_utc_s)
        refusal = self._no_room(made, now)
        if refusal is not None:
            return refusal
        return CallAnswer(status("Accepted"), (self._space.keep(str(made.number), made.written()),))

    def _no_room(self, made: Reservation, now: StationNow) -> CallAnswer | None:
        """The answer where nothing that the reservation means can be kept free."""
        others = tuple(other for other in self.reservations if other.number != made.number)
        targets = [evse for evse in now.evses if made.fits(evse)]
        if not targets:
            text = f"no connector {made.connector_type} here"
            return CallAnswer(status("Rejected", "UnknownConnectorType", text))
        free = [
            evse for evse in now.evses if evse.status in _FREE and not evse.plugged and evse.id_token is None
        ]  # an EVSE whose token waits for its car is taken
        if _served((*others, made), free) > _served(others, free):  # H01.FR.03, FR.23
            return None
        if any(made.fits(evse) for evse in free):
            return CallAnswer(status("Occupied"))  # H01.FR.11
        states = {evse.status for evse in targets}
        return CallAnswer(status(_REFUSALS.get(states.pop(), "Occupied") if len(states) == 1 else "Occupied"))

    def _cancel(self, request: Payload, now: StationNow) -> CallAnswer:
        """H02."""
        key = str(request["reservationId"])
        if key not in self._space:
            return CallAnswer(status("Rejected", "NotFound", f"no reservation {key}"))  # H02.FR.01
        return CallAnswer(status("Accepted"), (self._space.forget(key),))

    # -- who may use what ------------------------------------------------------------------------------------------------

    def refuses(self, token: IdToken, evse_id: EvseId, now: StationNow, group: str = "") -> str:
        """Why this token may not start at this EVSE; empty where it may."""
        if self._own(token, evse_id, now, group) is not None or evse_id not in self._needed(self.reservations, now):
            return ""
        return f"EVSE {evse_id} is reserved for another token"

    def used(self, token: IdToken, evse_id: EvseId, now: StationNow, group: str = "") -> Effects:
        """The token starts here: its reservation, if it has one, is over (H03.FR.09, FR.10)."""
        own = self._own(token, evse_id, now, group)
        if own is None:
            self._used.pop(evse_id, None)
            return ()
        self._used[evse_id] = token_key(token), own.number
        return (self._space.forget(str(own.number)),)

    def forget(self, token: IdToken) -> Effects:
        """Remove this token's reservations, as the central system asks (N10)."""
        return self._removed([r for r in self.reservations if r.token_key == token_key(token)], "Removed")

    def of(self, record: TransactionRecord) -> int | None:
        """The reservation that this transaction uses, for the record that names its token (H01.FR.15, E01.FR.13)."""
        authorizes = record.type is TransactionEventType.STARTED or record.trigger in _AUTHORIZING
        if record.id_token is None or not authorizes:
            return None
        key, number = self._used.get(record.evse_id, ("", 0))
        return number if key == token_key(record.id_token) else None

    def _own(self, token: IdToken, evse_id: EvseId, now: StationNow, group: str) -> Reservation | None:
        """The reservation the token may use here: of this very EVSE before an open one."""
        evse = now.evse(int(evse_id))
        if evse is None:
            return None
        group = group or self._authorization.group(token)
        fitting = [r for r in self.reservations if r.is_for(token, group) and r.fits(evse)]
        return min(fitting, key=lambda r: (r.evse_id is None, r.connector_type is None), default=None)

    # -- time and states -----------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """The next expiry."""
        return self._expires_s

    def tick(self, now: StationNow) -> Effects:
        """What has expired (H04.FR.01), and which EVSEs are kept free: the answer to a CALL comes before the new state of its EVSE."""
        over = [r for r in self.reservations if r.expires_utc_s <= now.utc_s]
        left = tuple(r for r in self.reservations if r.expires_utc_s > now.utc_s)
        soonest_s = min((r.expires_utc_s for r in left), default=None)
        self._expires_s = None if soonest_s is None else now.monotonic_s + soonest_s - now.utc_s
        needed = self._needed(left, now)
        changed, self._ordered = needed ^ self._ordered, needed
        orders = (Order(ReserveEvse(evse_id, evse_id in needed)) for evse_id in sorted(changed))
        return *self._removed(over, "Expired"), *orders

    def states_changed(self, now: StationNow) -> Effects:
        """An EVSE that breaks down or is taken out of service keeps nothing free (H01.FR.16, FR.17)."""
        out_of_service = (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)
        working = [e for e in now.evses if not e.heard or e.status not in out_of_service]
        return self._removed([r for r in self.reservations if not any(r.fits(e) for e in working)], "Removed")

    def _removed(self, over: list[Reservation], why: str) -> Effects:
        effects: list[Effect] = []
        for gone in over:
            effects += (
                self._space.forget(str(gone.number)),
                Post("ReservationStatusUpdate", {"reservationId": gone.number, "reservationUpdateStatus": why}),
                WriteJournal("*", f"OCPP: reservation {gone.number} ends: {why}"),
            )
        return tuple(effects)

    @staticmethod
    def _needed(reservations: tuple[Reservation, ...], now: StationNow) -> frozenset[EvseId]:
        """The EVSEs of reservations that name one; and all EVSEs of a kind once as many are free as open reservations want it.

        H01.FR.07, FR.09, FR.20, FR.24.
        """
        needed = {EvseId(r.evse_id) for r in reservations if r.evse_id is not None}
        open_ones = [r for r in reservations if r.evse_id is None]
        for wanted in open_ones:
            rivals = [r for r in open_ones if r.connector_type in (None, wanted.connector_type)]
            free = [e for e in now.evses if wanted.fits(e) and e.evse_id not in needed and _kept_or_free(e)]
            if len(free) <= len(rivals):
                needed |= {evse.evse_id for evse in free}
        return frozenset(needed)


def _served(reservations: tuple[Reservation, ...], free: list[EvseState]) -> int:
    """How many of these reservations can have one of the free EVSEs each, at the best distribution."""
    holders: dict[EvseId, Reservation] = {}

    def place(reservation: Reservation, tried: set[EvseId]) -> bool:
        """Give it an EVSE; whoever holds that one already moves to another."""
        for evse in free:
            if evse.evse_id in tried or not reservation.fits(evse):
                continue
            tried.add(evse.evse_id)
            holder = holders.get(evse.evse_id)
            if holder is None or place(holder, tried):
                holders[evse.evse_id] = reservation
                return True
        return False

    return sum(place(reservation, set()) for reservation in reservations)


def _kept_or_free(evse: EvseState) -> bool:
    """The EVSE can be kept for an open reservation. A car that was plugged in at a reserved EVSE does not take it (G01.FR.09)."""
    return evse.status is ConnectorStatus.RESERVED or (evse.status is ConnectorStatus.AVAILABLE and not evse.plugged)
