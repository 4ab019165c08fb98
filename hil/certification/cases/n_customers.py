"""Block N, customer information: reported and cleared, by token, by identifier and by certificate."""

from __future__ import annotations

from hil.certification.device_reports import report_parts
from hil.certification.memory_states import id_token_cached, id_token_in_local_list
from hil.certification.patterns import PRESENT, Payload, value_at
from hil.certification.pics import Token
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    energy_flows,
    ev_connected_pre_session,
    evse_of,
    parking_bay_unoccupied,
)
from hil.certification.trial import Trial
from hil.certification.validation import Step

HASHES = "iso15118CertificateHashData"
_HASH_FIELDS = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")


async def _asks(
    trial: Trial, step: Step, customer: Payload, *, report: bool, clear: bool, status: str = "Accepted"
) -> int:
    """CustomerInformation; its requestId."""
    number = trial.request_id()
    request = {"requestId": number, "report": report, "clear": clear, **customer}
    await trial.calls(step, "CustomerInformation", request, {"status": status}, evidence=step != "before")
    return number


async def _data(trial: Trial, step: Step, number: int) -> str:
    """The data of every report of this request. Part 6 wants every part, and the last one without tbc."""
    parts = await report_parts(trial, step, "NotifyCustomerInformation", number)
    await trial.nothing_comes(step, "NotifyCustomerInformation", {"requestId": number})
    return "".join(str(part["data"]) for part in parts)


async def _one_message(trial: Trial, step: Step, number: int) -> str:
    """The data of the only report of this request."""
    parts = await report_parts(trial, step, "NotifyCustomerInformation", number)
    trial.checks.value(step, "messages that answer the request", len(parts), 1)
    return str(parts[0]["data"])


def _holds(trial: Trial, step: Step, data: str) -> None:
    trial.checks.true(step, "data is not empty", data != "", data)


def _is_empty(trial: Trial, step: Step, data: str) -> None:
    trial.checks.value(step, "data", data, "")


# -- by token ----------------------------------------------------------------------------------------------------------------------


async def _customer_was_here(trial: Trial) -> Payload:
    """The station has the token in cache and local list, where it has them; the driver was authorised and has left."""
    token = trial.configured.valid_token
    await trial.sets_where_there("LocalAuthListCtrlr", "Enabled", "true")
    await trial.sets_where_there("AuthCtrlr", "LocalPreAuthorize", "true")
    await trial.sets_where_there("AuthCacheCtrlr", "Enabled", "true")
    if trial.pics.features["C-49"]:
        await id_token_cached(trial, token)
    if trial.pics.features["LocalAuthList"]:
        await id_token_in_local_list(trial, (token, {"status": "Accepted"}))
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await authorized(trial, remote=False, asks=None)
    await trial.wait(trial.configured.connection_timeout_s + trial.configured.quiet_s)
    await parking_bay_unoccupied(trial)
    return {"idToken": token.wire}


@case("TC_N_27_CS")
async def reported(trial: Trial) -> None:
    """What the station keeps of a token is reported."""
    customer = await _customer_was_here(trial)
    _holds(trial, 3, await _data(trial, 3, await _asks(trial, 2, customer, report=True, clear=False)))


@case("TC_N_28_CS")
async def nothing_to_report(trial: Trial) -> None:
    """The station keeps nothing of the token: one message says so."""
    customer = await _forgotten_customer(trial)
    number = await _asks(trial, 2, customer, report=True, clear=False)
    data = await _one_message(trial, 3, number)
    _does_not_name(trial, 3, data)


@case("TC_N_30_CS")
async def cleared_and_reported(trial: Trial) -> None:
    """What the station keeps of a token is reported and cleared. The local list may keep the token (N10.FR.03)."""
    customer = await _customer_was_here(trial)
    before = await _data(trial, 3, await _asks(trial, 2, customer, report=True, clear=True))
    _holds(trial, 3, before)
    number = trial.request_id()
    request = {"requestId": number, "report": True, "clear": False, **customer}
    answer = await trial.calls(6, "CustomerInformation", request)
    if answer["status"] == "Accepted":
        after = await _data(trial, 7, number)
        if trial.pics.features["C-49"]:
            trial.checks.true(7, "the data is not what it was before", after != before, after)


