"""State diagrams of docs/states.md: read from the page, and for the SECC made from its table of messages.

`python -m tests.architecture.state_diagrams` writes the generated part of the page anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from chargepoint.iso15118.iso20.rows import ROWS, may_come
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import SessionStopReq

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "states.md"
BEGIN, END = "<!-- generated: SECC -->\n", "<!-- end -->"
ARROW = re.compile(r"^ *(\w+|\[\*\]) --> (\w+)(?:: (.+))?$", re.MULTILINE)

Arrows = set[tuple[str, str]]
Allowed = Mapping[State, frozenset[type]]

ALLOWED: Allowed = {state: may_come(state) - {SessionStopReq} for state in State}
"""Every message in its states, without `SessionStopReq`, which may come in all of them."""


def diagram(page: str, heading: str) -> Arrows:
    """The arrows of the first state diagram after this heading; the arrow from the initial point is left out."""
    section = page[page.index(f"\n{heading}\n") :]
    block = section[section.index("```mermaid\nstateDiagram-v2\n") :]
    block = block[: block.index("```\n")]
    return {(source, target) for source, target, _ in ARROW.findall(block) if source != "[*]"}


def secc_arrows(allowed: Allowed) -> set[tuple[State, State, str]]:
    """Every change of state that a request of the table can cause, without `SessionStopReq`."""
    return {
        (state, target, kind.__name__)
        for state, kinds in allowed.items()
        for kind in kinds
        for target in ROWS[kind].moves.get(state, frozenset())
    }


def secc_part(allowed: Allowed = ALLOWED) -> str:
    """The generated part of the page: a diagram and a table."""
    place = {state: number for number, state in enumerate(State)}
    arrows = sorted(secc_arrows(allowed), key=lambda arrow: (place[arrow[0]], place[arrow[1]], arrow[2]))
    first = State.SESSION_SETUP
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}"]
    lines += [f"    {a.value} --> {b.value}: {name}" for a, b, name in arrows if a is first]
    lines += ['    state "a session" as Session {']
    lines += [f"        {a.value} --> {b.value}: {name}" for a, b, name in arrows if a is not first]
    back = sorted(a.value for a, to in ROWS[SessionStopReq].moves.items() if State.SERVICE_DISCOVERY in to)
    lines += [f"        {a} --> {State.SERVICE_DISCOVERY.value}: SessionStopReq(ServiceRenegotiation)" for a in back]
    lines += ["    }", f"    Session --> {State.ENDED.value}: SessionStopReq", "```", ""]
    lines += ["| state | messages that may come |", "|---|---|"]
    for state in State:
        names = sorted(kind.__name__ for kind in allowed[state])
        if state not in (first, State.ENDED):
            names += ["SessionStopReq"]
        lines += [f"| {state.value} | {', '.join(names) or 'none'} |"]
    return "\n".join(lines) + "\n"


def with_secc_part(page: str) -> str:
    """The page with its generated part made anew."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + secc_part() + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    PAGE.write_text(with_secc_part(PAGE.read_text()))
