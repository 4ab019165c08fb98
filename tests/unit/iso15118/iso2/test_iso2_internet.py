"""The value-added service Internet over ISO 15118-2: as `added_services` names it, and over TLS alone."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode
from tests.unit.iso15118.iso2.car import Iso2Car

INTERNET = 3


def discovered(
    category: iso2.ServiceCategory | None = None, *, internet: bool = True, tls: str | None = "TLSv1.2"
) -> Any:
    car = Iso2Car(tls=tls, internet=internet).reach(Iso2State.SERVICE_DISCOVERY)
    return car.ask(iso2.ServiceDiscoveryReq(ServiceCategory=category))


@pytest.mark.parametrize("category", [None, iso2.ServiceCategory.Internet])
def test_it_is_listed(category: iso2.ServiceCategory | None) -> None:
    (service,) = discovered(category).ServiceList.Service
    assert (service.ServiceID, service.ServiceCategory) == (INTERNET, iso2.ServiceCategory.Internet)
    assert service.FreeService is True


@pytest.mark.parametrize(
    "changes", [{"internet": False}, {"tls": None}, {"category": iso2.ServiceCategory.ContractCertificate}]
)
def test_it_is_not_listed(changes: dict[str, Any]) -> None:
    assert discovered(**changes).ServiceList is None


def test_its_parameter_sets_name_protocol_and_port() -> None:
    car = Iso2Car(tls="TLSv1.2", internet=True).reach(Iso2State.PAYMENT_SERVICE_SELECTION)
    answer = car.ask(iso2.ServiceDetailReq(ServiceID=INTERNET))
    found = {
        one.ParameterSetID: tuple(parameter.stringValue or parameter.intValue for parameter in one.Parameter)
        for one in answer.ServiceParameterList.ParameterSet
    }
    assert found == {1: ("ftp", 20), 2: ("ftp", 21), 3: ("http", 80), 4: ("https", 443)}


@pytest.mark.parametrize(
    ("set_id", "tls", "code"),
    [
        (4, "TLSv1.2", ResponseCode.OK),
        (5, "TLSv1.2", ResponseCode.FAILED_ServiceSelectionInvalid),
        (None, "TLSv1.2", ResponseCode.FAILED_ServiceSelectionInvalid),
        (4, None, ResponseCode.FAILED_ServiceSelectionInvalid),
    ],
)
def test_a_car_selects_a_set_of_it_beside_the_charge_service(
    set_id: int | None, tls: str | None, code: ResponseCode
) -> None:
    car = Iso2Car(tls=tls, internet=True).reach(Iso2State.PAYMENT_SERVICE_SELECTION)
    chosen = (
        iso2.SelectedService(ServiceID=1),
        iso2.SelectedService(ServiceID=INTERNET, ParameterSetID=set_id),
    )
    request = iso2.PaymentServiceSelectionReq(
        SelectedPaymentOption=iso2.PaymentOption.ExternalPayment,
        SelectedServiceList=iso2.SelectedServiceList(SelectedService=chosen),
    )
    assert car.ask(request).ResponseCode is code
