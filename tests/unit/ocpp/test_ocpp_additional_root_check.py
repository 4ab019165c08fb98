"""M05 with AdditionalRootCertificateCheck: a new root is signed by the present one, replaces it, and falls back to it until it has worked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.pki import Curve, Pki
from certs.tree import Node, Use
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.effects import ConnectionFailed
from chargepoint.ocpp.target import Target
from tests.unit.ocpp.conftest import UTC0_S, Desk, FakePort

NOW = datetime.fromtimestamp(UTC0_S, UTC)
TREE = (
    Node("first", "Root 1", None, Use.ROOT, 3650),
    Node("second", "Root 2", "first", Use.SUB_CA, 3650),
    Node("third", "Root 3", "second", Use.SUB_CA, 3650),
    Node("stranger", "Stranger", None, Use.ROOT, 3650),
)
UNTRUSTED = "InvalidCsmsCertificate"
OTHER_SYSTEM = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://other:9000",
    "messageTimeout": 30,
    "securityProfile": 2,
    "ocppInterface": "Wired0",
}


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, NOW, TREE)


def pem(pki: Pki, node: str) -> str:
    return pki.certificates[node].public_bytes(Encoding.PEM).decode("ascii")


@pytest.fixture
def checked(pki: Pki) -> Desk:
    """A station of security profile 2 that checks new roots; the configuration names the first."""
    desk = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=2, additional_root_check=True))
    desk.configured = {"csms_roots/configured.pem": pem(pki, "first")}
    desk.restart()
    desk.accept()
    return desk


def install(desk: Desk, certificate: str) -> str:
    request = {"certificateType": "CSMSRootCertificate", "certificate": certificate}
    status: str = desk.ask("InstallCertificate", request)["status"]
    return status


def listed(desk: Desk, pki: Pki) -> list[str]:
    """The names of the roots that are listed."""
    chains = desk.ask("GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]})
    numbers = [chain["certificateHashData"]["serialNumber"] for chain in chains["certificateHashDataChain"]]
    names = {f"{certificate.serial_number:x}": name for name, certificate in pki.certificates.items()}
    return sorted(names[number] for number in numbers)


def target(desk: Desk) -> Target:
    return desk.station.network.target(desk.now.utc_s)


def trusted(desk: Desk, pki: Pki) -> tuple[list[str], bool]:
    """The names of the roots that the next attempt trusts, and whether the configuration's are trusted beside them."""
    names = {pem(pki, name).strip(): name for name in pki.certificates}
    found = target(desk)
    return [names[text.strip()] for text in found.roots], found.configured_roots


def fail(desk: Desk, kind: str = UNTRUSTED) -> None:
    target(desk)
    desk.perform(desk.station.informed(ConnectionFailed(kind, "refused"), desk.moment))


def connect(desk: Desk) -> None:
    target(desk)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.perform(desk.station.connected(desk.version, 0.0, desk.moment))


def variable(desk: Desk) -> str:
    asked = [{"component": {"name": "SecurityCtrlr"}, "variable": {"name": "AdditionalRootCertificateCheck"}}]
    result: dict[str, Any] = desk.ask("GetVariables", {"getVariableData": asked})["getVariableResult"][0]
    return str(result["attributeValue"])


def test_the_variable_says_what_the_configuration_says(checked: Desk, desk: Desk) -> None:
    assert (variable(checked), variable(desk)) == ("true", "false")


def test_a_root_that_the_present_one_did_not_sign_is_rejected(checked: Desk, pki: Pki) -> None:
    """TC_M_09, M05.FR.11."""
    assert install(checked, pem(pki, "stranger")) == "Rejected"
    assert install(checked, pem(pki, "third")) == "Rejected"  # its issuer is not here yet
    assert listed(checked, pki) == ["first"]
    assert install(checked, pem(pki, "first")) == "Accepted"  # it is there already
    assert checked.files == {}


def test_without_the_check_any_root_is_taken(desk: Desk, pki: Pki) -> None:
    assert install(desk, pem(pki, "stranger")) == "Accepted"


def test_the_next_attempt_trusts_the_new_root_alone_and_the_old_one_goes_when_it_worked(
    checked: Desk, pki: Pki
) -> None:
    """TC_M_30, M05.FR.12, FR.13."""
    assert install(checked, pem(pki, "second")) == "Accepted"
    assert listed(checked, pki) == ["first", "second"]
    checked.restart()  # the connection of the restart was made with the new root
    assert listed(checked, pki) == ["second"]
    assert trusted(checked, pki) == (["second"], False)
    checked.restart()
    assert trusted(checked, pki) == (["second"], False)  # the configured one stays replaced


def test_an_attempt_that_the_new_root_does_not_vouch_for_is_repeated_with_the_old_one(checked: Desk, pki: Pki) -> None:
    """TC_M_31, M05.FR.14."""
    install(checked, pem(pki, "second"))
    assert trusted(checked, pki) == (["second"], False)
    fail(checked, "")  # nobody answers: that says nothing about roots
    assert trusted(checked, pki) == (["second"], False)
    fail(checked)
    assert trusted(checked, pki) == (["first"], False)
    connect(checked)
    assert listed(checked, pki) == ["first", "second"]
    assert trusted(checked, pki) == (["second"], False)  # the next time the new one is tried first again
    fail(checked)
    fail(checked)
    assert trusted(checked, pki) == (["second"], False)


def test_a_third_root_ends_the_oldest_one(checked: Desk, pki: Pki) -> None:
    """M05.FR.09: one root and one fallback."""
    install(checked, pem(pki, "second"))
    assert install(checked, pem(pki, "third")) == "Accepted"
    assert listed(checked, pki) == ["second", "third"]
    connect(checked)
    assert listed(checked, pki) == ["third"]
    assert sum(name.endswith(".pem") for name in checked.files) == 1


def test_a_migration_tries_the_new_root_only_and_the_way_back_the_old_one(checked: Desk, pki: Pki) -> None:
    """TC_B_47, M05.FR.15, FR.16."""
    checked.set("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    checked.ask("SetNetworkProfile", {"configurationSlot": 2, "connectionData": OTHER_SYSTEM})
    checked.set("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1")
    install(checked, pem(pki, "second"))
    station = checked.station
    plan = type(station.network._present)([2, 1], 1)  # as after the restart, before its first attempt
    station.network._plan = plan
    for _ in range(2):
        assert target(checked).slot == 2
        assert trusted(checked, pki) == (["second"], False)
        fail(checked)
    assert target(checked).slot == 1
    assert trusted(checked, pki) == (["first"], False)
    connect(checked)
    assert listed(checked, pki) == ["first", "second"]


def test_another_file_of_the_configuration_is_trusted_again(checked: Desk, pki: Pki) -> None:
    """The installer puts a new root into the file: what OCPP replaced was the root before."""
    install(checked, pem(pki, "second"))
    checked.restart()
    checked.configured = {"csms_roots/configured.pem": pem(pki, "stranger")}
    checked.restart()
    assert listed(checked, pki) == ["second", "stranger"]
