"""A salesTariff in a charging profile: understood or refused, and part of what the EVSE's plan says (K15.FR.07)."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.model.commands import Contribute
from chargepoint.model.forecast import TariffPiece
from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_charging_profiles import DEFAULT, MAX, install, profile


def entry(start_s: int, level: int | None, duration_s: int | None = None, **more: Any) -> dict[str, Any]:
    interval = {"start": start_s} if duration_s is None else {"start": start_s, "duration": duration_s}
    return {"relativeTimeInterval": interval, **({} if level is None else {"ePriceLevel": level}), **more}


def with_tariff(*entries: dict[str, Any], **kind: Any) -> dict[str, Any]:
    raw: dict[str, Any] = profile((0, 11_000), (3600, 5_000), **(kind or {"tx": "tx-1"}))
    raw["chargingSchedule"][0]["salesTariff"] = {"id": 7, "numEPriceLevels": 3, "salesTariffEntry": list(entries)}
    return raw


def known(desk: Desk) -> tuple[TariffPiece, ...]:
    """What the EVSE's plan says of prices after the next renewal, in seconds from now."""
    desk.port.commands.clear()
    desk.contribute()
    (said,) = [command for command in desk.port.commands if isinstance(command, Contribute)]
    assert said.plan is not None
    return said.plan.tariff


def levels(desk: Desk) -> list[tuple[float, int | None]]:
    return [(round(piece.from_s - desk.now.monotonic_s, 3), piece.level) for piece in known(desk)]


def test_the_plan_has_its_levels(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 1, with_tariff(entry(0, 1), entry(1800, 3), entry(7200, 2, 3600))) == "Accepted"
    assert levels(desk) == [(0.0, 1), (1800.0, 3), (7200.0, 2)]
    assert {round(piece.until_s - desk.now.monotonic_s) for piece in known(desk)} == {10_800}


def test_without_one_no_prices_are_known(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 1, profile((0, 11_000), tx="tx-1")) == "Accepted"
    assert known(desk) == ()


def test_a_profile_without_a_tariff_above_hides_the_one_below(desk: Desk) -> None:
    desk.port.begin()
    assert install(desk, 1, with_tariff(entry(0, 1), purpose=DEFAULT)) == "Accepted"
    assert levels(desk) == [(0.0, 1)]
    assert install(desk, 1, profile((0, 11_000), tx="tx-1", id=8)) == "Accepted"
    assert known(desk) == ()


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry(60, 1)], "InvalidSchedule"),
        ([entry(0, 1), entry(0, 2)], "InvalidSchedule"),
        ([entry(0, None)], "InvalidSchedule"),
        ([entry(0, 256)], "InvalidSchedule"),
        ([entry(0, 1, 0)], "InvalidSchedule"),
        ([entry(0, 1, 60), entry(120, 2)], "InvalidSchedule"),
        (
            [
                entry(
                    0,
                    1,
                    consumptionCost=[{"startValue": 0, "cost": [{"costKind": "CarbonDioxideEmission", "amount": 1}]}],
                )
            ],
            "UnsupportedParam",
        ),
    ],
)
def test_what_is_not_understood_is_refused(desk: Desk, entries: list[dict[str, Any]], reason: str) -> None:
    desk.port.begin()
    assert install(desk, 1, with_tariff(*entries)) == reason


def test_a_limit_of_the_station_has_no_tariff(desk: Desk) -> None:
    assert install(desk, 0, with_tariff(entry(0, 1), purpose=MAX)) == "UnsupportedParam"
