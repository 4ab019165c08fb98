"""`./run bench site-story [--json] [--report FILE]`: who decides while central system and broker are lost; each step measured.

The report has for each step the power that the plant measures, who decided it, and the station's own explanation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hil.bench.bench import EMBEDDED, Bench
from hil.bench.site import Choices
from hil.demo.site_story import play


async def story(folder: Path, lease_s: float, sdp_port: int) -> dict[str, Any]:
    """One story on a bench with a broker of its own."""
    choices = Choices(folder, sdp_port=sdp_port, self_test_s=0.6, mqtt_url=EMBEDDED)
    async with Bench(choices) as bench:
        return asdict(await play(bench, lease_s))


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench site-story", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report instead of a line for each step")
    parser.add_argument("--report", type=Path, help="write the report, as JSON")
    parser.add_argument("--lease-s", type=float, default=5.0, help="lease of each order (default 5)")
    parser.add_argument("--sdp-port", type=int, default=25124)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(story(Path(folder) / "demo", options.lease_s, options.sdp_port))
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if options.report is not None:
        options.report.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
        return
    for step in report["steps"]:
        print(f"{step['at_s']:6.1f} s  {step['name']:42} {step['measured_W']:7} W  {step['explanation']}")


if __name__ == "__main__":
    main()
