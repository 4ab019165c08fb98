"""Max-min fair sharing of one quantity among parties that need different amounts. Pure.

A party that needs less than an equal share gets what it needs; what it leaves goes to the others. Source: own rule, the
progressive filling of D. Bertsekas and R. Gallager, Data Networks, 6.5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def fair_share(total: float, needs: Mapping[K, float], weights: Mapping[K, float] | None = None) -> dict[K, float]:
    """Of each party its part of `total` >= 0; `needs` are magnitudes >= 0, `weights` > 0 (1 where none is named).

    * Nobody gets more than it needs, and all together never more than `total`.
    * Nobody could get more without taking from a party that has less for its weight.
    * The smallest part for its weight is as large as it can be.
    """
    given = dict.fromkeys(needs, 0.0)
    weight = {party: 1.0 if weights is None else weights.get(party, 1.0) for party in needs}
    left = max(0.0, total)
    hungry = sorted((party for party in needs if needs[party] > 0.0), key=lambda party: needs[party] / weight[party])
    weights_left = sum(weight[party] for party in hungry)
    for party in hungry:  # the most easily satisfied first: what it leaves raises the level for all others
        given[party] = min(needs[party], left * weight[party] / weights_left)
        left = max(0.0, left - given[party])
        weights_left -= weight[party]
    return given
