"""The client's methods are the verbs of the door, with their arguments; and the client needs nothing but the standard library."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.client.verbs import BenchVerbs, EvseView
from hil.steering.request import request_of
from hil.steering.words import DOOR_WORDS

ROOT = Path(__file__).resolve().parents[4]
BY_EVENTS = {"subscribe", "unsubscribe"}
"""The method `events` does both."""
EXAMPLES: dict[str, dict[str, Any]] = {
    "setpoint": {"power_W": -8000.0},
    "ocpp": {"action": "TriggerMessage"},
    "ask_car": {"for_": "pause"},
    "note": {"text": "x"},
    "play": {"scenario": "demo"},
    "inject": {"fault": "physics.insulation", "value": 20000},
    "heal": {"fault": "physics.insulation"},
    "fault": {"name": "insulation"},
    "bus_fault": {"bus": "fast1", "kind": "late"},
    "kill": {"what": "daemon"},
    "site_order": {"order": {}},
}


class AskedVerbs(BenchVerbs[dict[str, Any]]):
    """Returns what it would send."""

    def do(self, verb: str, *, timeout_s: float | None = None, **arguments: Any) -> dict[str, Any]:
        return {"do": verb, **arguments}

    @property
    def _evse(self) -> int | None:
        return None


def method(name: str) -> Any:
    return getattr(AskedVerbs, name)


def test_each_verb_has_a_method_and_each_method_is_a_verb() -> None:
    methods = {name for name, _ in inspect.getmembers(BenchVerbs, inspect.isfunction) if not name.startswith("_")}
    assert methods - {"do"} == set(DOOR_WORDS) - BY_EVENTS


@pytest.mark.parametrize("name", sorted(set(DOOR_WORDS) - BY_EVENTS))
def test_a_method_takes_what_its_word_takes(name: str) -> None:
    word, parameters = DOOR_WORDS[name], dict(inspect.signature(method(name)).parameters)
    assert inspect.getdoc(method(name))
    parameters.pop("self")
    assert parameters.pop("evse").default is None
    is_open = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    named = {one.name.rstrip("_") for one in parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD}
    if name == "wait":  # signals by name, or the condition as a whole
        assert named == {"condition", "within_s", "for_s", "since_s"}
        return
    assert is_open == word.open_arguments
    assert named == {argument.name for argument in word.arguments}
    for argument in word.arguments:
        parameter = parameters.get(argument.name, parameters.get(f"{argument.name}_"))
        assert parameter is not None
        assert (parameter.default is inspect.Parameter.empty) == argument.required
        if parameter.default is not inspect.Parameter.empty:
            assert parameter.default in (None, argument.default)


@pytest.mark.parametrize("name", sorted(set(DOOR_WORDS) - BY_EVENTS - {"wait"}))
def test_what_a_method_sends_is_taken_by_the_door(name: str) -> None:
    sent = getattr(AskedVerbs(), name)(**EXAMPLES.get(name, {}), evse=2)
    request = request_of(sent)
    assert (request.verb, request.evse) == (name, 2)


def test_a_wait_takes_signals_by_name_and_conditions_as_a_whole() -> None:
    sent = AskedVerbs().wait({"power_W": {"above": 1000}}, charging_state="Charging", within_s=5)
    assert sent == {"do": "wait", "for": {"power_W": {"above": 1000}, "charging_state": "Charging"}, "within_s": 5}
    assert request_of(sent).arguments["within_s"] == 5


def test_a_view_of_an_evse_names_it_in_every_call() -> None:
    view: EvseView[dict[str, Any]] = EvseView(AskedVerbs(), 2)
    assert view.plug() == {"do": "plug", "evse": 2}
    assert view.plug(evse=3) == {"do": "plug", "evse": 3}
    assert view.do("plug") == {"do": "plug", "evse": 2}


def test_the_client_needs_nothing_but_the_standard_library() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import hil.client;"
        "print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'__main__', 'hil'}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
