"""What the station knows of prices goes beside the schedule to a car that pays by external means."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso2.sales_tariff import sales_tariff
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import PaymentOption
from chargepoint.model.car_questions import PricePiece
from tests.unit.iso15118.iso2.car import Iso2Car

PRICES = (PricePiece(600, 2), PricePiece(1800, 1), PricePiece(3600, 3))
EIM = PaymentOption.ExternalPayment


def entries_of(tariff: Any) -> list[tuple[int, int | None, int | None]]:
    return [
        (entry.TimeInterval.start, entry.TimeInterval.duration, entry.EPriceLevel) for entry in tariff.SalesTariffEntry
    ]


@pytest.mark.parametrize("ac", [False, True])
def test_the_car_gets_it_beside_its_schedule(ac: bool) -> None:
    car = Iso2Car(ac=ac)
    car.prices = PRICES
    answer = car.reach(Iso2State.CHARGE_PARAMETER_DISCOVERY).ask(car.charge_parameters(DepartureTime=7200))
    (offered,) = answer.SASchedules.SAScheduleTuple
    assert entries_of(offered.SalesTariff) == [(0, None, 2), (600, None, 1), (2400, 3600, 3)]
    assert (offered.SalesTariff.SalesTariffID, offered.SalesTariff.NumEPriceLevels) == (1, 3)
    assert offered.SalesTariff.Id is None  # not signed


def test_a_car_without_known_prices_gets_none() -> None:
    car = Iso2Car()
    answer = car.reach(Iso2State.CHARGE_PARAMETER_DISCOVERY).ask(car.charge_parameters())
    assert answer.SASchedules.SAScheduleTuple[0].SalesTariff is None


@pytest.mark.parametrize(("payment", "sent"), [(EIM, True), (PaymentOption.Contract, False), (None, False)])
def test_a_contract_wants_a_signature_that_nobody_here_can_make(payment: PaymentOption | None, sent: bool) -> None:
    assert (sales_tariff(PRICES, payment, 12, 86_400) is not None) is sent


@pytest.mark.parametrize(
    ("points", "until_s", "wanted"),
    [
        (12, 6000, [(0, None, 2), (600, None, 1), (2400, 3600, 3)]),
        (2, 6000, [(0, None, 2), (600, 1800, 1)]),  # what does not fit is not known to the car
        (12, 3000, [(0, None, 2), (600, None, 1), (2400, 600, 3)]),
        (12, 2400, [(0, None, 2), (600, 1800, 1)]),
        (1, 100, [(0, 100, 2)]),
    ],
)
def test_it_fits_the_car_and_its_schedule(points: int, until_s: int, wanted: list[tuple[int, int | None, int]]) -> None:
    assert entries_of(sales_tariff(PRICES, EIM, points, until_s)) == wanted


def test_nothing_is_sent_for_a_schedule_that_is_over() -> None:
    assert sales_tariff(PRICES, EIM, 12, 0) is None
