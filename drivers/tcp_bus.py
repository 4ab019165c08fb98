"""A Modbus TCP connection as a bus of the power process, moved by `pump`. Fulfils chargepoint.ports.Bus.

`port` is "ADDRESS:PORT" with an IPv4 address, or "[ADDRESS]:PORT" with an IPv6 address. A host name is refused: looking a name up can
take seconds, and nothing may block the process that opens the contactor. Connecting never blocks either. A lost connection is
tried again after 0.5 s, then less and less often, at least each 5 s.

What was handed to the system cannot be taken back: after a stall of our own process `drop_queued` drops only what waits here.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import re
import select
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from chargepoint.model.image import BusHealth
from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import BusSpec
from drivers.modbus.tcp import TcpMaster
from drivers.serial_bus import STALE_S

CONNECT_S = 2.0
RETRY_MIN_S = 0.5
RETRY_MAX_S = 5.0
LOOK_S = 0.05
"""How often a connection under way is looked after: the loop polls for reading only."""

_CHUNK = 4096


def endpoint(port: str) -> tuple[str, int]:
    """Address and port of "ADDRESS:PORT". Raises UnusableDevice with the reason and the remedy."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})", port)
    if match is None or not 1 <= int(match[3]) <= 65535:
        problem = f"= {port!r}: not of the form ADDRESS:PORT with a port from 1 to 65535"
        raise UnusableDevice([Mistake(("port",), problem, 'write it like "192.0.2.10:502" or "[2001:db8::10]:502"')])
    address = match[1] or match[2]
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        problem = f"= {port!r}: {address!r} is no IP address, and looking up a name would block the power process"
        raise UnusableDevice(
            [Mistake(("port",), problem, "give the device a fixed IP address and write that")]
        ) from error
    return address, int(match[3])


class TcpBus:
    """Connects in the first `pump`. Errors of the network become outcomes, never exceptions."""

    def __init__(self, spec: BusSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = spec.name
        self.master = TcpMaster(spec.name)
        self.last_error = ""
        """Why the connection was lost last, or could not be made."""
        self._port = spec.port
        self._endpoint = endpoint(spec.port)
        self._clock = clock
        self._now_s = 0.0
        self._socket: socket.socket | None = None
        self._established = False
        self._try_at_s = -1e9
        self._give_up_at_s = -1e9
        self._retry_s = RETRY_MIN_S

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while there is no connection."""
        return self._socket.fileno() if self._socket is not None and self._established else None

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what is there, hand replies out, send what is due, connect again when its time has come.

        True: a driver got the outcome of a request.
        """
        delivered = self.master.delivered
        self._move(now_s)
        return self.master.delivered != delivered

    def _move(self, now_s: float) -> None:
        self._now_s = now_s
        try:
            if self._socket is None and now_s >= self._try_at_s:
                self._connect(now_s)
            if self._socket is not None and not self._established:
                self._look(now_s)
            if self._socket is not None and self._established:
                self._exchange(self._socket, now_s)
            else:
                self.master.tick(now_s)
        except OSError as error:
            self._lose(_why(error), now_s)
        except Exception as error:  # a defect of the master: this connection begins anew, the other buses go on
            self._lose(f"defect of its master: {type(error).__name__}: {error}", now_s)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Forget what was queued and not handed to the system yet."""
        self.master.drop_queued(now_s)

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""
        if self._socket is None:
            return self._try_at_s
        return self.master.deadline_s if self._established else self._now_s + LOOK_S

    def health(self) -> BusHealth:
        """Counters since start, and why there is no connection if there is none, or what a driver of it could not do."""
        trouble = self.master.defects(self._now_s) if self._established else self.last_error
        return replace(self.master.health(), trouble=trouble)

    def close(self) -> None:
        """Give the descriptor back."""
        self._drop_socket()
        self._try_at_s = float("inf")

    # -- inside -----------------------------------------------------------------------------------

    def _connect(self, now_s: float) -> None:
        family = socket.AF_INET6 if ":" in self._endpoint[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._give_up_at_s = now_s + CONNECT_S
        code = self._socket.connect_ex(self._endpoint)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))

    def _look(self, now_s: float) -> None:
        """Whether the connection stands by now."""
        assert self._socket is not None
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        if not poll.poll(0):
            if now_s >= self._give_up_at_s:
                raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self._established = True
        self.master.connected()

    def _exchange(self, connection: socket.socket, now_s: float) -> None:
        while True:
            try:
                data = connection.recv(_CHUNK)
            except BlockingIOError:
                break
            if not data:
                self._lose("closed by the device", now_s)
                return
            self._retry_s = RETRY_MIN_S
            self.master.receive(data, now_s)
            if len(data) < _CHUNK:
                break
        self.master.tick(now_s)
        frame = self.master.to_send(now_s)
        if frame and self._clock() - now_s > STALE_S:  # stopped between the decision and the write
            self.master.take_back(now_s)
            self.master.drop_queued(now_s)
        elif frame and connection.send(frame) < len(frame):
            self._lose("takes no bytes", now_s)
        if self.master.broken:
            self._lose(self.master.broken, now_s)

    def _lose(self, why: str, now_s: float) -> None:
        self._drop_socket()
        self.last_error = f"{self._port}: {why}"
        self._try_at_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
        self.master.disconnected(now_s, self.last_error)

    def _drop_socket(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket, self._established = None, False


_REMEDIES = {
    errno.ECONNREFUSED: "refused; switch Modbus TCP on in the device, and check the port",
    errno.ECONNRESET: "reset by the device; see that nobody else uses its only connection",
    errno.ETIMEDOUT: "no answer; check address and cable",
    errno.EHOSTUNREACH: "no route; check the address, and the network of this computer",
    errno.ENETUNREACH: "no route; check the address, and the network of this computer",
}


def _why(error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return "takes no bytes"
    return _REMEDIES.get(error.errno or 0, error.strerror or str(error))
