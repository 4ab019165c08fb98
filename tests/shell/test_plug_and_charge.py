"""Plug and Charge from end to end over TLS: the bench's car, the whole daemon, the bench's central system. No power process:
a stage of numbers follows the daemon's demands."""

from __future__ import annotations

import asyncio
import base64
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from certs.pki import Curve, Pki
from chargepoint.app.wiring import Daemon
from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.schema import Config, CsmsSection, EvseSection, StationSection
from chargepoint.control.status import evse_status
from chargepoint.iso15118.exi.codec import NS_CM, decode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.model.commands import AskCar
from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, MeterRegisters, Stage, StageCapabilities
from chargepoint.model.station_view import Wish
from chargepoint.power.link_client import LinkClient
from chargepoint.security.tls import evcc_context
from hil.simulators.csms import Csms
from hil.simulators.csms.provisioning import ProvisioningService
from hil.simulators.evcc.body import Inlet
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.wallet import credentials_of

EVSE = EvseId(1)
GIVE_UP_S = 40.0
EMAID = "UKSWI123456791A"
STAGES = {
    Phase.OFF: (Stage.OFF, 5.0, 0.0),
    Phase.CABLE_CHECK: (Stage.CABLE_CHECKED, 20.0, 0.0),
    Phase.PRE_CHARGE: (Stage.PRE_CHARGED, 390.0, 0.0),
    Phase.TRANSFER: (Stage.TRANSFER, 390.0, 10.0),
}


class NumbersLink:
    """The link to a power stage that follows at once."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.connected = True
        self.phase, self.duty_percent = Phase.OFF, 100.0
        self.letter = "A"
        self._seq = 0
        self._import_Wh = 5000.0

    async def run(self) -> None:
        while True:
            self._daemon.shell.on_image(self.image())
            await asyncio.sleep(0.02)

    def demand(self, demand: StageDemand) -> None:
        self.phase = demand.phase
        self.duty_percent = 5.0 if demand.pilot is PilotCommand.PWM else 100.0

    def reset_faults(self, *_: object) -> None:
        return None

    def image(self) -> EvseImage:
        stage, volts, amperes = STAGES[self.phase]
        now_s, self._seq = self._daemon.clock.monotonic_s(), self._seq + 1
        self._import_Wh += volts * amperes * 0.02 / 3600
        return EvseImage(
            evse_id=EVSE,
            seq=self._seq,
            taken_at_s=now_s,
            demand_seq=0,
            phase=self.phase,
            stage=stage,
            pilot=ControlPilot[self.letter],
            duty_percent=self.duty_percent,
            contactor=Contactor.CLOSED if stage is Stage.TRANSFER else Contactor.OPEN,
            lock=Lock.LOCKED,
            voltage_V=volts,
            current_A=amperes,
            applied_W=volts * amperes,
            target_W=volts * amperes,
            limited_by_stage="",
            insulation_ohm=1e6,
            meter=MeterRegisters(self._import_Wh, 70.0, volts, amperes, volts * amperes, now_s),
            temperature_degC=20.0,
            capabilities=StageCapabilities(150.0, 1000.0, 32.0, 30.0, 22_000.0, 20_000.0),
            faults=frozenset(),
            permitted=True,
        )


class NumbersBody:
    """The car's body: its inlet shows what the stage gives."""

    def __init__(self, link: NumbersLink) -> None:
        self._link = link

    async def measure(self) -> Inlet:
        _, volts, amperes = STAGES[self._link.phase]
        return Inlet(volts, 390.0, amperes, 50.0, self._link.duty_percent, self._link.letter)

    async def pilot(self, state: str) -> Inlet:
        self._link.letter = state
        return await self.measure()

    async def contactors(self, *, closed: bool) -> Inlet:
        return await self.measure()

    async def charger(self, power_W: float) -> Inlet:
        return await self.measure()


