"""A bench central system: OCPP 2.0.1 over WebSocket, strict, with a memory of everything and faults on demand.

Own code throughout; only the schema documents are the `ocpp` package's. What it remembers is in `log`, what it does not
take in `rules`, what goes wrong in `faults`. In a program or a test:

    async with Csms() as csms:                       # csms.url, csms.port
        station = await csms.station("CP1")          # waits for its BootNotification to be accepted
        await csms.call("CP1", "GetVariables", {...})
        await csms.setpoint("CP1", 1, -5000.0)
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import ssl
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hil.clock import now_s, utc
from hil.simulators.csms.faults import Faults
from hil.simulators.csms.handshake import credentials_of, identity_of
from hil.simulators.csms.lies import lied
from hil.simulators.csms.log import Heard, Payload, StationLog
from hil.simulators.csms.provisioning import ProvisioningService
from hil.simulators.csms.rules import Rules

VENDOR_ID = "org.openchargepoint"
_SUBPROTOCOL = Subprotocol("ocpp2.0.1")


class CallError(Exception):
    """The station answered a CALL with CALLERROR."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Csms:
    """The central system. Listens from `start` (or `async with`) to `stop`. Strict: whatever is wrong is in `violations`
    of the station and answered with CALLERROR."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        tokens: dict[str, str] | None = None,
        passwords: dict[str, str] | None = None,
        heartbeat_interval_s: int = 300,
        ssl_context: ssl.SSLContext | None = None,
        on_heard: Callable[[Heard], None] | None = None,
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._ssl = ssl_context
        self.tokens = tokens or {}
        """idToken -> AuthorizationStatus; what is not here is Accepted."""
        self.contracts: dict[str, str] = {}
        """EMAID -> AuthorizeCertificateStatus; what is not here is Accepted."""
        self.provisioning: ProvisioningService | None = None
        """Makes contract certificates for cars; None: every request fails."""
        self.passwords = passwords
        self.heartbeat_interval_s = heartbeat_interval_s
        self.boot_status = "Accepted"
        self.boot_retry_s = 1
        self.clock_offset_s = 0.0
        self.schedule_answer = "Rejected"
        """To a car's needs: Accepted, and then SetChargingProfile must follow; Processing; Rejected."""
        self.faults = Faults()
        self.stations: dict[str, StationLog] = {}
        self._on_heard = on_heard
        self._server: Server | None = None
        self._changed = asyncio.Condition()
        self._rules = Rules()
        self._profile_ids = itertools.count(1000)
        self._setpoint_profiles: dict[tuple[str, int], int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def protect(self, context: ssl.SSLContext, passwords: dict[str, str]) -> None:
        """Speak TLS, and ask for Basic authentication; before `start`."""
        self._ssl, self.passwords = context, passwords

    def show(self, chain: Path, key: Path) -> None:
        """From the next handshake on it shows this chain. Raises ValueError where it speaks no TLS, OSError or ssl.SSLError."""
        if self._ssl is None:
            raise ValueError("the central system speaks no TLS: there is no certificate to show")
        self._ssl.load_cert_chain(chain, key)

    async def start(self) -> None:
        """Listen; the port is in `port` and `url`. After `stop` the same port again."""
        self._server = await serve(
            self._serve,
            self._host,
            self._wanted_port,
            subprotocols=[_SUBPROTOCOL],
            process_request=self._admit,
            ssl=self._ssl,
            compression=None,
            close_timeout=0.5,
        )
        self._wanted_port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close(close_connections=True)
            await self._server.wait_closed()
            self._server = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._wanted_port

    @property
    def url(self) -> str:
        """For a station's configuration, without its identity."""
        return f"{'ws' if self._ssl is None else 'wss'}://{self._host}:{self._wanted_port}"

    # -- reading -----------------------------------------------------------------------------------------------------

    def log(self, identity: str) -> StationLog:
        """Everything about one station."""
        return self.stations.setdefault(identity, StationLog(identity))

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait for something to become true; raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def station(self, identity: str, timeout_s: float = 10.0) -> StationLog:
        """The station once it is connected and its BootNotification was accepted."""
        log = self.log(identity)
        await self.until(lambda: log.socket is not None and log.boot_status == "Accepted", timeout_s)
        return log

    async def heard(self, identity: str, action: str, count: int = 1, timeout_s: float = 10.0) -> Payload:
        """The payload of the `count`-th CALL of this action, once it has come."""
        log = self.log(identity)
        await self.until(lambda: len(log.of(action)) >= count, timeout_s)
        return log.of(action)[count - 1]

    # -- sending -----------------------------------------------------------------------------------------------------

    async def call(
        self, identity: str, action: str, payload: Payload | None = None, timeout_s: float = 10.0
    ) -> Payload:
        """Send a CALL and return the response. Raises CallError, ConnectionError, TimeoutError.

        The response is checked against its schema; a violation is recorded and the response returned all the same.
        """
        log, unique_id = self.log(identity), str(uuid.uuid4())
        async with log.calling:
            answer = await self.raw(
                identity, json.dumps([2, unique_id, action, payload or {}]), unique_id, action, timeout_s
            )
        problem = self._rules.problem(f"{action}Response", answer)
        if problem is not None:
            log.violations.append(f"response to {action}: {problem[1]}")
        return answer

    async def raw(self, identity: str, text: str, unique_id: str, action: str = "", timeout_s: float = 10.0) -> Payload:
        """Send any text and wait for the answer under `unique_id`."""
        log = self.log(identity)
        if log.socket is None:
            raise ConnectionError(f"{identity} is not connected")
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        log.waiting[unique_id] = action, future
        try:
            await log.socket.send(text)
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            log.waiting.pop(unique_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # where sending failed, nobody else asks for it

    async def send_text(self, identity: str, text: str | bytes) -> None:
        """Send any frame and wait for nothing."""
        socket = self.log(identity).socket
        if socket is None:
            raise ConnectionError(f"{identity} is not connected")
        await socket.send(text)

    async def drop(self, identity: str) -> None:
        """Cut the station's connection without a closing handshake."""
        socket = self.log(identity).socket
        if socket is not None:
            socket.transport.abort()

    async def setpoint(
        self,
        identity: str,
        evse_id: int,
        power_W: float,
        transaction_id: str | None = None,
        duration_s: int | None = None,
        limit_W: float | None = None,
        discharge_limit_W: float | None = None,
        stack_level: int = 0,
    ) -> Payload:
        """Set-point of the running transaction: TxProfile with OCPP 2.1's CentralSetpoint in customData.

        Positive charges. Without `limit_W`, `discharge_limit_W` the bounds just hold the set-point. One profile id per EVSE.
        """
        if transaction_id is None:
            transaction_id = self.running(identity, evse_id)
        profile_id = self._setpoint_profiles.setdefault((identity, evse_id), next(self._profile_ids))
        schedule: Payload = {
            "id": profile_id,
            "startSchedule": self.now(),
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [
                {
                    "startPeriod": 0,
                    "limit": max(power_W, 0.0) if limit_W is None else limit_W,
                    "customData": {
                        "vendorId": VENDOR_ID,
                        "operationMode": "CentralSetpoint",
                        "setpoint": power_W,
                        "dischargeLimit": min(power_W, 0.0) if discharge_limit_W is None else discharge_limit_W,
                    },
                }
            ],
        }
        if duration_s is not None:
            schedule["duration"] = duration_s
        profile = {
            "id": profile_id,
            "stackLevel": stack_level,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": transaction_id,
            "chargingSchedule": [schedule],
        }
        return await self.call(identity, "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile})

    def running(self, identity: str, evse_id: int) -> str:
        """The transaction on this EVSE that has begun and not ended. Raises LookupError."""
        for log in reversed(self.log(identity).transactions.values()):
            if not log.ended and any(event.get("evse", {}).get("id") == evse_id for event in log.events.values()):
                return log.transaction_id
        raise LookupError(f"{identity}: no transaction on EVSE {evse_id}")

    def now(self) -> str:
        """This central system's clock on the wire."""
        at = utc() + timedelta(seconds=self.clock_offset_s)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # -- connections -------------------------------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.faults.refuse_connections:
            return Response(503, "Service Unavailable", Headers({"Content-Length": "0", "Connection": "close"}), b"")
        identity = identity_of(request.path)
        if not identity:
            return Response(404, "Not Found", Headers({"Content-Length": "0", "Connection": "close"}), b"")
        if self.passwords is not None and credentials_of(request.headers) != (identity, self.passwords.get(identity)):
            headers = Headers({"WWW-Authenticate": "Basic", "Content-Length": "0", "Connection": "close"})
            return Response(401, "Unauthorized", headers, b"")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        if socket.subprotocol != _SUBPROTOCOL or socket.request is None:
            await socket.close(1002, "ocpp2.0.1 only")
            return
        log = self.log(identity_of(socket.request.path))
        if log.socket is not None:
            log.socket.transport.abort()  # the new connection is the station's own choice
        log.socket = socket
        log.connections += 1
        await self._wake()
        try:
            async for frame in socket:
                await self._frame(log, socket, frame)
        except ConnectionClosed:
            pass
        finally:
            if log.socket is socket:
                log.socket = None
                for _, future in log.waiting.values():
                    if not future.done():
                        future.set_exception(ConnectionError(f"{log.identity} has gone"))
            await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _frame(self, log: StationLog, socket: ServerConnection, frame: str | bytes) -> None:
        try:
            message = json.loads(frame)
            kind, unique_id, _ = message[0], message[1], message[{2: 3}.get(message[0], 2)]
        except (ValueError, LookupError, TypeError):
            log.violations.append(f"not a message: {frame[:80]!r}")
            return
        if kind == 2 and isinstance(frame, str):
            await self._call_heard(log, socket, Heard(now_s(), log.identity, unique_id, message[2], message[3], frame))
        elif kind == 3:
            waiting = log.waiting.get(unique_id)
            if waiting is None:
                log.violations.append(f"an answer to nothing: {frame[:80]!r}")
            elif not waiting[1].done():
                waiting[1].set_result(message[2])
        elif kind == 4:
            log.errors.append(message)
            waiting = log.waiting.get(unique_id)
            if waiting is not None and not waiting[1].done():
                waiting[1].set_exception(CallError(message[2], message[3]))
        await self._wake()

    async def _call_heard(self, log: StationLog, socket: ServerConnection, heard: Heard) -> None:
        log.heard.append(heard)
        if self._on_heard is not None:
            self._on_heard(heard)
        faults, action = self.faults, heard.action
        if faults.drop_on == action:
            faults.spend()
            socket.transport.abort()
            return
        if faults.swallow == action:
            faults.spend()
            return
        if faults.garbage is not None and faults.garbage[0] == action:
            text = faults.garbage[1]
            faults.spend()
            await socket.send(text)
            return
        if faults.error is not None and faults.error[0] == action:
            code = faults.error[1]
            faults.spend()
            await socket.send(json.dumps([4, heard.unique_id, code, "a fault of the bench", {}]))
            return
        if faults.late is not None and faults.late[0] == action:
            delay_s = faults.late[1]
            faults.spend()
            await asyncio.sleep(delay_s)
        problem = self._rules.refusal(log, heard)
        if problem is not None:
            log.violations.append(f"{action}: {problem[1]}")
            await socket.send(json.dumps([4, heard.unique_id, problem[0], problem[1][:255], {}]))
            return
        answer = self._respond(log, action, heard.payload)
        texts = None if faults.lie is None else lied(faults.lie, action, heard.unique_id, answer)
        for text in texts or [json.dumps([3, heard.unique_id, answer])]:
            await socket.send(text)

    # -- answers -----------------------------------------------------------------------------------------------------

    def _respond(self, log: StationLog, action: str, payload: Payload) -> Payload:
        match action:
            case "BootNotification":
                log.boot_status = self.boot_status
                interval_s = self.heartbeat_interval_s if self.boot_status == "Accepted" else self.boot_retry_s
                return {"currentTime": self.now(), "interval": interval_s, "status": self.boot_status}
            case "Heartbeat":
                return {"currentTime": self.now()}
            case "Authorize":
                return self._authorized(payload)
            case "Get15118EVCertificate":
                return self._ev_certificate(payload)
            case "TransactionEvent":
                return {"idTokenInfo": self._token_info(payload["idToken"])} if "idToken" in payload else {}
            case "StatusNotification":
                log.connectors[payload["evseId"], payload["connectorId"]] = payload["connectorStatus"]
            case "NotifyReport":
                log.reports.setdefault(payload["requestId"], []).extend(payload.get("reportData", []))
            case "ReportChargingProfiles":
                log.profiles.setdefault(payload["requestId"], []).extend(payload["chargingProfile"])
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case "NotifyEVChargingNeeds":
                log.charging_needs.append(payload)
                return {"status": self.schedule_answer}
            case "NotifyEVChargingSchedule":
                log.car_plans.append(payload)
                return {"status": "Accepted"}
            case "SignCertificate":
                return {"status": "Accepted"}
            case "GetCertificateStatus":
                return {"status": "Failed"}  # there is no OCSP responder
            case _:
                pass
        return {}

    def _authorized(self, payload: Payload) -> Payload:
        """The answer names the state of a contract's certificates where the station gave them (C07.FR.13 to FR.17)."""
        info = self._token_info(payload["idToken"])
        if "iso15118CertificateHashData" not in payload and "certificate" not in payload:
            return {"idTokenInfo": info}
        certificates = self.contracts.get(payload["idToken"]["idToken"], "Accepted")
        if certificates == "Accepted" and info["status"] in ("Blocked", "Expired", "Invalid", "Unknown"):
            certificates = "ContractCancelled"
        elif certificates != "Accepted":
            info = {"status": "Expired" if certificates == "CertificateExpired" else "Invalid"}
        return {"idTokenInfo": info, "certificateStatus": certificates}

    def _ev_certificate(self, payload: Payload) -> Payload:
        exi = None
        if self.provisioning is not None:
            exi = self.provisioning.answer(base64.b64decode(payload["exiRequest"]))
        if exi is None:
            return {"status": "Failed", "exiResponse": ""}
        return {"status": "Accepted", "exiResponse": base64.b64encode(exi).decode("ascii")}

    def _token_info(self, token: Payload) -> Payload:
        return {"status": self.tokens.get(token["idToken"], "Accepted")}
