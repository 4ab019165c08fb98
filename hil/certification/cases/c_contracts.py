"""Block C, contracts of cars: Plug and Charge, validated by the station or by the central system, online and offline."""

from __future__ import annotations

from hil.certification.patterns import PRESENT, Pattern
from hil.certification.pics import Token
from hil.certification.registry import case
from hil.certification.states import (
    connector_is,
    energy_flows,
    ev_connected_pre_session,
    evse_of,
    transaction_event,
)
from hil.certification.trial import Trial

CONTROLLER = "ISO15118Ctrlr"
HASHES = "iso15118CertificateHashData"


async def _prepared(trial: Trial, *, central_validation: bool | None = None) -> None:
    await trial.sets_where_there("AuthCtrlr", "Enabled", "true")
    await trial.sets_where_there("AuthCtrlr", "DisableRemoteAuthorization", "false")
    await trial.sets_where_there(CONTROLLER, "PnCEnabled", "true")
    if central_validation is not None:
        value = str(central_validation).lower()
        await trial.sets_where_there(CONTROLLER, "CentralContractValidationAllowed", value)


async def _car_comes(trial: Trial, *, known_root: bool) -> None:
    await trial.station.bring_contract(evse_of(trial), known_root)
    await ev_connected_pre_session(trial)


async def _asks(trial: Trial, has: Pattern) -> None:
    """The station asks about the contract."""
    call = await trial.expects(1, "Authorize", {"idToken.type": "eMAID", **has})
    session = trial.session
    session.authorized, session.token = True, Token(str(call.payload["idToken"]["idToken"]), "eMAID")


async def _charges(trial: Trial) -> None:
    """The contract is accepted, and energy flows. TransactionEvents name the contract's id."""
    session = trial.session
    if "Authorized" in session.start_points or session.started:
        await transaction_event(trial, 3, {"triggerReason": "Authorized"})
    await energy_flows(trial)
    assert session.token is not None
    token = session.token
    named = [
        call.payload["idToken"]
        for call in trial.csms.calls
        if call.action == "TransactionEvent" and "idToken" in call.payload
    ]
    trial.checks.true(3, "a TransactionEvent has the idToken of the contract", token.wire in named, named)


async def _does_not_charge(trial: Trial) -> None:
    """No event says that the car is authorised or takes energy."""
    await trial.wait(trial.configured.unseen_s)
    for path, value in (("triggerReason", "Authorized"), ("transactionInfo.chargingState", "Charging")):
        events = trial.csms.untaken("TransactionEvent", {path: value})
        trial.checks.value("after", f"TransactionEvents with {value}", len(events), 0)


def _refuses(trial: Trial, chain: str) -> None:
    answer = {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": chain}
    trial.csms.answers.order("Authorize", answer)


@case("TC_C_50_CS")
async def validated_here(trial: Trial) -> None:
    """A contract that the station validates itself."""
    await _prepared(trial, central_validation=False)
    await _car_comes(trial, known_root=True)
    await _asks(trial, {HASHES: PRESENT})
    await _charges(trial)


@case("TC_C_51_CS")
async def validated_here_and_cancelled(trial: Trial) -> None:
    """A contract that the station validates itself, and that is cancelled."""
    await _prepared(trial, central_validation=False)
    _refuses(trial, "ContractCancelled")
    await _car_comes(trial, known_root=True)
    await _asks(trial, {HASHES: PRESENT})
    await _does_not_charge(trial)


@case("TC_C_52_CS")
async def validated_centrally(trial: Trial) -> None:
    """A contract that the station has no root for goes to the central system as a whole."""
    await _prepared(trial, central_validation=True)
    accepted = {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}
    trial.csms.answers.order("Authorize", accepted)
    await _car_comes(trial, known_root=False)
    await _asks(trial, {"certificate": PRESENT})
    await _charges(trial)


@case("TC_C_53_CS")
async def validated_centrally_and_revoked(trial: Trial) -> None:
    """A contract that the station has no root for, and that is revoked."""
    await _prepared(trial, central_validation=True)
    _refuses(trial, "CertificateRevoked")
    await _car_comes(trial, known_root=False)
    await _asks(trial, {"certificate": PRESENT})
    await _does_not_charge(trial)


async def _comes_while_away(trial: Trial, allowed: bool) -> None:
    """The car comes while the network is away, with or without ContractValidationOffline."""
    await _prepared(trial)
    await trial.sets_where_there("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await trial.sets(CONTROLLER, "ContractValidationOffline", str(allowed).lower())
    await trial.gets("TxCtrlr", "TxStartPoint")
    await trial.csms.cut()
    await trial.station.bring_contract(evse_of(trial), True)
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    trial.session.plugged = trial.session.plugged_first = True
    await trial.wait(trial.configured.unseen_s)
    trial.csms.reconnect()
    await trial.connected(2)
    await connector_is(trial, 3, "Occupied")


@case("TC_C_54_CS")
async def validated_offline(trial: Trial) -> None:
    """With ContractValidationOffline a contract charges without the central system."""
    await _comes_while_away(trial, allowed=True)
    within_s = trial.configured.reboot_within_s
    await transaction_event(trial, 7, {}, {"offline": True}, within_s=within_s)
    charging = {"transactionInfo.chargingState": "Charging"}
    await transaction_event(trial, 9, charging, within_s=within_s)
    first = trial.first_transaction_event()
    trial.checks.message(7, "TransactionEvent", first, {"idToken.type": "eMAID"})


@case("TC_C_55_CS")
async def not_validated_offline(trial: Trial) -> None:
    """Without ContractValidationOffline a contract does not charge while the network is away."""
    await _comes_while_away(trial, allowed=False)
    await _does_not_charge(trial)
