"""A sentence that a message leaves for the log, on its way to the rest of the station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.model.car import CarEvent, CarRemark
from chargepoint.model.ids import EvseId


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence for the log. A session holds the last one; a new object for each message that has something to say."""

    text: str


def learned(_request: Any, before: Any, after: Any, at: Situation) -> tuple[CarEvent, ...]:
    """The remark of this message, if the message left one."""
    if after.remark is None or after.remark is before.remark:
        return ()
    return (CarRemark(EvseId(at.settings.evse_id), after.remark.text),)
