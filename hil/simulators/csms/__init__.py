"""The bench's central system: OCPP 2.0.1 over WebSocket, strict, with a memory of everything and faults on demand.

In come a station's connection and its messages; out go answers, and whatever a test or a person orders. A program uses
`Csms`; `python -m hil.simulators.csms` is the same central system alone, with JSON lines on standard input and output.
"""

from hil.simulators.csms.faults import Faults
from hil.simulators.csms.log import Heard, StationLog, TransactionLog
from hil.simulators.csms.server import CallError, Csms

__all__ = ["CallError", "Csms", "Faults", "Heard", "StationLog", "TransactionLog"]
