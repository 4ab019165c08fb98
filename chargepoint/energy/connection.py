"""The connection that all EVSEs share: what each may take from it and give to it. A core.

Import and export are shared apart, and power that one car gives back never makes room for another car: that car may stop
at any moment. Each direction is shared by need (`fair_share`). What nobody needs is spread evenly over the EVSEs at work, so that
a new wish finds some room at once.

Take before give: an EVSE gets more only when the power of the others has come down. Until then what they may draw and what they still
draw both count. So the sum stays within the connection while one car ramps down for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chargepoint.energy.fair_share import fair_share
from chargepoint.model.ids import EvseId

NOISE_W = 100.0
"""So much above its part a car may be measured without taking from the others: no meter is exact, and no part shall tremble (own rule)."""


@dataclass(frozen=True, slots=True)
class ConnectionBound:
    """What all EVSEs together may take and give, by the word of one party. Magnitudes in W, >= 0.

    `reason` finishes the sentence «limited by the site: <reason>».
    """

    reason: str
    import_max_W: float
    export_max_W: float


@dataclass(frozen=True, slots=True)
class EvseNeed:
    """What one EVSE would take or give if the connection had no end, and what flows now. Powers in W.

    `import_W`, `export_W`: magnitudes. `flow_W` is signed, positive into the car; None: not measured, then all that was granted counts.
    `weight` > 0: its part where there is not enough for all. `at_work` False: no transaction, so no power can flow.
    """

    import_W: float
    export_W: float
    flow_W: float | None
    weight: float = 1.0
    at_work: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionShare:
    """What one EVSE may take and give now. Magnitudes in W; the reasons name the party that bounds, and with how many it is shared."""

    import_max_W: float
    export_max_W: float
    import_reason: str
    export_reason: str


class SharedConnection:
    """Keeps what every EVSE may draw now. `share` is called whenever a need, a bound or a measured power changed."""

    def __init__(self) -> None:
        self._import_W: dict[EvseId, float] = {}
        self._export_W: dict[EvseId, float] = {}

    def share(
        self, needs: Mapping[EvseId, EvseNeed], bounds: Iterable[ConnectionBound]
    ) -> dict[EvseId, ConnectionShare]:
        """Of each EVSE its share under the narrowest of `bounds` (at least one), which replaces its share before.

        An EVSE that is not at work gets the whole, for it draws nothing: it is counted from the call in which it begins.
        """
        bounds = list(bounds)
        least_in = min(bounds, key=lambda bound: bound.import_max_W)
        least_out = min(bounds, key=lambda bound: bound.export_max_W)
        working = {evse: need for evse, need in needs.items() if need.at_work}
        weights = {evse: need.weight for evse, need in working.items()}
        resting_W = [need.flow_W or 0.0 for need in needs.values() if not need.at_work]
        self._import_W = _granted(
            least_in.import_max_W,
            sum(max(0.0, flow_W) for flow_W in resting_W),
            {evse: need.import_W for evse, need in working.items()},
            {evse: None if need.flow_W is None else max(0.0, need.flow_W) for evse, need in working.items()},
            weights,
            self._import_W,
        )
        self._export_W = _granted(
            least_out.export_max_W,
            sum(max(0.0, -flow_W) for flow_W in resting_W),
            {evse: need.export_W for evse, need in working.items()},
            {evse: None if need.flow_W is None else max(0.0, -need.flow_W) for evse, need in working.items()},
            weights,
            self._export_W,
        )
        shared = f" shared by {len(working)}" if len(working) > 1 else ""
        return {
            evse: ConnectionShare(
                self._import_W.get(evse, least_in.import_max_W),
                self._export_W.get(evse, least_out.export_max_W),
                least_in.reason + shared,
                least_out.reason + shared,
            )
            for evse in needs
        }


def _granted(
    total_W: float,
    elsewhere_W: float,
    needs_W: Mapping[EvseId, float],
    flows_W: Mapping[EvseId, float | None],
    weights: Mapping[EvseId, float],
    before_W: Mapping[EvseId, float],
) -> dict[EvseId, float]:
    """What each may draw now in one direction, on the way to its fair share. `elsewhere_W` flows where no share is given."""
    goal_W = fair_share(total_W, needs_W, weights)
    spare_W = max(0.0, total_W - sum(goal_W.values())) / len(goal_W) if goal_W else 0.0
    goal_W = {evse: part_W + spare_W for evse, part_W in goal_W.items()}
    kept_W = {evse: min(part_W, before_W.get(evse, 0.0)) for evse, part_W in goal_W.items()}
    counted_W = {}
    for evse, part_W in kept_W.items():
        flow_W = flows_W[evse]
        drawn_W = before_W.get(evse, 0.0) if flow_W is None else flow_W
        counted_W[evse] = drawn_W if drawn_W > part_W + NOISE_W else part_W
    room_W = max(0.0, total_W - elsewhere_W - sum(counted_W.values()))
    wanted_W = {evse: max(0.0, goal_W[evse] - counted_W[evse]) for evse in goal_W}
    wanted_sum_W = sum(wanted_W.values())
    part = 1.0 if wanted_sum_W <= room_W or wanted_sum_W == 0.0 else room_W / wanted_sum_W
    # what flows beyond the goal is on its way down: it counts, and yet it is not granted
    return {evse: min(goal_W[evse], counted_W[evse]) + wanted_W[evse] * part for evse in goal_W}
