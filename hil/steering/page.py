"""The page of `GET /`: the verbs, and the state of the bench. Plain HTML, no scripts; the browser asks again by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from hil.words import Word

REFRESH_S = 5
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{overflow:auto;max-height:32rem;border:1px solid #8884;padding:.6rem}
"""


def bench_page(words: Iterable[Word], state: Mapping[str, Any]) -> str:
    """HTML. `state`: the answer of the verb `state`; where that was refused, the reason is shown."""
    rows = "".join(_row(word) for word in words)
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in _summary(state))
    whole = escape(json.dumps(state, indent=1, default=str))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bench</title>'
        f'<meta http-equiv="refresh" content="{REFRESH_S}"><style>{_STYLE}</style></head><body><h1>Bench</h1>'
        f"<table>{facts}</table><h2>Verbs</h2>"
        f"<p><code>POST /do/VERB</code> with a JSON object, or <code>POST /do</code> with <code>do</code> in it. "
        f'<a href="/schema">OpenAPI</a>, <a href="/state">state</a>, <a href="/record">record</a>, '
        f'<a href="/events">events</a>.</p><table><tr><th>verb</th><th>what happens</th><th>fields</th></tr>{rows}</table>'
        f"<h2>State</h2><pre>{whole}</pre></body></html>\n"
    )


def _row(word: Word) -> str:
    takes = ", ".join(argument.name + ("" if argument.required else "?") for argument in word.arguments)
    more = ", …" if word.open_arguments else ""
    cells = (f"<code>{escape(word.name)}</code>", escape(word.meaning), f"<code>{escape(takes + more)}</code>")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _summary(state: Mapping[str, Any]) -> Iterable[tuple[str, object]]:
    """The facts that a person looks for first."""
    if not state.get("ok"):
        yield "trouble", state.get("error")
        return
    yield "story", state.get("story")
    daemon = state.get("daemon")
    evses = daemon.get("evses", {}) if isinstance(daemon, dict) else {}
    for number, evse in evses.items():
        image = evse.get("image") or {}
        faults = ", ".join(image.get("faults") or {}) or "no fault"
        yield f"EVSE {number}", f"{evse.get('status')}, {image.get('stage')}, {image.get('power_W')} W, {faults}"