class Site:
    """Daemon, stage and central system; `drive` runs one session of the car."""

    def __init__(self, daemon: Daemon, csms: Csms, link: NumbersLink, pki: Path, sdp_port: int) -> None:
        self.daemon, self.csms, self.link = daemon, csms, link
        self._pki, self._sdp_port = pki, sdp_port

    async def drive(
        self, plan: CarPlan, credentials: Credentials | None = None, loops: int = 3, *, tls: bool = True
    ) -> Drive:
        credentials = credentials or credentials_of(self._pki)
        context = evcc_context(self._pki) if tls else None
        wishes = (*plan.wishes, CarWish("stop", at_loop=loops))
        car = Drive(
            CarSpec(loop_timeout_s=5.0, message_timeout_s=10.0),
            NumbersBody(self.link),
            "lo",
            context,
            self._sdp_port,
            plan=replace(plan, wishes=wishes),
            credentials=credentials,
        )
        self.link.letter = "B"
        async with asyncio.timeout(GIVE_UP_S):
            await car.run()
        return car

    def authorizations(self) -> list[dict[str, Any]]:
        return self.csms.log("CP1").of("Authorize")

    async def transaction(self) -> list[dict[str, Any]]:
        """The events of the only transaction, once it has ended."""
        log = self.csms.log("CP1")
        await self.csms.until(lambda: any(t.ended for t in log.transactions.values()), GIVE_UP_S)
        (found,) = log.transactions.values()
        return found.in_order


def free_port() -> int:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "p521"
    Pki(Curve.P521).write(folder)
    return folder


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="pnc") as name:
        yield Path(name)


@pytest.fixture
async def new_site(short_folder: Path, pki: Path) -> AsyncIterator[Callable[..., Any]]:
    """Makes a site that runs until the test ends."""
    async with AsyncExitStack() as stack:

        async def make(*, certificate_dir: Path = pki, **iso15118: Any) -> Site:
            csms = await stack.enter_async_context(Csms())
            csms.provisioning = ProvisioningService.of(pki)
            port = free_port()
            section = EvseSection(
                pilot="p",
                power_modules=("m",),
                meter="e",
                insulation="i",
                discharge_power_max_W=20_000.0,
                interface="lo",
            )
            config = Config(
                evse={1: section},
                station=StationSection(state_dir=short_folder, runtime_dir=short_folder),
                csms=CsmsSection(url=csms.url),
                iso15118=Iso15118Section(
                    **{"certificate_dir": certificate_dir, "sdp_port": port, "charge_loop_timeout_s": 3.0, **iso15118}
                ),
            )
            daemon = Daemon(config)
            link = NumbersLink(daemon)
            daemon.link = cast(LinkClient, link)
            daemon.shell.join(daemon.link, daemon.ocpp, daemon.cars, lambda _: None)
            running = asyncio.create_task(daemon.run())

            async def end() -> None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

            stack.push_async_callback(end)
            await csms.station("CP1")
            return Site(daemon, csms, link, pki, port)

        yield make


PNC = CarPlan(authorization="PnC", falls_back_to_eim=False)


def well(car: Drive) -> Progress:
    assert car.progress.error is None, (car.progress.error, car.core.violations)
    # how fast an answer came is no matter of this test: the machine may be busy
    assert [v for v in car.core.violations if "performance time" not in v] == []
    return car.progress


