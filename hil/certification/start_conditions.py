"""How a station under test must be started for a case. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class StartConditions:
    """How a station must be started for a case."""

    security_profile: int = 1
    additional_root_check: bool = False
    """AdditionalRootCertificateCheck is true."""
