"""A forecast as the pieces of a car's schedule."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.energy.forecast import in_whole_seconds
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.forecast import Forecast


def power_pieces(forecast: Forecast, horizon_s: float) -> tuple[PowerPiece, ...]:
    """What the station could give, to the end of the horizon: beyond the shortest plan its last piece holds on.

    In whole seconds, as a schedule on the wire has them: a car that keeps to the wire's pieces then keeps to these. A forecast of less
    than a second is one piece, with its lowest limits.
    """
    found = [PowerPiece(p.duration_s, p.charge_max_W, p.discharge_max_W) for p in in_whole_seconds(forecast).pieces]
    if not found and forecast.pieces:
        charge_W = min(p.charge_max_W for p in forecast.pieces)
        found = [PowerPiece(1.0, charge_W, min(p.discharge_max_W for p in forecast.pieces))]
    missing_s = horizon_s - sum(p.duration_s for p in found)
    if found and missing_s > 0:
        found[-1] = replace(found[-1], duration_s=found[-1].duration_s + missing_s)
    return tuple(found)
