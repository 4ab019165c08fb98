"""A forecast as the pieces of a car's schedule, and of its sales tariff."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.energy.forecast import in_whole_seconds
from chargepoint.model.car_questions import PowerPiece, PricePiece
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


def price_pieces(forecast: Forecast) -> tuple[PricePiece, ...]:
    """The levels of the tariff from the forecast's begin on, in whole seconds, up to where one is not known, or the forecast ends.

    Empty where no level is known now. A level that holds for less than a second is left out.
    """
    begin_s, end_s = forecast.begin_s, forecast.begin_s + forecast.duration_s
    found: list[PricePiece] = []
    known_s, border_s = begin_s, 0
    for number, piece in enumerate(forecast.tariff):
        if piece.level is None or piece.from_s > known_s:
            break
        following = forecast.tariff[number + 1 :]
        until_s = min([piece.until_s, end_s, *(other.from_s for other in following[:1])])
        duration_s = round(until_s - begin_s) - border_s
        if duration_s > 0:
            found.append(PricePiece(duration_s, piece.level))
            border_s += duration_s
        known_s = until_s
    return tuple(found)
