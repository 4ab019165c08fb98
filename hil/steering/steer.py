"""`./run steer '{"do": "…"}'`: send lines to a running demo and print its answers. Without an argument: what is piped in."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import click

from hil.bench.bench import default_folder
from hil.steering.line_server import NAME


@click.command()
@click.argument("requests", nargs=-1)
@click.option("--events", is_flag=True, help="after a subscribe: print the events until Ctrl-C")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="the demo's folder")
def main(requests: tuple[str, ...], events: bool, folder: Path | None) -> None:
    """Steer the running demo with JSON lines, as arguments or piped in; exits 1 if an answer is not ok.

    For example: ./run steer '{"do": "help"}' lists the verbs; docs/steering.md describes them.
    """
    if not requests and sys.stdin.isatty():
        click.echo(click.get_current_context().get_help())
        sys.exit(2)
    place = (folder or default_folder()) / NAME
    failed = False
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(None)  # a wait takes as long as it says; the door answers everything else soon
            wire.connect(str(place))
            answers = wire.makefile("rb")
            for request in requests or (line for line in sys.stdin if line.strip()):
                wire.sendall(request.strip().encode() + b"\n")
                answer = _printed(answers.readline())
                failed |= not answer.get("ok")
                if events and answer.get("ok") and answer.get("subscription"):
                    for line in answers:
                        _printed(line)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{place}: {error}; is ./run demo running (in another folder: --dir)?") from error
    sys.exit(1 if failed else 0)


def _printed(line: bytes) -> dict[str, Any]:
    """What came, on standard output. Raises ValueError where it is no answer."""
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError(f"no answer: {line[:80]!r}")
    click.echo(json.dumps(answer, indent=2) if "event" not in answer else json.dumps(answer["event"]))
    return answer


if __name__ == "__main__":
    main()
