"""`./run demo --idle`: no story until somebody asks for one, again and again; idle in between."""

from __future__ import annotations

from collections.abc import Callable

from hil.client import Bench
from tests.system.conftest import PATIENCE_S, Demo


def test_an_idle_demo_is_steered_by_the_client_and_plays_stories(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--idle")
    demo.until("the door", lambda: demo.steer(do="help")["ok"])
    bench = Bench.connect(str(demo.folder / "steer.sock"))
    bench.wait(connector_status="Available", central_system="Accepted", within_s=PATIENCE_S)
    assert bench.state()["story"].startswith("not begun")
    bench.plug()
    bench.token()
    bench.wait(stage="TRANSFER", within_s=PATIENCE_S)
    bench.setpoint(power_W=-4000)
    bench.wait(power_W={"near": -4000, "within_percent": 3}, within_s=PATIENCE_S)
    assert bench.reset(to="idle") == {"idle": True}
    for _ in range(2):
        bench.story()
        bench.wait(stage="TRANSFER", within_s=PATIENCE_S)
        assert bench.reset(to="idle") == {"idle": True}
        assert "ended on request" in bench.state()["story"]
