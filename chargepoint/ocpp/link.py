"""The link: connects again and again. Owns handshake, back-off and which connection is the present one.

What happens on a connection is the client's; the link only makes the connection, hands it to `talk` and cleans up afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp import credentials
from chargepoint.ocpp.back_off import BackOff, BackOffSettings
from chargepoint.ocpp.blocks.effects import ConnectionFailed
from chargepoint.ocpp.connect_failure import security_event
from chargepoint.ocpp.connection import ConnectionLost
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.target import Target
from chargepoint.ocpp.version import VERSIONS, OcppVersion

_MAX_FRAME_BYTES = 1 << 20
_BACK_OFF_MOST_S = 86_400.0


class _Direct(connect):
    """A connection to the configured address and to no other: a redirect is an error that names where it points to.

    Where another server may send the station elsewhere, that server decides who receives the meter readings.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never the new address, which the library would follow."""
        if isinstance(exc, InvalidStatus) and 300 <= exc.response.status_code < 400:
            where = exc.response.headers.get("Location", "nowhere")[:200]
            return ConnectionLost(
                f"it answered HTTP {exc.response.status_code} with a redirect to {where!r}, which is not followed; "
                "where that is right, write it into [csms] url"
            )
        return exc


class Link:
    """`run` until cancelled. Variables of OCPPCommCtrlr count as soon as they were set, before that the configuration."""

    def __init__(
        self,
        csms: CsmsSection,
        model: DeviceModel,
        target: Callable[[], Target],
        secrets: Path,
        talk: Callable[[ClientConnection, OcppVersion], Awaitable[None]],
        failed: Callable[[ConnectionFailed], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        """`target` is asked before each attempt; its credentials are files in `secrets`. `failed` receives each failed attempt."""
        self._csms = csms
        self._target = target
        self._secrets = secrets
        self._failed = failed
        self._model = model
        self._talk = talk
        self._log = log
        self._socket_log = log.getChild("websocket")
        self._socket_log.setLevel(logging.INFO)  # its DEBUG lines carry the handshake, and with it the password
        self._back_off = BackOff()
        self._url = csms.url
        self._talked = False

    @property
    def url(self) -> str:
        """Of the present connection, else of the last attempt."""
        return self._url

    async def run(self) -> None:
        """Connect, talk until the connection is lost, wait, again (Part 4, 5.3)."""
        while True:
            try:
                await _to_its_end(self._connect_once())
            except (ConnectionLost, OSError, TimeoutError, WebSocketException, credentials.CredentialsError) as error:
                why = str(error) or type(error).__name__
                if not self._talked:
                    await self._failed(ConnectionFailed(security_event(error), why))
                delay_s = self._back_off.next_delay_s(back_off_settings(self._csms, self._model), random.random())  # noqa: S311
                self._log.warning("! central system: %s; again in %.1f s", why, delay_s)
                await asyncio.sleep(delay_s)
            except Exception:  # a mistake of ours on this connection must not end a charge in progress
                self._log.exception("! connection ended by our mistake")
                await asyncio.sleep(max(1.0, self._csms.reconnect_min_s))

    async def _connect_once(self) -> None:
        """One connection from handshake to loss; always leaves by an exception."""
        self._talked = False
        target = self._target()
        csms = credentials.at_target(self._csms, target, self._secrets)
        self._url = csms.url
        socket = await _Direct(
            credentials.endpoint(csms),
            subprotocols=[Subprotocol(name) for name in csms.versions],
            additional_headers=credentials.headers(csms),
            ssl=await asyncio.to_thread(credentials.tls, csms, target.roots),
            compression=None,
            proxy=None,
            user_agent_header=None,
            open_timeout=csms.call_timeout_s,
            ping_interval=_setting_s(self._model, "WebSocketPingInterval", self._csms.ping_interval_s) or None,
            ping_timeout=csms.call_timeout_s,
            close_timeout=2.0,
            max_size=_MAX_FRAME_BYTES,
            logger=self._socket_log,
        )
        try:
            if socket.subprotocol not in self._csms.versions:
                raise ConnectionLost(
                    f"it chose sub-protocol {socket.subprotocol}, we speak {', '.join(self._csms.versions)}"
                )
            self._back_off.connected()
            self._talked = True
            await self._talk(socket, VERSIONS[socket.subprotocol])
        finally:
            await socket.close()


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Await this work in a task of its own, so that a cancellation of the caller is not lost in it.

    A TaskGroup of Python 3.11 raises the errors of its tasks in the place of a cancellation that comes with them.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    task.result()


def back_off_settings(csms: CsmsSection, model: DeviceModel) -> BackOffSettings:
    """By the variables as far as they were set. `reconnect_max_s` bounds only what nobody has set: their defaults."""
    minimum_s = _setting_s(model, "RetryBackOffWaitMinimum", csms.reconnect_min_s)
    ordered = any(model.was_set(f"OCPPCommCtrlr/RetryBackOff{what}") for what in ("WaitMinimum", "RepeatTimes"))
    return BackOffSettings(
        minimum_s,
        float(model.integer("OCPPCommCtrlr/RetryBackOffRandomRange")),
        model.integer("OCPPCommCtrlr/RetryBackOffRepeatTimes"),
        _BACK_OFF_MOST_S if ordered else max(csms.reconnect_max_s, minimum_s),
    )


def _setting_s(model: DeviceModel, name: str, configured_s: float) -> float:
    """The configuration's fraction of a second counts until the variable is set."""
    key = f"OCPPCommCtrlr/{name}"
    return float(model.integer(key)) if model.was_set(key) else configured_s
