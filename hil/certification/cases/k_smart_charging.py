"""Block K, smart charging: profiles set, reported, cleared, and put together. Schedules that a car negotiates: `k_car_schedules`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hil.certification.charging_profiles import (
    Periods,
    check_periods,
    check_reported,
    composite,
    no_profiles,
    profile,
    reported_profiles,
    scaled,
    set_profile,
    valid,
)
from hil.certification.frames import wire_time
from hil.certification.patterns import ABSENT, Payload
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    booted,
    energy_transfer_started,
    ev_connected_pre_session,
    evse_of,
)
from hil.certification.trial import Trial

MAX = "ChargingStationMaxProfile"
DEFAULT = "TxDefaultProfile"
UNKNOWN_TRANSACTION = "unknown-transaction"


def _at(moment: datetime, seconds: float) -> str:
    return wire_time(moment + timedelta(seconds=seconds))


async def _set_and_read_back(trial: Trial, sent: Payload, evse_id: int) -> None:
    await set_profile(trial, 1, sent, evse_id)
    found = await reported_profiles(trial, 3, {"chargingProfileId": [sent["id"]]})
    check_reported(trial, 5, found, (evse_id, sent))


# -- setting -----------------------------------------------------------------------------------------------------------------


@case("TC_K_01_CS")
async def default_profile_of_one_evse(trial: Trial) -> None:
    """TxDefaultProfile of one EVSE."""
    await _set_and_read_back(trial, profile(trial), evse_of(trial))


@case("TC_K_10_CS")
async def default_profile_of_every_evse(trial: Trial) -> None:
    """TxDefaultProfile of every EVSE."""
    await _set_and_read_back(trial, profile(trial), 0)


@case("TC_K_03_CS")
async def station_maximum(trial: Trial) -> None:
    """ChargingStationMaxProfile."""
    await _set_and_read_back(trial, profile(trial, purpose=MAX), 0)


@case("TC_K_04_CS")
async def profile_is_replaced(trial: Trial) -> None:
    """A profile with the id of another takes its place."""
    first = profile(trial)
    await set_profile(trial, "before", first, evse_of(trial))
    await _set_and_read_back(trial, {**profile(trial, ((0, 10.0),)), "id": first["id"]}, evse_of(trial))


@case("TC_K_13_CS")
async def profile_outlives_reboot(trial: Trial) -> None:
    """After a reboot the profile is reported."""
    sent = profile(trial)
    await set_profile(trial, 1, sent, evse_of(trial))
    await booted(trial)
    found = await reported_profiles(trial, 4, {"chargingProfileId": [sent["id"]]})
    check_reported(trial, 6, found, (evse_of(trial), sent))


@case("TC_K_19_CS")
async def recurring_profile(trial: Trial) -> None:
    """A profile that recurs daily."""
    sent = profile(trial, kind="Recurring", further={"recurrencyKind": "Daily"})
    await set_profile(trial, 1, sent, evse_of(trial))


@case("TC_K_60_CS")
async def transaction_profile(trial: Trial) -> None:
    """TxProfile of a running transaction."""
    await energy_transfer_started(trial)
    sent = profile(trial, purpose="TxProfile", kind="Relative", further={"transactionId": trial.session.transaction_id})
    await _set_and_read_back(trial, sent, evse_of(trial))


@case("TC_K_37_CS")
async def profile_of_a_remote_start(trial: Trial) -> None:
    """RequestStartTransaction with a TxProfile."""
    await ev_connected_pre_session(trial)
    sent = profile(trial, purpose="TxProfile", kind="Relative")
    await authorized(trial, remote=True, asks=None, request={"chargingProfile": sent})
    await energy_transfer_started(trial)
    found = await reported_profiles(trial, 8, {"chargingProfileId": [sent["id"]]})
    check_reported(trial, 10, found, (evse_of(trial), sent))


@case("TC_K_38_CS")
async def profile_of_a_remote_start_is_ignored(trial: Trial) -> None:
    """A station without smart charging starts, and ignores the profile."""
    await ev_connected_pre_session(trial)
    sent = profile(trial, purpose="TxProfile", kind="Relative")
    await authorized(trial, remote=True, asks=None, request={"chargingProfile": sent})
    await energy_transfer_started(trial)


@case("TC_K_02_CS")
async def transaction_profile_without_a_transaction(trial: Trial) -> None:
    """TxProfile of a transaction that does not run."""
    sent = profile(trial, purpose="TxProfile", further={"transactionId": UNKNOWN_TRANSACTION})
    await set_profile(trial, 1, sent, evse_of(trial), "Rejected")


@case("TC_K_16_CS")
async def transaction_profile_of_another_transaction(trial: Trial) -> None:
    """TxProfile of an unknown transaction while another one runs."""
    await energy_transfer_started(trial)
    sent = profile(trial, purpose="TxProfile", further={"transactionId": UNKNOWN_TRANSACTION})
    await set_profile(trial, 1, sent, evse_of(trial), "Rejected")


@case("TC_K_11_CS")
async def transaction_profile_of_evse_0(trial: Trial) -> None:
    """TxProfile without an EVSE."""
    sent = profile(trial, purpose="TxProfile", further={"transactionId": UNKNOWN_TRANSACTION})
    await set_profile(trial, 1, sent, 0, "Rejected")


@case("TC_K_12_CS")
async def unsupported_unit(trial: Trial) -> None:
    """A schedule in a unit the station does not have."""
    sent = profile(trial)
    sent["chargingSchedule"][0]["chargingRateUnit"] = "A" if trial.pics.features["SC-2.2"] else "W"
    await set_profile(trial, 1, sent, evse_of(trial), "Rejected")


@case("TC_K_14_CS")
async def unknown_evse(trial: Trial) -> None:
    """A profile of an EVSE that does not exist."""
    await set_profile(trial, 1, profile(trial), len(trial.configured.connectors) + 1, "Rejected")


# -- clearing ----------------------------------------------------------------------------------------------------------------


async def _clear(trial: Trial, step: int, criterion: Payload, status: str = "Accepted") -> None:
    await trial.calls(step, "ClearChargingProfile", criterion, {"status": status})


@case("TC_K_05_CS")
async def clear_by_id(trial: Trial) -> None:
    """ClearChargingProfile by id."""
    sent = profile(trial)
    await set_profile(trial, "before", sent, evse_of(trial))
    await _clear(trial, 1, {"chargingProfileId": sent["id"]})
    await no_profiles(trial, 3, {"chargingProfileId": [sent["id"]]})


@case("TC_K_06_CS")
async def clear_by_purpose_and_level(trial: Trial) -> None:
    """ClearChargingProfile by purpose and stack level."""
    await set_profile(trial, "before", profile(trial, level=1), evse_of(trial))
    await energy_transfer_started(trial)
    criterion = {"chargingProfilePurpose": DEFAULT, "stackLevel": 1}
    await _clear(trial, 1, {"chargingProfileCriteria": criterion})
    await no_profiles(trial, 3, criterion)


@case("TC_K_24_CS")
async def clear_on_every_evse(trial: Trial) -> None:
    """ClearChargingProfile without an EVSE clears the profiles of every EVSE."""
    for evse_id in list(trial.configured.connectors)[:2]:
        await set_profile(trial, "before", profile(trial, level=1), evse_id)
    criterion = {"chargingProfilePurpose": DEFAULT, "stackLevel": 1}
    await _clear(trial, 1, {"chargingProfileCriteria": criterion})
    await no_profiles(trial, 3, criterion)


@case("TC_K_07_CS")
async def clear_what_is_not_there(trial: Trial) -> None:
    """ClearChargingProfile with a purpose no profile has."""
    await set_profile(trial, "before", profile(trial, level=1), evse_of(trial))
    criterion = {"chargingProfilePurpose": MAX, "stackLevel": 0}
    await _clear(trial, 1, {"chargingProfileCriteria": criterion}, "Unknown")


@case("TC_K_08_CS")
async def clear_an_unknown_id(trial: Trial) -> None:
    """ClearChargingProfile with an id no profile has."""
    await _clear(trial, 1, {"chargingProfileId": trial.request_id()}, "Unknown")


@case("TC_K_09_CS")
async def clear_while_charging(trial: Trial) -> None:
    """A cleared TxDefaultProfile limits the running transaction no more."""
    await trial.sets_where_there("SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    start = datetime.now(UTC)
    duration_s = 400 + round(trial.configured.time_tolerance_s)
    sent = profile(trial, start=start, duration_s=duration_s, further=valid(start, trial))
    await set_profile(trial, "before", sent, evse_of(trial))
    await energy_transfer_started(trial)
    check_periods(trial, 2, await composite(trial, 1, evse_of(trial), 300), start, ((0, 6.0),))
    await _clear(trial, 3, {"chargingProfileCriteria": {"chargingProfilePurpose": DEFAULT}})
    found = await composite(trial, 5, evse_of(trial), 300)
    limit = found["chargingSchedulePeriod"][0]["limit"]
    trial.checks.true(5, f"the limit is another than {scaled(trial, 6.0):g}", limit != scaled(trial, 6.0), limit)


# -- reporting ---------------------------------------------------------------------------------------------------------------


async def _two_profiles(trial: Trial, *, second_level: int = 0) -> tuple[tuple[int, Payload], tuple[int, Payload]]:
    """A maximum of the station and a TxDefaultProfile of the configured EVSE."""
    first, second = (0, profile(trial, purpose=MAX)), (evse_of(trial), profile(trial, level=second_level))
    for evse_id, sent in (first, second):
        await set_profile(trial, "before", sent, evse_id)
    return first, second


@case("TC_K_29_CS")
async def profiles_of_evse_0(trial: Trial) -> None:
    """GetChargingProfiles of EVSE 0."""
    station, _ = await _two_profiles(trial)
    check_reported(trial, 3, await reported_profiles(trial, 1, {}, 0), station)


@case("TC_K_30_CS")
async def profiles_of_one_evse(trial: Trial) -> None:
    """GetChargingProfiles of one EVSE."""
    _, own = await _two_profiles(trial)
    check_reported(trial, 3, await reported_profiles(trial, 1, {}, evse_of(trial)), own)


@case("TC_K_31_CS")
async def profiles_of_the_station(trial: Trial) -> None:
    """GetChargingProfiles without an EVSE."""
    both = await _two_profiles(trial)
    check_reported(trial, 3, await reported_profiles(trial, 1, {}), *both)


@case("TC_K_32_CS")
async def profile_by_id(trial: Trial) -> None:
    """GetChargingProfiles by id."""
    station, _ = await _two_profiles(trial)
    check_reported(trial, 3, await reported_profiles(trial, 1, {"chargingProfileId": [station[1]["id"]]}), station)


@case("TC_K_33_CS")
async def profiles_by_level(trial: Trial) -> None:
    """GetChargingProfiles of one EVSE by stack level."""
    _, own = await _two_profiles(trial, second_level=1)
    check_reported(trial, 3, await reported_profiles(trial, 1, {"stackLevel": 1}, evse_of(trial)), own)


@case("TC_K_34_CS")
async def profiles_by_source(trial: Trial) -> None:
    """GetChargingProfiles of one EVSE by the source of the limit."""
    own = (evse_of(trial), profile(trial, level=1))
    await set_profile(trial, "before", own[1], evse_of(trial))
    found = await reported_profiles(trial, 1, {"chargingLimitSource": ["CSO"]}, evse_of(trial))
    check_reported(trial, 3, found, own)
    await no_profiles(trial, 5, {"chargingLimitSource": ["EMS"]}, evse_of(trial))


@case("TC_K_35_CS")
async def profiles_by_purpose(trial: Trial) -> None:
    """GetChargingProfiles of one EVSE by purpose."""
    _, own = await _two_profiles(trial)
    found = await reported_profiles(trial, 1, {"chargingProfilePurpose": DEFAULT}, evse_of(trial))
    check_reported(trial, 3, found, own)


@case("TC_K_36_CS")
async def profiles_by_purpose_and_level(trial: Trial) -> None:
    """GetChargingProfiles of one EVSE by purpose and stack level."""
    _, own = await _two_profiles(trial)
    criterion = {"chargingProfilePurpose": DEFAULT, "stackLevel": 0}
    check_reported(trial, 3, await reported_profiles(trial, 1, criterion, evse_of(trial)), own)


# -- put together ------------------------------------------------------------------------------------------------------------


@case("TC_K_21_CS")
async def profile_that_is_valid_later(trial: Trial) -> None:
    """A Relative TxDefaultProfile that is valid in 300 s."""
    now = datetime.now(UTC)
    sent = profile(trial, kind="Relative", duration_s=None, further={"validFrom": _at(now, 300)})
    await set_profile(trial, 1, sent, evse_of(trial))
    found = await composite(trial, 3, evse_of(trial), 400)
    check_periods(trial, 4, found, now, ((0, None), (300, 6.0)))


@case("TC_K_22_CS")
async def profile_that_ends(trial: Trial) -> None:
    """A TxDefaultProfile of every EVSE that is valid for 300 s."""
    now = datetime.now(UTC)
    tolerance_s = trial.configured.time_tolerance_s
    validity = {"validFrom": _at(now, -tolerance_s), "validTo": _at(now, 300)}
    await set_profile(trial, 1, profile(trial, start=now, duration_s=None, further=validity), 0)
    evses = list(trial.configured.connectors)
    for evse_id in (0, *evses):
        found = await composite(trial, 3, evse_id, 400)
        limit = 6.0 * (len(evses) if evse_id == 0 else 1)
        check_periods(trial, 4, found, now, ((0, limit), (300, None)))


@case("TC_K_23_CS")
async def schedule_that_begins_later(trial: Trial) -> None:
    """A TxDefaultProfile whose schedule begins in 60 s."""
    now = datetime.now(UTC)
    validity = {"validFrom": _at(now, 50), "validTo": _at(now, 400)}
    sent = profile(trial, start=now + timedelta(seconds=60), duration_s=None, further=validity)
    await set_profile(trial, 1, sent, evse_of(trial))
    found = await composite(trial, 3, evse_of(trial), 300)
    check_periods(trial, 4, found, now, ((0, None), (60, 6.0)))


@case("TC_K_28_CS")
async def profile_while_charging(trial: Trial) -> None:
    """A TxDefaultProfile limits the running transaction."""
    await trial.sets_where_there("SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    await energy_transfer_started(trial)
    start = datetime.now(UTC) - timedelta(seconds=trial.configured.time_tolerance_s)
    sent = profile(trial, start=start, duration_s=400, further=valid(start, trial))
    await set_profile(trial, 1, sent, evse_of(trial))
    found = await composite(trial, 3, evse_of(trial), 300)
    check_periods(trial, 4, found, start, ((0, 6.0),))


@case("TC_K_39_CS")
async def composite_without_profiles(trial: Trial) -> None:
    """GetCompositeSchedule of the station without a profile."""
    found = await composite(trial, 1, 0, 300)
    trial.checks.message(2, "schedule", found, {"chargingSchedulePeriod[0].startPeriod": 0})


@case("TC_K_40_CS")
async def composite_of_two_levels(trial: Trial) -> None:
    """The higher stack level holds while its schedule lasts."""
    start = datetime.now(UTC) - timedelta(seconds=trial.configured.time_tolerance_s)
    validity = valid(start, trial)
    low: Periods = ((0, 6.0), (100, 8.0), (200, 10.0))
    high: Periods = ((0, 7.0), (100, 9.0))
    room_s = round(trial.configured.time_tolerance_s)
    await set_profile(
        trial, "before", profile(trial, low, start=start, duration_s=400 + room_s, further=validity), evse_of(trial)
    )
    await set_profile(
        trial, "before", profile(trial, high, level=1, start=start, duration_s=150, further=validity), evse_of(trial)
    )
    found = await composite(trial, 1, evse_of(trial), 350)
    check_periods(trial, 2, found, start, ((0, 7.0), (100, 9.0), (150, 8.0), (200, 10.0)))


@case("TC_K_41_CS")
async def composite_of_three_purposes(trial: Trial) -> None:
    """The maximum of the station cuts the profile of the transaction, which goes before the default."""
    await energy_transfer_started(trial)
    start = datetime.now(UTC) - timedelta(seconds=trial.configured.time_tolerance_s)
    validity = valid(start, trial)
    default: Periods = ((0, 6.0), (60, 10.0), (120, 8.0), (180, 15.0), (260, 8.0))
    own: Periods = ((0, 8.0), (50, 11.0), (140, 16.0), (200, 6.0), (240, 12.0))
    of_transaction = {"transactionId": trial.session.transaction_id, **validity}
    await set_profile(trial, "before", profile(trial, ((0, 10.0),), purpose=MAX, start=start, duration_s=86_400), 0)
    await set_profile(
        trial, "before", profile(trial, default, start=start, duration_s=300, further=validity), evse_of(trial)
    )
    await set_profile(
        trial,
        "before",
        profile(trial, own, purpose="TxProfile", start=start, duration_s=260, further=of_transaction),
        evse_of(trial),
    )
    found = await composite(trial, 1, evse_of(trial), 400)
    check_periods(trial, 2, found, start, ((0, 8.0), (50, 10.0), (200, 6.0), (240, 10.0)))


async def _no_composite(trial: Trial, evse_id: int, unit: str) -> None:
    asked = {"evseId": evse_id, "duration": 300, "chargingRateUnit": unit}
    await trial.calls(1, "GetCompositeSchedule", asked, {"status": "Rejected", "schedule": ABSENT})


@case("TC_K_42_CS")
async def composite_in_an_unsupported_unit(trial: Trial) -> None:
    """GetCompositeSchedule in a unit the station does not have."""
    await _no_composite(trial, 0, "A" if trial.pics.features["SC-2.2"] else "W")


@case("TC_K_47_CS")
async def composite_of_an_unknown_evse(trial: Trial) -> None:
    """GetCompositeSchedule of an EVSE that does not exist."""
    await _no_composite(trial, len(trial.configured.connectors) + 1, trial.configured.charging_rate_unit)
