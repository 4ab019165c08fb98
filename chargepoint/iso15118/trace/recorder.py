"""The recorder of one connector: a pair of files per session, bounded in size and number. A shell.

What is recorded is buffered, and written when the buffer is full, a second old, or the session ends. So a call waits at most
for one write of what is buffered. A disk that refuses ends the trace of this session with one line in the log.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from chargepoint.iso15118.trace import json_lines, pcapng
from chargepoint.iso15118.trace.disclosure import disclose
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.pcapng import UNKNOWN_CAR, UNKNOWN_STATION, Endpoint, PacketStream

SESSION_MAX_BYTES = 32 * 1024 * 1024
"""Both files of a session together: about two hours of a charge loop at four messages a second."""

SESSIONS_KEPT = 50
BUFFER_MAX_BYTES = 64 * 1024
BUFFER_MAX_S = 1.0

_OURS = re.compile(r"\d{8}T\d{12}Z-[A-Za-z0-9_-]{1,32}\.(?:jsonl|pcapng)")


class _Output:
    """One file with its buffer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """Bytes that are not written yet."""
        return len(self._buffer)

    def add(self, data: bytes) -> None:
        """Buffer only."""
        self._buffer += data

    def flush(self) -> None:
        """Write all that is buffered. Raises OSError."""
        while self._buffer:
            written = os.write(self._descriptor, self._buffer)
            del self._buffer[:written]

    def close(self) -> None:
        """Give the descriptor back, whatever is buffered."""
        os.close(self._descriptor)


class TraceRecorder:
    """Record the sessions of the connector `name` into `directory`, which is made where it is missing.

    `frame` begins a session by itself; `end` ends it. Nothing here raises: a directory that cannot be used is one line in the
    log per session.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        log: logging.Logger,
        *,
        session_max_bytes: int = SESSION_MAX_BYTES,
        sessions_kept: int = SESSIONS_KEPT,
    ) -> None:
        self._directory = directory
        self._name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:32] or "evse"
        self._log = log
        self._session_max_bytes = session_max_bytes
        self._sessions_kept = sessions_kept
        self._outputs: tuple[_Output, _Output] | None = None
        self._stream = PacketStream()
        self._begun = False
        self._bytes = 0
        self._flushed_utc_s = 0.0

    def begin(self, at_utc_s: float, car: Endpoint = UNKNOWN_CAR, station: Endpoint = UNKNOWN_STATION) -> None:
        """Begin a new session between these two ends; one that runs is ended first."""
        self.end()
        self._begun = True
        self._stream = PacketStream(car, station)
        self._bytes, self._flushed_utc_s = 0, at_utc_s
        stamp = datetime.fromtimestamp(at_utc_s, UTC).strftime("%Y%m%dT%H%M%S%fZ")
        try:
            self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._remove_oldest()
            lines = _Output(self._directory / f"{stamp}-{self._name}.jsonl")
            try:
                self._outputs = lines, _Output(lines.path.with_suffix(".pcapng"))
            except OSError:
                lines.close()
                raise
        except OSError as error:
            self._log.warning("! no trace in %s: %s", self._directory, error)
            return
        self._add(
            b"", pcapng.head(self._name, "messages between car and station; TLS is removed, secrets are left out")
        )

    def connected(self, car: Endpoint, station: Endpoint) -> None:
        """The TCP connection of the running session has these ends; the sequence numbers begin anew."""
        self._stream = PacketStream(car, station)

    def frame(self, frame: TracedFrame) -> None:
        """Record one frame or event, in the order of time."""
        if not self._begun:
            self.begin(frame.at_utc_s)
        if self._outputs is None:
            return
        disclosed = disclose(frame)
        self._add(json_lines.line(frame, disclosed), self._stream.packets(frame, disclosed))
        if self._bytes > self._session_max_bytes:
            limit = f"trace ends here: {self._bytes} bytes, at most {self._session_max_bytes} for one session"
            last = TracedFrame(frame.at_utc_s, WireDirection.EVENT, 0, b"", None, limit)
            self._add(json_lines.line(last, disclose(last)), b"")
            self._log.info("* %s", limit)
            self._close()
        elif (
            sum(output.buffered for output in self._outputs) >= BUFFER_MAX_BYTES
            or not 0.0 <= frame.at_utc_s - self._flushed_utc_s < BUFFER_MAX_S
        ):
            self._flush(frame.at_utc_s)

    def end(self) -> None:
        """The session is over: everything is written, both files are closed."""
        self._begun = False
        self._close()

    def _add(self, text: bytes, packets: bytes) -> None:
        assert self._outputs is not None
        lines, capture = self._outputs
        lines.add(text)
        capture.add(packets)
        self._bytes += len(text) + len(packets)

    def _flush(self, at_utc_s: float) -> None:
        assert self._outputs is not None
        self._flushed_utc_s = at_utc_s
        try:
            for output in self._outputs:
                output.flush()
        except OSError as error:
            self._log.warning("! trace of this session ends: %s: %s", self._outputs[0].path, error)
            self._drop()

    def _close(self) -> None:
        if self._outputs is not None:
            self._flush(self._flushed_utc_s)
        self._drop()

    def _drop(self) -> None:
        for output in self._outputs or ():
            with contextlib.suppress(OSError):
                output.close()
        self._outputs = None

    def _remove_oldest(self) -> None:
        """Make room for one more session of any connector in this directory. Foreign files are left alone."""
        ours = sorted(path for path in self._directory.iterdir() if _OURS.fullmatch(path.name))
        sessions = sorted({path.stem for path in ours})
        gone = set(sessions[: max(0, len(sessions) - self._sessions_kept + 1)])
        for path in ours:
            if path.stem in gone:
                path.unlink(missing_ok=True)
