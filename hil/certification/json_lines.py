"""Any station under test: a command that a bench provides performs the actions. One JSON object per line in, one out.

The suite writes {"do": VERB, …} to the command's standard input. The command answers {"ok": true} when the action is done, or
{"ok": false, "error": "why"}. Standard error of the command is passed through. docs/certification.md lists every verb.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
from typing import Any

from hil.certification.keys import SecuritySetup
from hil.certification.pics import Token
from hil.certification.station_under_test import BenchRefused

ANSWER_WITHIN_S = 120.0
"""A bench may ask a person to do something."""
END_WITHIN_S = 5.0

SETUP_FIELDS = (
    "url",
    "security_profile",
    "password",
    "root_file",
    "certificate_file",
    "key_file",
    "manufacturer_root_file",
    "additional_root_check",
)
VERBS = {
    "open": SETUP_FIELDS,
    "restore_factory_state": SETUP_FIELDS,
    "close": (),
    "plug": ("evse", "connector"),
    "unplug": ("evse", "connector"),
    "suspend": ("evse",),
    "resume": ("evse",),
    "end_session": ("evse",),
    "not_ready": ("evse",),
    "negotiate": ("evse", "again_after_s"),
    "bring_contract": ("evse", "known_root"),
    "request_certificate": ("evse", "action"),
    "present": ("token", "type", "evse"),
    "store_customer": ("identifier", "evse"),
    "reboot": (),
    "cut_power": (),
    "restore_power": (),
    "fault": ("evse", "on"),
    "clear_faults": (),
}
"""Every verb with its fields."""


class JsonLinesStation:
    """Start the command with the first verb; it ends when its standard input is closed."""

    def __init__(self, command: str) -> None:
        self.name = command
        self._command = shlex.split(command)
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, url: str, security: SecuritySetup) -> None:
        """Start the station."""
        await self._do("open", **_setup(url, security))

    async def restore_factory_state(self, url: str, security: SecuritySetup) -> None:
        """Forget everything and start anew."""
        await self._do("restore_factory_state", **_setup(url, security))

    async def close(self) -> None:
        """Stop the station and end the command."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(BenchRefused):
            await self._do("close")
        self._process = None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def plug(self, evse_id: int, connector_id: int) -> None:
        """Connect a car."""
        await self._do("plug", evse=evse_id, connector=connector_id)

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        """Disconnect the car."""
        await self._do("unplug", evse=evse_id, connector=connector_id)

    async def suspend(self, evse_id: int) -> None:
        """The car takes no energy."""
        await self._do("suspend", evse=evse_id)

    async def resume(self, evse_id: int) -> None:
        """The car asks for energy."""
        await self._do("resume", evse=evse_id)

    async def end_session(self, evse_id: int) -> None:
        """The car ends its session."""
        await self._do("end_session", evse=evse_id)

    async def not_ready(self, evse_id: int) -> None:
        """The next car is not ready."""
        await self._do("not_ready", evse=evse_id)

    async def negotiate(self, evse_id: int, again_after_s: float) -> None:
        """The next car negotiates a schedule."""
        await self._do("negotiate", evse=evse_id, again_after_s=again_after_s)

    async def bring_contract(self, evse_id: int, known_root: bool) -> None:
        """The next car has a contract."""
        await self._do("bring_contract", evse=evse_id, known_root=known_root)

    async def request_certificate(self, evse_id: int, action: str) -> None:
        """The next car asks for a contract certificate."""
        await self._do("request_certificate", evse=evse_id, action=action)

    async def present(self, token: Token, evse_id: int) -> None:
        """Present a token."""
        await self._do("present", token=token.value, type=token.kind, evse=evse_id)

    async def store_customer(self, identifier: str, evse_id: int) -> None:
        """Make the station know a customer."""
        await self._do("store_customer", identifier=identifier, evse=evse_id)

    async def reboot(self) -> None:
        """Restart the station."""
        await self._do("reboot")

    async def cut_power(self) -> None:
        """Take the supply away."""
        await self._do("cut_power")

    async def restore_power(self) -> None:
        """Give the supply back."""
        await self._do("restore_power")

    async def fault(self, evse_id: int, on: bool) -> None:
        """Make or remove a fault."""
        await self._do("fault", evse=evse_id, on=on)

    async def clear_faults(self) -> None:
        """Let the station recover."""
        await self._do("clear_faults")

    async def _do(self, verb: str, **fields: Any) -> None:
        """One request and its answer. Raises BenchRefused."""
        assert fields.keys() == set(VERBS[verb])
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"do": verb, **fields}).encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(ANSWER_WITHIN_S):
                line = await process.stdout.readline()
        except (OSError, TimeoutError, ValueError) as error:
            raise BenchRefused(f"{verb}: {self.name}: {error or f'no answer in {ANSWER_WITHIN_S:g} s'}") from error
        _check(verb, line)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            pipe = asyncio.subprocess.PIPE
            try:
                self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
            except OSError as error:
                raise BenchRefused(
                    f"{self.name}: {error.strerror}; --station takes a command that can be started"
                ) from error
        return self._process


def _setup(url: str, security: SecuritySetup) -> dict[str, object]:
    return {
        "url": url,
        "security_profile": security.profile,
        "password": security.password,
        "root_file": str(security.root),
        "certificate_file": str(security.certificate),
        "key_file": str(security.key),
        "manufacturer_root_file": str(security.manufacturer_root),
        "additional_root_check": security.additional_root_check,
    }


def _check(verb: str, line: bytes) -> None:
    """Raises BenchRefused unless the answer is {"ok": true}."""
    if not line:
        raise BenchRefused(f"{verb}: the station's command ended; its own messages say why")
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise BenchRefused(
            f"{verb}: the station's command answered {line[:80]!r}: a JSON object is expected"
        ) from error
    if not isinstance(answer, dict) or answer.get("ok") is not True:
        reason = answer.get("error") if isinstance(answer, dict) else answer
        raise BenchRefused(f"{verb}: {reason or 'refused without a reason'}")
