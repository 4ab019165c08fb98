"""A contactor was replaced: its count of wear begins anew. A shell, while the power process is stopped."""

from __future__ import annotations

import datetime
import getpass
import logging
import os

from chargepoint.config.schema import Config
from chargepoint.model.ids import EvseId
from chargepoint.power.hardware_lock import REPLACEMENT, HardwareLock
from chargepoint.power.wear_file import WearFile, WearRecordError
from chargepoint.power.wiring import latch_folder


def contactor_replaced(config: Config, evse: int) -> str:
    """Stored with time and author: what was done, in words. Raises HardwareTaken, or OSError with what to do."""
    author = os.environ.get("SUDO_USER") or getpass.getuser()
    utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    lock = HardwareLock(config.station.runtime_dir, REPLACEMENT)
    try:
        before = WearFile(latch_folder(config), logging.getLogger("power")).replace(EvseId(evse), utc, author)
    except WearRecordError as error:
        raise OSError(
            f"{latch_folder(config)}: {error}; start the power process once, it puts the file aside"
        ) from error
    finally:
        lock.release()
    return (
        f"EVSE {evse}: the contactor's wear is counted anew, by {author}; the old one closed {before.closings} times, "
        f"{before.load_closings} under load, and opened {before.load_openings} times under load"
    )
