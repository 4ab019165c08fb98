"""`./run steer '{"do": "…"}'`: send lines to a running demo and print its answers. Without an argument: what is piped in."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import click

from hil.bench.bench import default_folder
from hil.demo.steering import NAME


@click.command()
@click.argument("requests", nargs=-1)
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="the demo's folder")
def main(requests: tuple[str, ...], folder: Path | None) -> None:
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
            wire.settimeout(60.0)
            wire.connect(str(place))
            answers = wire.makefile("rb")
            for request in requests or (line for line in sys.stdin if line.strip()):
                wire.sendall(request.strip().encode() + b"\n")
                answer = json.loads(answers.readline())
                click.echo(json.dumps(answer, indent=2))
                failed |= not answer.get("ok")
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{place}: {error}; is ./run demo running (in another folder: --dir)?") from error
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
