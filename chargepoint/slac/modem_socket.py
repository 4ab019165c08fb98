"""The shell of SLAC at one connector: frames between the modem's interface and the core, and its deadlines. Decides nothing."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable

from chargepoint.model.data_link import DataLinkEvent
from chargepoint.model.image import ControlPilot
from chargepoint.ports import Clock
from chargepoint.slac.evse_slac import EvseSlac, SlacOutput
from chargepoint.slac.frame_codec import pack, unpack
from chargepoint.slac.frames import SlacFrame, UnreadableFrame, mac_text
from chargepoint.slac.packet_socket import PacketSocket

INTERFACE_RETRY_S = 2.0
"""An interface that is not there, or down, is tried again this often."""

REASONS_LOGGED_MAX = 50
"""Each reason for which a frame cannot be read is logged once, and so many reasons at most."""

_GONE = (errno.ENETDOWN, errno.ENODEV, errno.ENXIO)


class ModemSocket:
    """SLAC on one interface. `on_event` gets what happens to the data link, in the event loop."""

    def __init__(
        self,
        interface: str,
        core: EvseSlac,
        on_event: Callable[[DataLinkEvent], None],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._interface = interface
        self._core = core
        self._on_event = on_event
        self._clock = clock
        self._log = log
        self._socket: PacketSocket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s: float | None = None
        self._lost: asyncio.Future[OSError] | None = None
        self._logged: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. An interface that is not there (yet) is tried again; each reason is logged once."""
        logged = ""
        try:
            while True:
                try:
                    await self._serve()
                except OSError as error:
                    text = error.strerror or str(error)
                    if logged != text:
                        self._log.warning("! SLAC on %s: %s; trying again", self._interface, text)
                        logged = text
                    self._perform(self._core.interface_down(f"{self._interface}: {text}", self._now_s()))
                    await asyncio.sleep(INTERFACE_RETRY_S)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def note_pilot(self, pilot: ControlPilot, *, wanted: bool) -> None:
        """The pilot as the last process image shows it, and whether the session wants a conversation."""
        self._perform(self._core.note_pilot(pilot, self._now_s(), wanted=wanted))

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        sock = PacketSocket(self._interface)
        self._socket, self._lost = sock, loop.create_future()
        try:
            loop.add_reader(sock.fileno(), self._read)
            self._log.info("* SLAC on %s [%s]", self._interface, mac_text(sock.mac))
            self._perform(self._core.interface_up(sock.mac, self._now_s()))
            raise await self._lost
        finally:
            self._socket = None
            loop.remove_reader(sock.fileno())
            sock.close()

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            frames = self._socket.receive()
        except OSError as error:
            self._lose(error)
            return
        for data in frames:
            frame = unpack(data)
            if isinstance(frame, UnreadableFrame):
                self._log_once(frame)
            else:
                self._perform(self._core.take(frame, self._now_s()))

    def _log_once(self, frame: UnreadableFrame) -> None:
        if frame.reason not in self._logged and len(self._logged) < REASONS_LOGGED_MAX:
            self._logged.add(frame.reason)
            self._log.info("= SLAC frame of %s ignored: %s", mac_text(frame.source), frame.reason)

    def _perform(self, outputs: list[SlacOutput]) -> None:
        for output in outputs:
            if isinstance(output, SlacFrame):
                self._send(output)
            else:
                self._on_event(output)
        self._set_timer()

    def _send(self, frame: SlacFrame) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(pack(frame))
        except (BlockingIOError, InterruptedError):
            pass  # a full queue loses a frame: the protocol repeats what matters
        except OSError as error:
            if error.errno not in _GONE and error.errno != errno.ENOBUFS:
                self._log.warning("! SLAC on %s: %s", self._interface, error)
            elif error.errno in _GONE:
                self._lose(error)

    def _lose(self, error: OSError) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(error)

    def _set_timer(self) -> None:
        due_s = self._core.due_s
        if self._timer is not None:
            if due_s == self._timer_due_s:
                return
            self._timer.cancel()
            self._timer = None
        self._timer_due_s = due_s
        if due_s is not None:
            delay_s = max(0.0, due_s - self._now_s())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._keep_time)

    def _keep_time(self) -> None:
        self._timer = None
        self._perform(self._core.keep_time(self._now_s()))

    def _now_s(self) -> float:
        return self._clock.monotonic_s()
