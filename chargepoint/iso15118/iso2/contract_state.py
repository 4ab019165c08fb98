"""What a session of ISO 15118-2 knows of the contract that the car showed in PaymentDetails."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.car_questions import AuthorizeContract


@dataclass(frozen=True, slots=True)
class Iso2Contract:
    """`question`: what the central system is asked about it; None before PaymentDetails. `leaf`: its certificate in DER.

    `challenge`: what the car must sign with the contract's key. `signed`: the car did. `attempts`: how many contracts were judged.
    """

    question: AuthorizeContract | None = None
    leaf: bytes = b""
    challenge: bytes = b""
    signed: bool = False
    attempts: int = 0


NO_ISO2_CONTRACT = Iso2Contract()
