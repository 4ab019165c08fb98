"""Plans of the virtual car as data: read from TOML and JSON, refused in words where they cannot be."""

from __future__ import annotations

import json
import tomllib

import pytest

from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan, CarWish, OfferedProtocol, PlanError, plan_from

TOML = """
energy = ["AC", "DC"]
authorization = "PnC"
vas = [65]
profile = "across_borders"

[[protocols]]
namespace = "urn:iso:std:iso:15118:-20:AC"
priority = 2

[[wishes]]
what = "pause"
at_loop = 10
for_s = 30.0

[[wishes]]
what = "change"
at_loop = 20
change = { charge_power_max_W = 5000.0 }

[[misbehaviours]]
what = "wrong_session_id"
at = "AC_ChargeLoopReq"
nth = 5
"""
PLAN = CarPlan(
    energy=("AC", "DC"),
    authorization="PnC",
    vas=(65,),
    profile="across_borders",
    protocols=(OfferedProtocol("urn:iso:std:iso:15118:-20:AC", priority=2),),
    wishes=(CarWish("pause", 10, for_s=30.0), CarWish("change", 20, change={"charge_power_max_W": 5000.0})),
    misbehaviours=(Misbehaviour("wrong_session_id", "AC_ChargeLoopReq", 5),),
)


def test_a_plan_is_read_from_toml_and_json() -> None:
    data = tomllib.loads(TOML)
    assert plan_from(data) == PLAN
    assert plan_from(json.loads(json.dumps(data))) == PLAN
    assert plan_from({}) == CarPlan()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"energy": ["DC", "H2"]}, "energy = 'H2': one of DC, AC, MCS"),
        ({"energy": []}, "energy = 0: at least 1"),
        ({"enegry": ["DC"]}, "plan.enegry = .*no such field; one of energy, protocols"),
        ({"profile": "wild"}, "profile = 'wild': one of fitting"),
        ({"ignores": ["Stop"]}, "ignores = 'Stop': one of Pause"),
        ({"wishes": [{"what": "sleep"}]}, r"wishes\[0\]: wish.what = 'sleep': one of stop"),
        ({"wishes": [{"what": "stop", "at": 3}]}, r"wishes\[0\].at = 3: no such field"),
        ({"wishes": [{"what": "stop", "at_loop": 0}]}, r"wishes\[0\]: wish.at_loop = 0: at least 1"),
        ({"misbehaviours": [{"what": "sing"}]}, r"misbehaviours\[0\]: what = 'sing'"),
        ({"misbehaviours": [{}]}, r"misbehaviours\[0\]: .*what"),
        ({"discharge_sign": 0}, "discharge_sign = 0: one of 1, -1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_words(data: dict[str, object], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan_from(data)


@pytest.mark.parametrize(
    ("at_loop", "every_loops", "due"),
    [(3, 0, [3]), (2, 3, [2, 5, 8]), (1, 1, list(range(1, 10)))],
)
def test_when_a_wish_is_due(at_loop: int, every_loops: int, due: list[int]) -> None:
    wish = CarWish("change", at_loop, every_loops)
    assert [loops for loops in range(1, 10) if wish.due(loops)] == due
