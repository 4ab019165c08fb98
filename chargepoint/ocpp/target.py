"""The target of the next connection: where to, how secured, and with which credentials. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A profile of the connection and what the station shows there.

    `password_name`, `chain_name`: files of the station's secrets; None: those of the configuration. The key of `NAME_chain.pem` is
    `NAME.key`. `roots`: certificates (PEM) that are trusted, beside those of the configuration where `configured_roots` is true.
    """

    slot: int
    url: str
    security_profile: int
    timeout_s: float
    password_name: str | None
    chain_name: str | None
    roots: tuple[str, ...]
    configured_roots: bool = True
