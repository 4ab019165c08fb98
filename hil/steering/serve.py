"""`./run hil serve`: a bench in real time, idle, that is used over HTTP and over a Unix socket until it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hil.bench.modules import MODULES, USUAL
from hil.bench.opening import open_bench
from hil.bench.port import NotDone
from hil.record.line import Json
from hil.simulators.car_files import names
from hil.simulators.line_socket import Refused
from hil.steering.door import ScenarioStory, SteeringDoor
from hil.steering.http_server import HttpServer, listen
from hil.steering.line_server import NAME, LineServer
from hil.steering.programme import Programme

FOLDER_MAX_BYTES = 80
"""A Unix socket's path has at most 107 bytes (unix(7)); its name under the folder takes some of them."""
TOKEN_MIN = 16


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--http", "http", metavar="HOST:PORT", default="127.0.0.1:8765", show_default=True, help="port 0: any free one"
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/bench"),
    show_default=True,
    help=f"for {NAME} and, at the end, the logs",
)
@click.option(
    "--evses", type=click.IntRange(1, 99), default=1, show_default=True, help="so many EVSEs, each with a car"
)
@click.option("--outlet", type=click.Choice(["dc", "ac"]), default="dc", show_default=True)
@click.option("--car", type=click.Choice(names()), help="a car of the road instead of ours: docs/cars.md")
@click.option("--module", type=click.Choice(sorted(MODULES)), default=USUAL, show_default=True, help="the power module")
@click.option(
    "--bench",
    "bench_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="what real devices replace simulated ones",
)
@click.option("--tls", is_flag=True, help="TLS between cars and station")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"its first line, at least {TOKEN_MIN} characters, is the bearer token; needed for other hosts than the loopback",
)
@click.option("--json", "as_json", is_flag=True, help="the line that says ready is JSON")
@click.option(
    "--until-input-ends", is_flag=True, help="end when standard input does: for a program that starts a bench"
)
def main(
    http: str,
    folder: Path,
    evses: int,
    outlet: str,
    car: str | None,
    module: str,
    bench_file: Path | None,
    tls: bool,
    token_file: Path | None,
    as_json: bool,
    until_input_ends: bool,
) -> None:
    """A bench of simulated devices in real time, used by programs: docs/client.md. Ctrl-C ends it."""
    host, port = _address(http)
    if len(os.fsencode(folder.resolve())) > FOLDER_MAX_BYTES:
        raise click.UsageError(f"--dir: {len(os.fsencode(folder.resolve()))} bytes, at most {FOLDER_MAX_BYTES}")
    token = None if token_file is None else _token(token_file)
    needs: dict[str, Json] = {"evses": evses, "tls": tls, "module": module}
    if car is None:
        needs["outlet"] = outlet
    else:
        needs["car"] = car
    if bench_file is not None:
        needs["bench_file"] = str(bench_file.resolve())
    _open_files()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_serve(needs, folder.resolve(), host, port, token, as_json, until_input_ends))
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    except (NotDone, Refused, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _serve(
    needs: Mapping[str, Json], folder: Path, host: str, port: int, token: str | None, as_json: bool, by_input: bool
) -> None:
    loop = asyncio.get_running_loop()
    main_task = asyncio.current_task()
    assert main_task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too where a shell made us ignore it
        loop.add_signal_handler(number, main_task.cancel)
    if by_input:
        _end_with_input(main_task)
    # before the bench: one with several EVSEs goes into a network of its own
    wire = listen(host, port, has_token=token is not None)
    async with open_bench(needs, folder, virtual=False, seed=0) as observed:
        door: SteeringDoor
        programme = Programme(lambda: ScenarioStory(door), observed.bench.note)
        door = SteeringDoor(observed.bench, programme, observed)
        await door.remember()
        door.watched.watch()
        server = HttpServer(door, wire, token)
        lines = asyncio.create_task(LineServer(door, folder / NAME).serve(), name="lines")
        try:
            await server.start()
            _say_ready(host, int(wire.getsockname()[1]), folder / NAME, observed.evses, as_json)
            await lines
        finally:
            await programme.stop()
            await server.stop()
            lines.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await lines


def _say_ready(host: str, port: int, path: Path, evses: tuple[int, ...], as_json: bool) -> None:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    ready: dict[str, Any] = {"ready": True, "http": url, "socket": str(path), "evses": list(evses), "pid": os.getpid()}
    listed = ", ".join(map(str, evses))
    words = f"ready: {url} and {path}, EVSE {listed}; Ctrl-C ends"
    click.echo(json.dumps(ready) if as_json else words)
    sys.stdout.flush()


def _end_with_input(task: asyncio.Task[Any]) -> None:
    """End when nobody holds the other end of standard input any more."""
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if not os.read(number, 4096):
            loop.remove_reader(number)
            task.cancel()

    loop.add_reader(number, read)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"--http {text}: HOST:PORT expected, such as 127.0.0.1:8765; port 0 is any free one")
    return host.strip("[]"), int(port)


def _token(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--token-file {file}: {error}") from error
    token = lines[0].strip() if lines else ""
    if len(token) < TOKEN_MIN or not token.isascii():
        raise click.UsageError(
            f"--token-file {file}: {len(token)} characters; at least {TOKEN_MIN} of ASCII are needed"
        )
    return token


def _open_files() -> None:
    """As many connections as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))


if __name__ == "__main__":
    main()
