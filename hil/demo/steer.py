"""`./run steer '{"do": "…"}'`: send lines to a running demo and print its answers. Without an argument: standard input."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import click

from hil.demo.bench import default_folder
from hil.demo.steering import NAME


@click.command()
@click.argument("requests", nargs=-1)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="the demo's folder")
def main(requests: tuple[str, ...], folder: Path | None) -> None:
    """Steer the running demo with JSON lines; exits 1 if an answer is not ok."""
    place = (folder or default_folder()) / NAME
    failed = False
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(60.0)
            wire.connect(str(place))
            answers = wire.makefile("rb")
            for request in requests or (line for line in sys.stdin if line.strip()):
                wire.sendall(request.strip().encode() + b"\n")
                answer = json.loads(answers.readline())
                click.echo(json.dumps(answer, indent=2))
                failed |= not answer.get("ok")
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{place}: {error}; is ./run demo running?") from error
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
