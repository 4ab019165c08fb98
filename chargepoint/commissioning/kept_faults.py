"""What the power process keeps latched until a person resets it, read from its record while it is stopped. A shell."""

from __future__ import annotations

from chargepoint.config.schema import Config
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_codec import RecordError, decode
from chargepoint.power.latch_file import FILE_NAME
from chargepoint.power.wiring import latch_folder


def kept_faults(config: Config, evse_id: EvseId) -> tuple[FaultCode, ...]:
    """In the order of their codes; none before the first start. Raises OSError with what is wrong with the record."""
    path = latch_folder(config) / FILE_NAME
    try:
        return tuple(sorted(decode(path.read_bytes()).get(evse_id, {})))
    except FileNotFoundError:
        return ()
    except RecordError as error:
        raise OSError(f"{path}: {error}; the power process latches LATCH_RECORD at its next start") from error
