"""The bench of the demo: plant, power process and daemon as processes, central system and cars in this one.

A demo has one car. A bench with `Choices.cables` has one car at each of its EVSEs.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from certs.pki import Curve, Pki, expired
from hil import priority
from hil.attach.bench_car import BenchCar
from hil.attach.cable import CarCable
from hil.attach.operator import ask_person
from hil.attach.outside_pki import bring_in
from hil.attach.person_car import PersonCar
from hil.attach.program_car import ProgramCar
from hil.bench.changes import WatchedStation, changes, fault_sentences, view
from hil.bench.children import Child
from hil.bench.kept_process import KeptProcess
from hil.bench.keys_shown import csms_protection
from hil.bench.own_car import OwnCar
from hil.bench.relays import BenchRelays
from hil.bench.site import SITE, Choices, discovery_taken, free_port, write
from hil.bench.site import document as site_document
from hil.clock import now_s
from hil.simulators import mqtt_broker
from hil.simulators.csms import Csms, StationLog
from hil.simulators.csms.provisioning import ProvisioningService
from hil.simulators.evcc.progress import Progress
from hil.simulators.line_socket import LineSocket, Refused
from hil.simulators.plant import run_inside
from hil.simulators.wired_plant import read_config
from hil.virtual.child import Stop, VirtualChild
from hil.virtual.loop import VirtualLoop

if TYPE_CHECKING:
    from hil.virtual.controller import VirtualComputer

IDENTITY = "CP-DEMO"
"""Of the station whose configuration the bench makes."""
EMBEDDED = "embedded"
"""In place of a broker's URL: the bench starts one."""
EVSE = 1
TOKEN = "04A2B3C4D5E6F7"
READY_PATIENCE_S = 60.0
BROKER_PATIENCE_S = 120.0
"""An installation of a broker from PyPI is in it."""
OBSERVE_S = 0.2
RESET_PATIENCE_S = 2.0
"""A fault whose cause is gone clears within a few cycles of the power process; after this it stays."""


