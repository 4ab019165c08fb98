"""`./run demo --ac`: the daemon serves an AC outlet whose power side is simulated at the power link."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.system.conftest import Demo


def test_the_daemon_sees_the_ac_outlet_and_a_trip_of_it(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--ac")

    def evse() -> Any:
        return demo.state()["daemon"]["evses"]["1"]

    demo.until("a plugged car", lambda: evse()["image"]["pilot"] == "B")
    assert sorted(demo.state()["processes"]) == ["daemon", "plant"]
    assert demo.plant()["outlet"] == "ac"
    assert demo.steer(do="grid", frequency_Hz=49.9)["ok"]
    assert demo.plant()["grid_frequency_Hz"] == 49.9
    assert demo.steer(do="fault", name="rcd")["ok"]
    demo.until("the trip", lambda: "RCD" in str(evse()["image"]["faults"]).upper())
    assert not demo.steer(do="door")["ok"]
    assert demo.steer(do="fault", name="rcd", on=False)["ok"]
    assert demo.steer(do="reset")["ok"]
    demo.until("no fault", lambda: not evse()["image"]["faults"])
