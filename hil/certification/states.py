"""Reusable states of Part 6 (2.18): steps that many cases begin with or go through. Each checks what Part 6 validates there.

The states keep `trial.session`. Which message a step expects follows from TxStartPoint and TxStopPoint of the station, read when needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from hil.certification.frames import StationCall
from hil.certification.notifications import Place, connector_states
from hil.certification.patterns import MISSING, Pattern, Payload, one_of
from hil.certification.pics import Token
from hil.certification.trial import Trial
from hil.certification.validation import Step

POWER_PATH_STATES = ("EVConnected", "SuspendedEVSE", "Charging")
"""Charging states of the message of a power path that closes. Part 6 names all three in EVConnectedPreSession."""
STARTED = {"eventType": "Started"}
LOCAL_OR_NOTHING = one_of("Local", MISSING)


# -- connectors ------------------------------------------------------------------------------------------------------------


async def connector_is(trial: Trial, step: Step, state: str, place: Place | None = None) -> StationCall:
    """The station reports this state of a connector, by StatusNotification or NotifyEvent."""
    place = place or (trial.session.evse_id, trial.configured.connector_id)
    return await _reported(trial, step, state, place, trial.configured.answer_within_s)


async def connectors_are(
    trial: Trial,
    step: Step,
    state: str,
    except_for: dict[Place, str] | None = None,
    places: Iterable[Place] | None = None,
    within_s: float | None = None,
) -> None:
    """The station reports every connector (or those of `places`), each in its state."""
    within_s = trial.configured.answer_within_s if within_s is None else within_s
    for place in trial.configured.every_connector() if places is None else places:
        await _reported(trial, step, (except_for or {}).get(place, state), place, within_s)


async def _reported(trial: Trial, step: Step, state: str, place: Place, within_s: float) -> StationCall:
    where = f"state of EVSE {place[0]}, connector {place[1]}"
    call = await trial.csms.take_where(lambda call: (place, state) in connector_states(call), within_s)
    if call is None:
        seen = [found for call in trial.csms.calls for at, found in connector_states(call) if at == place]
        trial.checks.fail(step, where, f"reported {seen or 'nothing'}", f"{state!r} within {within_s:g} s")
    assert call is not None
    trial.checks.passed(step, where, state, repr(state))
    return call


# -- booting ---------------------------------------------------------------------------------------------------------------


async def booted(trial: Trial, *, reset: str | None = None, has: Pattern | None = None) -> StationCall:
    """Booted: by a Reset of this type, or by hand. Every connector is Available afterwards. Returns the BootNotification."""
    boot = await booted_by(trial, reset, has)
    await connectors_are(trial, 5, "Available")
    await startup_is_reported(trial, 7)
    return boot


async def booted_by(trial: Trial, reset: str | None, has: Pattern | None = None) -> StationCall:
    """A Reset of this type, or a reboot by hand (None), until the BootNotification."""
    if reset is None:
        await trial.station.reboot()
    else:
        await trial.calls(1, "Reset", {"type": reset}, {"status": "Accepted"})
    return await trial.expects(3, "BootNotification", has, within_s=trial.configured.reboot_within_s)


async def startup_is_reported(trial: Trial, step: Step) -> None:
    """The security event of a start."""
    kinds = one_of("StartupOfTheDevice", "ResetOrReboot")
    await trial.expects(step, "SecurityEventNotification", where={"type": kinds})


# -- a charging session ----------------------------------------------------------------------------------------------------


async def parking_bay_occupied(trial: Trial) -> None:
    """ParkingBayOccupied is optional in Part 6, and no bench here has such a sensor."""
    await _points(trial)


async def ev_connected_pre_session(trial: Trial, *, reserved: bool = False) -> None:
    """EVConnectedPreSession: a car is plugged in.

    `reserved`: the connector is Reserved, and nobody has shown the token of the reservation. Part 6 asks for Occupied here too, Part 2
    for no other status (G03.FR.09, with the errata G01.FR.09): what the station reports is not judged.
    """
    await parking_bay_occupied(trial)
    session = trial.session
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    session.plugged, session.plugged_first = True, not session.authorized
    if not reserved:
        await connector_is(trial, 1, "Occupied")
    closes = session.authorized and "PowerPathClosed" in session.start_points
    if closes or _starts_at(trial, "EVConnected"):
        trigger = one_of("CablePluggedIn", "ChargingStateChanged", "RemoteStart")
        states = POWER_PATH_STATES if session.authorized else ("EVConnected",)
        await transaction_event(
            trial,
            3,
            {
                "triggerReason": trigger,
                "transactionInfo.chargingState": one_of(*states),
                "evse.id": evse_of(trial),
                "evse.connectorId": trial.configured.connector_id,
            },
        )


async def authorized(
    trial: Trial,
    *,
    remote: bool | None = None,
    token: Token | None = None,
    asks: bool | None = True,
    request: Payload | None = None,
) -> None:
    """Authorized, locally or by RequestStartTransaction. `asks`: an Authorize must come; None: it may; False: it may not."""
    await parking_bay_occupied(trial)
    session = trial.session
    session.token = token or session.token or trial.configured.valid_token
    session.remote = trial.configured.remote if remote is None else remote
    if session.remote:
        await _authorized_remotely(trial, asks, request or {})
    else:
        await trial.station.present(session.token, evse_of(trial))
        await authorize_comes(trial, 1, session.token, asks)
    session.authorized = True
    if _starts_at(trial, "Authorized"):
        trigger = "RemoteStart" if session.remote else "Authorized"
        await transaction_event(
            trial,
            3,
            {
                "triggerReason": trigger,
                "idToken.idToken": session.token.value,
                "idToken.type": session.token.kind,
            },
        )


async def _authorized_remotely(trial: Trial, asks: bool | None, request: Payload) -> None:
    session = trial.session
    assert session.token is not None
    session.remote_start_id = trial.request_id()
    answered: dict[str, object] = {"status": "Accepted"}
    if session.started:
        answered["transactionId"] = session.transaction_id
    payload = {
        "idToken": session.token.wire,
        "evseId": evse_of(trial),
        "remoteStartId": session.remote_start_id,
        **request,
    }
    await trial.calls(1, "RequestStartTransaction", payload, answered)
    if asks is not False and await trial.gets("AuthCtrlr", "AuthorizeRemoteStart") == "true":
        await authorize_comes(trial, 3, session.token, asks)


async def authorize_comes(trial: Trial, step: Step, token: Token, asks: bool | None = True) -> None:
    """Authorize for this token comes, may come, or may not come."""
    about = {"idToken.idToken": token.value, "idToken.type": token.kind}
    if asks:
        await trial.expects(step, "Authorize", about)
    elif asks is None:
        await trial.may_come(step, "Authorize", about, {}, trial.configured.quiet_s)
    else:
        await trial.nothing_comes(step, "Authorize")


async def energy_transfer_started(trial: Trial, *, remote: bool | None = None, asks: bool | None = True) -> None:
    """EnergyTransferStarted: authorised, plugged in, and energy flows."""
    session = trial.session
    if not session.authorized:
        await authorized(trial, remote=remote, asks=asks)
    if not session.plugged:
        await trial.station.plug(evse_of(trial), trial.configured.connector_id)
        session.plugged = True
        await connector_is(trial, 1, "Occupied")
        if _starts_at(trial, "EVConnected"):
            await transaction_event(
                trial,
                3,
                {"triggerReason": _first(trial, "CablePluggedIn"), "transactionInfo.chargingState": "EVConnected"},
            )
    await energy_flows(trial)


async def energy_flows(trial: Trial) -> None:
    """The second part of EnergyTransferStarted: from the closed power path to the energy."""
    session = trial.session
    state = None
    if "PowerPathClosed" in session.start_points and not session.started:
        last = "Authorized" if session.plugged_first else "CablePluggedIn"
        trigger = one_of(_first(trial, "ChargingStateChanged"), _first(trial, last))
        states = {"transactionInfo.chargingState": one_of(*POWER_PATH_STATES)}
        state = charging_state(await transaction_event(trial, 7, {}, has={"triggerReason": trigger, **states}))
    if state != "Charging":
        where = {"transactionInfo.chargingState": "Charging"}
        await transaction_event(trial, 9, where, has={"triggerReason": _first(trial, "ChargingStateChanged")})
    session.charging = True


async def energy_transfer_suspended(trial: Trial) -> None:
    """EnergyTransferSuspended: the car takes no more energy."""
    if not trial.session.charging:
        await energy_transfer_started(trial)
    await trial.wait(trial.configured.transaction_duration_s)
    await trial.station.suspend(evse_of(trial))
    event = await transaction_event(trial, 1, {"transactionInfo.chargingState": one_of("EVConnected", "SuspendedEV")})
    trial.checks.message(1, "TransactionEvent", event.payload, {"eventType": one_of("Ended", "Updated")})
    if charging_state(event) == "SuspendedEV":
        trial.checks.message(1, "TransactionEvent", event.payload, {"triggerReason": "ChargingStateChanged"})
    if event.payload.get("eventType") == "Ended":
        trial.checks.message(1, "TransactionEvent", event.payload, {"transactionInfo.stoppedReason": "StoppedByEV"})


async def stop_authorized(trial: Trial, *, remote: bool | None = None) -> None:
    """StopAuthorized: the same token again, or RequestStopTransaction. The transaction ends here where TxStopPoint says so."""
    session = trial.session
    if not session.charging:
        await energy_transfer_started(trial, remote=remote)
    await trial.wait(trial.configured.transaction_duration_s)
    remote = session.remote if remote is None else remote
    if remote:
        payload = {"transactionId": session.transaction_id}
        await trial.calls(1, "RequestStopTransaction", payload, {"status": "Accepted"})
        trigger = "RemoteStop"
    else:
        assert session.token is not None
        await trial.station.present(session.token, evse_of(trial))
        trigger = "StopAuthorized"
    session.stop_authorized = True
    event = await transaction_event(trial, 3, {"triggerReason": one_of(trigger, "ChargingStateChanged")})
    if not remote and event.payload["triggerReason"] == trigger and "idToken" in event.payload:
        assert session.token is not None
        token = {"idToken.idToken": session.token.value, "idToken.type": session.token.kind}
        trial.checks.message(3, "TransactionEvent", event.payload, token)
    if session.stop_points & {"Authorized", "PowerPathClosed", "EnergyTransfer"}:
        await transaction_ends(trial, 3, "Remote" if remote else LOCAL_OR_NOTHING)
    session.authorized = session.charging = False


async def transaction_ends(trial: Trial, step: Step, reason: object) -> None:
    """The Ended event of the session's transaction comes, unless it was taken already; its reason is checked."""
    session = trial.session
    if not session.ended:
        await transaction_event(trial, step, {"eventType": "Ended"})
    ended = next(
        call.payload
        for call in trial.csms.calls
        if call.action == "TransactionEvent"
        and call.payload.get("eventType") == "Ended"
        and call.payload["transactionInfo"]["transactionId"] == session.transaction_id
    )
    trial.checks.message(step, "TransactionEvent", ended, {"transactionInfo.stoppedReason": reason})


