"""`./run bench kills [--kills N] [--seed N] [--json]`: kill -9 at random moments of scripted days; nothing is lost, nothing is doubled.

The daemon and the power process of the demo run on the simulated plant, with the bench's central system and two cars (one where no network
namespace can be made). Cars come and go. The central system sends what a station must keep: profiles, variables, certificates, a local
list. It also resets the station, updates its firmware, renews its certificate, and is away for a while. At random moments, half of them
within 50 ms of a message in either direction, the daemon is killed, sometimes the power process, sometimes both.

After each kill what was answered Accepted is there, and what was refused is not. At the end each transaction has every seqNo once, its
registers never run backwards, and the energy of all transactions is that of the plant. `faults` are the promises broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.server
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from websockets.exceptions import ConnectionClosed

from chargepoint.app.wiring import DATABASE_NAME
from chargepoint.ocpp.certificate_stock import key_name
from chargepoint.store.database import Store
from hil.attach import private_network
from hil.bench.bench import IDENTITY, Bench
from hil.bench.changes import central_system
from hil.bench.site import Choices
from hil.certification.keys import Keys
from hil.simulators.csms import CallError, Heard
from hil.simulators.csms.log import TransactionLog
from hil.simulators.line_socket import Refused

KILLS = 200
SEED = 20
SERIAL_NUMBER = "DEMO-0001"
VARIABLES = {
    ("OCPPCommCtrlr", "OfflineThreshold"): (10, 900),
    ("SampledDataCtrlr", "TxUpdatedInterval"): (1, 5),
    ("TxCtrlr", "EVConnectionTimeOut"): (20, 60),
}
"""Whole numbers, with their range here."""
PROFILE_IDS = range(1, 7)
ROOTS = ("csms_root", "another_root", "mo_root", "v2g_root")
ROOT_TYPE = "CSMSRootCertificate"
NEAR_S = 0.05
"""A kill comes this long after a message at the latest, where it waits for one."""
TRANSACTION_PATIENCE_S = 5.0
LOOK_S = 0.3
BACK_PATIENCE_S = 40.0
LOOPS_PATIENCE_S = 12.0
CARD_AGAIN_S = 2.2
"""A reader takes the same card again after 2 s; a driver who sees nothing happen shows it again."""
END_PATIENCE_S = 90.0
METER_STEP_WH = 0.02
"""For each transaction, what the registers may differ by: their resolution, and what flows after the last reading."""
NOT_NOW = (Refused, CallError, ConnectionError, ConnectionClosed, TimeoutError, RuntimeError, LookupError, OSError)
"""What a request comes to while the station is down."""


class Known:
    """What the central system may believe of one thing the station keeps: one value, or either of two after no answer."""

    def __init__(self, value: object) -> None:
        self.may_be: list[object] = [value]

    def asked(self, value: object) -> None:
        """The station was asked to keep this; nobody knows yet."""
        self.may_be.append(value)

    def answered(self, value: object, *, accepted: bool) -> None:
        """The station answered the last request."""
        self.may_be = [value] if accepted else self.may_be[:-1]

    def seen(self, value: object) -> bool:
        """The station has this value now: whether it may."""
        right = value in self.may_be
        self.may_be = [value]
        return right


class FirmwareServer:
    """One file on HTTP."""

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = b"firmware" * 4000
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Of the file."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/firmware.bin"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class KilledStation:
    """The demo's station with its cars, its central system, and what the central system knows."""

    def __init__(self, bench: Bench, keys: Keys, firmware_url: str, order: random.Random) -> None:
        self.bench = bench
        self.keys = keys
        self.firmware_url = firmware_url
        self.order = order
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.over = False
        self.message = asyncio.Event()
        """A message went in either direction."""
        self.variables: dict[tuple[str, str], Known] = {}
        self.profiles = {number: Known(None) for number in PROFILE_IDS}
        self.roots = {name: Known(False) for name in ROOTS}
        self.list_version = Known(0)
        self.chain: Known = Known(None)
        """The serial number of the station's newest certificate that was signed here."""
        self._numbers = iter(range(1, 1_000_000))
        bench.csms._on_heard = self._heard

    def _heard(self, _: Heard) -> None:
        self.message.set()

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """As the central system. Raises NOT_NOW."""
        asyncio.get_running_loop().call_soon(self.message.set)
        return await self.bench.csms.call(IDENTITY, action, payload, timeout_s=8.0)

    async def online(self) -> bool:
        """The daemon runs and is accepted."""
        try:
            daemon = await self.bench.status.ask({"do": "status"})
        except Refused:
            return False
        return central_system(daemon["ocpp"]) == "Accepted" and self.bench.station.socket is not None

    async def until_online(self, patience_s: float = BACK_PATIENCE_S) -> bool:
        """Wait for it."""
        until_s = time.monotonic() + patience_s
        while not await self.online():
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(0.05)
        return True

    # -- what must be kept ---------------------------------------------------------------------------------------------

    async def keep(
        self, known: Known, value: object, action: str, payload: dict[str, Any], *good: str
    ) -> dict[str, Any]:
        """Ask for something that must be kept; `good`: the statuses that promise it."""
        known.asked(value)
        answer = await self.call(action, payload)
        status = answer.get("status") or answer["setVariableResult"][0]["attributeStatus"]
        known.answered(value, accepted=status in good)
        self.counts[f"{action} {status}"] += 1
        return answer

    async def set_variable(self) -> None:
        place = component, name = self.order.choice(list(VARIABLES))
        value = str(self.order.randint(*VARIABLES[place]))
        data = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
        await self.keep(self.variables[place], value, "SetVariables", {"setVariableData": [data]}, "Accepted")

    async def set_profile(self) -> None:
        number, limit = self.order.choice(PROFILE_IDS), float(self.order.randint(30_000, 60_000))
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        profile = {
            "id": number,
            "stackLevel": number,
            "chargingProfilePurpose": "ChargingStationMaxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [{**schedule, "startSchedule": "2026-01-01T00:00:00Z"}],
        }
        payload = {"evseId": 0, "chargingProfile": profile}
        await self.keep(self.profiles[number], limit, "SetChargingProfile", payload, "Accepted")

    async def clear_profile(self) -> None:
        number = self.order.choice(PROFILE_IDS)
        payload = {"chargingProfileId": number}
        await self.keep(self.profiles[number], None, "ClearChargingProfile", payload, "Accepted", "Unknown")

    async def install_root(self) -> None:
        name = self.order.choice(ROOTS)
        payload = {"certificateType": ROOT_TYPE, "certificate": self.keys.pem(name)}
        await self.keep(self.roots[name], True, "InstallCertificate", payload, "Accepted")

    async def delete_root(self) -> None:
        name = self.order.choice(ROOTS)
        payload = {"certificateHashData": self.keys.hash_data(name, "SHA256")}
        await self.keep(self.roots[name], False, "DeleteCertificate", payload, "Accepted", "NotFound")

    async def send_list(self) -> None:
        version = next(self._numbers)
        tokens = [
            {"idToken": {"idToken": f"04AABB{n:02X}", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
            for n in range(self.order.randint(0, 20))
        ]
        payload = {"versionNumber": version, "updateType": "Full"} | (
            {"localAuthorizationList": tokens} if tokens else {}
        )
        await self.keep(
            self.list_version, version, "SendLocalList", payload, "Accepted"
        )  # D01.FR.04: also an empty one

    async def renew_certificate(self) -> None:
        """A new key and its certificate; the root is there from before, or the station refuses."""
        await self.keep(
            self.roots["csms_root"],
            True,
            "InstallCertificate",
            {"certificateType": ROOT_TYPE, "certificate": self.keys.pem("csms_root")},
            "Accepted",
        )
        before = len(self.bench.station.of("SignCertificate"))
        await self.call("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
        request = await self.bench.csms.heard(IDENTITY, "SignCertificate", before + 1, timeout_s=8.0)
        csr = x509.load_pem_x509_csr(request["csr"].encode("ascii"))
        chain = self.keys.sign_request(csr, "csms_root")
        serial = x509.load_pem_x509_certificate(chain.encode("ascii")).serial_number
        payload = {"certificateChain": chain, "certificateType": "ChargingStationCertificate"}
        await self.keep(self.chain, serial, "CertificateSigned", payload, "Accepted")

    # -- what is no more than done -------------------------------------------------------------------------------------

    async def reset(self) -> None:
        answer = await self.call("Reset", {"type": self.order.choice(["OnIdle", "Immediate"])})
        self.counts[f"Reset {answer['status']}"] += 1

    async def update_firmware(self) -> None:
        firmware = {"location": self.firmware_url, "retrieveDateTime": self.bench.csms.now()}
        answer = await self.call("UpdateFirmware", {"requestId": next(self._numbers), "firmware": firmware})
        self.counts[f"UpdateFirmware {answer['status']}"] += 1

    async def be_away(self) -> None:
        faults = self.bench.csms.faults
        faults.refuse_connections = True
        await self.bench.csms.drop(IDENTITY)
        self.counts["central system away"] += 1
        await asyncio.sleep(self.order.uniform(0.3, 3.0))
        faults.refuse_connections = False

    async def ask_for_report(self) -> None:
        await self.call("GetBaseReport", {"requestId": next(self._numbers), "reportBase": "FullInventory"})

    # -- comparing -------------------------------------------------------------------------------------------------------

    def expect(self, what: str, known: Known, value: object) -> None:
        """Hold what the station has against what it was asked to keep."""
        allowed = list(known.may_be)
        if not known.seen(value):
            self.faults.append(f"after {self.counts['kills']} kills: {what} is {value!r}, not one of {allowed!r}")
        self.counts["compared"] += 1

    async def compare(self) -> None:
        """Everything that must be kept. Raises NOT_NOW where the station goes in between."""
        data = [{"component": {"name": c}, "variable": {"name": v}} for c, v in VARIABLES]
        answer = await self.call("GetVariables", {"getVariableData": data})
        version = (await self.call("GetLocalListVersion", {}))["versionNumber"]
        listed = await self.call("GetInstalledCertificateIds", {"certificateType": [ROOT_TYPE]})
        profiles = await self._profiles()
        for place, result in zip(VARIABLES, answer["getVariableResult"], strict=True):
            known = self.variables.setdefault(place, Known(result["attributeValue"]))
            self.expect("/".join(place), known, result["attributeValue"])
        self.expect("the version of the local list", self.list_version, version)
        reported = [entry["certificateHashData"] for entry in listed.get("certificateHashDataChain", [])]
        for name, known in self.roots.items():
            self.expect(f"root {name}", known, any(self.keys.is_hash_of(name, one) for one in reported))
        for number, known in self.profiles.items():
            self.expect(f"profile {number}", known, profiles.get(number))
        serials = list(self._serials())
        wanted = [serial for serial in self.chain.may_be if serial in serials]
        self.expect("the station's certificate", self.chain, wanted[-1] if wanted else None)

    async def _profiles(self) -> dict[int, float]:
        request_id = next(self._numbers)
        criterion = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
        answer = await self.call("GetChargingProfiles", {"requestId": request_id, "chargingProfile": criterion})
        if answer["status"] == "NoProfiles":
            return {}
        reports = self.bench.station.profiles
        done = False
        until_s = time.monotonic() + 5.0
        while not done:
            if time.monotonic() > until_s:
                raise TimeoutError
            await asyncio.sleep(0.02)
            heard = [p for p in self.bench.station.of("ReportChargingProfiles") if p["requestId"] == request_id]
            done = bool(heard) and not heard[-1].get("tbc", False)
        return {
            p["id"]: float(p["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"]) for p in reports[request_id]
        }

    def _serials(self) -> Iterator[int]:
        """Of the leaf of each chain in the station's secrets."""
        for file in (self.bench.choices.folder / "state" / "secrets").rglob("*.pem"):
            with contextlib.suppress(ValueError, OSError):
                yield x509.load_pem_x509_certificate(file.read_bytes()).serial_number

    # -- the days ----------------------------------------------------------------------------------------------------------

    async def days_of_central_system(self) -> None:
        """Requests one after another; after each start of the daemon first a look at what it kept."""
        rare: list[Callable[[], Awaitable[None]]] = [
            self.reset,
            self.update_firmware,
            self.be_away,
            self.ask_for_report,
            self.renew_certificate,
        ]
        kept = [
            self.set_variable,
            self.set_profile,
            self.clear_profile,
            self.install_root,
            self.delete_root,
            self.send_list,
        ]
        compared_start = 0
        while not self.over:
            starts = self.bench.children["daemon"].starts
            try:
                if await self.online():
                    if compared_start != starts:
                        await self.compare()
                        compared_start = starts
                    await self.order.choice(kept if self.order.random() < 0.85 else rare)()
            except NOT_NOW:
                self.counts["requests cut off"] += 1
            await asyncio.sleep(self.order.uniform(0.0, 0.25))

    async def days_of_car(self, evse: int) -> None:
        """Arrive, charge or discharge, leave; again and again."""
        bench = self.bench
        while not self.over:
            try:
                await bench.plug(evse)
                await self._until_loops(evse)
                for _ in range(self.order.randint(1, 3)):
                    await asyncio.sleep(self.order.uniform(0.3, 2.5))
                    await bench.setpoint(self.order.choice([-9000.0, -4000.0, 4000.0, 9000.0]), evse=evse)
                self.counts["cars charged"] += 1
            except NOT_NOW:
                self.counts["cars gave up"] += 1
            await self.leave(evse)

    async def _until_loops(self, evse: int) -> None:
        """The driver shows the card, and again where the station was down and knows nothing of it."""
        async with asyncio.timeout(LOOPS_PATIENCE_S):
            looked_s = 0.0
            while (progress := self.bench.cars[evse].progress) is None or progress.loops == 0:
                if time.monotonic() > looked_s + CARD_AGAIN_S:
                    looked_s = time.monotonic()
                    with contextlib.suppress(Refused):
                        if (await self.bench.evse(evse))["transaction"] is None:
                            await self.bench.token(f"04A2B3C4D5{evse:04X}", evse)
                await asyncio.sleep(0.05)

    async def leave(self, evse: int) -> None:
        """In order, or by force; faults that this left are let go."""
        bench = self.bench
        try:
            if self.order.random() < 0.3:
                await bench.token(f"04A2B3C4D5{evse:04X}", evse)
            if self.order.random() < 0.15:
                raise Refused("this driver pulls")
            await bench.unplug(evse, patience_s=5.0)
        except NOT_NOW:
            with contextlib.suppress(*NOT_NOW):
                await bench.pull_plug(evse)
        await asyncio.sleep(self.order.uniform(0.1, 0.4))
        with contextlib.suppress(*NOT_NOW):
            await bench.status.ask({"do": "reset", "evse": evse})

    async def kill(self) -> None:
        """One kill at a random moment, and the return.

        Most kills wait until a transaction is open, and many until power flows: before, there is little to lose.
        """
        wanted = self.order.random()
        if wanted < 0.7:
            until_s = time.monotonic() + TRANSACTION_PATIENCE_S
            while not self._charging() and time.monotonic() < until_s:
                await asyncio.sleep(0.05)
            while wanted < 0.4 and time.monotonic() < until_s and not await self._looping():
                pass
        if self.order.random() < 0.5:
            await asyncio.sleep(self.order.uniform(0.1, 2.0))
            self.counts["at any moment"] += 1
        else:
            self.message.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    await self.message.wait()
            await asyncio.sleep(self.order.uniform(0.0, NEAR_S))
            self.counts["near a message"] += 1
        which = self.order.choices([("daemon",), ("power",), ("daemon", "power")], [0.85, 0.1, 0.05])[0]
        for name in which:
            self.bench.children[name].kill(signal.SIGKILL)
            self.counts[f"kills of {name}"] += 1
        self.counts["kills"] += 1
        await asyncio.sleep(0.35)
        if self.order.random() < 0.2:
            return  # the next kill may hit the start itself
        if not await self.until_online():
            self.faults.append(f"after {self.counts['kills']} kills: not back within {BACK_PATIENCE_S:g} s")

    def _charging(self) -> bool:
        """A transaction is open, as far as the central system knows."""
        return any(not transaction.ended for transaction in self.bench.station.transactions.values())

    async def _looping(self) -> bool:
        """A car exchanged charge loops in the last moment."""
        before = self._loops()
        await asyncio.sleep(LOOK_S)
        return self._loops() > before

    def _loops(self) -> int:
        return sum(car.progress.loops for car in self.bench.cars.values() if car.progress is not None)

    async def evening(self) -> None:
        """The cars have gone, everything is delivered."""
        for evse in self.bench.cars:
            await self.leave(evse)
        until_s = time.monotonic() + END_PATIENCE_S
        while time.monotonic() < until_s:
            with contextlib.suppress(*NOT_NOW):
                daemon = await self.bench.status.ask({"do": "status"})
                idle = all(daemon["evses"][str(evse)]["transaction"] is None for evse in self.bench.cars)
                if idle and daemon["ocpp"]["outbox_depth"] == 0 and await self.online():
                    break
            await asyncio.sleep(0.2)
        else:
            self.faults.append("transactions are not over, or not delivered")
        for _ in range(5):
            with contextlib.suppress(*NOT_NOW):
                await self.compare()
                return
            await asyncio.sleep(1.0)
        self.faults.append("what is kept could not be compared at the end")

    # -- the bill ------------------------------------------------------------------------------------------------------------

    async def audit(self) -> dict[str, Any]:
        """The central system's ledger against the plant's energy."""
        station = self.bench.station
        sums: dict[tuple[int, str], float] = {}
        for transaction in station.transactions.values():
            self.faults += [f"{transaction.transaction_id}: {text}" for text in problems(transaction)]
            if transaction.events:
                evse = int(transaction.in_order[0]["evse"]["id"])
                for way in ("Import", "Export"):
                    sums[evse, way] = sums.get((evse, way), 0.0) + transaction.energy_Wh(way)
        energies: dict[str, list[float]] = {}
        count = len(station.transactions)
        for evse in self.bench.cars:
            plant = await self.bench.plant_state(evse)
            for way, key in (("Import", "plant_import_Wh"), ("Export", "plant_export_Wh")):
                billed, flowed = sums.get((evse, way), 0.0), float(plant[key])
                energies[f"EVSE {evse} {way}"] = [round(billed, 2), round(flowed, 2)]
                if abs(billed - flowed) > METER_STEP_WH * (1 + count):
                    self.faults.append(f"EVSE {evse} {way}: {billed:.2f} Wh in transactions, {flowed:.2f} Wh flowed")
        copies = sum(c - 1 for t in station.transactions.values() for c in t.copies.values())
        self.faults += [f"violation: {text}" for text in station.violations[:20]]
        self.faults += [f"CALLERROR of the station: {error}" for error in station.errors[:20]]
        return {"transactions": count, "seqNos_sent_again": copies, "billed_and_flowed_Wh": energies}


def problems(transaction: TransactionLog) -> Iterator[str]:
    """What is wrong with one transaction of the ledger."""
    events = transaction.in_order
    if transaction.gaps:
        yield f"seqNo {transaction.gaps} never came"
    kinds = Counter(event["eventType"] for event in events)
    if kinds["Started"] != 1 or kinds["Ended"] != 1:
        yield f"{kinds['Started']} Started, {kinds['Ended']} Ended"
    for way in ("Import", "Export"):
        values = [
            float(sampled["value"])
            for event in events
            for value in event.get("meterValue", [])
            for sampled in value["sampledValue"]
            if sampled.get("measurand") == f"Energy.Active.{way}.Register"
        ]
        if events and events[-1]["eventType"] == "Ended":  # its first reading is that of the begin once more
            own = len(events[-1].get("meterValue", []))
            values = values[: len(values) - own] + values[len(values) - 1 :]
        if values != sorted(values):
            yield f"the register {way} runs backwards: {values}"


def files_left(folder: Path) -> list[str]:
    """Drafts in the station's secrets, keys without chain or request, and what is wrong with the database."""
    secrets, database = folder / "state" / "secrets", folder / "state" / DATABASE_NAME
    found = [f"draft {file.name} in the secrets" for file in secrets.rglob(".*")]
    store = Store.open(database)
    pending = {str(entry.get("chain")) for entry in store.kept("certificate-signing").values()}
    chains = pending | {file.relative_to(secrets).as_posix() for file in secrets.rglob("*.pem")}
    wanted = {key_name(chain) for chain in chains}
    for key in secrets.rglob("*.key"):
        if key.relative_to(secrets).as_posix() not in wanted:
            found.append(f"key {key.name} belongs to no certificate and no request")
    if not store.journal():
        found.append("the journal is empty")
    store.close()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    return found if verdict == "ok" else [*found, f"database: {verdict}"]


def errors_in_logs(folder: Path) -> list[str]:
    """Exceptions of our processes."""
    found = []
    for name in ("daemon", "power"):
        text = (folder / "log" / f"{name}.log").read_text(errors="replace")
        found += [f"{name}.log: {text[at : at + 1500]}" for at in _all_of(text, "Traceback (most recent")][:3]
    return found


def _all_of(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


async def measure(folder: Path, kills: int, seed: int, cables: int, note: Callable[[str], None]) -> dict[str, Any]:
    """So many kills. To be called in a network namespace of its own where `cables` is not 0."""
    order = random.Random(seed)
    firmware = FirmwareServer()
    keys = Keys(folder / "keys", SERIAL_NUMBER)
    installs = 'firmware_command = ["/bin/sh", "-c", "exit 0"]\nfirmware_unsigned = true'
    choices = Choices(
        folder / "demo",
        without_waits=True,
        cables=private_network.lay_cables(cables) if cables else (),
        sdp_port=15118 if cables else 25140,
        amendments=((f'serial_number = "{SERIAL_NUMBER}"', f'serial_number = "{SERIAL_NUMBER}"\n{installs}'),),
    )
    began_s = time.monotonic()
    async with Bench(choices, observe=False) as bench:
        station = KilledStation(bench, keys, firmware.url, order)
        if not await station.until_online():
            raise RuntimeError("the station is not online at the start")
        days = [asyncio.create_task(station.days_of_central_system())]
        days += [asyncio.create_task(station.days_of_car(evse)) for evse in bench.cars]
        for number in range(kills):
            await station.kill()
            for day in days:
                if day.done():
                    await day
            if number % 10 == 9:
                done = f"{number + 1} kills in {time.monotonic() - began_s:.0f} s"
                note(f"{done}: {len(bench.station.transactions)} transactions, faults {station.faults[-3:]}")
        await station.until_online()
        station.over = True
        await asyncio.gather(*days)
        await station.evening()
        ledger = await station.audit()
        statuses = Counter(p["status"] for p in bench.station.of("FirmwareStatusNotification"))
    firmware.close()
    station.faults += files_left(choices.folder) + errors_in_logs(choices.folder)
    return {
        "kills": kills,
        "seed": seed,
        "seconds": round(time.monotonic() - began_s),
        "cars": max(1, cables),
        **ledger,
        "starts": {name: child.starts for name, child in bench.children.items()},
        "firmware": dict(statuses),
        "counts": dict(sorted(station.counts.items())),
        "faults": station.faults,
    }


def figures(kills: int, seed: int, *, folder: Path | None = None) -> dict[str, Any]:
    """`measure` in a process of its own, in a network namespace where there can be one. Progress goes to standard error."""
    arguments = ["--kills", str(kills), "--seed", str(seed), "--inside"]
    arguments += [] if folder is None else ["--dir", str(folder)]
    if private_network.problem() is None:
        command = private_network.inside("tests.bench.kills", *arguments, "--cars", "2")
    else:
        command = [sys.executable, "-m", "tests.bench.kills", *arguments, "--cars", "0"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the kills ended with code {done.returncode}; see above")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--dir", type=Path, default=None, help="keep logs and database in this folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cars", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.dir or Path(temporary)
            running = measure(
                folder, options.kills, options.seed, options.cars, lambda text: print(text, file=sys.stderr, flush=True)
            )
            json.dump(asyncio.run(running), sys.stdout)
        return
    found = figures(options.kills, options.seed, folder=options.dir)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:22} {value}")
    sys.exit(bool(found["faults"]))


if __name__ == "__main__":
    main()
