"""`./run hil simulate WHAT`: each simulator alone as a process, with something of ours at the other end, until Ctrl-C."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from certs.pki import Curve, Pki
from hil.bench.site import Choices, document, free_port

PATIENCE_S = 40.0
OCPP = Subprotocol("ocpp2.0.1")
BOOT = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}


class Alone:
    """One process and its lines."""

    def __init__(self, *words: str, module: str = "hil.simulators") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._rest = b""

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        until_s = time.monotonic() + PATIENCE_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until_s - time.monotonic()))
            assert ready, f"no line; so far {self._rest!r}"
            data = os.read(self.process.stdout.fileno(), 65_536)
            assert data, f"it ended; the last it printed was {self._rest!r}"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\n")
        return text.decode()

    def until(self, key: str) -> dict[str, Any]:
        """The next line that has this key."""
        while key not in (found := json.loads(self.line())):
            pass
        return dict(found)

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")

    def interrupt(self) -> int:
        """Ctrl-C, and its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


@contextmanager
def alone(*words: str, module: str = "hil.simulators") -> Iterator[Alone]:
    started = Alone(*words, module=module)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


@pytest.mark.parametrize("what", ["plant", "device", "csms", "pki", "reader", "car"])
def test_each_has_help(what: str) -> None:
    shown = subprocess.run([sys.executable, "-m", "hil.simulators", what, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "usage" in shown.stdout.lower()


def test_the_central_system_speaks_tls_and_knows_its_stations(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    with alone("pki", str(keys)) as pki:
        assert pki.process.wait(PATIENCE_S) == 0
    with alone("csms", "--port", "0", "--tls", str(keys), "--identity", "CP1=a-password-of-16-") as csms:
        ready = csms.until("ready")
        url, roots = ready["listening"].replace("127.0.0.1", "localhost"), keys / "csms_root.pem"
        assert url.startswith("wss://")
        trusting = ssl.create_default_context(cafile=roots)
        with connect(
            f"{url}/CP1".replace("wss://", "wss://CP1:a-password-of-16-@"), ssl=trusting, subprotocols=[OCPP]
        ) as station:
            station.send(json.dumps([2, "1", "BootNotification", BOOT]))
            assert json.loads(station.recv())[2]["status"] == "Accepted"
            csms.say(json.dumps({"lie": "interval_negative"}))
            csms.until("answer")
            station.send(json.dumps([2, "2", "BootNotification", BOOT]))
            assert json.loads(station.recv())[2]["interval"] == -5
            csms.say(json.dumps({"identity": "CP1", "action": "ClearCache", "payload": {}}))
            call = json.loads(station.recv())
            assert call[2] == "ClearCache"
            station.send(json.dumps([3, call[1], {"status": "Accepted"}]))
            assert csms.until("answer")["answer"] == {"status": "Accepted"}
        with pytest.raises(Exception, match="401"):
            connect(f"{url}/CP1", ssl=trusting, subprotocols=[OCPP])
        assert csms.interrupt() == 0


def test_a_reader_shows_the_cards_of_its_standard_input(tmp_path: Path) -> None:
    port = tmp_path / "reader"
    with alone("reader", "--pty", str(port)) as reader:
        reader.until("ready")
        line = os.open(port, os.O_RDONLY | os.O_NOCTTY)
        reader.say("no card")
        assert "hexadecimal" in reader.until("error")["error"]
        reader.say("04A2B3C4D5E6F7")
        assert reader.until("shown")["shown"] == "04A2B3C4D5E6F7"
        assert os.read(line, 100).strip() == b"04A2B3C4D5E6F7"
        os.close(line)
        assert reader.interrupt() == 0
    assert not port.exists()


def test_a_device_says_where_it_is() -> None:
    with alone("device", "ea_psb_10000", "--tcp", "127.0.0.1:0") as device:
        assert "Ctrl-C ends it" in device.line()
        assert device.interrupt() == 0


@pytest.mark.system
def test_a_station_among_simulators_that_stand_alone_serves_a_car(tmp_path: Path) -> None:
    """Plant, central system and car are processes of their own, and so are both processes of the station."""
    Pki(Curve.P521).write(tmp_path / "pki")
    choices = Choices(folder=tmp_path, tls=True, sdp_port=free_port(), without_waits=False, self_test_s=0.5)
    with alone("csms", "--port", "0") as csms:
        site = document(choices, csms.until("ready")["port"])
        site["energy"]["authorization"] = "none"
        config = tmp_path / "site.toml"
        config.write_text(tomli_w.dumps(site))
        place = ("--config", str(config), "--dir", str(tmp_path))
        with (
            alone("plant", *place, "--self-test-s", "0.5") as plant,
            alone("power", "--config", str(config), module="chargepoint"),
            alone("run", "--config", str(config), module="chargepoint"),
        ):
            control = plant.until("ready")["control"]
            assert csms.until("heard")["heard"] == "BootNotification"
            plug = _asked(Path(control), {"do": "plug", "evse": 1})
            assert plug["ok"]
            words = ("lo", "--keys", str(tmp_path / "pki"), "--sdp-port", str(choices.sdp_port))
            with alone("car", *words, "--plant", control) as car:
                car.until("ready")
                while car.until("message")["message"] != "DC_ChargeLoopRes":
                    pass
                assert car.interrupt() == 0
            assert plant.interrupt() == 0
        assert csms.interrupt() == 0


def _asked(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.sendall(json.dumps(request).encode() + b"\n")
        return dict(json.loads(line.makefile().readline()))
