"""What a `respond` gives back: a response with the session as it is after it, or not yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.secc.session import Session


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to send now. `response` is a message class of `chargepoint.iso15118.messages`."""

    response: Any
    session: Session


@dataclass(frozen=True, slots=True)
class Later:
    """The power stage is not there yet: ask again when the inputs change, at the latest after the performance time.

    `session` is already what the power stage must see (the phase wanted).
    """

    session: Session


Reply = Answer | Later
