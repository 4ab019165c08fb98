"""Plug and Charge: each misbehaviour at the messages that only such a session has, and contracts with something wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certs.flaws import Flaw, flawed_tree
from certs.pki import Pki
from chargepoint.model.car import SessionEnd
from chargepoint.model.car_questions import ContractStatus
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.misbehaviour import KINDS, Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from tests.joined.checks import check_answer_and_end, check_log, check_power
from tests.joined.contracts import ContractDesk, credentials_of, new_pki
from tests.joined.expected import AT_ONCE_S, CONTRACT, CONTRACT_SESSION, EXPECTED
from tests.joined.outlet import DC_OUTLET
from tests.joined.station import EPOCH
from tests.joined.visit import VirtualSite, Visit

pytestmark = pytest.mark.slow

PLAN = CarPlan(authorization="PnC", installs_certificate=True, falls_back_to_eim=False)
STAYS_S = 5.0
MAKES_TRANSACTION = ("repeated", "not_awaiting")
"""The first request of these is a good one: its contract begins a transaction before the second one is refused."""


@pytest.fixture(scope="module")
def pki() -> Pki:
    return new_pki(EPOCH)


def visit_of(site: VirtualSite, credentials: Credentials, *misbehaviours: Misbehaviour) -> Visit:
    plan = replace(PLAN, misbehaviours=misbehaviours)
    return site.visit(plan, card=False, credentials=credentials, stays_s=STAYS_S)


@pytest.mark.parametrize("what", list(KINDS))
def test_each_cell_of_a_session_with_a_contract(what: str, pki: Pki) -> None:
    good = credentials_of(pki)
    for message, (name, nth) in CONTRACT_SESSION.messages.items():
        outcome = EXPECTED[what].at(message, CONTRACT)
        value = "DC_PreChargeReq" if what == "other_request" else None
        site = VirtualSite(contracts=ContractDesk(pki))
        visit = visit_of(site, good, Misbehaviour(what, name, nth, value=value))
        where = f"{what} at {message}: {outcome.name}"
        check_answer_and_end(visit, outcome, where)
        check_power(visit, outcome.off_within_s(message, CONTRACT_SESSION), DC_OUTLET, where)
        check_log(visit, where)
        begun = what in MAKES_TRANSACTION and name == "AuthorizationReq"
        reason = "EVDisconnected" if begun else ""
        assert visit.stop_reason() == (reason if outcome.ends else "StoppedByEV"), where
        assert visit_of(site, good).stop_reason() == "StoppedByEV", f"{where}: the next car is not served"


def refused(site: VirtualSite, credentials: Credentials) -> Visit:
    """The visit of a car whose contract is refused: no transaction, no order but OFF, and an end in order."""
    visit = visit_of(site, credentials)
    assert visit.car.progress.error is not None
    ((_, end),) = visit.ends()
    assert end.end is SessionEnd.TERMINATED
    assert visit.records == []
    assert all(timed.demand.phase.value == 0 for timed in visit.demands)
    check_log(visit, visit.car.progress.error)
    return visit


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        (Flaw.EXPIRED, "WARNING_CertificateExpired"),
        (Flaw.SUB_CA_EXPIRED, "WARNING_CertificateExpired"),
        (Flaw.NOT_YET_VALID, "WARNING_CertificateNotYetValid"),
        (Flaw.FORGED, "WARNING_CertificateValidationError"),
        (Flaw.WRONG_KEY_USAGE, "WARNING_CertificateValidationError"),
    ],
)
def test_a_contract_with_a_flaw_is_refused_and_the_next_car_is_served(flaw: Flaw, code: str, pki: Pki) -> None:
    flawed = new_pki(EPOCH, flawed_tree("contract", flaw))
    site = VirtualSite(contracts=ContractDesk(flawed))
    visit = refused(site, credentials_of(flawed))
    assert visit.car.progress.error == f"authorisation refused: {code}"
    assert site.visit().stop_reason() == "StoppedByEV"


def test_a_contract_that_another_key_signed_is_refused(pki: Pki) -> None:
    site = VirtualSite(contracts=ContractDesk(pki))
    visit = refused(site, credentials_of(pki, signing=new_pki(EPOCH)))
    assert visit.car.progress.error == "authorisation refused: WARNING_CertificateValidationError"
    assert visit_of(site, credentials_of(pki)).stop_reason() == "StoppedByEV"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ContractStatus.REFUSED, "WARNING_GeneralPnCAuthorizationError"),
        (ContractStatus.UNKNOWN_PROVIDER, "WARNING_eMSPUnknown"),
        (ContractStatus.CERTIFICATE_REVOKED, "WARNING_CertificateRevoked"),
        (ContractStatus.CERTIFICATE_EXPIRED, "WARNING_CertificateExpired"),
        (ContractStatus.CERTIFICATE_INVALID, "WARNING_CertificateValidationError"),
    ],
)
def test_a_contract_that_the_central_system_refuses(status: ContractStatus, code: str, pki: Pki) -> None:
    desk = ContractDesk(pki, status)
    site = VirtualSite(contracts=desk)
    visit = refused(site, credentials_of(pki))
    assert visit.car.progress.error == f"authorisation refused: {code}"
    desk.status = ContractStatus.ACCEPTED
    assert visit_of(site, credentials_of(pki)).stop_reason() == "StoppedByEV"


def test_a_refused_contract_leaves_the_way_to_a_card_open(pki: Pki) -> None:
    site = VirtualSite(contracts=ContractDesk(pki))
    plan = replace(PLAN, falls_back_to_eim=True)
    visit = site.visit(plan, credentials=credentials_of(pki, signing=new_pki(EPOCH)))
    assert (visit.car.progress.error, visit.stop_reason()) == (None, "StoppedByEV")


@pytest.mark.parametrize("what", ["silence", "tcp_reset"])
def test_a_car_with_a_contract_that_vanishes_in_the_transfer(what: str, pki: Pki) -> None:
    site = VirtualSite(contracts=ContractDesk(pki))
    visit = visit_of(site, credentials_of(pki), Misbehaviour(what, "DC_ChargeLoopReq", 3))
    assert visit.stop_reason() == "Other"
    assert visit.stage_off_s() <= (AT_ONCE_S if what == "tcp_reset" else 0.8)
    assert visit_of(site, credentials_of(pki)).stop_reason() == "StoppedByEV"
