"""A broker for demo and bench: Mosquitto where it is installed, else amqtt (PyPI) in an environment of its own.

amqtt needs an older `websockets` than the station has, so it never shares the station's environment. It speaks MQTT 3.1.1 only.
`python -m hil.simulators.mqtt_broker --port 18830 --dir FOLDER` becomes the broker; it listens on the loopback, for everybody there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-broker"
PACKAGE = "amqtt==0.12.1"


def mosquitto() -> str | None:
    """Its path; None: it is not installed. Debian keeps it where only root's PATH looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def version() -> str:
    """The MQTT version that the broker here speaks, as [site_bus] mqtt_version has it."""
    return "5" if mosquitto() is not None else "3.1.1"


def command(port: int, folder: Path) -> list[str]:
    """Program and arguments of the broker; makes its environment where that is needed. Raises CalledProcessError, OSError."""
    program = mosquitto()
    if program is not None:
        file = folder / "mosquitto.conf"
        file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
        return [program, "-c", str(file)]
    amqtt = ENVIRONMENT / "bin" / "amqtt"
    if not amqtt.exists():
        sys.stderr.write(f"preparing {ENVIRONMENT} with {PACKAGE}\n")
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([*pip, PACKAGE], check=True)
    file = folder / "amqtt.yaml"
    file.write_text(
        f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n"
        "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n",
        encoding="utf-8",
    )
    return [str(amqtt), "-c", str(file)]


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(port: int, folder: Path) -> None:
    """Become the broker."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        program = command(port, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise click.ClickException(
            f"no broker: {error}; install Debian's mosquitto, or give --mqtt mqtt://HOST:PORT"
        ) from error
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
