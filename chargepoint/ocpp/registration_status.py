"""Whether the central system has accepted this station, in the words of OCPP 2.0.1."""

from __future__ import annotations

from enum import Enum


class RegistrationStatus(Enum):
    """RegistrationStatusEnumType."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"
