"""Identities: which EVSE, which transaction, whose token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NewType

EvseId = NewType("EvseId", int)
"""1..n as OCPP numbers EVSEs; 0 means the whole station and is never an EVSE."""

TransactionId = NewType("TransactionId", str)
"""At most 36 characters (OCPP 2.0.1 Part 2, identifierString[36])."""


class IdTokenType(Enum):
    """OCPP 2.0.1 Part 2, IdTokenEnumType."""

    CENTRAL = "Central"
    E_MAID = "eMAID"
    ISO14443 = "ISO14443"
    ISO15693 = "ISO15693"
    KEY_CODE = "KeyCode"
    LOCAL = "Local"
    MAC_ADDRESS = "MacAddress"
    NO_AUTHORIZATION = "NoAuthorization"


@dataclass(frozen=True, slots=True)
class IdToken:
    """Who asks for energy.

    `value` is at most 36 characters; an ISO14443 UID is 8 or 14 upper-case hexadecimal characters
    (a strict central system refuses anything else: docs/sources/ocpp.md 8.2).
    """

    value: str
    type: IdTokenType

    @property
    def hint(self) -> str:
        """Its last four characters, for logs and pages; of a key code nothing (OCPP 2.0.1 Part 2, C04.FR.04)."""
        return "…" if self.type is IdTokenType.KEY_CODE else f"…{self.value[-4:]}"

    def __post_init__(self) -> None:
        if len(self.value) > 36:
            raise ValueError(f"idToken has {len(self.value)} characters: at most 36")
        if self.type is IdTokenType.ISO14443 and not re.fullmatch(r"[0-9A-F]{8}|[0-9A-F]{14}", self.value):
            raise ValueError(f"ISO14443 idToken {self.value!r}: 8 or 14 upper-case hexadecimal characters")
