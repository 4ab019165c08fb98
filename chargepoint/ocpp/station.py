"""The station as the central system sees it: routes calls, answers, events and time to the blocks, and their effects back.

A core: time is a value, everything that must be done goes out as effects. It decides nothing that a block could decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Concatenate, ParamSpec

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock
from chargepoint.ocpp.blocks.availability import AvailabilityBlock
from chargepoint.ocpp.blocks.block import FunctionalBlock, Judge, Respond, StationNow, Take
from chargepoint.ocpp.blocks.certificate_signing import CertificateSigningBlock
from chargepoint.ocpp.blocks.certificate_status import CertificateStatusBlock
from chargepoint.ocpp.blocks.certificates import CertificatesBlock
from chargepoint.ocpp.blocks.clock import OFFSET, ClockBlock
from chargepoint.ocpp.blocks.clock import SPACE as CLOCK_SPACE
from chargepoint.ocpp.blocks.connected_ev import ConnectedEvBlock
from chargepoint.ocpp.blocks.contracts import ContractsBlock
from chargepoint.ocpp.blocks.costs import CostsBlock
from chargepoint.ocpp.blocks.credentials import CredentialsBlock
from chargepoint.ocpp.blocks.customers import CustomersBlock
from chargepoint.ocpp.blocks.data_transfer import DataTransferBlock
from chargepoint.ocpp.blocks.device_data import DeviceDataBlock
from chargepoint.ocpp.blocks.displays import DisplaysBlock
from chargepoint.ocpp.blocks.effects import CallAnswer, CallRefusal, Effect, Effects, NoAnswer, Post, SharedEvent
from chargepoint.ocpp.blocks.equipment import EquipmentBlock
from chargepoint.ocpp.blocks.event_notices import EventNotices
from chargepoint.ocpp.blocks.external_limits import ExternalLimitsBlock
from chargepoint.ocpp.blocks.fault_events import FaultEventsBlock
from chargepoint.ocpp.blocks.firmware import FirmwareBlock
from chargepoint.ocpp.blocks.identity import IdentityBlock
from chargepoint.ocpp.blocks.jobs import JobEvent
from chargepoint.ocpp.blocks.local_list import LocalListBlock
from chargepoint.ocpp.blocks.logs import LogsBlock
from chargepoint.ocpp.blocks.memory import MemoryBlock
from chargepoint.ocpp.blocks.meter_values import MeterValuesBlock
from chargepoint.ocpp.blocks.monitoring import MonitoringBlock
from chargepoint.ocpp.blocks.network_profile import NetworkProfilesBlock
from chargepoint.ocpp.blocks.registration import RegistrationBlock
from chargepoint.ocpp.blocks.remote_control import RemoteControlBlock
from chargepoint.ocpp.blocks.reservation import ReservationBlock
from chargepoint.ocpp.blocks.reset import ResetBlock
from chargepoint.ocpp.blocks.security import SecurityBlock
from chargepoint.ocpp.blocks.smart_charging import SmartChargingBlock
from chargepoint.ocpp.blocks.transactions import TransactionsBlock
from chargepoint.ocpp.central_clock import CentralClock
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.local_list import SPACE as LIST_SPACE
from chargepoint.ocpp.local_list import VERSION_SPACE, LocalList
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.registration_status import RegistrationStatus
from chargepoint.ocpp.rpc import CallReceived
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.variables import rows
from chargepoint.ocpp.variables.site import Site
from chargepoint.ocpp.version import OCPP_2_0_1, OcppVersion
from chargepoint.ports import StationPort

P = ParamSpec("P")


class Station:
    """The blocks of one station. Moments named `own` are on the station's clock."""

    def __init__(
        self,
        csms: CsmsSection,
        section: StationSection,
        port: StationPort,
        kept: Kept,
        messages_waiting: Callable[[str | None], int],
        version: OcppVersion = OCPP_2_0_1,
        files: KeptFiles | None = None,
        csms_mark: str = "",
        manufacturer_roots: str = "",
    ) -> None:
        """`csms_mark` is another one where somebody has changed the connection in the configuration file."""
        self._port = port
        self._has_central_system = csms.enabled
        self._version = version
        self._connected = False
        self._own = Moment(0.0, 0.0)
        self.kept = kept
        self.files = KeptFiles() if files is None else files
        self.clock = CentralClock(kept.space(CLOCK_SPACE).get(OFFSET))
        firmware_version = port.firmware_version()
        site = Site(csms, section, port.evse_states())
        self.model = DeviceModel(rows(site), kept.space("variables"), self._live)
        clock = ClockBlock(self.model, kept, self.clock)
        self.registration = RegistrationBlock(section, firmware_version, self.model, clock, kept)
        self.availability = AvailabilityBlock(self.model, kept)
        tokens = LocalList(kept.space(LIST_SPACE), kept.space(VERSION_SPACE))
        self.authorization = AuthorizationBlock(self.model, tokens, kept)
        self.contracts = ContractsBlock(self.model, self.authorization)
        self.smart_charging = SmartChargingBlock(self.model, kept)
        self.reservations = ReservationBlock(self.model, self.authorization, kept)
        self.credentials = CredentialsBlock(self.files)
        self.network = NetworkProfilesBlock(csms, csms_mark, self.model, kept, self.files, self.credentials)
        self.displays = DisplaysBlock(self.model, kept)
        self.costs = CostsBlock(self.model)
        self._having: dict[str, list[FunctionalBlock]] = {}
        """By the name of a method, the blocks that have it as their own: no others need to be asked."""
        notices = EventNotices(self.model, kept)
        self._calls: dict[str, Respond] = {}
        self._takes: dict[str, Take] = {}
        self._judges: dict[str, Judge] = {}
        self._triggers: dict[str, Respond] = {}
        firmware = FirmwareBlock(
            section, firmware_version, manufacturer_roots, self.model, self.availability, kept, self.files
        )
        blocks = (
            self.registration,
            clock,
            self.availability,
            self.authorization,
            LocalListBlock(self.model, tokens),
            self.contracts,
            self.smart_charging,
            ExternalLimitsBlock(self.model, self.smart_charging.profiles, kept),
            self.reservations,
            IdentityBlock(firmware_version),
            EquipmentBlock(),
            ConnectedEvBlock(),
            DeviceDataBlock(self.model, self._judges),
            self.credentials,
            self.network,
            CertificatesBlock(csms, self.files, self.network),
            CertificateStatusBlock(kept, self.files),
            CertificateSigningBlock(csms, section, self.model, kept, self.files, self.network),
            ResetBlock(kept, firmware),
            TransactionsBlock(self.model, self.authorization, kept, messages_waiting),
            RemoteControlBlock(
                self.model,
                self.registration,
                self.smart_charging,
                self.reservations,
                self.authorization,
                self._triggers,
            ),
            LogsBlock(self.model),
            CustomersBlock(self.authorization, self.reservations, kept),
            self.displays,
            firmware,
            self.costs,
            MeterValuesBlock(self.model),
            MonitoringBlock(self.model, notices, kept),
            SecurityBlock(kept),
            MemoryBlock(),
            DataTransferBlock(self.model, self.smart_charging),
        )
        for block in blocks:
            self.add(block)
        if csms.enabled:  # else a fault would count as reported although nobody was notified
            self.add(FaultEventsBlock(self.model, notices, kept))

    def add(self, block: FunctionalBlock) -> None:
        """Route to this block from now on. Raises ValueError where another block has the same action."""
        twice = (self._calls.keys() & block.calls.keys()) | (self._takes.keys() & block.takes.keys())
        if twice:
            raise ValueError(f"{type(block).__name__}: another block has {', '.join(sorted(twice))}")
        for name in _ASKED:
            if getattr(type(block), name) is not getattr(FunctionalBlock, name):
                self._having.setdefault(name, []).append(block)
        self._calls.update(block.calls)
        self._takes.update(block.takes)
        self._judges.update(block.judges)
        self._triggers.update(block.triggers)

    @property
    def supported(self) -> frozenset[str]:
        """The CALLs that are built. Any other CALL of the version is NotSupported."""
        return frozenset(self._calls)

    @property
    def version(self) -> OcppVersion:
        """The version of the present connection, else of the last one."""
        return self._version

    def at(self, own: Moment) -> StationNow:
        """The station at this moment."""
        return StationNow(
            self.clock.at(own),
            own.utc_s,
            self._port.evse_states,
            self.registration.status,
            self._connected,
            self._version,
        )

    # -- the central system ------------------------------------------------------------------------------------------

    def handle(self, call: CallReceived, own: Moment) -> CallAnswer | CallRefusal:
        """The answer to a CALL that fits its schema."""
        if self.registration.status is RegistrationStatus.REJECTED:  # B03.FR.08
            return CallRefusal("SecurityError", "the central system has not accepted this station")
        return self._calls[call.action](call.payload, self._enter(own))

    def answered(
        self, action: str, request: Payload, response: Payload, own: Moment, round_trip_s: float = 0.0
    ) -> Effects:
        """The central system answered a CALL of ours after so long; the response fits its schema."""
        take = self._takes.get(action)
        if take is None:
            return ()
        accepted_before = self.registration.accepted_now
        effects = take(request, response, replace(self._enter(own), round_trip_s=round_trip_s))
        if self.registration.accepted_now and not accepted_before:
            now = self._enter(own)
            effects = (*effects, *self._all(FunctionalBlock.accepted, now))
        return effects

    def unanswered(self, action: str, request: Payload, no_answer: NoAnswer, own: Moment) -> Effects:
        """A CALL of ours has no answer to use."""
        now = self._enter(own)
        return self._all(FunctionalBlock.unanswered, action, request, no_answer, now)

    def connected(self, version: OcppVersion, offline_s: float, own: Moment) -> Effects:
        """A connection was made that speaks this version."""
        self._connected, self._version = True, version
        return self._all(FunctionalBlock.connected, self._enter(own), offline_s)

    def disconnected(self, own: Moment) -> Effects:
        """The connection was lost."""
        self._connected = False
        return self._all(FunctionalBlock.disconnected, self._enter(own))

    # -- the station and time ------------------------------------------------------------------------------------------

    def started(self, own: Moment) -> Effects:
        """The daemon has started."""
        return self._all(FunctionalBlock.started, self._enter(own))

    def states_changed(self, own: Moment) -> Effects:
        """Some EVSE's state changed."""
        return self._all(FunctionalBlock.states_changed, self._enter(own))

    def informed(self, event: SharedEvent, own: Moment) -> Effects:
        """Something happened that concerns more than one block."""
        return self._all(FunctionalBlock.informed, event, self._enter(own))

    def job_event(self, event: JobEvent, own: Moment) -> Effects:
        """Something of a job."""
        return self._all(FunctionalBlock.job_event, event, self._enter(own))

    @property
    def deadline_s(self) -> float | None:
        """When `tick` must be called (monotonic s)."""
        deadlines = [block.deadline_s for block in self._having.get("deadline_s", ())]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def tick(self, own: Moment) -> Effects:
        """What is due now."""
        return self._all(FunctionalBlock.tick, self._enter(own))

    def contributions(self, own: Moment) -> Effects:
        """What the arbiter is given now."""
        return self.smart_charging.contributions(self._enter(own))

    def displayed(self, own: Moment) -> dict[str, object]:
        """What each EVSE's driver is to be shown: messages, tariff and cost, by EVSE. JSON-able."""
        now = self._enter(own)
        return {
            str(evse.evse_id): {
                "messages": list(self.displays.shown(evse, self.costs.language(evse.evse_id, now), now)),
                **self.costs.shown(evse.evse_id, now),
            }
            for evse in now.evses
        }

    # -- inside ------------------------------------------------------------------------------------------------------

    def _enter(self, own: Moment) -> StationNow:
        self._own = own
        return self.at(own)

    def _all(
        self, method: Callable[Concatenate[FunctionalBlock, P], Effects], *arguments: P.args, **named: P.kwargs
    ) -> Effects:
        """What the blocks want that have this method as their own.

        Without a central system nothing is stored for one, since nobody would ever take it.
        """
        effects: list[Effect] = []
        for block in self._having.get(method.__name__, ()):
            effects += getattr(block, method.__name__)(*arguments, **named)
        if self._has_central_system:
            return tuple(effects)
        return tuple(effect for effect in effects if not isinstance(effect, Post))

    def _live(self, row: Variable) -> str | None:
        """The value of a variable that is read at the moment it is asked for."""
        now = self.at(self._own)
        for block in self._having.get("value_of", ()):
            value = block.value_of(row, now)
            if value is not None:
                return value
        return None


_ASKED = tuple(name for name in vars(FunctionalBlock) if not name.startswith("_"))
"""What a block may override."""
