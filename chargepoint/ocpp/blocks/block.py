"""What a functional block is: a core with its own calls, kept state, variables and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from chargepoint.model.ids import EvseId
from chargepoint.model.status import EvseState
from chargepoint.ocpp.blocks.effects import CallAnswer, CallRefusal, Effects, NoAnswer, SharedEvent
from chargepoint.ocpp.blocks.jobs import JobEvent
from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.registration_status import RegistrationStatus
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.version import OcppVersion


@dataclass(frozen=True)
class StationNow:
    """The station and its central system at this moment, as a block sees them.

    `moment` is on the central system's clock (B01.FR.06), `own_utc_s` on the station's. `registration` None: not asked since the start.
    """

    moment: Moment
    own_utc_s: float
    read_evses: Callable[[], tuple[EvseState, ...]]
    registration: RegistrationStatus | None
    connected: bool
    version: OcppVersion
    round_trip_s: float = 0.0
    """How long ago the CALL left whose answer is taken now; 0 otherwise."""

    @cached_property
    def evses(self) -> tuple[EvseState, ...]:
        """Each EVSE, read at the first use: most values of variables need none of them."""
        return self.read_evses()

    @property
    def monotonic_s(self) -> float:
        """Seconds to decide by."""
        return self.moment.monotonic_s

    @property
    def utc_s(self) -> float:
        """Seconds since the epoch, to report."""
        return self.moment.utc_s

    @property
    def utc(self) -> datetime:
        """Aware UTC."""
        return self.moment.utc

    @property
    def wire(self) -> str:
        """As a timestamp of OCPP."""
        return self.moment.wire

    @property
    def accepted(self) -> bool:
        """The central system has accepted this station."""
        return self.registration is RegistrationStatus.ACCEPTED

    @property
    def online(self) -> bool:
        """Connected and accepted: anything may be sent."""
        return self.connected and self.accepted

    def evse(self, evse_id: int) -> EvseState | None:
        """The EVSE of this number, if there is one."""
        return next((e for e in self.evses if e.evse_id == EvseId(evse_id)), None)

    def transaction(self, transaction_id: str) -> EvseState | None:
        """The EVSE on which this transaction runs."""
        return next((e for e in self.evses if e.transaction_id == transaction_id), None)


Respond = Callable[[Payload, StationNow], CallAnswer | CallRefusal]
Take = Callable[[Payload, Payload, StationNow], Effects]
"""(our request, the central system's response, now): what follows."""


@dataclass(frozen=True, slots=True)
class SettingRefused:
    """A value of a variable is refused. `reason_code`: of the appendices; `text`: for people."""

    reason_code: str
    text: str


@dataclass(frozen=True, slots=True)
class SettingTaken:
    """The block keeps the value by `effects`, in its own place; `then` follows once the answer has left."""

    effects: Effects
    then: Effects = ()


Judge = Callable[[str, StationNow], SettingRefused | SettingTaken | None]
"""(the value, now): whether the central system may set it; None: yes, and it is kept among the variables."""


class FunctionalBlock:
    """A functional block. A core: it never waits, and asks for everything by effects.

    It overrides what it needs; each method is called on its own, never while another is at work. What must survive a restart is in
    its `Space`; what is in its attributes is lost with the process.
    """

    calls: Mapping[str, Respond]
    """The CALLs of the central system it answers, by action. Their payloads fit their schema."""
    takes: Mapping[str, Take]
    """The answers of the central system it takes, by the action of our CALL."""

    judges: Mapping[str, Judge]
    """The variables whose new value it judges, by `Variable.key`; the value fits its row."""
    triggers: Mapping[str, Respond]
    """The messages that TriggerMessage may ask of it, by `requestedMessage`; the payload is TriggerMessage's."""

    def __init__(self) -> None:
        self.calls = {}
        self.takes = {}
        self.judges = {}
        self.triggers = {}

    @property
    def deadline_s(self) -> float | None:
        """When `tick` must be called (monotonic s); None: only after something happened."""
        return None

    def tick(self, now: StationNow) -> Effects:
        """Time passed, or something happened. Called at least at `deadline_s`."""
        return ()

    def started(self, now: StationNow) -> Effects:
        """The daemon has started; called once, before everything else."""
        return ()

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """A connection was made, so many seconds after the last was lost (or since the start)."""
        return ()

    def disconnected(self, now: StationNow) -> Effects:
        """The connection was lost, and with it every `Send` that was not answered."""
        return ()

    def accepted(self, now: StationNow) -> Effects:
        """The central system accepted the station, after a time when it had not."""
        return ()

    def unanswered(self, action: str, request: Payload, no_answer: NoAnswer, now: StationNow) -> Effects:
        """A CALL of ours has no answer to use."""
        return ()

    def states_changed(self, now: StationNow) -> Effects:
        """Some EVSE's state changed: a transaction began or ended, a car was plugged in."""
        return ()

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """Something happened that concerns more than one block."""
        return ()

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        """Something of a job; a block ignores the names it did not give."""
        return ()

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """The present value of a variable that is read when asked for; None: not this block's, or unknown."""
        return None
