"""Block H, reservation: of one EVSE, of any EVSE, of a kind of connector; cancelled, expired, used."""

from __future__ import annotations

from hil.certification.cases.c_authorization import answer_with_group
from hil.certification.patterns import Payload
from hil.certification.pics import Token
from hil.certification.registry import case
from hil.certification.states import (
    authorize_comes,
    authorized,
    connector_is,
    connectors_are,
    energy_transfer_started,
    ev_connected_pre_session,
    evse_of,
    places_of,
    reserved,
    unavailable,
)
from hil.certification.trial import Trial

BRIEF_S = 5
"""A reservation that a case can wait for."""
LONG_S = 300


async def _enabled(trial: Trial) -> None:
    await trial.sets_where_there("ReservationCtrlr", "Enabled", "true")


async def _reserve(trial: Trial, status: str, **fields: object) -> int:
    """ReserveNow with these fields, for the second token where they name none; returns the id."""
    number = trial.request_id()
    payload: Payload = {
        "id": number,
        "expiryDateTime": trial.time_from_now(LONG_S),
        "idToken": trial.configured.second_token.wire,
        **fields,
    }
    await trial.calls(1, "ReserveNow", payload, {"status": status})
    return number


async def _charges_with(trial: Trial, token: Token) -> None:
    """The token charges. Part 6 leaves it open whether Authorize comes for a reserved EVSE."""
    await authorized(trial, remote=False, token=token, asks=None)
    await energy_transfer_started(trial)


# -- one EVSE ----------------------------------------------------------------------------------------------------------------


@case("TC_H_01_CS")
async def reserved_evse_is_used(trial: Trial) -> None:
    """The token of the reservation charges at the reserved EVSE."""
    await _enabled(trial)
    await reserved(trial)
    await authorized(trial, remote=False, asks=None)
    await connector_is(trial, 2, "Available")
    await energy_transfer_started(trial)


@case("TC_H_02_CS")
async def reserved_evse_refuses_others(trial: Trial) -> None:
    """Another token does not charge at the reserved EVSE, neither locally nor remotely."""
    await _enabled(trial)
    await reserved(trial)
    await ev_connected_pre_session(trial, reserved=True)
    other = trial.configured.stranger_token
    await trial.station.present(other, evse_of(trial))
    await authorize_comes(trial, 1, other, None)
    charging = {"transactionInfo.chargingState": "Charging"}
    await trial.nothing_comes(1, "TransactionEvent", charging, for_s=trial.configured.unseen_s)
    start = {"idToken": other.wire, "evseId": evse_of(trial), "remoteStartId": trial.request_id()}
    await trial.calls(2, "RequestStartTransaction", start, {"status": "Rejected"})


@case("TC_H_03_CS")
async def reserved_evse_is_reserved_again(trial: Trial) -> None:
    """A reserved EVSE cannot be reserved for another token."""
    await _enabled(trial)
    await reserved(trial)
    await _reserve(trial, "Occupied", evseId=evse_of(trial))


@case("TC_H_04_CS")
async def charging_evse_is_reserved(trial: Trial) -> None:
    """A charging EVSE cannot be reserved."""
    await _enabled(trial)
    await energy_transfer_started(trial)
    await _reserve(trial, "Occupied", evseId=evse_of(trial))


@case("TC_H_06_CS")
async def unavailable_evse_is_reserved(trial: Trial) -> None:
    """An Unavailable EVSE cannot be reserved."""
    await _enabled(trial)
    await unavailable(trial, (evse_of(trial), None))
    await _reserve(trial, "Unavailable", evseId=evse_of(trial))


@case("TC_H_07_CS")
async def reservation_expires(trial: Trial) -> None:
    """After its expiry the reservation is reported as Expired, and another token charges."""
    await _enabled(trial)
    number = await reserved(trial, for_s=BRIEF_S)
    await trial.wait(BRIEF_S)
    await connector_is(trial, 1, "Available")
    has = {"reservationId": number, "reservationUpdateStatus": "Expired"}
    await trial.expects(3, "ReservationStatusUpdate", has)
    await _charges_with(trial, trial.configured.second_token)


@case("TC_H_17_CS")
async def reservation_is_cancelled(trial: Trial) -> None:
    """CancelReservation makes the connector Available."""
    await _enabled(trial)
    number = await reserved(trial)
    await trial.calls(1, "CancelReservation", {"reservationId": number}, {"status": "Accepted"})
    await connector_is(trial, 3, "Available")


@case("TC_H_18_CS")
async def unknown_reservation_is_cancelled(trial: Trial) -> None:
    """A reservation that does not exist cannot be cancelled."""
    await _enabled(trial)
    await trial.calls(1, "CancelReservation", {"reservationId": 1}, {"status": "Rejected"})


@case("TC_H_19_CS")
async def reserved_for_a_group(trial: Trial) -> None:
    """Another token of the group charges at the reserved EVSE."""
    await _enabled(trial)
    await _reserve_for_group(trial, evseId=evse_of(trial))
    await connector_is(trial, 3, "Reserved")
    await _charges_with(trial, trial.configured.second_token)


async def _reserve_for_group(trial: Trial, **fields: object) -> None:
    answer_with_group(trial)
    group = {"idToken": trial.configured.group_id, "type": "Central"}
    await _reserve(trial, "Accepted", idToken=trial.configured.valid_token.wire, groupIdToken=group, **fields)


