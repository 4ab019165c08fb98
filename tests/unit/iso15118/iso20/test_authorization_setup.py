"""AuthorizationSetup: what is offered with which settings over which connection, and that each challenge is fresh."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.exi.codec import NS_CM, decode, encode
from chargepoint.iso15118.iso20 import authorization_setup
from chargepoint.iso15118.iso20.contract_state import ContractState
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MessageHeader, ResponseCode
from chargepoint.model.car import AuthorizationWanted, ControlMode, EnergyService
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import StationView

PLAIN, ONE_SIDED, MUTUAL = Peer("fe80::1"), Peer("fe80::1", "TLSv1.3"), Peer("fe80::1", "TLSv1.3", b"leaf")
SETTINGS = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC,), (ControlMode.DYNAMIC,))
SESSION = Session(state=State.AUTHORIZATION_SETUP, session_id=bytes(range(8)))
REQUEST = cm.AuthorizationSetupReq(Header=MessageHeader(SessionID=bytes(range(8)), TimeStamp=1))


def respond(peer: Peer, session: Session = SESSION, **settings: Any) -> tuple[cm.AuthorizationSetupRes, Session]:
    numbers = itertools.count(session.contract.attempts + 1)
    at = Situation(
        settings=replace(SETTINGS, **settings),
        view=StationView(),
        now=Now(10.0, 1_800_000_000),
        peer=peer,
        random_bytes=lambda n: bytes([next(numbers)] * n),
    )
    answer = authorization_setup.respond(REQUEST, session, at)
    assert decode(NS_CM, encode(answer.response)) == answer.response
    return answer.response, answer.session


def test_without_settings_only_external_means_are_offered() -> None:
    response, session = respond(MUTUAL)
    assert response.AuthorizationServices == (cm.Authorization.EIM,)
    assert response.EIM_ASResAuthorizationMode is not None and response.PnC_ASResAuthorizationMode is None
    assert response.CertificateInstallationService is False
    assert (session.state, session.gen_challenge) == (State.AUTHORIZATION, b"")


def test_contracts_are_offered_beside_external_means_with_a_challenge_of_16_bytes() -> None:
    response, session = respond(MUTUAL, plug_and_charge=True, emsp_ids=("DE-8AA", "DE-8BB"))
    assert response.AuthorizationServices == (cm.Authorization.EIM, cm.Authorization.PnC)
    mode = response.PnC_ASResAuthorizationMode
    assert mode is not None and mode.SupportedProviders is not None
    assert mode.SupportedProviders.ProviderID == ("DE-8AA", "DE-8BB")
    assert len(mode.GenChallenge) == 16 and session.gen_challenge == mode.GenChallenge
    assert response.EIM_ASResAuthorizationMode is None


def test_providers_are_left_out_where_none_are_named() -> None:
    response, _ = respond(MUTUAL, plug_and_charge=True)
    assert response.PnC_ASResAuthorizationMode is not None
    assert response.PnC_ASResAuthorizationMode.SupportedProviders is None


@pytest.mark.parametrize(("peer", "offered"), [(PLAIN, False), (ONE_SIDED, False), (MUTUAL, True)])
def test_contracts_and_their_installation_need_the_certificate_of_the_car(peer: Peer, offered: bool) -> None:
    response, session = respond(peer, plug_and_charge=True, certificate_installation=True)
    assert (cm.Authorization.PnC in response.AuthorizationServices) is offered
    assert response.CertificateInstallationService is offered
    assert bool(session.gen_challenge) is offered


def test_a_bench_offers_them_on_plain_tcp() -> None:
    settings: dict[str, Any] = {
        "plug_and_charge": True,
        "certificate_installation": True,
        "plug_and_charge_without_tls": True,
    }
    response, _ = respond(PLAIN, **settings)
    assert cm.Authorization.PnC in response.AuthorizationServices
    assert response.CertificateInstallationService is True


def test_installation_is_offered_without_contracts_too() -> None:
    response, _ = respond(MUTUAL, certificate_installation=True)
    assert response.CertificateInstallationService is True
    assert response.AuthorizationServices == (cm.Authorization.EIM,)


def test_a_second_request_gets_a_new_challenge_and_the_attempts_are_not_forgotten() -> None:
    first, session = respond(MUTUAL, plug_and_charge=True)
    used = replace(session, contract=ContractState(presented=frozenset({"leaf"}), attempts=3))
    second, after = respond(MUTUAL, used, plug_and_charge=True)
    assert first.PnC_ASResAuthorizationMode is not None and second.PnC_ASResAuthorizationMode is not None
    assert first.PnC_ASResAuthorizationMode.GenChallenge != second.PnC_ASResAuthorizationMode.GenChallenge
    assert after.contract == ContractState(attempts=3)


def test_the_station_learns_that_the_car_waits_for_authorisation() -> None:
    at = Situation(settings=SETTINGS, view=StationView(), now=Now(1.0, 1), peer=PLAIN, random_bytes=lambda n: bytes(n))
    assert authorization_setup.learned(REQUEST, SESSION, SESSION, at) == (AuthorizationWanted(EvseId(1)),)


def test_a_refusal_fits_the_schema() -> None:
    at = Situation(settings=SETTINGS, view=StationView(), now=Now(1.0, 1), peer=PLAIN, random_bytes=lambda n: bytes(n))
    response = authorization_setup.refuse(REQUEST, ResponseCode.FAILED_SequenceError, SESSION, at)
    assert decode(NS_CM, encode(response)) == response
    assert response.ResponseCode is ResponseCode.FAILED_SequenceError
