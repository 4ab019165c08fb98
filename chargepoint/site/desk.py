"""What orders of the site bus do: each holds for its lease, is done once, and is answered. A core, with time as an Instant.

The desk speaks with the station through `StationPort` alone, as every other party does. The newest order replaces the one before
it, whoever sent it; the answer names whom it replaced. When a lease runs out the site is silent, and the next party decides.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from chargepoint.energy.fair_share import fair_share
from chargepoint.model.commands import (
    CommandResult,
    Contribute,
    DriverWish,
    ExternalLimit,
    LimitSource,
    LimitStation,
    NoteSiteMeter,
    StartTransaction,
    StopTransaction,
    WishForDriver,
)
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.limits import ZERO, Interval
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.ports import StationPort
from chargepoint.site.orders import (
    PERMISSION,
    DriverOrder,
    LimitOrder,
    Order,
    OrderAnswer,
    PauseOrder,
    ReleaseOrder,
    ResumeOrder,
    SetpointOrder,
    StartOrder,
    StopOrder,
    UnlimitOrder,
    UnreadableOrder,
    read_meter,
    read_order,
)

OWNER = "site"
"""The owner of the contributions that the site bus makes."""

IDS_KEPT = 1000
"""So many answers are kept for orders that come again."""

BURST = 10.0
"""A burst may be this many times the orders of one second."""

WORK_MIN_W = 1.0


@dataclass(frozen=True, slots=True)
class EvseAbility:
    """What one EVSE could do with a part of the station's set-point. `at_work`: a transaction runs and is not stopping.

    `limits_W`: what may flow at all. `weight` > 0: its part where there is not enough to do for all.
    """

    at_work: bool
    limits_W: Interval
    weight: float
    explanation: str


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What the configuration permits. `orders`: words of [site_bus] orders."""

    orders: frozenset[str]
    lease_max_s: float
    orders_per_s: float


@dataclass(frozen=True, slots=True)
class _Lease:
    """Something ordered that ends by itself."""

    until_s: float
    sender: str
    power_W: float = 0.0


@dataclass(frozen=True, slots=True)
class _Departure:
    """When the driver leaves, monotonic, as long as the order holds."""

    until_s: float
    at_s: float


Abilities = Callable[[], Mapping[EvseId, EvseAbility]]