@case("TC_H_21_CS")
async def reserved_evse_becomes_inoperative(trial: Trial) -> None:
    """An EVSE that is made Inoperative loses its reservation."""
    await _enabled(trial)
    number = await reserved(trial)
    evse = (evse_of(trial), None)
    await unavailable(trial, evse)
    has = {"reservationId": number, "reservationUpdateStatus": "Removed"}
    await trial.expects(5, "ReservationStatusUpdate", has)
    operative = {"operationalStatus": "Operative", "evse": {"id": evse_of(trial)}}
    await trial.calls(7, "ChangeAvailability", operative, {"status": "Accepted"})
    await connectors_are(trial, 9, "Available", places=places_of(trial, evse))
    await _charges_with(trial, trial.configured.second_token)


@case("TC_H_22_CS")
async def reservation_is_off(trial: Trial) -> None:
    """A station whose reservation is switched off rejects it."""
    await trial.sets("ReservationCtrlr", "Enabled", "false")
    await _reserve(trial, "Rejected", evseId=evse_of(trial))


@case("TC_H_23_CS")
async def reservation_is_replaced(trial: Trial) -> None:
    """ReserveNow with the id of a reservation takes its place."""
    await _enabled(trial)
    number = await reserved(trial)
    payload = {
        "id": number,
        "expiryDateTime": trial.time_from_now(LONG_S),
        "idToken": trial.configured.second_token.wire,
        "evseId": evse_of(trial),
    }
    await trial.calls(1, "ReserveNow", payload, {"status": "Accepted"})
    await _charges_with(trial, trial.configured.second_token)


# -- any EVSE, and a kind of connector -----------------------------------------------------------------------------------------


async def _every_evse_is_reserved(trial: Trial) -> None:
    tokens = (trial.configured.second_token, trial.configured.stranger_token, trial.configured.master_token)
    for evse_id, token in zip(trial.configured.connectors, tokens, strict=False):
        await reserved(trial, evse_id=evse_id, token=token)


@case("TC_H_08_CS")
async def any_evse(trial: Trial) -> None:
    """A reservation of no particular EVSE; with a single EVSE this one becomes Reserved."""
    await _enabled(trial)
    await _reserve(trial, "Accepted", idToken=trial.configured.valid_token.wire)
    await _single_evse_is_reserved(trial)
    await _charges_with(trial, trial.configured.valid_token)


async def _single_evse_is_reserved(trial: Trial) -> None:
    if len(trial.configured.connectors) == 1:
        await connector_is(trial, 3, "Reserved")


@case("TC_H_09_CS")
async def any_evse_while_all_are_reserved(trial: Trial) -> None:
    """Where every EVSE is reserved, none can be."""
    await _enabled(trial)
    await _every_evse_is_reserved(trial)
    await _reserve(trial, "Occupied", idToken=trial.configured.valid_token.wire)


@case("TC_H_10_CS")
async def any_evse_while_all_charge(trial: Trial) -> None:
    """Where every EVSE charges, none can be reserved."""
    await _enabled(trial)
    for evse_id in trial.configured.connectors:
        trial.at_evse(evse_id)
        await energy_transfer_started(trial)
    await _reserve(trial, "Occupied", idToken=trial.configured.second_token.wire)


@case("TC_H_12_CS")
async def any_evse_while_unavailable(trial: Trial) -> None:
    """Where the station is Unavailable, no EVSE can be reserved."""
    await _enabled(trial)
    await unavailable(trial, None)
    await _reserve(trial, "Unavailable")


@case("TC_H_13_CS")
async def any_evse_is_not_supported(trial: Trial) -> None:
    """A station that reserves particular EVSEs alone rejects others."""
    await _enabled(trial)
    await _reserve(trial, "Rejected")


@case("TC_H_14_CS")
async def as_many_reservations_as_evses(trial: Trial) -> None:
    """As many reservations of any EVSE as there are EVSEs make every connector Reserved."""
    await _enabled(trial)
    tokens = (trial.configured.valid_token, trial.configured.second_token, trial.configured.stranger_token)
    for _, token in zip(trial.configured.connectors, tokens, strict=False):
        await _reserve(trial, "Accepted", idToken=token.wire)
    await connectors_are(trial, 3, "Reserved")


@case("TC_H_15_CS")
async def kind_of_connector(trial: Trial) -> None:
    """A reservation of a kind of connector."""
    await _enabled(trial)
    kind = trial.configured.connector_type
    await _reserve(trial, "Accepted", idToken=trial.configured.valid_token.wire, connectorType=kind)
    await _single_evse_is_reserved(trial)
    await _charges_with(trial, trial.configured.valid_token)


@case("TC_H_16_CS")
async def kind_of_connector_while_all_are_reserved(trial: Trial) -> None:
    """Where every connector of this kind is reserved, none can be."""
    await _enabled(trial)
    await _every_evse_is_reserved(trial)
    kind = trial.configured.connector_type
    await _reserve(trial, "Occupied", idToken=trial.configured.valid_token.wire, connectorType=kind)


@case("TC_H_24_CS")
async def any_evse_for_a_group(trial: Trial) -> None:
    """Another token of the group charges with a reservation of no particular EVSE."""
    await _enabled(trial)
    await _reserve_for_group(trial)
    await _single_evse_is_reserved(trial)
    await _charges_with(trial, trial.configured.second_token)