async def ev_connected_post_session(trial: Trial, *, remote: bool | None = None) -> None:
    """EVConnectedPostSession: no energy flows, and none may without a new authorisation."""
    session = trial.session
    if not session.stop_authorized:
        await stop_authorized(trial, remote=remote)
    if not session.ended:
        where = {"transactionInfo.chargingState": "EVConnected"}
        await transaction_event(trial, 1, where, has={"triggerReason": "ChargingStateChanged"})


async def ev_disconnected(trial: Trial, *, state: str | None = "Available", remote: bool | None = None) -> None:
    """EVDisconnected: the car is unplugged after the session. `state`: what the connector becomes; None: it stays what it is."""
    session = trial.session
    if not session.stop_authorized:
        await ev_connected_post_session(trial, remote=remote)
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    session.plugged = False
    if state is not None:
        await connector_is(trial, 1, state)
    if session.transaction_id is not None and not session.ended:
        where = {"triggerReason": "EVCommunicationLost"}
        await transaction_event(trial, 3, where, has={"transactionInfo.chargingState": "Idle"})


async def parking_bay_unoccupied(trial: Trial, *, remote: bool | None = None) -> None:
    """ParkingBayUnoccupied: the car has left, as after EVDisconnected. No bench here has a sensor."""
    if trial.session.plugged:
        await ev_disconnected(trial, remote=remote)