class Bench:
    """Start with `async with`; everything is gone afterwards.

    `observe` False: the bench does not ask the station again and again what changed, so that a measurement has no part in it.
    """

    def __init__(self, choices: Choices, *, observe: bool = True) -> None:
        self._broker_port = free_port() if choices.mqtt_url == EMBEDDED else None
        if self._broker_port is not None:
            url = f"mqtt://127.0.0.1:{self._broker_port}"
            choices = replace(choices, mqtt_url=url, mqtt_version=mqtt_broker.version())
        self.choices = choices
        self._observes = observe
        self._started_s: float | None = None
        self.notes: deque[str] = deque(maxlen=200)
        self.noted = 0
        """How many notes were ever made; `notes` keeps the last of them."""
        self.observed: tuple[float, dict[str, Any]] | None = None
        """When the station was asked last, and its status then; None: it did not answer, or is not observed."""
        self._tasks: list[asyncio.Task[None]] = []
        attached, folder = choices.attached, choices.folder
        host, _, port = attached.central_system.listen.rpartition(":")
        self._csms_port = int(port) or free_port()
        document = site_document(choices, self._csms_port)
        self.identity = str(document["csms"]["identity"])
        """What the station is called at the central system."""
        self._real_readers = {
            int(number)
            for number, section in document["evse"].items()
            if (reader := section.get("token_reader")) is not None
            and document["token_reader"][reader].get("bus") in attached.outside_buses
        }
        if attached.controller.elsewhere and int(port) == 0 and choices.csms_url is None:
            self._csms_port = _port_of(str(document["csms"]["url"]))
        behind = free_port() if choices.relays else self._csms_port
        self._csms = Csms(host=host.strip("[]"), port=behind)
        self.relays = BenchRelays(self._csms_port, behind, choices.all_cables) if choices.relays else None
        """What cuts and slows the bench's networks; None: the ends meet directly."""
        self.plant = LineSocket(folder / "plant.sock")
        status = Path(document["station"].get("runtime_dir", "/run/chargepoint")) / "status.sock"
        self._status_path = attached.controller.status or status
        self.status = LineSocket(self._status_path)
        self.cars: dict[int, BenchCar] = {evse: self._car(evse, cable) for evse, cable in choices.all_cables.items()}
        """The bench's own cars by the number of their EVSE. A demo has one, at EVSE 1."""
        self.computer: VirtualComputer | None = None
        """The controller's own computer, in virtual time; None: the controller runs on this one."""
        self.children: dict[str, KeptProcess] = {}

    def _car(self, evse: int, cable: CarCable) -> BenchCar:
        part = self.choices.attached.car.get(evse)
        if part is not None and part.kind == "program":
            log = self.choices.folder / f"log/car-{evse}.log"
            return ProgramCar(evse, cable, part, self.plant, log, self.note)
        if part is not None and part.kind == "person":
            return PersonCar(evse, self.status, self.note)
        return OwnCar(evse, cable, self.choices, self.plant, None if self.relays is None else self.relays.cars[evse])

    def own_car(self, evse: int = EVSE) -> OwnCar:
        """The simulated car at this EVSE. Raises Refused where there is none."""
        car = self.cars.get(evse)
        if not isinstance(car, OwnCar):
            raise Refused(f"EVSE {evse} has no simulated car: it is another one, or none")
        return car

    @property
    def started_s(self) -> float:
        """When the bench began, on its clock."""
        if self._started_s is None:
            self._started_s = now_s()
        return self._started_s

    def _make_children(self) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualLoop):
            if self.choices.attached.needs_real_time:
                raise Refused("the bench file names real parts, which know no virtual time: add --realtime")
            self.children.update(self._virtual_processes(loop))
        else:
            for name, arguments, ended in self._processes():
                log = self.choices.folder / f"log/{name}.log"
                self.children[name] = Child(name, arguments, log, self.note, ended=ended)

    def _virtual_processes(self, loop: VirtualLoop) -> Iterator[tuple[str, VirtualChild]]:
        """The same processes as parts of this one, all on the loop's time."""
        # imported here: a bench on real processes does without the controller's code
        from hil.virtual.controller import VirtualComputer

        if self._broker_port is not None:
            raise Refused("a broker of the site bus cannot run in virtual time: start the bench in real time")
        choices, computer = self.choices, VirtualComputer(loop, self.choices.folder / SITE)
        self.computer = computer

        async def plant(take_stop: Callable[[Stop], None]) -> None:
            ended = asyncio.Event()
            take_stop(ended.set)
            self_test_s = None if choices.without_waits else choices.self_test_s
            await run_inside(read_config(choices.folder / SITE), choices.folder / "plant.sock", self_test_s, ended)

        yield "plant", VirtualChild("plant", plant, loop, self.note, ended=self._remove_ports)
        yield "power", VirtualChild("power", computer.power, loop, self.note)
        yield "daemon", VirtualChild("daemon", computer.daemon, loop, self.note)

    def _processes(self) -> Iterator[tuple[str, list[str], Callable[[], None] | None]]:
        """Name, module with arguments, and what follows its end; in the order of the start."""
        folder = self.choices.folder
        site, place = ["--config", str(folder / SITE)], ["--dir", str(folder)]
        waits = ["--self-test-s", str(self.choices.self_test_s)]
        if self.choices.without_waits:
            waits = ["--without-waits"]
        if self._broker_port is not None:
            broker = ["hil.simulators.mqtt_broker", "--port", str(self._broker_port), "--dir", str(folder / "broker")]
            yield "broker", broker, None
        yield "plant", ["hil.simulators.plant", *site, *place, *waits, *self._ends(), "--urgent"], self._remove_ports
        for name in self._module_processes:
            ours = ["--module", name, "--plant", str(folder / "plant.sock")]
            yield f"module-{name}", ["hil.simulators.module_process", *site, *ours], None
        if not self.choices.attached.controller.elsewhere:
            yield "power", ["chargepoint", "power", *site], None
            yield "daemon", ["chargepoint", "run", *site], None

    @property
    def _module_processes(self) -> list[str]:
        return [name for name, module in self.choices.attached.power_module.items() if module.process]

    def _ends(self) -> Iterator[str]:
        """Where the plant's wires end, for its command line."""
        for name, bus in self.choices.attached.bus.items():
            if bus.outside:
                yield from ("--outside", name)
            elif bus.device is not None:
                yield from ("--end", f"{name}={bus.device}")
        for name in self._module_processes:
            yield from ("--process", name)

    def note(self, text: str) -> None:
        """A line for people."""
        self.noted += 1
        self.notes.append(f"{now_s() - self.started_s:7.2f} s  {text}")

    def child(self, name: str) -> KeptProcess:
        """A process of the bench. Raises Refused for one that is not the bench's own."""
        found = self.children.get(name)
        if found is None:
            ours = ", ".join(self.children)
            raise Refused(
                f"process {name!r} is none of this bench, which has {ours}: a controller elsewhere is not ended from here"
            )
        return found

    async def __aenter__(self) -> Bench:
        folder = self.choices.folder
        self._make_children()
        if await self._somebody_there():
            raise RuntimeError(f"a demo is already running in {folder}: end it, or give another --dir")
        if (taken := discovery_taken(self.choices)) is not None:
            where = f"UDP port {self.choices.sdp_port} on {taken}"
            raise RuntimeError(f"another demo or station answers cars on {where}: end it, or give another --sdp-port")
        realtime = self.computer is None and priority.permitted()
        if self.computer is None and not realtime:
            self.note(priority.REFUSED)
        write(self.choices, self._csms_port, realtime=realtime)
        for leftover in ("state", "state-power", "run", "log"):
            shutil.rmtree(folder / leftover, ignore_errors=True)  # a controller elsewhere has its own
        if self.choices.pki is not None:
            bring_in(self.choices.pki, folder / "pki")
            self.note(f"took the station's keys from {self.choices.pki}")
        elif (why := _pki_wanted(folder / "pki")) is not None:
            curve = Curve.P521 if self.choices.own_car else Curve.P256
            Pki(curve).write(folder / "pki")
            self.note(f"made a development PKI on {curve.value} in {folder / 'pki'}{why}")
        self._csms.provisioning = ProvisioningService.of(folder / "pki")
        if self.choices.csms_tls:
            self._csms.protect(*csms_protection(folder / "pki", self.identity))
        if self.choices.csms_url is None:
            await self._csms.start()
        if self.relays is not None:
            await self.relays.start()
        self._launch("plant")
        await self._answered(self.plant, {"do": "state"}, "plant")
        for name in self.children:
            if name != "plant":
                self._launch(name)
        if self.sees_status:
            await self._answered(self.status, {"do": "status"}, "daemon")
        if self._broker_port is not None:
            await self._broker_listens(self._broker_port)
        if self._observes:
            self._tasks.append(asyncio.create_task(self._observe(), name="observe"))
        return self

    async def __aexit__(self, *_: object) -> None:
        for car in self.cars.values():
            await car.forget()
        for child in reversed(self.children.values()):
            await child.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.status.close()
        await self.plant.close()
        if self.relays is not None:
            await self.relays.stop()
        if self.choices.csms_url is None:
            await self._csms.stop()

    @property
    def sees_status(self) -> bool:
        """The station can be asked for its status: its socket is one of this computer."""
        return not self.choices.attached.controller.elsewhere or self._status_path.exists()

    def _remove_ports(self) -> None:
        """A plant that was killed leaves links to terminals whose numbers the next plant on this machine is given:
        without this the power process of this demo would open the ports of another demo."""
        shutil.rmtree(self.choices.folder / "tty", ignore_errors=True)

    async def _somebody_there(self) -> bool:
        try:
            await self.plant.ask({"do": "state"})
        except Refused:
            return False
        return True

    def _launch(self, name: str) -> None:
        self._tasks.append(asyncio.create_task(self.children[name].run(), name=name))

    async def _answered(self, socket: LineSocket, request: dict[str, Any], name: str) -> None:
        until_s = now_s() + READY_PATIENCE_S
        while True:
            try:
                await socket.ask(request)
                return
            except Refused as error:
                dead = [task for task in self._tasks if task.done()]
                if dead:
                    await dead[0]
                if now_s() > until_s:
                    raise RuntimeError(f"{name} is not up after {READY_PATIENCE_S:.0f} s: {error}") from error
                await asyncio.sleep(0.05)

    async def _broker_listens(self, port: int) -> None:
        """Until the broker takes connections. On a computer without Mosquitto another broker is installed first."""
        until_s = now_s() + BROKER_PATIENCE_S
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError as error:
                if now_s() > until_s:
                    why = f"the broker is not up after {BROKER_PATIENCE_S:.0f} s: {error}"
                    raise RuntimeError(
                        f"{why}; install Debian's mosquitto, or see {self.choices.folder}/log"
                    ) from error
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return

    # -- the cars --------------------------------------------------------------------------------------------------

    @property
    def progress(self) -> Progress | None:
        """`OwnCar.progress` of the demo's car."""
        return self.cars[EVSE].progress

    @property
    def exchange(self) -> dict[str, Any] | None:
        """`OwnCar.exchange` of the demo's car."""
        return self.cars[EVSE].exchange

    async def plug(self, evse: int = EVSE) -> None:
        """Plug the car of this EVSE in; see `OwnCar.plug`. Raises Refused where the demo waits for an outside car."""
        if not self.choices.own_car:
            raise Refused(
                "this demo waits for an outside car (--no-car): start without --no-car for the demo's own car, "
                'or play the plug of the outside car with {"do": "car_auto"}'
            )
        await self.cars[evse].plug()
        self.note(f"car plugged in{_at(evse)}")

    async def unplug(self, evse: int = EVSE, *, patience_s: float = 10.0) -> None:
        """Let the car end its session, then pull the plug (the connector unlocks when it is safe)."""
        await self.cars[evse].unplug(patience_s)
        self.note(f"car unplugged{_at(evse)}")

    async def pull_plug(self, evse: int = EVSE) -> None:
        """Pull the plug by force, whatever flows."""
        await self.cars[evse].pull_plug()
        self.note(f"plug pulled by force{_at(evse)}")

    async def token(self, value: str = TOKEN, evse: int = EVSE) -> None:
        """Hold a card to the reader of this EVSE; a person is asked to where the reader is a real one."""
        if evse in self._real_readers:
            words = f"please hold card {value} to the reader{_at(evse)}"
            self.note(words)
            ask_person(words)
            return
        await self.plant.ask({"do": "token", "evse": evse, "value": value})
        self.note(f"token {value} presented{_at(evse)}")

    # -- the central system ------------------------------------------------------------------------------------------

    @property
    def csms(self) -> Csms:
        """The bench's own central system. Raises Refused where an outside one decides."""
        if self.choices.csms_url is not None:
            raise Refused(f"the central system is an outside one: send this from {self.choices.csms_url}")
        return self._csms

    @property
    def station(self) -> StationLog:
        """What the central system knows of the station."""
        return self.csms.log(self.identity)

    async def setpoint(self, power_W: float, duration_s: int | None = None, evse: int = EVSE) -> dict[str, Any]:
        """The central system sends a set-point; raises Refused with the station's reason. Returns the station's answer."""
        running = self.running(evse)
        answer = await self.csms.setpoint(self.identity, evse, power_W, running, duration_s)
        if answer.get("status") != "Accepted":
            raise Refused(f"the station refused SetChargingProfile: {answer}")
        self.note(f"central system set {power_W / 1000:+g} kW{_at(evse)}")
        return answer

    async def stop_transaction(self) -> None:
        """The central system stops the running transaction; raises Refused with the station's reason."""
        running = self.running(EVSE)
        answer = await self.csms.call(self.identity, "RequestStopTransaction", {"transactionId": running})
        if answer.get("status") != "Accepted":
            raise Refused(f"the station refused RequestStopTransaction: {answer}")
        self.note("central system stops the transaction")

    def running(self, evse: int = EVSE) -> str:
        """The transaction that runs at this EVSE. Raises Refused with what to do to get one."""
        try:
            return self.csms.running(self.identity, evse)
        except LookupError as error:
            raise Refused(
                f'no transaction runs on EVSE {evse}: plug the car in ({{"do": "plug"}}) and show a card '
                f'({{"do": "token"}}), or send {{"do": "story"}}'
            ) from error

    # -- the station itself --------------------------------------------------------------------------------------------

    async def reset_faults(self, evse: int = EVSE) -> None:
        """Let latched faults go. Raises Refused with the faults that stay and their remedies."""
        await self.status.ask({"do": "reset", "evse": evse})
        until_s = now_s() + RESET_PATIENCE_S
        while faults := fault_sentences(await self.evse(evse)):
            if now_s() > until_s:
                raise Refused(f"faults stay: {'; '.join(faults.values())}")
            await asyncio.sleep(0.05)
        self.note(f"faults reset{_at(evse)}")

    async def _observe(self) -> None:
        """Changes of the station become notes."""
        before: WatchedStation | None = None
        noted: Progress | None = None
        while True:
            car = self.progress
            if car is not None and car.error is not None and car is not noted:
                noted = car
                self.note(f"the car gave its session up: {car.error}")
            try:
                status = await self.status.ask({"do": "status"})
            except Refused:
                self.observed = None
            else:
                self.observed = now_s(), status
                after = view(status, EVSE)
                for sentence in changes(before, after):
                    self.note(sentence)
                before = after
            await asyncio.sleep(OBSERVE_S)

    # -- readings --------------------------------------------------------------------------------------------------

    async def evse(self, number: int = EVSE) -> dict[str, Any]:
        """The daemon's picture of this EVSE."""
        picture: dict[str, Any] = (await self.status.ask({"do": "status"}))["evses"][str(number)]
        return picture

    async def plant_state(self, number: int = EVSE) -> dict[str, Any]:
        """The plant's picture of this EVSE."""
        return await self.plant.ask({"do": "state", "evse": number})


def _at(evse: int) -> str:
    """Which EVSE, in a note; nothing for the one that a demo is about."""
    return "" if evse == EVSE else f" at EVSE {evse}"


def _pki_wanted(folder: Path) -> str | None:
    """Why keys must be made in this folder, as the end of a note; None while those that are there are valid."""
    if not (folder / "v2g_root.pem").exists():
        return ""
    try:
        return ": the one before had expired" if expired(folder, datetime.now(UTC)) else None
    except (OSError, ValueError):
        return ": the one before was incomplete"


def default_folder() -> Path:
    """Where a demo keeps what it makes."""
    return Path("var/demo")


def _port_of(url: str) -> int:
    """Where a controller elsewhere looks for its central system. Raises Refused for one that the bench's cannot be."""
    parts = urlsplit(url)
    if parts.scheme != "ws" or parts.port is None:
        raise Refused(
            f"csms.url = {url!r} of the controller: the bench's central system is at ws://ADDRESS:PORT; "
            "change it there, or name an outside one in [central_system]"
        )
    return parts.port
