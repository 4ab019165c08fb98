"""N09, N10 Customer information: what the station keeps about one customer, reported and cleared."""

from __future__ import annotations

import contextlib
import json

from chargepoint.model.ids import IdToken, IdTokenType
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock, token_from_wire
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import CallAnswer, Effects, Send, status
from chargepoint.ocpp.blocks.reservation import ReservationBlock
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.local_list import SPACE as LIST_SPACE
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import SPACE as CACHE_SPACE
from chargepoint.ocpp.token_cache import token_key

PAGE_CHARACTERS = 512
"""`data` of NotifyCustomerInformation."""
_REFERENCES = ("idToken", "customerCertificate", "customerIdentifier")


class CustomersBlock(FunctionalBlock):
    """The station knows customers by their tokens. An identifier is the value of a token, of whatever type; no certificate is kept.

    Where nothing is found the data is empty (Part 6, TC_N_62, TC_N_63). Clearing leaves the local list, which is the central system's (N10.FR.03), and a transaction that runs, which is billed.
    """

    def __init__(self, authorization: AuthorizationBlock, reservations: ReservationBlock, kept: Kept) -> None:
        super().__init__()
        self._authorization = authorization
        self._reservations = reservations
        self._cache = kept.space(CACHE_SPACE)
        self._list = kept.space(LIST_SPACE)
        self.calls = {"CustomerInformation": self._customer_information}

    def _customer_information(self, request: Payload, now: StationNow) -> CallAnswer:
        """The answer first, then the data in pages; cleared data is gone from the disk before the answer."""
        report, clear = request["report"], request["clear"]
        given = [name for name in _REFERENCES if name in request]
        if len(given) != 1:  # N09.FR.09
            text = f"one of {', '.join(_REFERENCES)} is needed, {len(given)} are there"
            return CallAnswer(status("Invalid", "MissingParam" if not given else "InvalidValue", text))
        if not report and not clear:  # N09.FR.07, N10.FR.07
            return CallAnswer(status("Rejected", "MissingParam", "report and clear are false: nothing is asked for"))
        try:
            tokens = _tokens(request)
        except ValueError as error:
            return CallAnswer(status("Invalid", "InvalidIdToken", str(error)))
        found = {token.type.value: data for token in tokens if (data := self._found(token, now))}
        effects = tuple(effect for token in tokens for effect in self._clear(token)) if clear else ()
        text = ""  # N09.FR.06, N10.FR.04
        if not report:  # N10.FR.06: whether or not there was something
            text = "the data was cleared"
        elif found:  # N09.FR.05, N10.FR.03
            text = json.dumps(found, ensure_ascii=True, separators=(",", ":"))
        return CallAnswer(status("Accepted"), effects, then=_pages(request["requestId"], text, now))

    def _found(self, token: IdToken, now: StationNow) -> Payload:
        """By the place where it is kept; places without data are left out."""
        key = token_key(token)
        places: Payload = {
            "authorizationCache": self._cache.get(key),
            "localList": self._list.get(key),
            "reservations": [r.written() for r in self._reservations.reservations if r.token_key == key],
            "transactions": [
                {"evseId": int(evse.evse_id), "transactionId": str(evse.transaction_id)}
                for evse in now.evses
                if evse.transaction_id is not None and evse.id_token is not None and token_key(evse.id_token) == key
            ],
        }
        return {place: data for place, data in places.items() if data}

    def _clear(self, token: IdToken) -> Effects:
        return (*self._authorization.forget(token), *self._reservations.forget(token))


def _tokens(request: Payload) -> tuple[IdToken, ...]:
    """The tokens a request is about. Raises ValueError for an idToken that cannot be one."""
    if "idToken" in request:
        return (token_from_wire(request["idToken"]),)
    tokens: list[IdToken] = []
    for kind in IdTokenType if "customerIdentifier" in request else ():
        with contextlib.suppress(ValueError):  # a token of this type is written in another way
            tokens.append(token_from_wire({"idToken": request["customerIdentifier"], "type": kind.value}))
    return tuple(tokens)


def _pages(request_id: int, text: str, now: StationNow) -> Effects:
    pages = [text[i : i + PAGE_CHARACTERS] for i in range(0, len(text), PAGE_CHARACTERS)] or [""]
    return tuple(
        Send(
            "NotifyCustomerInformation",
            {
                "requestId": request_id,
                "generatedAt": now.wire,
                "seqNo": number,
                "tbc": number < len(pages) - 1,
                "data": page,
            },
        )
        for number, page in enumerate(pages)
    )