async def transaction_event(
    trial: Trial, step: Step, where: Pattern, has: Pattern | None = None, within_s: float | None = None
) -> StationCall:
    """A TransactionEvent of the session.

    Without a transaction it is the Started event, and `where` is checked too. Afterwards `where` chooses among the events of
    the session's transaction.
    """
    session = trial.session
    if session.transaction_id is None:
        call = await trial.expects(step, "TransactionEvent", {**where, **(has or {})}, where=STARTED, within_s=within_s)
        session.transaction_id = call.payload["transactionInfo"]["transactionId"]
    else:
        chosen = {**where, "transactionInfo.transactionId": session.transaction_id}
        call = await trial.expects(step, "TransactionEvent", has, where=chosen, within_s=within_s)
    session.ended = session.ended or call.payload.get("eventType") == "Ended"
    return call


# -- other states ----------------------------------------------------------------------------------------------------------


async def unavailable(trial: Trial, place: tuple[int, int | None] | None) -> None:
    """Unavailable: the station (None), an EVSE (connector None) or a connector is made Inoperative."""
    payload: Payload = {"operationalStatus": "Inoperative"}
    if place is not None:
        payload["evse"] = {"id": place[0]} | ({} if place[1] is None else {"connectorId": place[1]})
    await trial.calls(1, "ChangeAvailability", payload, {"status": "Accepted"})
    await connectors_are(trial, 3, "Unavailable", places=places_of(trial, place))


