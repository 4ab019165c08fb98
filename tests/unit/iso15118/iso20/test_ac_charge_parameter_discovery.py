"""AC_ChargeParameterDiscovery: limits as sums or by phase, the frequency, and limits that make no sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.conversation.row import Answer, Refusal
from chargepoint.iso15118.iso20 import ac_charge_parameter_discovery as message
from chargepoint.iso15118.iso20.services import ParameterChoice
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.car import EnergyService
from tests.unit.iso15118.iso20.ac_car import AC_CAPABILITIES, SUPPLY
from tests.unit.iso15118.iso20.ac_situation import HEADER, choice, powers, session, situation

AC = EnergyService.AC


def request(bidirectional: bool = True, **changes_W: float) -> ac.AC_ChargeParameterDiscoveryReq:
    values: dict[str, float] = {"EVMaximumChargePower": 11_000, "EVMinimumChargePower": 1_400}
    kind: Any = ac.AC_CPDReqEnergyTransferMode
    if bidirectional:
        kind = ac.BPT_AC_CPDReqEnergyTransferMode
        values |= {"EVMaximumDischargePower": -10_000, "EVMinimumDischargePower": 0}
    mode = kind(**{name: rational(power_W) for name, power_W in (values | changes_W).items()})
    return ac.AC_ChargeParameterDiscoveryReq(Header=HEADER, AC_CPDReqEnergyTransferMode=mode)


def answered(
    asked: ac.AC_ChargeParameterDiscoveryReq, chosen: ParameterChoice | None = None, **around: Any
) -> Answer[Any]:
    before = session(State.CHARGE_PARAMETER_DISCOVERY, chosen, limits=None, announced=None, offered=None)
    reply = message.respond(asked, before, situation(**around))
    assert isinstance(reply, Answer), reply
    assert reply.response.ResponseCode is ResponseCode.OK
    assert reply.session.state is State.SCHEDULE_EXCHANGE
    return reply


def refused(asked: ac.AC_ChargeParameterDiscoveryReq, chosen: ParameterChoice | None = None, **around: Any) -> Refusal:
    reply = message.respond(asked, session(State.CHARGE_PARAMETER_DISCOVERY, chosen), situation(**around))
    assert isinstance(reply, Refusal), reply
    return reply


def mode_of(reply: Answer[Any]) -> Any:
    return reply.response.AC_CPDResEnergyTransferMode


def test_both_directions_have_sums_and_the_frequency() -> None:
    mode = mode_of(answered(request()))
    assert isinstance(mode, ac.BPT_AC_CPDResEnergyTransferMode)
    assert powers(mode, "EVSEMaximumChargePower") == (22_000, None, None)
    assert powers(mode, "EVSEMinimumChargePower") == (0, None, None)
    assert powers(mode, "EVSEMaximumDischargePower") == (-11_000, None, None)
    assert powers(mode, "EVSEMinimumDischargePower") == (0, None, None)
    assert number(mode.EVSENominalFrequency) == 50.0
    assert mode.MaximumPowerAsymmetry is None
    assert mode.EVSEPowerRampLimitation is None


def test_one_direction_has_no_discharge_limits() -> None:
    mode = mode_of(answered(request(bidirectional=False), choice(AC)))
    assert type(mode) is ac.AC_CPDResEnergyTransferMode
    assert powers(mode, "EVSEMaximumChargePower") == (22_000, None, None)


def test_the_frequency_is_that_of_the_supply() -> None:
    can = replace(AC_CAPABILITIES, ac=replace(SUPPLY, nominal_frequency_Hz=60.0))
    assert number(mode_of(answered(request(), capabilities=can)).EVSENominalFrequency) == 60.0


def test_the_sign_of_discharge_limits_is_a_setting() -> None:
    reply = answered(request(), settings={"negative_discharge_limits": False})
    assert powers(mode_of(reply), "EVSEMaximumDischargePower") == (11_000, None, None)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_limits_of_a_symmetric_car_are_sums(sign: int) -> None:
    after = answered(request(EVMaximumDischargePower=sign * 10_000, EVMinimumDischargePower=sign * 500)).session
    limits = after.limits
    assert (limits.charge_power_max_W, limits.charge_power_min_W) == (11_000, 1_400)
    assert (limits.discharge_power_max_W, limits.discharge_power_min_W) == (10_000, 500)
    assert (limits.voltage_max_V, limits.voltage_min_V) == (230, 230)
    assert limits.charge_current_max_A == pytest.approx(11_000 / 3 / 230)
    assert limits.discharge_current_max_A == pytest.approx(10_000 / 3 / 230)
    assert after.phase_limits is None
    assert after.announced == limits


def test_an_asymmetric_car_gets_each_phase() -> None:
    by_phase: dict[str, Any] = {
        "EVMaximumChargePower": 7_000.0,
        "EVMaximumChargePower_L2": 3_000.0,
        "EVMaximumChargePower_L3": 1_000.0,
        "EVMinimumChargePower": 100.0,
        "EVMinimumChargePower_L2": 200.0,
        "EVMinimumChargePower_L3": 300.0,
        "EVMaximumDischargePower": -5_000.0,
        "EVMaximumDischargePower_L2": -1_000.0,
        "EVMaximumDischargePower_L3": -500.0,
    }
    reply = answered(request(**by_phase))
    third = pytest.approx(22_000 / 3, rel=1e-3)
    assert powers(mode_of(reply), "EVSEMaximumChargePower") == (third, third, third)
    assert powers(mode_of(reply), "EVSEMinimumChargePower") == (0, 0, 0)
    out = pytest.approx(-11_000 / 3, rel=1e-3)
    assert powers(mode_of(reply), "EVSEMaximumDischargePower") == (out, out, out)
    assert powers(mode_of(reply), "EVSEMinimumDischargePower") == (0, 0, 0)
    limits = reply.session.limits
    assert (limits.charge_power_max_W, limits.charge_power_min_W) == (11_000, 600)
    assert limits.discharge_power_max_W == 6_500
    assert limits.charge_current_max_A == pytest.approx(7_000 / 230)
    phases = reply.session.phase_limits
    assert phases.charge_max_W == (7_000, 3_000, 1_000)
    assert phases.charge_min_W == (100, 200, 300)
    assert phases.discharge_max_W == (5_000, 1_000, 500)


def test_a_car_with_two_phases_has_nothing_on_the_third() -> None:
    reply = answered(request(EVMaximumChargePower=3_600.0, EVMaximumChargePower_L2=3_600.0))
    assert reply.session.phase_limits.charge_max_W == (3_600, 3_600, 0)
    assert reply.session.limits.charge_power_max_W == 7_200


def test_in_a_single_phase_set_only_the_base_counts() -> None:
    reply = answered(request(EVMaximumChargePower=9_000.0, EVMaximumChargePower_L2=9_000.0), choice(phases=1))
    mode = mode_of(reply)
    assert powers(mode, "EVSEMaximumChargePower") == (7_360, None, None)
    assert powers(mode, "EVSEMaximumDischargePower") == (-7_360, None, None)
    after = reply.session
    assert after.phase_limits is None
    assert after.limits.charge_power_max_W == 7_360  # not more than one phase carries
    assert after.limits.charge_current_max_A == 32.0
    assert after.offered.ac.phases == 1
    assert after.offered.charge_current_max_A == 32.0


def test_an_outlet_of_one_phase_has_one_in_a_three_phase_set_too() -> None:
    can = replace(AC_CAPABILITIES, ac=replace(SUPPLY, phases=1), charge_power_max_W=7_360.0)
    reply = answered(request(EVMaximumChargePower_L2=1_000.0), capabilities=can)
    assert powers(mode_of(reply), "EVSEMaximumChargePower") == (7_360, None, None)


def test_a_derated_outlet_announces_what_it_can_now() -> None:
    can = replace(AC_CAPABILITIES, charge_power_max_W=5_000.0)
    assert powers(mode_of(answered(request(), capabilities=can)), "EVSEMaximumChargePower") == (5_000, None, None)


@pytest.mark.parametrize(("bidirectional", "service"), [(True, AC), (False, EnergyService.AC_BPT)])
def test_the_mode_must_be_that_of_the_service(bidirectional: bool, service: EnergyService) -> None:
    refusal = refused(request(bidirectional), choice(service))
    assert refusal.code is ResponseCode.FAILED_WrongChargeParameter
    assert service.value in refusal.why


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"EVMaximumChargePower": -1.0}, "charge power goes from"),
        ({"EVMinimumChargePower": -1.0}, "charge power goes from -1"),
        ({"EVMinimumChargePower": 12_000.0}, "charge power goes from 12000 to 11000"),
        ({"EVMaximumChargePower_L2": 1_000.0, "EVMinimumChargePower_L2": 2_000.0}, "charge power of L2 goes from 2000"),
        ({"EVMinimumDischargePower": -11_000.0}, "discharge power goes from -11000 to -10000"),
        (
            {"EVMaximumDischargePower": -5_000.0, "EVMaximumDischargePower_L2": 5_000.0},
            "discharge powers -5000, 5000, 0 W differ in sign",
        ),
    ],
)
def test_limits_without_sense_are_refused_by_name(limits: dict[str, Any], words: str) -> None:
    refusal = refused(request(**limits))
    assert refusal.code is ResponseCode.FAILED_WrongChargeParameter
    assert words in refusal.why
    assert not refusal.ours


def test_nonsense_on_a_phase_that_is_not_in_use_is_no_reason() -> None:
    answered(request(EVMaximumChargePower_L2=-1_000.0), choice(phases=1))


@pytest.mark.parametrize("can", [None, replace(AC_CAPABILITIES, ac=None)])
def test_without_a_supply_the_station_is_the_cause(can: Any) -> None:
    refusal = refused(request(), capabilities=can)
    assert (refusal.code, refusal.ours) == (ResponseCode.FAILED, True)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_refusal_is_a_whole_message(bidirectional: bool) -> None:
    code = ResponseCode.FAILED_WrongChargeParameter
    response = message.refuse(request(bidirectional), code, session(), situation(capabilities=None))
    assert response.ResponseCode is code
    mode = response.AC_CPDResEnergyTransferMode
    assert isinstance(mode, ac.BPT_AC_CPDResEnergyTransferMode) is bidirectional
    assert powers(mode, "EVSEMaximumChargePower") == (0, None, None)
    assert number(mode.EVSENominalFrequency) == 50.0