class SiteDesk:
    """Takes orders and meter values; `keep_time` lets leases end and shares the station's set-point anew."""

    def __init__(self, rules: SiteRules, station: StationPort, abilities: Abilities) -> None:
        self._rules = rules
        self._station = station
        self._abilities = abilities
        self._setpoints: dict[EvseId, _Lease] = {}
        self._pauses: dict[EvseId, _Lease] = {}
        self._station_setpoint: _Lease | None = None
        self._limit: _Lease | None = None
        self._departures: dict[EvseId, _Departure] = {}
        self._said: dict[EvseId, tuple[object, ...]] = {}
        self._answers: OrderedDict[str, tuple[Order, OrderAnswer]] = OrderedDict()
        self._allowance = rules.orders_per_s * BURST
        self._allowed_s: float | None = None
        self.refused = 0
        """Orders that were refused since the start."""
        self.reading: SiteMeterReading | None = None
        """The last value of the site's meter."""

    # -- what readers see ------------------------------------------------------------------------------------------

    @property
    def station_setpoint_W(self) -> float | None:
        """What was ordered for the whole station; None: nothing."""
        return None if self._station_setpoint is None else self._station_setpoint.power_W

    def paused(self, evse_id: EvseId) -> bool:
        """By an order that holds."""
        return evse_id in self._pauses

    def departure_s(self, evse_id: EvseId, now_s: float) -> float | None:
        """Seconds until the departure that was ordered; None: none was."""
        departure = self._departures.get(evse_id)
        return None if departure is None else departure.at_s - now_s

    # -- what comes in ---------------------------------------------------------------------------------------------

    def order(self, payload: bytes, at: Instant, *, retained: bool = False) -> OrderAnswer:
        """Do what the message says, or refuse it; never raises.

        `retained`: the broker kept the message, so nobody knows how old it is. Such an order is refused.
        """
        if not self._within_rate(at.monotonic_s):
            return self._refuse("", "TooMany", f"more than {self._rules.orders_per_s:g} orders a second: send fewer")
        try:
            order = read_order(payload)
        except UnreadableOrder as error:
            return self._refuse(error.order_id, error.code, str(error))
        known = None if order.id is None else self._answers.get(order.id)
        if known is not None:
            before, answer = known
            if order == before:
                return answer
            return self._refuse(
                order.id, "IdReused", f"id = {order.id!r}: another order had it; give each order its own"
            )
        if retained:
            return self._refuse(order.id, "Retained", "the order was retained by the broker: send it without retain")
        answer = self._judge(order, at)
        if order.id is not None:
            self._answers[order.id] = (order, answer)
        while len(self._answers) > IDS_KEPT:
            self._answers.popitem(last=False)
        return answer

    def meter(self, payload: bytes, at: Instant, *, retained: bool = False) -> str | None:
        """A value of the meter at the site's connection. What is wrong with it, in one sentence; None: it was taken."""
        if retained:
            return "the meter value was retained by the broker: nobody knows how old it is"
        try:
            self.reading = SiteMeterReading(at.monotonic_s, read_meter(payload))
        except UnreadableOrder as error:
            return str(error)
        self._station.command(NoteSiteMeter(self.reading))
        return None

    def keep_time(self, at: Instant) -> None:
        """Let leases end, and share the station's set-point by what the cars can do now."""
        now_s = at.monotonic_s
        self._setpoints = {evse: lease for evse, lease in self._setpoints.items() if lease.until_s > now_s}
        self._pauses = {evse: lease for evse, lease in self._pauses.items() if lease.until_s > now_s}
        self._departures = {evse: one for evse, one in self._departures.items() if one.until_s > now_s}
        if self._station_setpoint is not None and self._station_setpoint.until_s <= now_s:
            self._station_setpoint = None
        if self._limit is not None and self._limit.until_s <= now_s:
            self._limit = None  # the station lets it end by itself
        self._speak(at)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _within_rate(self, now_s: float) -> bool:
        passed_s = 0.0 if self._allowed_s is None else max(0.0, now_s - self._allowed_s)
        self._allowed_s = now_s
        most = self._rules.orders_per_s * BURST
        self._allowance = min(most, self._allowance + passed_s * self._rules.orders_per_s)
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True

    def _judge(self, order: Order, at: Instant) -> OrderAnswer:
        if PERMISSION[order.do] not in self._rules.orders:
            allowed = ", ".join(sorted(self._rules.orders)) or "nothing"
            return self._refuse(order.id, "NotPermitted", f"do = {order.do!r}: [site_bus] orders permits {allowed}")
        if order.not_after is not None and at.utc > order.not_after:
            late_s = (at.utc - order.not_after).total_seconds()
            return self._refuse(order.id, "Expired", f"not_after = {order.not_after.isoformat()}: {late_s:.0f} s ago")
        lease_s = getattr(order, "lease_s", None)
        if lease_s is not None and lease_s > self._rules.lease_max_s:
            most = self._rules.lease_max_s
            return self._refuse(order.id, "LeaseTooLong", f"lease_s = {lease_s:g}: at most {most:g}; repeat the order")
        evse = getattr(order, "evse", None)
        if evse is not None and EvseId(evse) not in self._abilities():
            known = ", ".join(str(number) for number in self._abilities())
            return self._refuse(order.id, "UnknownEvse", f"evse = {evse}: this station has {known}")
        return self._do(order, at)

    def _do(self, order: Order, at: Instant) -> OrderAnswer:
        now_s = at.monotonic_s
        match order:
            case SetpointOrder():
                return self._accept(order, at, self._set(order, at))
            case ReleaseOrder():
                return self._accept(order, at, self._release(order, at))
            case LimitOrder():
                self._limit = _Lease(now_s + order.lease_s, order.sender)
                limit = ExternalLimit(LimitSource.EMS, order.import_max_W, order.export_max_W, self._limit.until_s)
                return self._answer(
                    order, at, self._station.command(LimitStation(limit, order.sender, OWNER)), limit.text
                )
            case UnlimitOrder():
                self._limit = None
                result = self._station.command(LimitStation(None, order.sender, OWNER))
                return self._answer(order, at, result, "the limit is withdrawn")
            case DriverOrder():
                return self._wish(order, at)
            case PauseOrder():
                self._pauses[EvseId(order.evse)] = _Lease(now_s + order.lease_s, order.sender)
                self._speak(at)
                return self._accept(order, at, f"EVSE {order.evse}: no power until the pause ends")
            case ResumeOrder():
                self._pauses.pop(EvseId(order.evse), None)
                self._speak(at)
                return self._accept(order, at, f"EVSE {order.evse}: the pause is over")
            case StartOrder():
                token = IdToken(order.token, IdTokenType.LOCAL)
                start = StartTransaction(EvseId(order.evse), token, None, authorize=True)
                return self._answer(
                    order, at, self._station.command(start), f"EVSE {order.evse}: the token is presented"
                )
            case StopOrder():
                running = self._transaction(EvseId(order.evse))
                if running is None:
                    return self._refuse(order.id, "TxNotFound", f"EVSE {order.evse}: no transaction is running")
                result = self._station.command(StopTransaction(running))
                return self._answer(order, at, result, f"EVSE {order.evse}: the transaction ends")
            case _:
                assert_never(order)

    def _set(self, order: SetpointOrder, at: Instant) -> str:
        """What the set-point did, in one sentence."""
        lease = _Lease(at.monotonic_s + order.lease_s, order.sender, order.power_W)
        if order.evse is None:
            replaced, self._station_setpoint = self._station_setpoint, lease
            self._speak(at)
            return _instead(lease, replaced, "the station's set-point")
        evse_id = EvseId(order.evse)
        replaced = self._setpoints.get(evse_id)
        self._setpoints[evse_id] = lease
        self._speak(at)
        return f"{_instead(lease, replaced, f'EVSE {evse_id}')}: {self._abilities()[evse_id].explanation}"

    def _release(self, order: ReleaseOrder, at: Instant) -> str:
        if order.evse is None:
            self._station_setpoint = None
        else:
            self._setpoints.pop(EvseId(order.evse), None)
        self._speak(at)
        return (
            "the station's set-point is withdrawn"
            if order.evse is None
            else f"EVSE {order.evse}: the set-point is withdrawn"
        )

    def _wish(self, order: DriverOrder, at: Instant) -> OrderAnswer:
        evse_id, until_s = EvseId(order.evse), at.monotonic_s + order.lease_s
        departure_at_s = None
        if order.departure is not None:
            left_s = (order.departure - at.utc).total_seconds()
            if left_s <= 0:
                return self._refuse(
                    order.id, "InThePast", f"departure = {order.departure.isoformat()}: {-left_s:.0f} s ago"
                )
            departure_at_s = at.monotonic_s + left_s
        wish = DriverWish(until_s, order.minimum_soc_percent, order.target_soc_percent, departure_at_s)
        result = self._station.command(WishForDriver(evse_id, wish, order.sender))
        self._departures.pop(evse_id, None)
        if result.accepted and departure_at_s is not None:
            self._departures[evse_id] = _Departure(until_s, departure_at_s)
        return self._answer(order, at, result, f"EVSE {order.evse}: the driver's wish holds")

    def _transaction(self, evse_id: EvseId) -> TransactionId | None:
        return next((state.transaction_id for state in self._station.evse_states() if state.evse_id == evse_id), None)

    def _speak(self, at: Instant) -> None:
        """Contribute for each EVSE what holds now, where that changed."""
        abilities = self._abilities()
        parts = self._parts(abilities)
        for evse_id in abilities:
            said: list[Contribution] = []
            pause, own, part = self._pauses.get(evse_id), self._setpoints.get(evse_id), parts.get(evse_id)
            if pause is not None:
                reason = f"paused by {pause.sender}"
                said.append(Contribution(Source.SITE, evse_id, pause.until_s, reason, limits_W=ZERO, key="pause"))
            if own is not None:
                reason = f"set-point of {own.sender}"
                said.append(
                    Contribution(Source.SITE, evse_id, own.until_s, reason, target_W=own.power_W, key="setpoint")
                )
            elif part is not None and self._station_setpoint is not None:
                whole = self._station_setpoint
                reason = f"its part of the station's {whole.power_W / 1000:.3g} kW, set-point of {whole.sender}"
                said.append(Contribution(Source.SITE, evse_id, whole.until_s, reason, target_W=part, key="setpoint"))
            if self._said.get(evse_id, ()) != tuple(said):
                self._said[evse_id] = tuple(said)
                self._station.command(Contribute(evse_id, OWNER, tuple(said)))

    def _parts(self, abilities: Mapping[EvseId, EvseAbility]) -> dict[EvseId, float]:
        """Of each EVSE without a set-point of its own its part of the station's, in whole watts."""
        if self._station_setpoint is None:
            return {}
        power_W = self._station_setpoint.power_W
        working = {
            evse_id: ability
            for evse_id, ability in abilities.items()
            if ability.at_work and evse_id not in self._pauses
        }
        own_W = sum(
            ability.limits_W.clamp(self._setpoints[evse].power_W)
            for evse, ability in working.items()
            if evse in self._setpoints
        )
        sharing = {evse_id: ability for evse_id, ability in working.items() if evse_id not in self._setpoints}
        left_W = power_W - own_W
        sign = -1.0 if left_W < 0 else 1.0
        able_W = {
            evse: max(0.0, ability.limits_W.high if sign > 0 else -ability.limits_W.low)
            for evse, ability in sharing.items()
        }
        shares = fair_share(abs(left_W), able_W, {evse: ability.weight for evse, ability in sharing.items()})
        return {evse: sign * math.floor(shares[evse]) if shares[evse] >= WORK_MIN_W else 0.0 for evse in sharing}

    # -- answers ---------------------------------------------------------------------------------------------------

    def _answer(self, order: Order, at: Instant, result: CommandResult, text: str) -> OrderAnswer:
        if not result.accepted:
            return self._refuse(order.id, result.reason_code or "Refused", result.text or result.reason_code)
        return self._accept(order, at, result.text or text)

    def _accept(self, order: Order, at: Instant, text: str) -> OrderAnswer:
        lease_s = getattr(order, "lease_s", None)
        until: datetime | None = None if lease_s is None else at.utc + timedelta(seconds=lease_s)
        return OrderAnswer(id=order.id or "", accepted=True, code="Accepted", text=text, until=until)

    def _refuse(self, order_id: str | None, code: str, text: str) -> OrderAnswer:
        self.refused += 1
        return OrderAnswer(id=order_id or "", accepted=False, code=code, text=text, until=None)


def _instead(now: _Lease, replaced: _Lease | None, what: str) -> str:
    if replaced is None or replaced.sender == now.sender:
        return what
    return f"{what}, in place of the set-point of {replaced.sender}"
