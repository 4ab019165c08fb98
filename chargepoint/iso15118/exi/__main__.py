"""Decodes and re-encodes EXI from standard input, one JSON object a line; for interop tests and traces.

A line `{"schema": namespace, "mode": "document" | "fragment", "exi": hex}` is answered with
`{"message": name, "json": {...}, "exi": hex of the object encoded again}`, or `{"error": text}` for whatever else
comes. Each answer is flushed at once; the programme ends with its input.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chargepoint.iso15118.exi.codec import ExiError, decode_element, encode, root_name, to_json


def answer(line: str) -> dict[str, Any]:
    """The answer to one line; never raises."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ExiError("a JSON object expected")
        schema, mode, exi = (request.get(key) for key in ("schema", "mode", "exi"))
        if not isinstance(schema, str) or not isinstance(exi, str):
            raise ExiError('"schema" and "exi" expected as strings')
        if mode not in ("document", "fragment", None):
            raise ExiError('"mode" is "document" or "fragment"')
        fragment = mode == "fragment"
        element, message = decode_element(schema, bytes.fromhex(exi), fragment)
        again = encode(message, fragment, schema, element)
        name = element.rpartition("}")[2] if fragment else root_name(message)
        return {"message": name, "json": to_json(message, element, schema), "exi": again.hex()}
    except (ValueError, RecursionError, MemoryError) as error:
        # ExiError, json.JSONDecodeError and bytes.fromhex are all ValueErrors
        return {"error": f"{type(error).__name__}: {str(error)[:500]}"}


def main() -> None:
    """Answers until the input ends."""
    for raw in sys.stdin.buffer:
        line = raw.decode("utf-8", errors="replace").strip()
        if line:
            try:
                text = json.dumps(answer(line), ensure_ascii=True)
            except ValueError as error:  # an integer too long to print
                text = json.dumps({"error": f"ValueError: {error}"})
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
