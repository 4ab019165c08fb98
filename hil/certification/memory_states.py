"""Memory states of Part 6 (2.19): what a station has stored before a case begins."""

from __future__ import annotations

from hil.certification.patterns import Payload
from hil.certification.pics import Token
from hil.certification.states import authorize_comes, offline_session_starts
from hil.certification.trial import Trial


async def remote_authorization(trial: Trial) -> None:
    """Authorisation is on, and the station may ask the central system."""
    await trial.sets_where_there("AuthCtrlr", "Enabled", "true")
    await trial.sets_where_there("AuthCtrlr", "DisableRemoteAuthorization", "false")


async def id_token_cached(trial: Trial, token: Token, info: Payload | None = None) -> None:
    """IdTokenCached: the driver shows the token, the answer has this idTokenInfo, and no car comes within the time-out."""
    configured = trial.configured
    await trial.sets_where_there("AuthCacheCtrlr", "Enabled", "true")
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(configured.connection_timeout_s))
    answer = {"idTokenInfo": info or {"status": "Accepted"}}
    trial.csms.answers.order("Authorize", answer, where={"idToken.idToken": token.value}, times=1)
    await trial.station.present(token, configured.evse_id)
    await authorize_comes(trial, "before", token)
    await trial.wait(configured.connection_timeout_s + configured.quiet_s)
    trial.csms.discard("TransactionEvent")


async def id_token_in_local_list(trial: Trial, *entries: tuple[Token, Payload], version: int = 1) -> None:
    """IdTokenLocalAuthList: the local list has these tokens, each with its idTokenInfo."""
    await trial.sets_where_there("LocalAuthListCtrlr", "Enabled", "true")
    listed = [{"idToken": token.wire, "idTokenInfo": info} for token, info in entries]
    payload = {"versionNumber": version, "updateType": "Full", "localAuthorizationList": listed}
    await trial.calls("before", "SendLocalList", payload, {"status": "Accepted"}, evidence=False)


async def known_offline(trial: Trial, token: Token, info: Payload | None = None) -> None:
    """The station knows the token without the central system: by cache, by local list, or because it lets strangers charge."""
    await trial.sets_where_there("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await trial.sets_where_there("AuthCtrlr", "LocalAuthorizeOffline", "true")
    if trial.pics.features["C-49"]:
        await id_token_cached(trial, token, info)
    elif trial.pics.features["LocalAuthList"]:
        await id_token_in_local_list(trial, (token, info or {"status": "Accepted"}))


async def transaction_in_queue(trial: Trial) -> None:
    """TransactionEventsInQueueEnded: a whole transaction waits in the queue. The network stays away."""
    await known_offline(trial, trial.configured.valid_token)
    await offline_session_starts(trial)
    await ends_offline(trial, trial.configured.valid_token)


async def ends_offline(trial: Trial, token: Token) -> None:
    """The driver stops with this token and leaves while the network is away."""
    await trial.station.present(token, trial.configured.evse_id)
    await trial.wait(trial.configured.quiet_s)
    await trial.station.unplug(trial.configured.evse_id, trial.configured.connector_id)
    await trial.wait(trial.configured.quiet_s)


async def certificate_installed(trial: Trial, kind: str, certificate: str) -> None:
    """CertificateInstalled: a root of this kind, as PEM."""
    payload = {"certificateType": kind, "certificate": certificate}
    await trial.calls("before", "InstallCertificate", payload, {"status": "Accepted"}, evidence=False)


async def charging_profile_set(trial: Trial, evse_id: int, profile: Payload) -> None:
    """SetChargingProfile."""
    payload = {"evseId": evse_id, "chargingProfile": profile}
    await trial.calls("before", "SetChargingProfile", payload, {"status": "Accepted"}, evidence=False)