async def test_a_contract_pays_for_the_transaction(new_site: Callable[..., Any]) -> None:
    site: Site = await new_site()
    car = await site.drive(PNC)
    assert well(car).tls == "TLSv1.3"
    (asked,) = site.authorizations()
    assert asked["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    assert len(asked["iso15118CertificateHashData"]) == 3 and "certificate" not in asked
    events = await site.transaction()
    assert events[0]["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    assert site.csms.log("CP1").violations == []


@pytest.mark.parametrize(
    ("certificates", "token", "code"),
    [
        ("CertificateRevoked", "Accepted", ResponseCode.WARNING_CertificateRevoked),
        ("CertificateExpired", "Accepted", ResponseCode.WARNING_CertificateExpired),
        ("CertChainError", "Accepted", ResponseCode.WARNING_CertificateValidationError),
        ("Accepted", "Unknown", ResponseCode.WARNING_eMSPUnknown),
        ("Accepted", "Blocked", ResponseCode.WARNING_GeneralPnCAuthorizationError),
    ],
)
async def test_a_refused_contract_is_refused_by_its_own_code(
    new_site: Callable[..., Any], certificates: str, token: str, code: ResponseCode
) -> None:
    site: Site = await new_site()
    site.csms.contracts[EMAID], site.csms.tokens[EMAID] = certificates, token
    car = await site.drive(PNC)
    assert car.progress.error is not None and code.value in car.progress.error
    assert site.csms.log("CP1").transactions == {}
    assert site.daemon.shell.control.evses[EVSE].view.authorized is None


async def test_a_chain_without_a_root_here_is_validated_by_the_central_system(
    new_site: Callable[..., Any], pki: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(pki, bare)
    shutil.rmtree(bare / "mo_roots")
    site: Site = await new_site(certificate_dir=bare, plug_and_charge=True)
    well(await site.drive(PNC))
    (asked,) = site.authorizations()
    assert asked["certificate"].count("BEGIN CERTIFICATE") == 3
    assert len(asked["iso15118CertificateHashData"]) == 2


async def test_a_certificate_is_installed_and_the_bytes_are_the_provisioning_services(
    new_site: Callable[..., Any],
) -> None:
    site: Site = await new_site()
    car = await site.drive(replace(PNC, installs_certificate=True, contract_chains_max=2))
    well(car)
    (installed,) = car.core.memory.installed
    (asked,) = site.csms.log("CP1").of("Get15118EVCertificate")
    assert asked["action"] == "Install" and asked["iso15118SchemaVersion"] == NS_CM
    request = decode(NS_CM, base64.b64decode(asked["exiRequest"]))
    assert isinstance(request, cm.CertificateInstallationReq)
    assert request.MaximumContractCertificateChains == 2
    service = site.csms.provisioning
    assert service is not None and service.made == 1
    assert installed.ContractCertificateChain.Certificate == service.contract_chain[0]
    assert (await site.transaction())[0]["idToken"]["idToken"] == EMAID


async def test_a_car_that_sends_its_request_under_0x8001_is_understood(new_site: Callable[..., Any]) -> None:
    site: Site = await new_site()
    car = await site.drive(replace(PNC, installs_certificate=True, installation_payload_type=0x8001))
    well(car)
    assert len(car.core.memory.installed) == 1


async def test_two_chains_are_fetched_one_after_the_other(new_site: Callable[..., Any]) -> None:
    site: Site = await new_site()
    assert site.csms.provisioning is not None
    site.csms.provisioning.available = 2
    car = await site.drive(replace(PNC, installs_certificate=True, contract_chains_max=2))
    well(car)
    assert len(car.core.memory.installed) == 2
    one, two = site.csms.log("CP1").of("Get15118EVCertificate")
    assert one == two


async def test_without_a_provisioning_service_the_car_goes_on_with_the_contract_it_has(
    new_site: Callable[..., Any],
) -> None:
    site: Site = await new_site()
    site.csms.provisioning = None
    car = await site.drive(replace(PNC, installs_certificate=True))
    well(car)
    assert car.core.memory.installed == []


@pytest.mark.parametrize("offered", [True, False])
async def test_plain_tcp_offers_contracts_on_a_bench_only(new_site: Callable[..., Any], offered: bool) -> None:
    site: Site = await new_site(
        tls="off", iso20_without_tls=True, plug_and_charge=offered, plug_and_charge_without_tls=offered
    )
    drive = asyncio.create_task(site.drive(PNC, tls=False))
    if not offered:  # the car then waits for a card
        view = site.daemon.shell.control.evses[EVSE]
        async with asyncio.timeout(GIVE_UP_S):
            while view.view.car_link is None:
                await asyncio.sleep(0.02)
        token = {"idToken": "04A1B2C3", "type": "ISO14443"}
        start = {"evseId": 1, "remoteStartId": 1, "idToken": token}
        assert (await site.csms.call("CP1", "RequestStartTransaction", start))["status"] == "Accepted"
    well(await drive)
    assert len(site.authorizations()) == int(offered)


async def test_a_meter_reading_is_confirmed_with_the_contract(new_site: Callable[..., Any]) -> None:
    site: Site = await new_site()
    drive = asyncio.create_task(site.drive(replace(PNC, meter_info_every_loops=1), loops=60))
    control = site.daemon.shell.control.evses[EVSE]
    async with asyncio.timeout(GIVE_UP_S):
        while control.view.car is None or control.view.car.phase is not Phase.TRANSFER:
            await asyncio.sleep(0.02)
        assert site.daemon.shell.command(AskCar(EVSE, Wish.METERING_CONFIRMATION)).accepted
        while control.view.confirmed is None:
            await asyncio.sleep(0.02)
    confirmed = control.view.confirmed
    assert confirmed is not None and confirmed.signed
    well(await drive)
    status = evse_status(control, None, site.daemon.clock.monotonic_s())
    assert status.confirmed_reading is not None and status.confirmed_reading.signed
