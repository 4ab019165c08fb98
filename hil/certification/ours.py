"""Our own station under test: the demo's processes on a plant without waits, steered through the bench's sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from certs.pki import Curve, Pki
from hil.attach.cable import CarCable
from hil.bench.bench import EVSE, Bench
from hil.bench.site import Choices
from hil.certification.installer import __file__ as installer_file
from hil.certification.keys import SecuritySetup
from hil.certification.pics import ConfiguredValues, Token
from hil.certification.station_under_test import BenchRefused
from hil.simulators.evcc.plan import plan_from
from hil.simulators.line_socket import Refused

UNPLUG_PATIENCE_S = 10.0
START_PATIENCE_S = 20.0
CAUSE_GONE_S = 0.2
"""The power process needs a few cycles to see that the cause of a fault is gone."""
OPERATOR_ROOT = "mo_root.pem"
"""The root of the contracts of the station's own development PKI."""
_FULL_POWER = {"charge_power_max_W": 50_000.0, "charge_current_max_A": 125.0, "discharge_power_max_W": 20_000.0}


class OurStation:
    """One station of ours in `folder`. A car that talks, and a reader, are at EVSE 1; with `cables` at each EVSE that has one."""

    name = "the open-chargepoint demo station"

    def __init__(
        self, folder: Path, configured: ConfiguredValues, sdp_port: int, cables: tuple[CarCable, ...] = ()
    ) -> None:
        self._folder = folder
        self._cables = cables
        self._configured = configured
        self._sdp_port = sdp_port
        self._bench: Bench | None = None

    async def open(self, url: str, security: SecuritySetup) -> None:
        """Write the configuration, start plant, power process and daemon."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._keys_towards_cars()
        password = self._folder / "csms.password"
        password.touch(mode=0o600)
        password.write_text(security.password, encoding="utf-8")
        csms = [f'password_file = "{password}"', f"security_profile = {security.profile}", "call_timeout_s = 4.0"]
        if security.additional_root_check:
            csms.append("additional_root_check = true")
        if security.profile > 1:
            csms.append(f'ca_file = "{security.root}"')
        if security.profile == 3:
            csms += [f'certificate_file = "{security.certificate}"', f'key_file = "{security.key}"']
        installer = [sys.executable, installer_file]
        firmware = [
            f"firmware_command = {json.dumps(installer)}",
            f'firmware_root_file = "{security.manufacturer_root}"',
        ]
        choices = Choices(
            self._folder,
            sdp_port=self._sdp_port,
            csms_url=url,
            without_waits=True,
            cables=self._cables,
            amendments=(
                ('serial_number = "DEMO-0001"', "\n".join(['serial_number = "DEMO-0001"', *firmware])),
                ("sampled_interval_s = 5", "\n".join(["sampled_interval_s = 60", *csms])),
                ("reconnect_max_s = 5.0", "reconnect_max_s = 2.0"),
                ("allow_p256 = false", "allow_p256 = false\nplug_and_charge = true"),
                ('bus = "reader1"', 'bus = "reader1"\nparams = { repeat_s = 0.2 }'),
            ),
        )
        self._bench = Bench(choices)
        try:
            await self._bench.__aenter__()
        except (RuntimeError, OSError) as error:
            raise BenchRefused(f"our station does not start: {error}") from error

    def _keys_towards_cars(self) -> None:
        """A development PKI for the station and its cars. No root of a mobility operator is configured: the suite installs its own."""
        keys = self._folder / "pki"
        if not keys.exists():
            Pki(Curve.P521).write(keys)
        _operator_root(keys).unlink(missing_ok=True)

    @property
    def _with_car(self) -> range:
        """The EVSEs with a talking car and a reader."""
        return range(EVSE, EVSE + max(1, len(self._cables)))

    async def close(self) -> None:
        """End every process."""
        if self._bench is not None:
            bench, self._bench = self._bench, None
            await bench.__aexit__()

    async def restore_factory_state(self, url: str, security: SecuritySetup) -> None:
        """A new station in the same folder; its state is removed at the start."""
        await self.close()
        await self.open(url, security)

    # -- the car -------------------------------------------------------------------------------------------------------

    async def plug(self, evse_id: int, connector_id: int) -> None:
        """The bench's car of this EVSE; where the bench has none, a car that does not talk."""
        try:
            if evse_id in self._with_car:
                await self._up.plug(evse_id)
            else:
                await self._up.plant.ask({"do": "plug", "evse": evse_id})
        except Refused as error:
            raise BenchRefused(f"plug at EVSE {evse_id}: {error}") from error

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """The car ends its session, then the plug is pulled; by force where the lock does not open."""
        try:
            if evse_id not in self._with_car:
                await self._up.plant.ask({"do": "unplug", "evse": evse_id, "force": True})
            elif (await self._up.plant.ask({"do": "state", "evse": evse_id}))["plugged"]:
                await self._up.unplug(evse_id, patience_s=UNPLUG_PATIENCE_S)
        except Refused:
            await self._up.pull_plug(evse_id)
        self._want(**_FULL_POWER, control_mode="dynamic")
        self._up.own_car().plan = plan_from({})

    async def suspend(self, evse_id: int) -> None:
        """The car asks for no power any more."""
        self._at_the_car(evse_id)
        self._want(charge_power_max_W=0.0, charge_current_max_A=0.0, discharge_power_max_W=0.0)

    async def resume(self, evse_id: int) -> None:
        """The car asks for power again."""
        self._at_the_car(evse_id)
        self._want(**_FULL_POWER)

    async def end_session(self, evse_id: int) -> None:
        """SessionStop with Terminate."""
        if evse_id not in self._with_car:
            raise BenchRefused(f"EVSE {evse_id}: {self._no_car}")
        self._up.cars[evse_id].end_session()

    async def not_ready(self, evse_id: int) -> None:
        """The next car asks for no power from the beginning."""
        await self.suspend(evse_id)

    async def negotiate(self, evse_id: int, again_after_s: float) -> None:
        """Scheduled mode; the car renegotiates in its charge loop."""
        self._at_the_car(evse_id)
        self._want(control_mode="scheduled")
        if again_after_s > 0:
            wish = {
                "what": "schedule_renegotiation",
                "at_loop": max(1, round(again_after_s / self._up.own_car().spec.loop_period_s)),
            }
            self._up.own_car().plan = plan_from({"wishes": [wish]})

    async def bring_contract(self, evse_id: int, known_root: bool) -> None:
        """A contract of the station's own development PKI, or of another one that the station has no root of."""
        self._at_the_car(evse_id)
        own, other, shown = (self._folder / name for name in ("own-contract", "other-contract", "pki"))
        if not own.exists():
            _copy_contract(shown, own)
            Pki(Curve.P521).write(other)
        shutil.copy(shown / OPERATOR_ROOT, _operator_root(shown))
        _copy_contract(own if known_root else other, shown)
        self._up.own_car().plan = plan_from({"authorization": "PnC"})

    async def request_certificate(self, evse_id: int, action: str) -> None:
        """CertificateInstallation of a car without a contract."""
        self._at_the_car(evse_id)
        if action != "Install":
            raise BenchRefused(
                "this bench's car speaks ISO 15118-20, which has no CertificateUpdate: a car of ISO 15118-2 is needed"
            )
        self._up.own_car().plan = plan_from(
            {"authorization": "PnC", "installs_certificate": True, "has_contract": False}
        )

    def _want(self, **fields: float | str) -> None:
        for name, value in fields.items():
            setattr(self._up.own_car().spec, name, value)

    def _at_the_car(self, evse_id: int) -> None:
        if evse_id != EVSE:
            raise BenchRefused(
                f"EVSE {evse_id}: this bench changes what the car at EVSE {EVSE} asks for, and no other's"
            )

    @property
    def _no_car(self) -> str:
        return f"cars that talk, and readers, are at EVSE {', '.join(map(str, self._with_car))}"

    # -- the driver and the technician -----------------------------------------------------------------------------------

    async def present(self, token: Token, evse_id: int) -> None:
        """A card at the reader."""
        if evse_id not in self._with_car or token.kind != "ISO14443":
            raise BenchRefused(
                f"token {token.value} of type {token.kind} at EVSE {evse_id}: {self._no_car}; they know ISO14443"
            )
        await self._up.token(token.value, evse_id)

    async def store_customer(self, identifier: str, evse_id: int) -> None:
        """The customer's card at the reader: the station caches the answer of the central system."""
        await self.present(Token(identifier), evse_id)

    async def reboot(self) -> None:
        """The daemon ends in order and starts again."""
        self._up.children["daemon"].kill(signal.SIGTERM)
        await asyncio.sleep(0)

    async def cut_power(self) -> None:
        """Daemon and power process are gone in the middle of whatever they do, and start again by themselves."""
        for name in ("daemon", "power"):
            self._up.children[name].kill(signal.SIGKILL)

    async def restore_power(self) -> None:
        """Wait until the processes are there again."""
        until_s = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < until_s:
            if all(child.pid is not None and _alive(child.pid) for child in self._up.children.values()):
                return
            await asyncio.sleep(0.05)
        raise BenchRefused(f"the processes are not back {START_PATIENCE_S:g} s after the power cut")

    async def fault(self, evse_id: int, on: bool) -> None:
        """The emergency stop of this EVSE; released, the fault is reset."""
        await self._up.plant.ask({"do": "estop", "evse": evse_id, "on": on})
        if not on:
            await asyncio.sleep(CAUSE_GONE_S)
            await self.clear_faults()

    async def clear_faults(self) -> None:
        """The order of the daemon's local socket, for each EVSE."""
        for evse_id in self._configured.connectors:
            with contextlib.suppress(Refused):  # a daemon that starts again has its faults from the power process anew
                await self._up.status.ask({"do": "reset", "evse": evse_id})

    @property
    def _up(self) -> Bench:
        if self._bench is None:
            raise BenchRefused("the station is not started")
        return self._bench


def _operator_root(keys: Path) -> Path:
    """Where the station looks for the root of its own PKI's contracts."""
    return keys / "mo_roots" / OPERATOR_ROOT


def _copy_contract(source: Path, target: Path) -> None:
    """The contract's chain and key."""
    target.mkdir(exist_ok=True)
    for name in ("contract_chain.pem", "contract.key"):
        shutil.copy(source / name, target / name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
