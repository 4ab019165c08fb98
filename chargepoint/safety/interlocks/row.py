"""One row of the interlock table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from chargepoint.model.faults import FaultCode
from chargepoint.safety.interlocks.inputs import InterlockInputs


class Outlet(Enum):
    """The two kinds of connector."""

    DC = "dc"
    AC = "ac"


BOTH = frozenset(Outlet)
DC_ONLY = frozenset({Outlet.DC})
AC_ONLY = frozenset({Outlet.AC})


@dataclass(frozen=True, slots=True)
class Interlock:
    """Trips `code` when `condition` has given a detail for `delay_s` on end.

    `recurs`: time counts up while `condition` gives a detail, and down as fast while it does not. So what comes again and again
    trips too, where it is there for more than half of the time. A fall of the limits (`InterlockInputs.limits_fell`) counts from zero.

    `cause` says for `docs/interlocks.md` what is seen. `condition` gives the detail with the value and its bound; None: all is
    well. `outlets`: only a stage of these kinds of outlet has this row.
    """

    code: FaultCode
    cause: str
    condition: Callable[[InterlockInputs], str | None]
    delay_s: float = 0.0
    outlets: frozenset[Outlet] = BOTH
    recurs: bool = False
