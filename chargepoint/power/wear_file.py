"""The wear of each contactor on disk: the counts go on after a restart, and begin anew only when the contactor was replaced.

The file is one JSON object with a checksum. It names who replaced a contactor, when, and what it had counted. A file that cannot be
read is put aside, and the counts begin anew: wear is a warning, and keeps nothing closed or open.
"""

from __future__ import annotations

import contextlib
import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chargepoint.model.ids import EvseId
from chargepoint.power.record_file import RecordFile
from chargepoint.safety.wear import Wear

FILE_NAME = "contactor-wear.json"
VERSION = 1
REPLACED_MAX = 50
"""So many replacements are remembered, the newest ones."""
AUTHOR_MAX = 64


class WearRecordError(ValueError):
    """A wear record that cannot be trusted: says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One contactor that was replaced: the EVSE, when (UTC, ISO 8601), by whom, and what the old one had counted."""

    evse: int
    utc: str
    author: str
    before: Wear


@dataclass(frozen=True, slots=True)
class WearRecord:
    """What is stored."""

    wear: Mapping[EvseId, Wear]
    replaced: tuple[Replacement, ...] = ()


def encode(record: WearRecord) -> bytes:
    """The record as text that a person can read."""
    body = {
        "contactors": {str(evse_id): asdict(wear) for evse_id, wear in sorted(record.wear.items())},
        "replaced": [asdict(one) for one in record.replaced[-REPLACED_MAX:]],
    }
    return json.dumps({"version": VERSION, "crc32": _checksum(body), **body}, indent=1).encode() + b"\n"


def decode(data: bytes) -> WearRecord:
    """The record. Raises WearRecordError for anything that `encode` did not write whole."""
    try:
        found = json.loads(data)
        body = {"contactors": found["contactors"], "replaced": found["replaced"]}
        if found["version"] != VERSION:
            raise WearRecordError(f"version {found['version']!r}: {VERSION} is known")
        if found["crc32"] != _checksum(body):
            raise WearRecordError("the checksum does not match")
        wear = {EvseId(int(number)): _wear(counts) for number, counts in body["contactors"].items()}
        replaced = tuple(Replacement(**{**one, "before": _wear(one["before"])}) for one in body["replaced"])
    except WearRecordError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WearRecordError(f"no wear record ({error})") from error
    return WearRecord(wear, replaced)


def _wear(counts: Mapping[str, object]) -> Wear:
    wear = Wear(**counts)  # type: ignore[arg-type]
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in asdict(wear).values()):
        raise WearRecordError(f"{counts!r}: whole numbers from 0 are counts")
    return wear


def _checksum(body: object) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


class WearFile:
    """Call `open` once before the cycle, `keep` from the cycle, `close` at the end."""

    def __init__(self, folder: Path, log: logging.Logger, *, by_thread: bool = True) -> None:
        """`by_thread`: see `RecordFile`."""
        self.path = folder / FILE_NAME
        self._log = log
        self._file = RecordFile(self.path, log, "counts of the contactors", by_thread=by_thread)
        self._record = WearRecord({})

    def read(self) -> WearRecord:
        """What is stored; nothing at the first start. Raises WearRecordError or OSError."""
        try:
            return decode(self.path.read_bytes())
        except FileNotFoundError:
            return WearRecord({})

    def open(self) -> Mapping[EvseId, Wear]:
        """What each contactor has counted until now. Never raises."""
        try:
            self._record = self.read()
        except WearRecordError as error:
            self._log.error(
                "! %s: %s; the counts of the contactors begin anew, the file is put aside", self.path, error
            )
            with contextlib.suppress(OSError):
                self.path.replace(self.path.with_name(FILE_NAME + ".unreadable"))
        except OSError as error:
            self._log.error("! %s: %s; the counts of the contactors begin anew", self.path, error.strerror)
        for one in self._record.replaced[-1:]:
            self._log.info("* evse %d: contactor replaced %s by %s", one.evse, one.utc, one.author)
        self._file.start()
        return self._record.wear

    def keep(self, wear: Mapping[EvseId, Wear]) -> None:
        """Store these counts if they changed; returns before they are written. Others, not configured now, stay as they are."""
        if all(self._record.wear.get(evse_id, Wear()) == counts for evse_id, counts in wear.items()):
            return
        self._record = WearRecord({**self._record.wear, **wear}, self._record.replaced)
        self._file.keep(encode(self._record))

    def close(self) -> None:
        """Wait for the last record, 2 s at most."""
        self._file.close()

    def add(self, more: Mapping[EvseId, Wear]) -> None:
        """These were counted beside the power process, by bring-up or self-test. Written before this returns.

        Raises OSError where it cannot be stored, WearRecordError for a damaged record. Only while no power process runs.
        """
        record = self.read()
        wear = {
            **record.wear,
            **{evse_id: record.wear.get(evse_id, Wear()).plus(counts) for evse_id, counts in more.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._file.write(encode(WearRecord(wear, record.replaced))):
            raise OSError(self._file.trouble)

    def replace(self, evse_id: EvseId, utc: str, author: str) -> Wear:
        """The contactor of this EVSE is a new one: its counts begin anew. What the old one had counted.

        Raises OSError where it cannot be stored, WearRecordError for a damaged record. Only while no power process runs.
        """
        record = self.read()
        before = record.wear.get(evse_id, Wear())
        name = "".join(char if char.isprintable() else "?" for char in author)[:AUTHOR_MAX]
        replaced = (*record.replaced, Replacement(int(evse_id), utc, name, before))
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._file.write(encode(WearRecord({**record.wear, evse_id: Wear()}, replaced))):
            raise OSError(self._file.trouble)
        return before
