"""docs/site-bus.md: its `sh` blocks run against Mosquitto and a station, its `json` blocks fit the schema, its `toml` blocks are read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel

from chargepoint.config.schema import EnergySection, FuseGuardSection, SiteBusSection
from chargepoint.site.desk import SiteRules
from chargepoint.site.orders import MeterMessage, OrderAnswer
from chargepoint.site.schemas import PUBLISHED
from tests.interop.site_rig import ROOT, Broker, Rig, running

pytestmark = pytest.mark.interop

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "site-bus.md").read_text()
BLOCK = re.compile(r"^```(\w+) ?([\w ]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS: dict[str, type[BaseModel]] = {
    "site_bus": SiteBusSection,
    "energy": EnergySection,
    "fuse_guard": FuseGuardSection,
}


def blocks(language: str) -> list[tuple[str, str]]:
    """What stands behind the language, and the text."""
    return [(found[2], found[3]) for found in BLOCK.finditer(PAGE) if found[1] == language]


def published() -> list[str]:
    """Every documented line that sends something."""
    return [line for _, text in blocks("sh") for line in text.splitlines() if line.startswith("mosquitto_pub")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


async def shell(line: str, broker: Broker) -> str:
    """The output of one documented line."""
    environment = {**os.environ, "BROKER": "127.0.0.1", "PORT": str(broker.port), "TOPIC": ROOT}
    process = await asyncio.create_subprocess_shell(
        line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{line}: {output.decode()}"
    return output.decode()


def test_every_json_block_fits_the_schema() -> None:
    whole = json.loads((DOCS / "site-bus.schema.json").read_text())
    found = blocks("json")
    assert {kind for kind, _ in found} == {"station", "evse state", "evse capability", "event", "session", "answer"}
    for kind, text in found:
        schema = {**whole["topics"][kind], "$defs": whole["$defs"]}
        jsonschema_rs.validator_for(schema).validate(json.loads(text))
        type_: Any = PUBLISHED[kind]
        known = set(type_.model_fields) if kind == "answer" else {field.name for field in fields(type_)}
        assert set(json.loads(text)) <= known if kind == "answer" else set(json.loads(text)) == known


def test_every_toml_block_is_a_configuration() -> None:
    for _, text in blocks("toml"):
        for name, keys in tomllib.loads(text).items():
            SECTIONS[name].model_validate(keys)


async def test_the_documented_lines_get_the_documented_answers(broker: Broker, tmp_path: Path) -> None:
    """Each order, in the order of the page; the sentence is the page's where the made-up station knows as much."""
    documented = {
        answer["id"]: answer for answer in (json.loads(text) for kind, text in blocks("json") if kind == "answer")
    }
    listen = f"mosquitto_sub -h $BROKER -p $PORT -t $TOPIC/answer -v -C {sum('/order' in line for line in published())}"
    async with running(Rig(broker.port, tmp_path)) as rig:
        listening = asyncio.create_task(shell(listen, broker))
        await asyncio.sleep(0.5)
        for line in published():
            await shell(line, broker)
            if "/meter" in line:
                sent = json.loads(line[line.index("-m '") + 4 : -1])
                await rig.until(lambda sent=sent: meter_of(rig) == watts(sent))  # type: ignore[misc]
        async with asyncio.timeout(20.0):
            lines = (await listening).splitlines()
        answers = {answer["id"]: answer for answer in (json.loads(line.split(" ", 1)[1]) for line in lines)}
    assert {order_id for order_id, answer in answers.items() if not answer["accepted"]} == {"edge-7"}
    assert documented.keys() <= answers.keys()
    for order_id, answer in documented.items():
        for key in ("accepted", "code"):
            assert answers[order_id][key] == answer[key], order_id
        assert ("until" in answers[order_id]) == ("until" in answer), order_id
        if order_id not in ("edge-1", "edge-5", "app-4"):  # there a real station says more, or its limit's sentence
            assert answers[order_id]["text"] == answer["text"], order_id


def watts(sent: Any) -> tuple[float, ...]:
    return (
        tuple(MeterMessage.model_validate_json(json.dumps(sent)).phases_W or ()) if isinstance(sent, dict) else (sent,)
    )


def meter_of(rig: Rig) -> tuple[float, ...]:
    return () if rig.desk.reading is None else rig.desk.reading.phases_W


async def test_the_documented_subscription_shows_the_station(broker: Broker, tmp_path: Path) -> None:
    (line,) = (
        line
        for _, text in blocks("sh")
        for line in text.splitlines()
        if line.startswith("mosquitto_sub") and "#" in line
    )
    async with running(Rig(broker.port, tmp_path)):
        assert f"{ROOT}/availability online" in await shell(line, broker)


def test_every_refusal_and_every_key_of_an_answer_is_documented() -> None:
    code = (DOCS.parent / "chargepoint" / "site" / "desk.py").read_text()
    code += (DOCS.parent / "chargepoint" / "site" / "orders.py").read_text()
    codes = set(re.findall(r'(?:_refuse\([\w.""]*, "|\n\s+order\.id, "|code(?:: str)? ?= ?")([A-Z]\w+)"', code)) - {
        "Accepted"
    }
    assert {"Malformed", "TooLarge", "Retained", "TooMany", "InThePast", "TxNotFound"} <= codes
    for one in codes:
        assert f"| `{one}` |" in PAGE
    assert set(OrderAnswer.model_fields) == {"id", "accepted", "code", "text", "until"}
    assert SiteRules.__dataclass_fields__.keys() == {"orders", "lease_max_s", "orders_per_s"}
