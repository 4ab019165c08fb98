"""`{"do": "limit"}`: what the local socket takes, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.diagnostics.local_orders import AUTHOR, limit_verb
from chargepoint.model.commands import CommandResult, ExternalLimit, LimitSource, LimitStation

WHOLE: dict[str, Any] = {"do": "limit", "source": "SO", "import_max_W": 8000, "export_max_W": 0, "for_s": 900}


def ordered(request: dict[str, Any]) -> tuple[list[LimitStation], dict[str, Any]]:
    taken: list[LimitStation] = []

    def command(order: LimitStation) -> CommandResult:
        taken.append(order)
        return CommandResult(True)

    return taken, dict(limit_verb(command, lambda: 100.0)(request))


def test_a_limit_holds_for_its_time() -> None:
    taken, answer = ordered(WHOLE)
    assert taken == [LimitStation(ExternalLimit(LimitSource.SO, 8000.0, 0.0, 1000.0), AUTHOR)]
    assert answer == {"text": ""}


def test_the_bare_word_releases() -> None:
    assert ordered({"do": "limit"})[0] == [LimitStation(None, AUTHOR)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"import_max_W": -1}, "import_max_W"),
        ({"import_max_W": float("nan")}, "import_max_W"),
        ({"export_max_W": True}, "export_max_W"),
        ({"for_s": 0.5}, "for_s"),
        ({"for_s": 1e9}, "for_s"),
        ({"source": "CSO"}, "source"),
        ({"power_W": 5}, "power_W"),
    ],
)
def test_a_wrong_request_is_named(change: dict[str, Any], named: str) -> None:
    taken, answer = ordered({**WHOLE, **change})
    assert taken == []
    assert answer["error"].startswith(f"{named} = ")


@pytest.mark.parametrize("missing", ["import_max_W", "export_max_W", "for_s"])
def test_nothing_is_guessed(missing: str) -> None:
    taken, answer = ordered({key: value for key, value in WHOLE.items() if key != missing})
    assert taken == []
    assert answer["error"].startswith(f"{missing} = None")
