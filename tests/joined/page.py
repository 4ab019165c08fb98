"""The table of `docs/misbehaviour.md`, made of `expected.py`: `python -m tests.joined.page` prints it."""

from __future__ import annotations

from hil.simulators.evcc.misbehaviour import KINDS
from tests.joined.expected import ALL_SESSIONS, EXPECTED, OUTCOMES, Expected


def table() -> str:
    """The outcomes in words, then each misbehaviour with its outcomes."""
    lines = ["| outcome | what the car sees |", "|---|---|"]
    lines += [f"| {outcome.name} | {outcome.meaning} |" for outcome in OUTCOMES]
    lines += ["", "| misbehaviour | what the car does | at most messages | at these messages |", "|---|---|---|---|"]
    lines += [f"| `{what}` | {KINDS[what]} | {e.mostly.name} | {_exceptions(e)} |" for what, e in EXPECTED.items()]
    return "\n".join(lines) + "\n"


def _exceptions(expected: Expected) -> str:
    """The messages with another outcome, by outcome; one that differs in one kind of session alone names the kind."""
    found: dict[str, list[str]] = {}
    for message in dict.fromkeys(m for session in ALL_SESSIONS.values() for m in session.messages):
        kinds = [kind for kind, session in ALL_SESSIONS.items() if message in session.messages]
        if message in expected.left_out:
            found.setdefault("is no misbehaviour", []).append(message)
            continue
        outcomes = {kind: expected.at(message, kind) for kind in kinds}
        alike = len(set(outcomes.values())) == 1
        for kind in kinds[:1] if alike else kinds:
            if outcomes[kind] is not expected.mostly:
                place = message if alike else f"{message} ({kind})"
                found.setdefault(outcomes[kind].name, []).append(place)
    return "; ".join(f"{name}: {', '.join(messages)}" for name, messages in found.items())


if __name__ == "__main__":
    print(table(), end="")
