"""What a block is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chargepoint.model.ids import EvseId
from chargepoint.model.status import EvseState
from chargepoint.ocpp.availability_orders import OrderedAvailability
from chargepoint.ocpp.blocks.registration import Registration
from chargepoint.ocpp.charging_profiles import Change, ChargingProfiles
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import TokenCache
from chargepoint.ocpp.version import OcppVersion
from chargepoint.ports import StationPort
from chargepoint.store.rows import Write


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A CALL of ours."""

    action: str
    payload: Payload


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to a CALL and what follows, in this order: commit `writes`, `apply`, send `payload`, `after`, send `then`.

    Where the commit fails nothing is applied and InternalError goes out. `reevaluate`: charging limits may have changed.
    """

    payload: Payload
    writes: tuple[Write, ...] = ()
    apply: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    then: tuple[Outgoing, ...] = ()
    reevaluate: bool = False

    @classmethod
    def changing(cls, payload: Payload, change: Change) -> CallAnswer:
        """An answer that rests on a change of the charging profiles."""
        return cls(payload, change.writes, change.apply, reevaluate=True)


@dataclass(frozen=True, slots=True)
class BlockContext:
    """The station as its blocks see it. `messages_waiting(transaction_id or None)` counts transaction messages."""

    model: DeviceModel
    profiles: ChargingProfiles
    tokens: TokenCache
    port: StationPort
    registration: Registration
    messages_waiting: Callable[[str | None], int]
    version: OcppVersion
    availability: OrderedAvailability
    not_accepted: set[str] = field(default_factory=set)
    """Transactions that go on without energy: their token is not accepted, and StopTxOnInvalidId is false."""

    def evse(self, evse_id: int) -> EvseState | None:
        """The EVSE of this number, if there is one."""
        return next((e for e in self.port.evse_states() if e.evse_id == EvseId(evse_id)), None)


def status(value: str, reason_code: str = "", text: str = "") -> Payload:
    """A response that is a status with its optional statusInfo (reasonCode 20, additionalInfo 512 characters)."""
    payload: Payload = {"status": value}
    if reason_code:
        payload["statusInfo"] = {"reasonCode": reason_code[:20]}
        if text:
            payload["statusInfo"]["additionalInfo"] = text[:512]
    return payload
