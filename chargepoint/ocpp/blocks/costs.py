"""I Tariff and cost: what the driver at each EVSE is to be shown of both."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effects,
    IdTokenInfoReceived,
    SharedEvent,
    TransactionAnswered,
    WriteJournal,
)
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import token_key

TOKENS_MAX = 64
"""Tokens whose personal message is remembered. They are forgotten with the process."""


@dataclass(slots=True)
class TransactionCost:
    """Of the transaction that runs or ran last on an EVSE. `offline`: there was no connection when it ended."""

    transaction_id: str
    total: float | None = None
    ended: bool = False
    offline: bool = False
    personal_message: str = ""


class CostsBlock(FunctionalBlock):
    """Nothing of it is kept over a restart: the central system sends cost and tariff again."""

    def __init__(self, model: DeviceModel) -> None:
        super().__init__()
        self._model = model
        self._costs: dict[EvseId, TransactionCost] = {}
        self._infos: dict[str, Payload] = {}
        """The idTokenInfo of the tokens heard of last, by token."""
        self.calls = {"CostUpdated": self._cost_updated}

    def _cost_updated(self, request: Payload, now: StationNow) -> CallAnswer:
        """I02.FR.02. The response has no status: a cost of an unknown transaction is only written down."""
        if self._take(request["transactionId"], request["totalCost"], now):
            return CallAnswer({})
        text = f"CostUpdated: no transaction {request['transactionId']}"
        return CallAnswer({}, (WriteJournal("!", text),))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """Answers of the central system: about a token (I01), about a transaction (I02.FR.04, I03, I06)."""
        match event:
            case IdTokenInfoReceived(token, info):
                key = token_key(token)
                self._infos.pop(key, None)
                self._infos[key] = info
                while len(self._infos) > TOKENS_MAX:
                    del self._infos[next(iter(self._infos))]
            case TransactionAnswered(transaction_id, response):
                if "totalCost" in response:
                    self._take(transaction_id, response["totalCost"], now)
                cost = self._of(transaction_id, now)
                if cost is not None and "updatedPersonalMessage" in response:  # I06.FR.03
                    cost.personal_message = response["updatedPersonalMessage"]["content"]
            case _:
                pass
        return ()

    def states_changed(self, now: StationNow) -> Effects:
        """Transactions begin and end; what an EVSE showed goes with the car."""
        for evse in now.evses:
            cost = self._costs.get(evse.evse_id)
            if evse.transaction_id is not None:
                self._of(str(evse.transaction_id), now)
            elif cost is not None and not cost.ended:
                cost.ended, cost.offline = True, not now.online
            elif cost is not None and not evse.plugged:
                del self._costs[evse.evse_id]
        return ()

    def _of(self, transaction_id: str, now: StationNow) -> TransactionCost | None:
        """The cost of a transaction that runs, or that ran last; None for any other."""
        running = now.transaction(transaction_id)
        if running is not None:
            cost = self._costs.get(running.evse_id)
            if cost is None or cost.transaction_id != transaction_id:
                self._costs[running.evse_id] = TransactionCost(transaction_id)
            return self._costs[running.evse_id]
        return next((cost for cost in self._costs.values() if cost.transaction_id == transaction_id), None)

    def _take(self, transaction_id: str, total: float, now: StationNow) -> bool:
        cost = self._of(transaction_id, now)
        if cost is not None:
            cost.total = float(total)
        return cost is not None

    # -- the display -----------------------------------------------------------------------------------------------------

    def language(self, evse_id: EvseId, now: StationNow) -> str:
        """The first language of the driver at this EVSE; empty where it is unknown."""
        return str(self._info(evse_id, now).get("language1", ""))

    def shown(self, evse_id: EvseId, now: StationNow) -> Payload:
        """Tariff and cost at this EVSE: `tariff` (text), `total_cost` (number or None), `currency`, `cost_message`, `final`."""
        shown: Payload = {}
        cost = self._costs.get(evse_id)
        if self._model.flag("TariffCostCtrlr/Enabled[Tariff]"):
            message = "" if cost is None else cost.personal_message
            message = message or str(self._info(evse_id, now).get("personalMessage", {}).get("content", ""))
            shown["tariff"] = message or self._model.text("TariffCostCtrlr/TariffFallbackMessage")  # I04.FR.01
        if self._model.flag("TariffCostCtrlr/Enabled[Cost]") and cost is not None:
            unknown = cost.ended and cost.offline  # I05.FR.02; a cost that comes later is of no use (I03.FR.03)
            shown["total_cost"] = None if unknown else cost.total
            shown["currency"] = self._model.text("TariffCostCtrlr/Currency")
            shown["final"] = cost.ended
            shown["cost_message"] = self._model.text("TariffCostCtrlr/TotalCostFallbackMessage") if unknown else ""
        return shown

    def _info(self, evse_id: EvseId, now: StationNow) -> Payload:
        evse = now.evse(int(evse_id))
        if evse is None or evse.id_token is None:
            return {}
        return self._infos.get(token_key(evse.id_token), {})
