"""What a session knows of contracts: the one that is being judged, those judged before, and the one that pays."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.car_questions import AuthorizeContract


@dataclass(frozen=True, slots=True)
class ContractClaim:
    """A contract that the station itself found good. The central system is asked about it.

    `leaf`: the contract's certificate in DER. `ends_soon`: the certificate expires within two weeks.
    """

    question: AuthorizeContract
    leaf: bytes
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class ContractState:
    """`claim`: the contract that is being judged now. `leaf`: the contract that pays, in DER; empty without one."""

    claim: ContractClaim | None = None
    leaf: bytes = b""
    presented: frozenset[str] = frozenset()
    """Identities of the certificates that signed the present challenge: none of them may sign it again."""
    attempts: int = 0
    """How many contracts this conversation has judged."""


NO_CONTRACT = ContractState()
