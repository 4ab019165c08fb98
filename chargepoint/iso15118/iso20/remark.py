"""A sentence that a message leaves for the log, on its way to the rest of the station."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.session import Session
from chargepoint.model.car import CarEvent, CarRemark
from chargepoint.model.ids import EvseId


def learned(_request: Any, before: Session, after: Session, at: Situation) -> tuple[CarEvent, ...]:
    """The remark of this message, if the message left one."""
    if after.remark is None or after.remark is before.remark:
        return ()
    return (CarRemark(EvseId(at.settings.evse_id), after.remark.text),)