@case("TC_N_31_CS")
async def nothing_to_clear(trial: Trial) -> None:
    """The station keeps nothing of the token: one message says so."""
    customer = await _forgotten_customer(trial)
    number = await _asks(trial, 2, customer, report=True, clear=True)
    data = await _one_message(trial, 3, number)
    _does_not_name(trial, 3, data)


@case("TC_N_32_CS")
async def cleared_without_a_report(trial: Trial) -> None:
    """The token is cleared without a report: one message says that it was."""
    customer = await _forgotten_customer(trial)
    number = await _asks(trial, 2, customer, report=False, clear=True)
    data = await _one_message(trial, 3, number)
    _does_not_name(trial, 3, data)


async def _forgotten_customer(trial: Trial) -> Payload:
    """The station was asked to clear the token, and its local list is empty."""
    customer = {"idToken": trial.configured.valid_token.wire}
    number = await _asks(trial, "before", customer, report=False, clear=True)
    await report_parts(trial, "before", "NotifyCustomerInformation", number)
    return customer


def _does_not_name(trial: Trial, step: Step, data: str) -> None:
    value = trial.configured.valid_token.value
    trial.checks.true(step, "data does not name the token", value not in data, data)


# -- by identifier and by certificate ------------------------------------------------------------------------------------------------


@case("TC_N_62_CS")
async def cleared_by_identifier(trial: Trial) -> None:
    """What the station keeps of a customer identifier is reported and cleared; the bench makes the station know the customer.

    Part 2 wants a message that says that nothing was found (N09.FR.06); Part 6 wants its data to be empty. The case follows Part 6.
    """
    identifier = trial.configured.customer_identifier
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await trial.sets_where_there("AuthCacheCtrlr", "Enabled", "true")
    await trial.station.store_customer(identifier, evse_of(trial))
    await trial.wait(trial.configured.connection_timeout_s + trial.configured.quiet_s)
    await _reported_and_cleared(trial, {"customerIdentifier": identifier}, holds=True)


@case("TC_N_63_CS")
async def cleared_by_certificate(trial: Trial) -> None:
    """What the station keeps of a contract certificate is reported and cleared. It may keep nothing.

    The hashes are those of the station's own Authorize. The certificate of the station itself is what the bench gave it
    (Part 6 renews it where there is none).
    """
    for component, variable, value in _CONTRACT_SETTINGS:
        await trial.sets_where_there(component, variable, value)
    await trial.station.bring_contract(evse_of(trial), True)
    await ev_connected_pre_session(trial)
    call = await trial.expects(1, "Authorize", {"idToken.type": "eMAID", HASHES: PRESENT})
    session = trial.session
    session.authorized, session.token = True, Token(str(value_at(call.payload, "idToken.idToken")), "eMAID")
    await energy_flows(trial)
    await trial.station.end_session(evse_of(trial))
    await trial.wait(trial.configured.unseen_s)
    hashes = call.payload[HASHES][0]
    customer = {"customerCertificate": {field: hashes[field] for field in _HASH_FIELDS}}
    await _reported_and_cleared(trial, customer, holds=False)


_CONTRACT_SETTINGS = (
    ("AuthCtrlr", "Enabled", "true"),
    ("AuthCtrlr", "DisableRemoteAuthorization", "false"),
    ("ISO15118Ctrlr", "CentralContractValidationAllowed", "false"),
    ("ISO15118Ctrlr", "V2GCertificateInstallationEnabled", "true"),
    ("ISO15118Ctrlr", "ContractCertificateInstallationEnabled", "true"),
    ("ISO15118Ctrlr", "PnCEnabled", "true"),
)
"""Part 6 also gives SeccId, CountryName and OrganizationName values of its own, which no step uses."""


async def _reported_and_cleared(trial: Trial, customer: Payload, *, holds: bool) -> None:
    data = await _data(trial, 3, await _asks(trial, 2, customer, report=True, clear=True))
    if holds:
        _holds(trial, 3, data)
    _is_empty(trial, 7, await _data(trial, 7, await _asks(trial, 6, customer, report=True, clear=False)))
