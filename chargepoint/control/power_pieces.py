"""A forecast as the pieces of a car's schedule."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.forecast import Forecast


def power_pieces(forecast: Forecast, horizon_s: float) -> tuple[PowerPiece, ...]:
    """What the station could give, to the end of the horizon: beyond the shortest plan its last piece holds on."""
    found = [PowerPiece(p.duration_s, p.charge_max_W, p.discharge_max_W) for p in forecast.pieces]
    missing_s = horizon_s - sum(p.duration_s for p in found)
    if found and missing_s > 0:
        found[-1] = replace(found[-1], duration_s=found[-1].duration_s + missing_s)
    return tuple(found)
