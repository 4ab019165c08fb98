"""Decodes and re-encodes EXI from standard input, one JSON object a line; for interop tests and traces.

A line `{"schema": namespace, "mode": "document" | "fragment", "exi": hex}` is answered with
`{"message": name, "json": {...}, "exi": hex of the object encoded again}`, or `{"error": text}` for whatever else
comes. For the namespace a short name will do (`SAP CM DC AC ACDP WPT ISO2 DIN XMLDSIG CT`); without a mode it is a document.
Every line has one answer, an empty one too, flushed at once. The programme ends with its input, or when nobody reads its
answers any more.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

from chargepoint.iso15118.exi.codec import ExiError, decode_element, encode, root_name, to_json
from chargepoint.iso15118.exi.namespaces import SHORT_NAMES

USAGE = """usage: ./run exi < LINES, for example
  echo '{"schema": "SAP", "exi": "80400040"}' | ./run exi"""

LONGEST_LINE = 1024 * 1024
"""Bytes. A V2GTP payload, which we cap at 64 KiB, is 128 KiB of hex; more than this is not read into memory."""


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
        schema = SHORT_NAMES.get(schema.upper(), schema)
        fragment = mode == "fragment"
        element, message = decode_element(schema, bytes.fromhex(exi), fragment)
        again = encode(message, fragment, schema, element)
        name = element.rpartition("}")[2] if fragment else root_name(message)
        return {"message": name, "json": to_json(message, element, schema), "exi": again.hex()}
    except (ValueError, RecursionError, MemoryError) as error:
        # ExiError, json.JSONDecodeError and bytes.fromhex are all ValueErrors
        return {"error": f"{type(error).__name__}: {str(error)[:500]}"}


def _text(raw: bytes) -> str:
    """The answer to one line as it is written."""
    if len(raw) > LONGEST_LINE:
        return json.dumps({"error": f"ValueError: a line of more than {LONGEST_LINE} bytes"})
    line = raw.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
    try:
        return json.dumps(answer(line), ensure_ascii=True)
    except ValueError as error:  # an integer too long to print
        return json.dumps({"error": f"ValueError: {error}"})


def run(source: IO[bytes], sink: IO[str]) -> None:
    """Answers until the input ends."""
    while raw := source.readline(LONGEST_LINE + 1):
        rest = raw
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = source.readline(LONGEST_LINE + 1)  # the rest of a line too long, thrown away
        sink.write(_text(raw) + "\n")
        sink.flush()


def main() -> None:
    """Standard input to standard output; any argument prints how to use it."""
    if len(sys.argv) > 1:
        asked = sys.argv[1:] in (["--help"], ["-h"])
        (sys.stdout if asked else sys.stderr).write(f"{USAGE}\n{__doc__}")
        sys.exit(0 if asked else 2)
    if sys.stdin.isatty():
        sys.stderr.write(f"{USAGE}\nwaiting for lines; Ctrl-D ends, --help says more\n")
    try:
        run(sys.stdin.buffer, sys.stdout)
    except BrokenPipeError:
        # else the interpreter complains when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
