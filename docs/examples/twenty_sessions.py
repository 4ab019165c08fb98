"""Twenty sessions on a bench of this program's own: `PYTHONPATH=REPOSITORY python twenty_sessions.py [SESSIONS]`."""

import sys
import time

from hil.client import Bench, BenchGone, Refused

sessions, lost = int(sys.argv[1]) if len(sys.argv) > 1 else 20, 0
print(" #  first loop s  meter Wh  plant Wh  verdict")
with Bench.start() as bench:
    for number in range(1, sessions + 1):
        loop_s, meter_Wh, plant_Wh, verdict = 0.0, 0.0, 0.0, "passed"
        try:
            before, began_s = bench.state()["plant"]["evses"]["1"], time.monotonic()
            bench.plug()
            bench.token()
            bench.wait(car_loops={"at_least": 1}, within_s=60)
            loop_s = time.monotonic() - began_s
            bench.setpoint(power_W=-8000)
            bench.wait(power_W={"near": -8000, "within_percent": 3}, within_s=10, for_s=2)
            bench.unplug()
            bench.wait(connector_status="Available", contactor="open", csms_gaps=0, within_s=20)
            after = bench.state()["plant"]["evses"]["1"]
            meter_Wh, plant_Wh = (after[f"{who}_export_Wh"] - before[f"{who}_export_Wh"] for who in ("meter", "plant"))
            if abs(meter_Wh - plant_Wh) > max(1.0, 0.02 * plant_Wh):
                verdict = "meter and plant differ"
            bench.reset(to="idle")
        except (Refused, BenchGone) as error:
            lost, verdict = lost + 1, str(error)
        print(f"{number:2}  {loop_s:12.2f}  {meter_Wh:8.2f}  {plant_Wh:8.2f}  {verdict}", flush=True)
print(f"{sessions - lost} of {sessions} sessions passed")
sys.exit(1 if lost else 0)
