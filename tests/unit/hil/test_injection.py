"""Every fault of the catalogue has a way on a bench, and a bench that lacks what a fault needs refuses with what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.bench.injection import Injection
from hil.faults.catalogue import FAULT_WORDS
from hil.simulators.line_socket import Refused
from hil.words import ArgumentType, Word


class Reached(Exception):
    """The injection has gone to a part of the bench."""


class Part:
    """Whatever is asked of it is too far for this test."""

    def __getattr__(self, name: str) -> Any:
        raise Reached(name)

    def __getitem__(self, name: str) -> Any:
        raise Reached(name)


def _injection(**parts: Any) -> Injection:
    choices = SimpleNamespace(folder=Path("/nowhere"), tls=False, csms_tls=False)
    given: dict[str, Any] = {"plant": Part(), "children": Part(), "csms": Part(), "cars": Part()}
    bench: Any = SimpleNamespace(
        **given, child=Part().__getitem__, choices=choices, relays=None, computer=None, identity="CP", **parts
    )
    return Injection(bench)


def _arguments(word: Word) -> dict[str, Any]:
    """Something for each argument that must be there."""
    made = {ArgumentType.NUMBER: 1.0, ArgumentType.INTEGER: 1, ArgumentType.TEXT: "x", ArgumentType.FLAG: True}
    return {one.name: (one.choices or (made[one.type],))[0] for one in word.arguments if one.required}


@pytest.mark.parametrize("word", FAULT_WORDS, ids=lambda word: word.name)
@pytest.mark.parametrize("on", [True, False])
async def test_every_fault_of_the_catalogue_has_a_way(word: Word, on: bool) -> None:
    try:
        await _injection().set(word.name, 1, _arguments(word), on=on)
    except (Reached, FileNotFoundError):
        return
    except Refused as error:
        assert "no such id" not in str(error)


@pytest.mark.parametrize(
    ("fault", "arguments", "need"),
    [
        ("network.car_cut", {}, "relays: true"),
        ("network.csms_cut", {}, "relays: true"),
        ("network.csms_slow", {"latency_s": 1.0}, "relays: true"),
        ("disk.full", {}, "small_disk: true"),
        ("tls.car_expired", {}, "tls: true"),
        ("tls.csms_expired", {}, "csms_tls: true"),
    ],
)
async def test_a_bench_without_the_means_says_what_to_add(fault: str, arguments: dict[str, Any], need: str) -> None:
    with pytest.raises(Refused, match=need):
        await _injection().set(fault, 1, arguments, on=True)


async def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(Refused, match="no such id"):
        await _injection().set("no.such", 1, {}, on=True)
