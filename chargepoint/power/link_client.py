"""The daemon's end of the power link: renews demands before their lease runs out, keeps the last image of each EVSE."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chargepoint.model.contactor_wear import ContactorWear
from chargepoint.model.demand import StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import BusHealth, EvseImage, PowerEvent
from chargepoint.model.indicator import ConnectorWord, ShowConnector
from chargepoint.model.process_health import ProcessHealth
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.power.link_codec import (
    MESSAGE_MAX_BYTES,
    DownMessage,
    LinkError,
    ResetFaults,
    UpMessage,
    decode_up,
    encode_down,
)

RECONNECT_S = 0.1

TURN_MAX_S = 0.002
"""Messages are taken for this long at most. Then cars and central system have their turn, however many messages wait."""


class LinkClient:
    """Connects, reconnects, and hands every message up. What is sent while the power process is away is dropped: a
    demand is only worth its lease."""

    def __init__(
        self,
        path: Path,
        on_image: Callable[[EvseImage], None],
        on_event: Callable[[PowerEvent], None],
        on_connection: Callable[[bool], None],
        log: logging.Logger,
        on_site_meter: Callable[[SiteMeterReading], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._on_site_meter = on_site_meter
        self._on_image = on_image
        self._on_event = on_event
        self._on_connection = on_connection
        self._log = log
        self._socket: socket.socket | None = None
        self._seq = 0
        self.buses: dict[str, BusHealth] = {}
        self.contactors: dict[EvseId, ContactorWear] = {}
        """The last report of each contactor's wear."""
        self.process: ProcessHealth | None = None
        """How punctual the power process is; None before it reported, and while it is away."""

    @property
    def connected(self) -> bool:
        """The power process is there."""
        return self._socket is not None

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, str(self._path))
                self._socket = sock
                self._on_connection(True)
                await self._read(loop, sock)
            except OSError:
                pass
            finally:
                if self._socket is not None:
                    self._socket = self.process = None
                    self._on_connection(False)
                sock.close()
            await asyncio.sleep(RECONNECT_S)

    async def _read(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        turn_ends_s = loop.time() + TURN_MAX_S
        while data := await loop.sock_recv(sock, MESSAGE_MAX_BYTES + 1):
            try:
                self._take(decode_up(data))
            except LinkError as error:
                self._log.error("! power link: %s", error)
            if loop.time() >= turn_ends_s:
                await asyncio.sleep(0)  # `sock_recv` alone gives nobody else a turn while messages are waiting
                turn_ends_s = loop.time() + TURN_MAX_S

    def _take(self, message: UpMessage) -> None:
        if isinstance(message, EvseImage):
            self._on_image(message)
        elif isinstance(message, BusHealth):
            self.buses[message.name] = message
        elif isinstance(message, ProcessHealth):
            self.process = message
        elif isinstance(message, SiteMeterReading):
            self._on_site_meter(message)
        elif isinstance(message, ContactorWear):
            self.contactors[message.evse_id] = message
        else:
            self._on_event(message)

    def demand(self, demand: StageDemand) -> None:
        """Send this demand now under the next sequence number."""
        self._seq += 1
        self._send(replace(demand, seq=self._seq))

    def reset_faults(self, evse_id: EvseId, author: str) -> None:
        """Ask for a reset of latched faults. `author` says who wants it, for the power process's log (64 bytes at most)."""
        self._send(ResetFaults(evse_id, author))

    def show_connector(self, evse_id: EvseId, word: ConnectorWord) -> None:
        """What only the daemon knows of a connector, for its lamps."""
        self._send(ShowConnector(evse_id, word))

    def _send(self, message: DownMessage) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(encode_down(message))
        except (OSError, LinkError) as error:  # not sent: the lease of the demand before runs out
            self._log.warning("! power link: %s", error)
