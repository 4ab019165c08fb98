"""The table of `docs/misbehaviour.md`, made of `expected.py`: `python -m tests.joined.page` prints it."""

from __future__ import annotations

from hil.simulators.evcc.misbehaviour import KINDS
from tests.joined.expected import EXPECTED, MESSAGES, OUTCOMES, Expected


def table() -> str:
    """The outcomes in words, then each misbehaviour with its outcomes."""
    lines = ["| outcome | what the car sees |", "|---|---|"]
    lines += [f"| {outcome.name} | {outcome.meaning} |" for outcome in OUTCOMES]
    lines += ["", "| misbehaviour | what the car does | at most messages | at these messages |", "|---|---|---|---|"]
    lines += [f"| `{what}` | {KINDS[what]} | {e.mostly.name} | {_exceptions(e)} |" for what, e in EXPECTED.items()]
    return "\n".join(lines) + "\n"


def _exceptions(expected: Expected) -> str:
    """The messages with another outcome, by outcome."""
    found: dict[str, list[str]] = {}
    for message in MESSAGES:
        if message in expected.left_out:
            found.setdefault("is no misbehaviour", []).append(message)
        elif (outcome := expected.at(message)) is not expected.mostly:
            found.setdefault(outcome.name, []).append(message)
    return "; ".join(f"{name}: {', '.join(messages)}" for name, messages in found.items())


if __name__ == "__main__":
    print(table(), end="")