def places_of(trial: Trial, place: tuple[int, int | None] | None) -> list[Place]:
    """The connectors a place covers."""
    every = trial.configured.every_connector()
    if place is None:
        return every
    return [at for at in every if at[0] == place[0] and place[1] in (None, at[1])]


async def reserved(trial: Trial, *, evse_id: int | None = None, token: Token | None = None, for_s: int = 300) -> int:
    """Reserved: an EVSE is reserved for a token. Returns the id of the reservation."""
    reservation_id = trial.request_id()
    payload = {
        "id": reservation_id,
        "expiryDateTime": trial.time_from_now(for_s),
        "idToken": (token or trial.configured.valid_token).wire,
        "evseId": evse_id or trial.configured.evse_id,
    }
    await trial.calls(1, "ReserveNow", payload, {"status": "Accepted"})
    await connector_is(trial, 3, "Reserved", (evse_id or trial.configured.evse_id, trial.configured.connector_id))
    return reservation_id


# -- what follows from the configuration -----------------------------------------------------------------------------------


async def starts_at(trial: Trial, point: str, *, before: tuple[str, ...] = ()) -> None:
    """TxStartPoint has this point and none of those before it, where it can be written."""
    if trial.pics.features["C-51"]:
        await _has_point(trial, "TxStartPoint", point, before)


async def stops_at(trial: Trial, point: str, *, before: tuple[str, ...] = ()) -> None:
    """TxStopPoint has this point and none of those before it, where it can be written."""
    if trial.pics.features["C-52"]:
        await _has_point(trial, "TxStopPoint", point, before)


async def _has_point(trial: Trial, variable: str, point: str, before: tuple[str, ...]) -> None:
    present = set((await trial.gets("TxCtrlr", variable) or "").split(","))
    if point not in present or present & set(before):
        await trial.sets("TxCtrlr", variable, point)


async def _points(trial: Trial) -> None:
    session = trial.session
    if not session.start_points:
        session.start_points = frozenset((await trial.gets("TxCtrlr", "TxStartPoint") or "").split(","))
        session.stop_points = frozenset((await trial.gets("TxCtrlr", "TxStopPoint") or "").split(","))


def _starts_at(trial: Trial, point: str) -> bool:
    """Whether a TransactionEvent belongs to this point: the transaction starts here, or it runs already."""
    return trial.session.started or point in trial.session.start_points


def _first(trial: Trial, trigger: str) -> object:
    """The trigger of a step; RemoteStart where this is the first message after a remote start (Part 6, 2.1)."""
    if trial.session.remote and not trial.session.started:
        return "RemoteStart"
    return trigger


def evse_of(trial: Trial) -> int:
    """The EVSE of the session."""
    return trial.session.evse_id


def charging_state(call: StationCall) -> object:
    """The charging state of a TransactionEvent; None where it has none, and for another message."""
    if call.action != "TransactionEvent":
        return None
    return call.payload["transactionInfo"].get("chargingState")


async def offline_session_starts(trial: Trial) -> None:
    """StartOfflineTransaction: a driver comes while the network is away. The network stays away."""
    await trial.csms.cut()
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    trial.session.token = trial.configured.valid_token
    await trial.wait(trial.configured.unseen_s)
