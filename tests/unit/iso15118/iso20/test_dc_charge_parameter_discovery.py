"""DC_ChargeParameterDiscovery: limits for limits, either sign of discharge, and each nonsense by name."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso20 import dc_charge_parameter_discovery as message
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import RationalNumber, ResponseCode
from chargepoint.iso15118.messages.dc import (
    BPT_DC_CPDReqEnergyTransferMode,
    DC_ChargeParameterDiscoveryReq,
    DC_CPDReqEnergyTransferMode,
)
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.car import EnergyService
from tests.unit.iso15118.iso20.dc_situation import HEADER, SESSION_ID, answered, choice, refused, situation

CHARGE: dict[str, Any] = {
    "EVMaximumChargePower": rational(50_000),
    "EVMinimumChargePower": rational(100),
    "EVMaximumChargeCurrent": rational(125),
    "EVMinimumChargeCurrent": rational(1),
    "EVMaximumVoltage": rational(450),
    "EVMinimumVoltage": rational(280),
}
DISCHARGE: dict[str, Any] = {
    "EVMaximumDischargePower": rational(18_000),
    "EVMinimumDischargePower": rational(50),
    "EVMaximumDischargeCurrent": rational(50),
    "EVMinimumDischargeCurrent": rational(1),
}
HUGE = RationalNumber(Exponent=127, Value=32767)
ABYSS = RationalNumber(Exponent=127, Value=-32768)


def before(service: EnergyService) -> Session:
    return Session(state=State.CHARGE_PARAMETER_DISCOVERY, session_id=SESSION_ID, choice=choice(service))


def request(bidirectional: bool = True, /, **changes: Any) -> DC_ChargeParameterDiscoveryReq:
    values = {**CHARGE, **(DISCHARGE if bidirectional else {}), **changes}
    kind: Any = BPT_DC_CPDReqEnergyTransferMode if bidirectional else DC_CPDReqEnergyTransferMode
    return DC_ChargeParameterDiscoveryReq(Header=HEADER, DC_CPDReqEnergyTransferMode=kind(**values))


@pytest.mark.parametrize(("negative", "sign"), [(True, -1), (False, 1)])
@pytest.mark.parametrize("car_sign", [-1, 1])
def test_our_sign_is_a_setting_and_the_cars_sign_is_its_own(negative: bool, sign: int, car_sign: int) -> None:
    at = situation({"negative_discharge_limits": negative})
    signed: dict[str, Any] = {name: rational(car_sign * number(value)) for name, value in DISCHARGE.items()}
    response, after = answered(message.respond(request(**signed), before(EnergyService.DC_BPT), at))
    mode = response.DC_CPDResEnergyTransferMode
    assert number(mode.EVSEMaximumDischargePower) == sign * 20_000
    assert number(mode.EVSEMaximumDischargeCurrent) == sign * 30
    assert after.limits is not None
    assert (after.limits.discharge_power_max_W, after.limits.discharge_current_max_A) == (18_000, 50)
    assert after.limits.discharge_power_min_W == 50


def test_the_modes_of_one_direction_have_no_discharge() -> None:
    response, after = answered(message.respond(request(False), before(EnergyService.DC), situation()))
    assert type(response.DC_CPDResEnergyTransferMode).__name__ == "DC_CPDResEnergyTransferMode"
    assert after.limits is not None
    assert after.limits.discharge_power_max_W == 0
    assert after.state is State.SCHEDULE_EXCHANGE


def test_the_targets_state_of_charge_is_optional() -> None:
    _, without = answered(message.respond(request(), before(EnergyService.DC_BPT), situation()))
    _, with_it = answered(message.respond(request(TargetSOC=80), before(EnergyService.DC_BPT), situation()))
    assert (without.energy.target_soc_percent, with_it.energy.target_soc_percent) == (None, 80)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_mode_must_be_that_of_the_service(bidirectional: bool) -> None:
    service = EnergyService.DC if bidirectional else EnergyService.DC_BPT
    found = refused(message.respond(request(bidirectional), before(service), situation()))
    assert found.code is ResponseCode.FAILED_WrongChargeParameter
    assert service.value in found.why


@pytest.mark.parametrize(
    "changes",
    [
        {"EVMaximumChargePower": rational(50)},
        {"EVMaximumChargePower": rational(-1)},
        {"EVMinimumChargePower": rational(-1)},
        {"EVMaximumChargeCurrent": rational(0.5)},
        {"EVMinimumChargeCurrent": HUGE},
        {"EVMaximumVoltage": rational(200)},
        {"EVMinimumVoltage": ABYSS},
        {"EVMaximumVoltage": rational(140), "EVMinimumVoltage": rational(100)},
        {"EVMaximumVoltage": rational(1500), "EVMinimumVoltage": rational(1100)},
        {"EVMaximumDischargePower": rational(10)},
        {"EVMaximumDischargePower": rational(-10)},
        {"EVMinimumDischargeCurrent": ABYSS},
    ],
)
def test_each_contradiction_is_refused_with_its_numbers(changes: dict[str, Any]) -> None:
    found = refused(message.respond(request(**changes), before(EnergyService.DC_BPT), situation()))
    assert found.code is ResponseCode.FAILED_WrongChargeParameter
    assert any(character.isdigit() for character in found.why)
    assert not found.ours


def test_without_a_power_module_the_station_is_to_blame() -> None:
    found = refused(message.respond(request(), before(EnergyService.DC_BPT), situation(capabilities=None)))
    assert (found.code, found.ours) == (ResponseCode.FAILED, True)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_refusal_offers_nothing(bidirectional: bool) -> None:
    response = message.refuse(
        request(bidirectional), ResponseCode.FAILED_SequenceError, before(EnergyService.DC_BPT), situation()
    )
    mode = response.DC_CPDResEnergyTransferMode
    values = [value for name in mode.__slots__ if (value := getattr(mode, name)) is not None]
    assert values
    assert all(number(value) == 0 for value in values)
