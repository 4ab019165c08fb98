"""Do the shipped scenarios catch a broken controller? `./run bench mutants [--json] [--only NAME]`.

Each mutant is the controller with one defect: an interlock less, a sign turned round, a lease ignored. It is made in a copy of this
repository and performed with one scenario, in virtual time. A scenario that still passes lets the mutant live.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("chargepoint", "drivers", "hil", "certs", "config")
PATIENCE_S = 240


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands in `file` and becomes `new`; `scenario` must fail then."""

    name: str
    file: str
    old: str
    new: str
    scenario: str


INTERLOCKS = "chargepoint/safety/interlocks"
MUTANTS = (
    Mutant(
        "emergency stop not watched",
        f"{INTERLOCKS}/chain.py",
        '"emergency-stop chain open, or the board latched an opening", _emergency_stop)',
        '"emergency-stop chain open, or the board latched an opening", lambda i: None)',
        "interlocks/emergency-stop",
    ),
    Mutant(
        "door not watched",
        f"{INTERLOCKS}/chain.py",
        '"door contact open", _door)',
        '"door contact open", lambda i: None)',
        "interlocks/door",
    ),
    Mutant(
        "residual current not watched",
        f"{INTERLOCKS}/chain.py",
        '"residual-current device tripped", _rcd)',
        '"residual-current device tripped", lambda i: None)',
        "interlocks/residual-current",
    ),
    Mutant(
        "hard-wired output of the insulation monitor not watched",
        f"{INTERLOCKS}/insulation.py",
        '"the monitor\'s hard-wired relay reports a fault", _insulation_relay,',
        '"the monitor\'s hard-wired relay reports a fault", lambda i: None,',
        "interlocks/insulation-relay",
    ),
    Mutant(
        "insulation's value not watched",
        f"{INTERLOCKS}/insulation.py",
        '"insulation resistance below its limit", _insulation,',
        '"insulation resistance below its limit", lambda i: None,',
        "interlocks/insulation-value",
    ),
    Mutant(
        "over-current not watched",
        f"{INTERLOCKS}/output.py",
        '"current above 110 % of the rating", _over_current,',
        '"current above 110 % of the rating", lambda i: None,',
        "interlocks/over-current",
    ),
    Mutant(
        "more current than ordered not watched",
        f"{INTERLOCKS}/output.py",
        '"more current than commanded", _current_exceeded,',
        '"more current than commanded", lambda i: None,',
        "interlocks/current-exceeded",
    ),
    Mutant(
        "silent meter tolerated",
        f"{INTERLOCKS}/devices.py",
        '"meter silent", _silent("meter", lambda i: i.meter_alive)',
        '"meter silent", _silent("meter", lambda i: True)',
        "interlocks/meter-silent",
    ),
    Mutant(
        "silent module tolerated",
        f"{INTERLOCKS}/devices.py",
        '_silent("power module", lambda i: i.power_module_alive)',
        '_silent("power module", lambda i: True)',
        "interlocks/module-silent",
    ),
    Mutant(
        "ramp twice as steep",
        "chargepoint/power/ramp.py",
        "move_A = (rate_A_per_s or self._rate) *",
        "move_A = 2 * (rate_A_per_s or self._rate) *",
        "set-points/ramp-rate",
    ),
    Mutant(
        "sign of the set-point turned round",
        "chargepoint/power/target.py",
        "wanted_W: float | None = demand.power_W",
        "wanted_W: float | None = -demand.power_W",
        "charging/default-power",
    ),
    Mutant(
        "rated current ignored",
        "chargepoint/power/target.py",
        "allowed_A = Interval(-heat_A, heat_A).clamp(rated.within(car).current_at(voltage_V).clamp(wanted_A))",
        "allowed_A = wanted_A",
        "set-points/configured-current",
    ),
    Mutant(
        "lease ignored",
        "chargepoint/power/evse_stage.py",
        "lease_valid = self._demand is not None and now_s < self._demand_until_s",
        "lease_valid = self._demand is not None",
        "processes/daemon-stopped",
    ),
    Mutant(
        "energy registers swapped",
        "drivers/meter/profiled.py",
        'import_Wh, export_Wh = found["import_Wh"], found["export_Wh"]',
        'export_Wh, import_Wh = found["import_Wh"], found["export_Wh"]',
        "charging/default-power",
    ),
    Mutant(
        "a seqNo skipped each time",
        "chargepoint/transactions/ledger.py",
        "next_seq_no=state.next_seq_no + 1)",
        "next_seq_no=state.next_seq_no + 2)",
        "charging/default-power",
    ),
    Mutant(
        "a latch lets go by itself",
        "chargepoint/safety/latches.py",
        "return self._reset_asked and not (self._reset_remote and code in ON_SITE)",
        "return True",
        "interlocks/over-current",
    ),
    Mutant(
        "a pulled plug resets what only a person may",
        "chargepoint/safety/latches.py",
        "return self._reset_asked and not (self._reset_remote and code in ON_SITE)",
        "return code in self._left or self._reset_asked",
        "interlocks/latch-survives-unplug",
    ),
    Mutant(
        "latches forgotten at a restart",
        "chargepoint/power/latch_file.py",
        "        self._record.start()\n        return latched",
        "        self._record.start()\n        return {}",
        "interlocks/latch-survives-restart",
    ),
    Mutant(
        "the site's import limit ignored",
        "chargepoint/energy/sources.py",
        "Interval(-math.inf, share.import_max_W)",
        "Interval(-math.inf, math.inf)",
        "set-points/site-connection",
    ),
    Mutant(
        "set-point that never expires",
        "chargepoint/ocpp/charging_schedule.py",
        "duration_s=math.inf if duration is None else float(duration),",
        "duration_s=math.inf,",
        "discharging/expires",
    ),
    Mutant(
        "record deleted before it was answered",
        "chargepoint/ocpp/outbox.py",
        "        outcome = await self._sender.send(row.message_id, row.action, text, payload)\n",
        "        await self._insist(Delivered(row.position))\n"
        "        outcome = await self._sender.send(row.message_id, row.action, text, payload)\n",
        "offline/lost-answer",
    ),
    Mutant(
        "lock opened under power",
        "chargepoint/power/dc_sequence.py",
        "lock=closed or self._may_be_live(i) or (i.demand is not None and i.demand.lock),",
        "lock=self._stage is not Stage.TRANSFER,",
        "charging/default-power",
    ),
    Mutant(
        "fan's derating forgotten",
        f"{INTERLOCKS}/chain.py",
        '"fan fault contact open", _fan, 1.0',
        '"fan fault contact open", lambda i: None, 1.0',
        "interlocks/fan-derates",
    ),
    Mutant(
        "opening without an order not watched",
        f"{INTERLOCKS}/contactors.py",
        'without an order", _contactor_opened\n',
        'without an order", lambda i: None\n',
        "interlocks/contactor-dip",
    ),
    Mutant(
        "default power doubled",
        "chargepoint/power/target.py",
        "power_W = demand.limits_W.clamp(wanted_W)",
        "power_W = 2 * demand.limits_W.clamp(wanted_W)",
        "charging/default-power",
    ),
    Mutant(
        "cable check at 100 V",
        "chargepoint/safety/envelope.py",
        "return min(500.0, car_max_V + 50.0, evse_max_V)",
        "return 100.0",
        "billing/first-and-last-reading",
    ),
    Mutant(
        "Ended without its first reading",
        "chargepoint/transactions/ledger.py",
        "(state.begin, *self._end_samples, final),",
        "(final,),",
        "billing/first-and-last-reading",
    ),
    Mutant(
        "a car may be silent for ten minutes",
        "chargepoint/iso15118/conversation/timeouts.py",
        "V2G_SECC_SEQUENCE_TIMEOUT_S = 60.0",
        "V2G_SECC_SEQUENCE_TIMEOUT_S = 600.0",
        "stops/silent-before-power",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="run bench mutants", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="figures alone, as JSON")
    parser.add_argument("--only", metavar="TEXT", default="", help="mutants whose name holds this text")
    options = parser.parse_args()
    verdicts: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for mutant in MUTANTS:
            if options.only in mutant.name:
                verdicts[mutant.name] = _verdict(copy, mutant)
                if not options.json:
                    print(f"{verdicts[mutant.name]:<10} {mutant.name} ({mutant.scenario})", flush=True)
    caught = sum(verdict == "caught" for verdict in verdicts.values())
    if options.json:
        print(json.dumps({"mutants": len(verdicts), "caught": caught, "verdicts": verdicts}, indent=2))
    else:
        print(f"{caught} of {len(verdicts)} caught")
    sys.exit(caught != len(verdicts))


def _verdict(copy: Path, mutant: Mutant) -> str:
    """`caught`: the scenario failed. `lives`: it passed. `broken`: the bench could not be used, or the place is not there."""
    path = copy / mutant.file
    sane = path.read_text()
    if sane.count(mutant.old) != 1:
        return f"broken: {sane.count(mutant.old)} places in {mutant.file}"
    path.write_text(sane.replace(mutant.old, mutant.new))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hil.scenario", "run", f"hil/scenarios/{mutant.scenario}.yaml", "--virtual"],
            cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "broken: time-out"
    finally:
        path.write_text(sane)
    return {0: "lives", 1: "caught"}.get(done.returncode, f"broken: {(done.stdout + done.stderr)[-300:]}")


if __name__ == "__main__":
    main()
