"""The table of `docs/misbehaviour.md`, made of `expected.py`: `python -m tests.joined.page` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hil.simulators.evcc.misbehaviour import KINDS
from tests.joined.din_iso2_expected import DIN_ISO2_EXPECTED, DIN_ISO2_KINDS, DIN_ISO2_OUTCOMES
from tests.joined.expected import ALL_SESSIONS, EXPECTED, OUTCOMES, Expected, Outcome, SessionPlaces


def table() -> str:
    """The outcomes in words, then each misbehaviour with its outcomes; then the same for ISO 15118-2 and DIN 70121."""
    din_iso2 = {kind: one.session for kind, one in DIN_ISO2_KINDS.items()}
    return "\n".join(
        [
            *_outcomes(OUTCOMES),
            "",
            *_misbehaviours(EXPECTED, ALL_SESSIONS),
            "",
            "## ISO 15118-2 and DIN 70121",
            "",
            "The same at DIN 70121 (`DIN`) and ISO 15118-2 (`-2 DC`, `-2 AC`), with the virtual cars of [cars.md](cars.md).",
            "Outcomes beside those above:",
            "",
            *_outcomes(DIN_ISO2_OUTCOMES),
            "",
            *_misbehaviours(DIN_ISO2_EXPECTED, din_iso2),
            "",
        ]
    )


def _outcomes(outcomes: Sequence[Outcome]) -> list[str]:
    return ["| outcome | what the car sees |", "|---|---|", *(f"| {o.name} | {o.meaning} |" for o in outcomes)]


def _misbehaviours(table_of: Mapping[str, Expected], sessions: Mapping[str, SessionPlaces]) -> list[str]:
    lines = ["| misbehaviour | what the car does | at most messages | at these messages |", "|---|---|---|---|"]
    return lines + [
        f"| `{what}` | {KINDS[what]} | {e.mostly.name} | {_exceptions(e, sessions)} |" for what, e in table_of.items()
    ]


def _exceptions(expected: Expected, sessions: Mapping[str, SessionPlaces]) -> str:
    """The messages with another outcome, by outcome; one that differs in one kind of session alone names the kind."""
    found: dict[str, list[str]] = {}
    for message in dict.fromkeys(m for session in sessions.values() for m in session.messages):
        kinds = [kind for kind, session in sessions.items() if message in session.messages]
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
