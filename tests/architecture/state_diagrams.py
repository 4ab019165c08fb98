"""State diagrams of docs/states.md: read from the page, and for the SECC made from its table and its responders.

`python -m tests.architecture.state_diagrams` writes the generated part of the page anew.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from chargepoint.iso15118.secc.state import ALLOWED, ALWAYS, State

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "states.md"
SECC = ROOT / "chargepoint" / "iso15118" / "secc"
BEGIN, END = "<!-- generated: SECC -->\n", "<!-- end -->"
ARROW = re.compile(r"^ *(\w+|\[\*\]) --> (\w+)(?:: (.+))?$", re.MULTILINE)

Arrows = set[tuple[str, str]]
Allowed = Mapping[State, frozenset[type]]


def diagram(page: str, heading: str) -> Arrows:
    """The arrows of the first state diagram after this heading; the arrow from the initial point is left out."""
    section = page[page.index(f"\n{heading}\n") :]
    block = section[section.index("```mermaid\nstateDiagram-v2\n") :]
    block = block[: block.index("```\n")]
    return {(source, target) for source, target, _ in ARROW.findall(block) if source != "[*]"}


def responders() -> dict[str, tuple[str, str]]:
    """Of each request the module and the function that answer it: the cases of `Secc._respond`."""
    found: dict[str, tuple[str, str]] = {}
    tree = ast.parse((SECC / "engine.py").read_text())
    respond = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_respond")
    for case in (n for n in ast.walk(respond) if isinstance(n, ast.match_case)):
        assert isinstance(case.pattern, ast.MatchClass) and isinstance(case.pattern.cls, ast.Attribute)
        calls = (n.func for statement in case.body for n in ast.walk(statement) if isinstance(n, ast.Call))
        call = next(c for c in calls if isinstance(c, ast.Attribute))
        assert isinstance(call.value, ast.Name)
        found[case.pattern.cls.attr] = call.value.id, call.attr
    return found


def targets(module: str, function: str) -> set[State]:
    """The states that this function, or one of its module that it calls, gives to the session."""
    functions = {
        n.name: n for n in ast.parse((SECC / f"{module}.py").read_text()).body if isinstance(n, ast.FunctionDef)
    }
    found: set[State] = set()
    todo, done = [function], set[str]()
    while todo:
        name = todo.pop()
        done.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.keyword) and node.arg == "state":
                found |= {State[n.attr] for n in ast.walk(node.value) if isinstance(n, ast.Attribute)}
            elif isinstance(node, ast.Name) and node.id in functions and node.id not in done:
                todo.append(node.id)
    return found


def secc_arrows(allowed: Allowed) -> set[tuple[State, State, str]]:
    """Every change of state that a request of the table can cause, without `SessionStopReq`."""
    by = responders()
    return {
        (state, target, kind.__name__)
        for state, kinds in allowed.items()
        for kind in kinds
        for target in targets(*by[kind.__name__])
        if target is not state
    }


def secc_part(allowed: Allowed = ALLOWED) -> str:
    """The generated part of the page: a diagram and a table."""
    assert [kind.__name__ for kind in ALWAYS] == ["SessionStopReq"]
    place = {state: number for number, state in enumerate(State)}
    arrows = sorted(secc_arrows(allowed), key=lambda arrow: (place[arrow[0]], place[arrow[1]], arrow[2]))
    first = State.SESSION_SETUP
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first.value}"]
    lines += [f"    {a.value} --> {b.value}: {name}" for a, b, name in arrows if a is first]
    lines += ['    state "a session" as Session {']
    lines += [f"        {a.value} --> {b.value}: {name}" for a, b, name in arrows if a is not first]
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
