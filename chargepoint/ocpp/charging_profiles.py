"""Charging profiles installed on this station: which are taken, which refused, which leave with their transaction.

Owns the collection; `charging_schedule` understands one profile, `composite` merges them. Nothing changes before its
write is on the disk (K01.FR.27): every change is a `Change` to be committed first and applied then.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.status import EvseState
from chargepoint.ocpp.charging_schedule import Kind, NegativeLimit, Profile, ProfileRejected, Purpose, V2xRules, parse
from chargepoint.ocpp.composite import Installed
from chargepoint.ocpp.device_table import MAX_PERIODS, MAX_PROFILES, MAX_STACK_LEVEL
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s
from chargepoint.store.rows import DeleteProfile, ProfileRow, PutProfile, Write

PENDING_MAX_S = 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """Commit `writes`, then call `apply`."""

    writes: tuple[Write, ...]
    apply: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """`raw` is the wire form as reported (K09); `updates` the scheduleUpdate applied last, with its UTC second."""

    installed: Installed
    raw: Payload
    update: tuple[Payload, float] | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    evse_id: int
    raw: Payload
    id_token: IdToken
    until_s: float


class ChargingProfiles:
    """The collection. `rules` are asked at each use, they follow the device model."""

    def __init__(self, rows: Iterable[ProfileRow], rules: Callable[[], V2xRules]) -> None:
        self._rules = rules
        self._entries: dict[int, _Entry] = {}
        self._pending: list[_Pending] = []
        self._forbidden: set[str] = set()
        self.unreadable: list[str] = []
        """Stored rows that could not be understood any more, for the log."""
        for row in rows:
            try:
                document: dict[str, Any] = json.loads(row.json)
                # What was accepted once is kept, whatever V2XOver201 says now.
                rules_then = V2xRules(True, NegativeLimit(document["negativeLimit"]))
                entry = _Entry(Installed(row.evse_id, parse(document["profile"], rules_then)), document["profile"])
                if "update" in document:
                    entry = _updated(entry, document["update"], document["updatedUtcS"], rules_then)
                self._entries[row.profile_id] = entry
            except (ValueError, KeyError, TypeError, ProfileRejected) as error:
                self.unreadable.append(f"profile {row.profile_id}: {error}")

    @property
    def installed(self) -> tuple[Installed, ...]:
        """All profiles in force or waiting for their time."""
        return tuple(entry.installed for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def discharge_permitted(self, transaction_id: TransactionId | None) -> bool:
        """The central system has not forbidden this transaction to discharge (2.1's NotifyAllowedEnergyTransfer)."""
        return transaction_id not in self._forbidden

    def permit_discharge(self, transaction_id: str, permitted: bool) -> None:
        """Note what the central system allows; forgotten with the transaction."""
        (self._forbidden.discard if permitted else self._forbidden.add)(transaction_id)

    # -- setting -----------------------------------------------------------------------------------------------------

    def install(self, evse_id: int, raw: Payload, evses: Sequence[EvseState], now: Moment) -> Change:
        """SetChargingProfile. Raises ProfileRejected with OCPP's reason code. Profiles past their validTo make way."""
        profile = parse(raw, self._rules())
        past = self._past(now.utc_s)
        self._check(evse_id, profile, evses, past)
        purpose, evse = profile.purpose, _evse(evse_id, evses)
        if purpose is Purpose.TX:
            if profile.transaction_id is None:
                raise ProfileRejected("MissingParam", "a TxProfile names its transactionId")  # K01.FR.03
            if evse is None or evse.transaction_id is None:
                raise ProfileRejected("TxNotFound", f"EVSE {evse_id} has no transaction")  # K01.FR.09
            if evse.transaction_id != profile.transaction_id:
                raise ProfileRejected(
                    "TxNotFound", f"EVSE {evse_id} has no transaction {profile.transaction_id}"
                )  # K01.FR.33
        self._check_over(profile, evse, now)
        self._check_discharge(profile, evse, evses)
        self._check_duplicate(evse_id, profile, past)
        change, gone = self._put(_Entry(Installed(evse_id, profile), raw)), past - {profile.profile_id}
        return Change(
            (*(DeleteProfile(i) for i in sorted(gone)), *change.writes),
            partial(_run, (partial(self._remove, gone), change.apply)),
        )

    def check_for_start(self, evse_id: int, raw: Payload, evses: Sequence[EvseState], now: Moment) -> None:
        """A profile inside RequestStartTransaction (F01.FR.09, FR.11, K05.FR.05). Raises ProfileRejected."""
        profile = parse(raw, self._rules())
        self._check(evse_id, profile, evses)
        self._check_over(profile, None, now)
        if profile.purpose is not Purpose.TX:
            raise ProfileRejected(
                "InvalidProfile", f"purpose {profile.purpose.value}: only TxProfile with a remote start"
            )
        if profile.transaction_id is not None:
            raise ProfileRejected("InvalidProfile", "a profile with a remote start has no transactionId")
        evse = _evse(evse_id, evses)
        if profile.discharges and evse is not None and evse.discharge_max_W <= 0:
            raise ProfileRejected("UnsupportedParam", f"EVSE {evse_id} cannot discharge")

    def await_start(self, evse_id: int, raw: Payload, id_token: IdToken, until_s: float) -> None:
        """Keep a profile for the transaction this token starts on this EVSE before `until_s` (monotonic)."""
        self.forget_start(evse_id)
        self._pending.append(_Pending(evse_id, raw, id_token, until_s))

    def forget_start(self, evse_id: int) -> None:
        """A newer remote start of this EVSE takes the place of one that still waits, and of its profile."""
        self._pending = [p for p in self._pending if p.evse_id != evse_id]

    def follow(self, evses: Sequence[EvseState], now_s: float) -> Change | None:
        """Transactions came or went: bind waiting profiles, drop those of ended transactions (K02.FR.05)."""
        running = {str(e.transaction_id): e for e in evses if e.transaction_id is not None}
        self._forbidden &= running.keys()
        writes: list[Write] = []
        steps: list[Callable[[], None]] = []
        for profile_id, entry in self._entries.items():
            profile = entry.installed.profile
            if profile.purpose is Purpose.TX and profile.transaction_id not in running:
                writes.append(DeleteProfile(profile_id))
                steps.append(partial(self._remove, (profile_id,)))
        for waiting in tuple(self._pending):
            evse = _evse(waiting.evse_id, evses)
            if now_s >= waiting.until_s or evse is None:
                self._pending.remove(waiting)
            elif evse.transaction_id is not None and evse.id_token == waiting.id_token:
                self._pending.remove(waiting)
                raw = {**waiting.raw, "transactionId": str(evse.transaction_id)}
                change = self._put(_Entry(Installed(waiting.evse_id, parse(raw, self._rules())), raw))
                writes.extend(change.writes)
                steps.append(change.apply)
        if not steps:
            return None
        return Change(tuple(writes), partial(_run, steps))

    def update(self, profile_id: int, update: Payload, evses: Sequence[EvseState], utc_s: float) -> Change:
        """2.1's UpdateDynamicSchedule on an installed profile. Raises ProfileRejected."""
        entry = self._entries.get(profile_id)
        if entry is None:
            raise ProfileRejected("NotFound", f"no charging profile {profile_id}")
        entry = _updated(entry, update, utc_s, self._rules())
        profile = entry.installed.profile
        self._check_discharge(profile, _evse(entry.installed.evse_id, evses), evses)
        return self._put(entry)

    # -- clearing and reporting --------------------------------------------------------------------------------------

    def clear(
        self, profile_id: int | None, evse_id: int | None, purpose: str | None, stack_level: int | None
    ) -> Change | None:
        """ClearChargingProfile; None where nothing matches. External constraints stay. K10.FR.01 to FR.09."""
        gone = [
            i
            for i, entry in self._entries.items()
            if entry.installed.profile.purpose is not Purpose.EXTERNAL
            and (
                i == profile_id
                if profile_id is not None
                else evse_id in (None, entry.installed.evse_id)
                and purpose in (None, entry.installed.profile.purpose.value)
                and stack_level in (None, entry.installed.profile.stack_level)
            )
        ]
        if not gone:
            return None
        writes = tuple(DeleteProfile(i) for i in gone)
        return Change(writes, partial(self._remove, gone))

    def report(self, evse_id: int | None, criterion: Payload) -> dict[int, list[Payload]]:
        """GetChargingProfiles: profiles as they were set, by EVSE. K09.FR.03 to FR.06."""
        found: dict[int, list[Payload]] = {}
        sources = criterion.get("chargingLimitSource")
        for profile_id, entry in sorted(self._entries.items()):
            profile = entry.installed.profile
            if evse_id is not None and entry.installed.evse_id != evse_id:
                continue
            if "chargingProfileId" in criterion:
                matches = profile_id in criterion["chargingProfileId"]
            else:
                matches = (
                    criterion.get("chargingProfilePurpose") in (None, profile.purpose.value)
                    and criterion.get("stackLevel") in (None, profile.stack_level)
                    and (sources is None or "CSO" in sources)
                )
            if matches:
                found.setdefault(entry.installed.evse_id, []).append(entry.raw)
        return found

    # -- inside ------------------------------------------------------------------------------------------------------

    def _remove(self, profile_ids: Iterable[int]) -> None:
        for profile_id in profile_ids:
            self._entries.pop(profile_id, None)

    def _put(self, entry: _Entry) -> Change:
        profile_id = entry.installed.profile.profile_id
        document: dict[str, Any] = {"profile": entry.raw, "negativeLimit": self._rules().negative_limit.value}
        if entry.update is not None:
            document["update"], document["updatedUtcS"] = entry.update
        row = ProfileRow(profile_id, entry.installed.evse_id, json.dumps(document, separators=(",", ":")))
        return Change((PutProfile(row),), lambda: self._entries.__setitem__(profile_id, entry))

    def _past(self, utc_s: float) -> frozenset[int]:
        """Profiles that can never hold again (K01.FR.37). A TxProfile stays: that its set-point ran out matters."""
        return frozenset(
            i
            for i, entry in self._entries.items()
            if entry.installed.profile.valid_to_s <= utc_s and entry.installed.profile.purpose is not Purpose.TX
        )

    @staticmethod
    def _check_over(profile: Profile, evse: EvseState | None, now: Moment) -> None:
        """Refuse a schedule that is over: accepted it would do nothing, and the central system would not know."""
        started_s = (
            now.utc_s
        )  # where a Relative schedule counts from: at the earliest now, without a transaction of its own
        if profile.purpose is Purpose.TX and evse is not None and evse.transaction_started_s is not None:
            started_s -= now.monotonic_s - evse.transaction_started_s
        period, changes_at_utc_s = profile.period_at(now.utc_s, started_s)
        if period is None and changes_at_utc_s == math.inf:
            first_s = started_s if profile.start_s is None else profile.start_s
            end_s = min(first_s + profile.duration_s, profile.valid_to_s)
            counted = ", counted from the start of the transaction" if profile.kind is Kind.RELATIVE else ""
            raise ProfileRejected(
                "InvalidSchedule",
                f"{profile.name} is over since {to_wire(utc_from_s(end_s))}{counted}: "
                "send kind Absolute with a startSchedule and a duration that end later",
            )

    def _check(
        self, evse_id: int, profile: Profile, evses: Sequence[EvseState], past: frozenset[int] = frozenset()
    ) -> None:
        """What a profile must be, wherever it comes from."""
        purpose = profile.purpose
        if evse_id != 0 and _evse(evse_id, evses) is None:
            raise ProfileRejected("UnknownEvse", f"no EVSE {evse_id}")  # K01.FR.28
        if purpose is Purpose.EXTERNAL:
            raise ProfileRejected(
                "InvalidProfile", "external constraints are not set by the central system"
            )  # K01.FR.22
        known = self._entries.get(profile.profile_id)
        if known is not None and known.installed.profile.purpose is Purpose.EXTERNAL:
            raise ProfileRejected(
                "InvalidProfile", f"profile {profile.profile_id} is an external constraint"
            )  # K01.FR.05
        if purpose is Purpose.TX and evse_id == 0:
            raise ProfileRejected("InvalidValue", "a TxProfile is for one EVSE, not 0")  # K01.FR.16
        if purpose is Purpose.STATION_MAX:
            if evse_id != 0:
                raise ProfileRejected("InvalidValue", "a ChargingStationMaxProfile is for EVSE 0")  # K04.FR.03
            if profile.kind.value == "Relative":
                raise ProfileRejected("InvalidProfile", "a ChargingStationMaxProfile is not Relative")  # K01.FR.38
            if any(period.setpoint is not None for period in profile.periods):
                raise ProfileRejected("InvalidSchedule", "a ChargingStationMaxProfile has limits, no setpoint")
        if not 0 <= profile.stack_level <= MAX_STACK_LEVEL:
            raise ProfileRejected("InvalidStackLevel", f"stackLevel {profile.stack_level}: 0 to {MAX_STACK_LEVEL}")
        if len(profile.periods) > MAX_PERIODS:
            raise ProfileRejected("TooManyElements", f"{len(profile.periods)} periods: at most {MAX_PERIODS}")
        if profile.profile_id not in self._entries and len(self._entries) - len(past) >= MAX_PROFILES:
            raise ProfileRejected("OutOfStorage", f"{MAX_PROFILES} profiles are installed: clear some")

    def _check_discharge(self, profile: Profile, evse: EvseState | None, evses: Sequence[EvseState]) -> None:
        """docs/sources/ocpp.md 7.3, guard: refused with a reason, never silently 0."""
        if not profile.discharges or profile.purpose.of_station:
            return  # a station's discharge limit only ever restricts
        if evse is None:
            if not any(e.discharge_max_W > 0 for e in evses):
                raise ProfileRejected("UnsupportedParam", "no EVSE of this station can discharge")
            return
        if evse.discharge_max_W <= 0:
            raise ProfileRejected("UnsupportedParam", f"EVSE {evse.evse_id} cannot discharge")
        if evse.transaction_id is None:
            return  # a default for transactions to come: each is judged when it runs
        if not evse.discharge_negotiated:
            raise ProfileRejected(
                "UnsupportedParam", f"car and EVSE {evse.evse_id} have not agreed on bidirectional transfer"
            )
        if not self.discharge_permitted(evse.transaction_id):
            raise ProfileRejected(
                "UnsupportedParam", f"transaction {evse.transaction_id} is not permitted to discharge"
            )

    def _check_duplicate(self, evse_id: int, profile: Profile, past: frozenset[int]) -> None:
        for other_id, entry in self._entries.items():
            other = entry.installed.profile
            if (
                other_id == profile.profile_id
                or other_id in past
                or other.purpose is not profile.purpose
                or other.stack_level != profile.stack_level
            ):
                continue
            if profile.purpose is Purpose.TX:
                same_place = other.transaction_id == profile.transaction_id  # K01.FR.39
                overlapping = True
            elif profile.purpose is Purpose.TX_DEFAULT and 0 in (evse_id, entry.installed.evse_id):
                same_place = True  # K01.FR.52, FR.53
                overlapping = evse_id != entry.installed.evse_id or _overlap(profile, other)
            else:
                same_place = entry.installed.evse_id == evse_id  # K01.FR.06
                overlapping = _overlap(profile, other)
            if same_place and overlapping:
                raise ProfileRejected(
                    "DuplicateProfile",
                    f"{other.name} on EVSE {entry.installed.evse_id} has stack level {other.stack_level} too",
                )


def _run(steps: Iterable[Callable[[], None]]) -> None:
    for step in steps:
        step()


def _overlap(first: Profile, second: Profile) -> bool:
    return first.valid_from_s < second.valid_to_s and second.valid_from_s < first.valid_to_s


def _evse(evse_id: int, evses: Sequence[EvseState]) -> EvseState | None:
    return next((e for e in evses if e.evse_id == EvseId(evse_id)), None)


def _updated(entry: _Entry, update: Payload, utc_s: float, rules: V2xRules) -> _Entry:
    profile = entry.installed.profile.updated(update, utc_s, rules)
    # Stored are the fields of all updates together, so that the profile read back is the one in force.
    together = {**(entry.update[0] if entry.update else {}), **update}
    return replace(entry, installed=replace(entry.installed, profile=profile), update=(together, utc_s))
