"""Charging profiles installed on this station: which are taken, which refused, which leave with their transaction.

Owns the collection; `charging_schedule` understands one profile, `composite` merges them. Every change is a set of `Keep` effects:
a profile holds once it is on the disk (K01.FR.27).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.status import EvseState
from chargepoint.ocpp.charging_schedule import Kind, NegativeLimit, Profile, ProfileRejected, Purpose, V2xRules, parse
from chargepoint.ocpp.composite import Installed
from chargepoint.ocpp.kept import Space
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.profile_remarks import remarks, remarks_on_update
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire, utc_from_s
from chargepoint.ocpp.variables.smart_charging import MAX_PERIODS, MAX_PROFILES, MAX_STACK_LEVEL
from chargepoint.store.rows import Json, Keep

SPACE = "charging-profiles"
FORBIDDEN_SPACE = "discharge-forbidden"
"""Transactions the central system has forbidden to discharge (2.1's NotifyAllowedEnergyTransfer)."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`raw` is the wire form; `update` the scheduleUpdate applied last, with its UTC second; `taken_s`: see `Profile.taken_s`."""

    installed: Installed
    raw: Payload
    update: tuple[Payload, float] | None = None
    taken_s: float | None = None

    @property
    def reported(self) -> Payload:
        """The wire form with the values of now (K09; K28.FR.06 of OCPP 2.1)."""
        if self.update is None:
            return self.raw
        fields, utc_s = self.update
        schedule = self.raw["chargingSchedule"][0]
        period = {**schedule["chargingSchedulePeriod"][0]}
        v2x = {name: value for name, value in fields.items() if name in ("setpoint", "dischargeLimit")}
        if "limit" in fields:
            period["limit"] = fields["limit"]
        if "customData" in period:
            period["customData"] = {**period["customData"], **v2x}
        else:
            period |= v2x
        changed = {**schedule, "startSchedule": to_wire(utc_from_s(utc_s)), "chargingSchedulePeriod": [period]}
        return {**self.raw, "chargingProfileKind": Kind.ABSOLUTE.value, "chargingSchedule": [changed]}


@dataclass(frozen=True, slots=True)
class _Pending:
    evse_id: int
    raw: Payload
    id_token: IdToken
    until_s: float


@dataclass(frozen=True, slots=True)
class ExternalProfile:
    """The limit of an outside party, as a profile of the whole station. `source`: ChargingLimitSourceEnumType."""

    installed: Installed
    raw: Payload
    source: str

    @classmethod
    def of(cls, raw: Payload, source: str, export_max_W: float) -> ExternalProfile:
        """`raw` has one period; what may be given to the grid has no field in OCPP 2.0.1."""
        profile = parse(raw, V2xRules(False, NegativeLimit.DISCHARGE_LIMIT))
        period = replace(profile.periods[0], discharge_limit=-export_max_W)
        return cls(Installed(0, replace(profile, periods=(period,))), raw, source)


class ChargingProfiles:
    """The collection. `rules` are asked at each use, they follow the device model."""

    def __init__(self, space: Space, forbidden: Space, rules: Callable[[], V2xRules]) -> None:
        self._space = space
        self._forbidden = forbidden
        self._rules = rules
        self._understood: dict[str, tuple[Json, _Entry | None]] = {}
        """By key: the kept document and what it means; None: it could not be understood."""
        self._pending: list[_Pending] = []
        self.external: ExternalProfile | None = None
        """The limit of an outside party. It is not the central system's to change, and it is not kept."""
        self.unreadable: list[str] = []
        """Stored profiles that could not be understood any more, for the log."""
        self._entries()

    @property
    def installed(self) -> tuple[Installed, ...]:
        """All profiles in force or waiting for their time."""
        external = () if self.external is None else (self.external.installed,)
        return (*external, *(entry.installed for entry in self._entries().values()))

    def __len__(self) -> int:
        return len(self._entries())

    def discharge_permitted(self, transaction_id: TransactionId | None) -> bool:
        """The central system has not forbidden this transaction to discharge."""
        return transaction_id not in self._forbidden

    def permit_discharge(self, transaction_id: str, permitted: bool) -> Keep:
        """Note what the central system allows; forgotten with the transaction."""
        return self._forbidden.forget(transaction_id) if permitted else self._forbidden.keep(transaction_id, True)

    # -- setting -----------------------------------------------------------------------------------------------------

    def install(
        self, evse_id: int, raw: Payload, evses: Sequence[EvseState], now: Moment
    ) -> tuple[tuple[Keep, ...], str]:
        """SetChargingProfile: what to keep, and the remarks on it. Profiles past their validTo make way.

        Raises ProfileRejected with OCPP's reason code.
        """
        profile = parse(raw, self._rules()).taken(now.utc_s)
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
        _check_phases(profile, _concerned(evse_id, evses))
        self._check_discharge(profile, evse, evses)
        self._check_duplicate(evse_id, profile, past)
        gone = sorted(past - {profile.profile_id})
        entry = _Entry(
            Installed(evse_id, profile), raw, taken_s=profile.taken_s if profile.taken_s < math.inf else None
        )
        keeps = (*(self._space.forget(str(i)) for i in gone), self._put(entry))
        return keeps, remarks(raw, profile, _concerned(evse_id, evses), now.utc_s)

    def check_for_start(self, evse_id: int, raw: Payload, evses: Sequence[EvseState], now: Moment) -> str:
        """A profile inside RequestStartTransaction (F01.FR.09, FR.11, K05.FR.05): the remarks on it. Raises ProfileRejected."""
        profile = parse(raw, self._rules())
        self._check(evse_id, profile, evses)
        self._check_over(profile, None, now)
        _check_phases(profile, _concerned(evse_id, evses))
        if profile.purpose is not Purpose.TX:
            raise ProfileRejected(
                "InvalidProfile", f"purpose {profile.purpose.value}: only TxProfile with a remote start"
            )
        if profile.transaction_id is not None:
            raise ProfileRejected("InvalidProfile", "a profile with a remote start has no transactionId")
        evse = _evse(evse_id, evses)
        if profile.discharges and evse is not None and evse.discharge_max_W <= 0:
            raise ProfileRejected("UnsupportedParam", f"EVSE {evse_id} cannot discharge")
        return remarks(raw, profile, _concerned(evse_id, evses), now.utc_s)

    def await_start(self, evse_id: int, raw: Payload, id_token: IdToken, until_s: float) -> None:
        """Keep a profile for the transaction this token starts on this EVSE before `until_s` (monotonic)."""
        self.forget_start(evse_id)
        self._pending.append(_Pending(evse_id, raw, id_token, until_s))

    def forget_start(self, evse_id: int) -> None:
        """A newer remote start of this EVSE takes the place of one that still waits, and of its profile."""
        self._pending = [p for p in self._pending if p.evse_id != evse_id]

    def follow(self, evses: Sequence[EvseState], now_s: float) -> tuple[Keep, ...]:
        """Transactions came or went: bind waiting profiles, drop what belongs to ended transactions (K02.FR.05)."""
        running = {str(e.transaction_id) for e in evses if e.transaction_id is not None}
        keeps = [self._forbidden.forget(transaction_id) for transaction_id in self._forbidden.keys() - running]
        for profile_id, entry in self._entries().items():
            profile = entry.installed.profile
            if profile.purpose is Purpose.TX and profile.transaction_id not in running:
                keeps.append(self._space.forget(str(profile_id)))
        for waiting in tuple(self._pending):
            evse = _evse(waiting.evse_id, evses)
            if now_s >= waiting.until_s or evse is None:
                self._pending.remove(waiting)
            elif evse.transaction_id is not None and evse.id_token == waiting.id_token:
                self._pending.remove(waiting)
                raw = {**waiting.raw, "transactionId": str(evse.transaction_id)}
                keeps.append(self._put(_Entry(Installed(waiting.evse_id, parse(raw, self._rules())), raw)))
        return tuple(keeps)

    def update(self, profile_id: int, update: Payload, evses: Sequence[EvseState], utc_s: float) -> tuple[Keep, str]:
        """2.1's UpdateDynamicSchedule on an installed profile, and the remarks on it. Raises ProfileRejected."""
        entry = self._entries().get(profile_id)
        if entry is None:
            raise ProfileRejected("NotFound", f"no charging profile {profile_id}")
        entry = _updated(entry, update, utc_s, self._rules())
        profile = entry.installed.profile
        evse_id = entry.installed.evse_id
        self._check_discharge(profile, _evse(evse_id, evses), evses)
        return self._put(entry), remarks_on_update(profile, _concerned(evse_id, evses))

    # -- clearing and reporting --------------------------------------------------------------------------------------

    def clear(
        self, profile_id: int | None, evse_id: int | None, purpose: str | None, stack_level: int | None
    ) -> tuple[Keep, ...]:
        """ClearChargingProfile; empty where nothing matches. External constraints stay. K10.FR.01 to FR.09."""
        gone = [
            i
            for i, entry in self._entries().items()
            if (
                i == profile_id
                if profile_id is not None
                else evse_id in (None, entry.installed.evse_id)
                and purpose in (None, entry.installed.profile.purpose.value)
                and stack_level in (None, entry.installed.profile.stack_level)
            )
        ]
        return tuple(self._space.forget(str(i)) for i in gone)

    def report(self, evse_id: int | None, criterion: Payload) -> dict[int, list[Payload]]:
        """GetChargingProfiles: profiles as they were set, by EVSE. K09.FR.03 to FR.06."""
        found: dict[int, list[Payload]] = {}
        sources = criterion.get("chargingLimitSource")
        for profile_id, entry in sorted(self._entries().items()):
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
                found.setdefault(entry.installed.evse_id, []).append(entry.reported)
        return found

    def report_external(self, evse_id: int | None, criterion: Payload) -> ExternalProfile | None:
        """The limit of an outside party, where GetChargingProfiles asks for it (K11.FR.06)."""
        external, sources = self.external, criterion.get("chargingLimitSource")
        if external is None or evse_id not in (None, 0):
            return None
        profile = external.installed.profile
        if "chargingProfileId" in criterion:
            return external if profile.profile_id in criterion["chargingProfileId"] else None
        matches = (
            criterion.get("chargingProfilePurpose") in (None, profile.purpose.value)
            and criterion.get("stackLevel") in (None, profile.stack_level)
            and (sources is None or external.source in sources)
        )
        return external if matches else None

    # -- inside ------------------------------------------------------------------------------------------------------

    def _entries(self) -> dict[int, _Entry]:
        """What is kept, understood: each document once."""
        found = {}
        for key, document in self._space.items():
            known = self._understood.get(key)
            if known is None or known[0] is not document:
                known = self._understood[key] = document, self._understand(key, document)
            if known[1] is not None:
                found[int(key)] = known[1]
        return found

    def _understand(self, key: str, document: Json) -> _Entry | None:
        try:
            # What was accepted once is kept, whatever V2XOver201 says now.
            rules_then = V2xRules(True, NegativeLimit(document["negativeLimit"]))
            profile = parse(document["profile"], rules_then)
            if key != str(profile.profile_id):
                raise ValueError(f"it has the id {profile.profile_id}")
            taken_s = document.get("takenUtcS")
            if taken_s is not None:
                profile = replace(profile, taken_s=float(taken_s))
            entry = _Entry(Installed(int(document["evseId"]), profile), document["profile"], taken_s=taken_s)
            if "update" in document:
                entry = _updated(entry, document["update"], document["updatedUtcS"], rules_then)
        except (ValueError, KeyError, TypeError, ProfileRejected) as error:
            self.unreadable.append(f"profile {key}: {error}")
            return None
        return entry

    def _put(self, entry: _Entry) -> Keep:
        document: dict[str, Any] = {
            "evseId": entry.installed.evse_id,
            "profile": entry.raw,
            "negativeLimit": self._rules().negative_limit.value,
        }
        if entry.update is not None:
            document["update"], document["updatedUtcS"] = entry.update
        if entry.taken_s is not None:
            document["takenUtcS"] = entry.taken_s
        return self._space.keep(str(entry.installed.profile.profile_id), document)

    def _past(self, utc_s: float) -> frozenset[int]:
        """Profiles that can never hold again (K01.FR.37). A TxProfile stays: that its set-point ran out matters."""
        return frozenset(
            i
            for i, entry in self._entries().items()
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
        if self.external is not None and self.external.installed.profile.profile_id == profile.profile_id:
            text = f"profile {profile.profile_id} is the limit of an outside party"
            raise ProfileRejected("InvalidProfile", text)  # K01.FR.05
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
        if profile.profile_id not in self._entries() and len(self._entries()) - len(past) >= MAX_PROFILES:
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
        for other_id, entry in self._entries().items():
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


def _check_phases(profile: Profile, evses: Sequence[EvseState]) -> None:
    """Refuse what an AC outlet cannot ensure: it uses all its phases, and switches none (K01.FR.43, FR.48)."""
    for number, period in enumerate(profile.periods):
        for evse in evses:
            if not evse.outlet_is_ac:
                continue  # K01.FR.44: a DC outlet has no phases
            if period.phases < evse.ac_phases:
                raise ProfileRejected(
                    "UnsupportedParam",
                    f"period {number}: numberPhases {period.phases}: EVSE {evse.evse_id} always uses {evse.ac_phases}",
                )
            if period.phase_to_use is not None:
                raise ProfileRejected(
                    "UnsupportedParam",
                    f"period {number}: phaseToUse {period.phase_to_use}: EVSE {evse.evse_id} cannot switch phases",
                )


def _overlap(first: Profile, second: Profile) -> bool:
    return first.valid_from_s < second.valid_to_s and second.valid_from_s < first.valid_to_s


def _concerned(evse_id: int, evses: Sequence[EvseState]) -> Sequence[EvseState]:
    """The EVSEs that a profile at this EVSE binds: all for EVSE 0."""
    return [evse for evse in evses if evse_id in (0, int(evse.evse_id))]


def _evse(evse_id: int, evses: Sequence[EvseState]) -> EvseState | None:
    return next((e for e in evses if e.evse_id == EvseId(evse_id)), None)


def _updated(entry: _Entry, update: Payload, utc_s: float, rules: V2xRules) -> _Entry:
    profile = entry.installed.profile.updated(update, utc_s, rules)
    # Stored are the fields of all updates together, so that the profile read back is the one in force.
    together = {**(entry.update[0] if entry.update else {}), **update}
    return replace(entry, installed=replace(entry.installed, profile=profile), update=(together, utc_s))
