"""Every JSON example of the operator's pages is accepted by the station, at the moment the examples are written for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.ocpp.conftest import BPT_CAR

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

DOCS = Path(__file__).resolve().parents[3] / "docs"
FIRST, REFERENCE = DOCS / "ocpp.md", DOCS / "ocpp-reference.md"


def examples(page: Path) -> list[tuple[str, dict[str, Any]]]:
    found = re.findall(r"```json (\w+)\n(.*?)```", page.read_text(), re.DOTALL)
    return [(action, json.loads(text)) for action, text in found]


def accepted(action: str, answer: dict[str, Any]) -> bool:
    if action == "GetVariables":
        return all(result["attributeStatus"] == "Accepted" for result in answer["getVariableResult"])
    if action == "SetVariableMonitoring":
        return all(result["status"] == "Accepted" for result in answer["setMonitoringResult"])
    return bool(answer["status"] == "Accepted")


@pytest.mark.parametrize("page", [FIRST, REFERENCE], ids=["first", "reference"])
def test_no_block_of_json_is_without_its_action(page: Path) -> None:
    assert len(examples(page)) == page.read_text().count("```json") > 4


@pytest.mark.parametrize("page", [FIRST, REFERENCE], ids=["first", "reference"])
def test_every_example_is_accepted_in_the_order_of_the_page(desk: Desk, page: Path) -> None:
    """The pages' transaction is tx-1 and their time 2026-03-01T12:00:00Z: so are the desk's."""
    desk.port.begin(1, "tx-1")
    desk.port.change(1, power_W=-5000.0, car=BPT_CAR)
    for action, payload in examples(page):
        answer = desk.ask(action, payload)
        assert accepted(action, answer), (action, payload, answer)
        assert "statusInfo" not in answer or "limit" in answer["statusInfo"]["additionalInfo"], (payload, answer)


@pytest.mark.parametrize(
    ("number", "power_W"), [(0, -5000.0), (1, None), (4, -7000.0), (5, 3000.0)], ids=["a", "b", "replace", "cover"]
)
def test_an_example_does_what_the_page_says(desk: Desk, number: int, power_W: float | None) -> None:
    desk.port.begin(1, "tx-1")
    action, payload = examples(REFERENCE)[number]
    assert action == "SetChargingProfile"
    assert desk.ask(action, payload)["status"] == "Accepted"
    (contribution,) = desk.contributions()
    assert contribution.target_W == power_W
    if power_W is None:
        assert (contribution.limits_W.low, contribution.limits_W.high) == (-5000.0, 0.0)
