"""B09, B10, A05: network profiles are kept, get their turns after a restart, and never make the connection less secure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.effects import ConnectionFailed, Post
from chargepoint.ocpp.network_plan import NetworkPlan
from tests.unit.ocpp.conftest import Desk, FakePort

PRIORITY = "NetworkConfigurationPriority"


def profile(**changes: Any) -> dict[str, Any]:
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://other:9000/ocpp",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
    }
    return data | changes


def set_profile(desk: Desk, slot: int = 2, **changes: Any) -> dict[str, Any]:
    return desk.ask("SetNetworkProfile", {"configurationSlot": slot, "connectionData": profile(**changes)})


def fail(desk: Desk, times: int = 1) -> None:
    for _ in range(times):
        desk.perform(desk.station.informed(ConnectionFailed("", "nobody answers"), desk.moment))


def value(desk: Desk, component: str, name: str) -> str:
    asked = [{"component": {"name": component}, "variable": {"name": name}}]
    result: str = desk.ask("GetVariables", {"getVariableData": asked})["getVariableResult"][0]["attributeValue"]
    return result


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256)


def certificate(pki: Pki, node: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return pki.certificates[node].public_bytes(Encoding.PEM).decode("ascii")


def test_a_profile_is_taken_by_priority_after_the_restart(desk: Desk) -> None:
    """TC_B_45."""
    assert set_profile(desk)["status"] == "Accepted"
    assert desk.set("OCPPCommCtrlr", PRIORITY, "2,1") == "RebootRequired"
    assert desk.station.network.target(0.0).slot == 1  # not before the restart
    desk.restart()
    target = desk.station.network.target(0.0)
    assert (target.slot, target.url, target.timeout_s) == (2, "ws://other:9000/ocpp", 30.0)
    desk.accept()
    assert value(desk, "OCPPCommCtrlr", "ActiveNetworkProfile") == "2"
    assert set_profile(desk, slot=1)["status"] == "Accepted"  # and back


@pytest.mark.parametrize(
    ("slot", "changes", "reason"),
    [
        (999, {}, "ValueOutOfRange"),  # TC_B_43
        (0, {}, "ValueOutOfRange"),
        (1, {}, "InvalidValue"),  # the one in use
        (2, {"ocppTransport": "SOAP"}, "UnsupportedParam"),
        (2, {"ocppVersion": "OCPP16"}, "UnsupportedParam"),
        (2, {"messageTimeout": 0}, "ValueOutOfRange"),
        (2, {"messageTimeout": 100_000}, "ValueOutOfRange"),
        (2, {"securityProfile": 0}, "InvalidValue"),
        (2, {"securityProfile": 4}, "InvalidValue"),
        (2, {"ocppCsmsUrl": "wss://host"}, "InvalidURL"),
        (2, {"ocppCsmsUrl": "http://host"}, "InvalidURL"),
        (2, {"ocppCsmsUrl": "ws://"}, "InvalidURL"),
        (2, {"ocppCsmsUrl": "ws://user:secret@host"}, "InvalidURL"),
        (2, {"ocppCsmsUrl": "ws://host:99999"}, "InvalidURL"),
        (2, {"apn": {"apn": "x", "apnAuthentication": "NONE"}}, "UnsupportedParam"),
    ],
)
def test_what_cannot_be_used_is_refused(desk: Desk, slot: int, changes: dict[str, Any], reason: str) -> None:
    before = dict(desk.kept("network"))
    answer = set_profile(desk, slot, **changes)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert desk.kept("network") == before


def test_a_less_secure_profile_is_refused(pki: Pki) -> None:
    """TC_A_22."""
    desk = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=2))
    assert set_profile(desk)["status"] == "Rejected"  # B09.FR.04
    assert set_profile(desk, securityProfile=2, ocppCsmsUrl="wss://host2")["status"] == "Accepted"


def test_priority_needs_filled_slots(desk: Desk) -> None:
    for text in ("1,2", "", "5", "1,1"):
        assert desk.set("OCPPCommCtrlr", PRIORITY, text) == "Rejected"  # B10.FR.02
    assert desk.set("OCPPCommCtrlr", PRIORITY, "1") == "RebootRequired"


def test_an_upgrade_needs_its_certificates(desk: Desk, pki: Pki) -> None:
    """TC_A_20, TC_A_21."""
    desk.now_s = 300 * 86_400.0  # the desk's day is before the certificates' first
    set_profile(desk, 2, securityProfile=2, ocppCsmsUrl="wss://host")
    set_profile(desk, 3, securityProfile=3, ocppCsmsUrl="wss://host")
    assert desk.set("OCPPCommCtrlr", PRIORITY, "2,1") == "Rejected"  # A05.FR.02
    desk.configured["csms_roots/configured.pem"] = certificate(pki, "csms_root")
    desk.restart()
    desk.accept()
    assert desk.set("OCPPCommCtrlr", PRIORITY, "2,1") == "RebootRequired"
    assert desk.set("OCPPCommCtrlr", PRIORITY, "3,1") == "Rejected"  # A05.FR.03
    desk.configured["station_chain.pem"] = certificate(pki, "station")
    desk.restart()
    desk.accept()
    assert desk.set("OCPPCommCtrlr", PRIORITY, "3,2") == "RebootRequired"


def test_after_an_upgrade_there_is_no_way_back(desk: Desk, pki: Pki) -> None:
    """TC_A_19."""
    desk.now_s = 300 * 86_400.0
    desk.configured["csms_roots/configured.pem"] = certificate(pki, "csms_root")
    desk.restart()
    desk.accept()
    set_profile(desk, 2, securityProfile=2, ocppCsmsUrl="wss://host")
    assert desk.set("OCPPCommCtrlr", PRIORITY, "2,1") == "RebootRequired"
    assert value(desk, "SecurityCtrlr", "SecurityProfile") == "1"
    desk.restart()  # and connected, by slot 2
    desk.accept()
    assert value(desk, "SecurityCtrlr", "SecurityProfile") == "2"  # A05.FR.06
    assert value(desk, "OCPPCommCtrlr", PRIORITY) == "2"
    assert set_profile(desk, 1)["status"] == "Rejected"
    fail(desk, 30)
    assert desk.station.network.slot == 2
    desk.restart()
    assert desk.station.network.target(0.0).security_profile == 2
    desk.csms_mark = "the installer wrote [csms] anew"
    desk.restart()
    assert desk.station.network.target(0.0).security_profile == 1


def test_failed_attempts_go_down_the_list_and_then_to_the_last_good_slot(desk: Desk) -> None:
    """TC_B_46, TC_B_49."""
    set_profile(desk)
    desk.set("OCPPCommCtrlr", PRIORITY, "2,1")
    desk.set("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    desk.perform(desk.station.disconnected(desk.moment))
    stored = desk.kept("network")
    assert stored["last_good"] == 1
    plan = NetworkPlan((2, 1), 1)
    slots: list[int] = []
    for _ in range(7):
        slots.append(plan.slot)
        plan.failed(2)
    assert slots == [2, 2, 1, 1, 1, 1, 2]


def test_a_good_slot_is_where_the_next_attempts_go() -> None:
    plan = NetworkPlan((1, 2), None)
    plan.failed(1)
    assert plan.slot == 2
    plan.connected()
    assert plan.slot == 2
    plan.failed(1)
    assert plan.slot == 2  # the last good one
    plan.failed(1)
    assert plan.slot == 1


def test_a_changed_configuration_file_wins(desk: Desk) -> None:
    set_profile(desk)
    desk.set("OCPPCommCtrlr", PRIORITY, "2")
    desk.csms_mark = "changed"
    desk.restart()
    assert desk.station.network.target(0.0).url == desk.csms.url
    assert set(desk.kept("network")) == {"mark", "last_good"}


def test_attempts_that_fail_in_one_way_are_one_security_event(desk: Desk) -> None:
    def events() -> list[str]:
        return [effect.payload["type"] for effect in desk.effects if isinstance(effect, Post)]

    before = len(events())
    failed: Callable[[str], None] = lambda kind: desk.perform(  # noqa: E731
        desk.station.informed(ConnectionFailed(kind, "why"), desk.moment)
    )
    for kind in ("InvalidCsmsCertificate", "InvalidCsmsCertificate", "", "InvalidTLSVersion", "InvalidCsmsCertificate"):
        failed(kind)
    assert events()[before:] == ["InvalidCsmsCertificate", "InvalidTLSVersion"]
    desk.perform(desk.station.connected(desk.version, 1.0, desk.moment))
    failed("InvalidCsmsCertificate")
    assert events()[before:].count("InvalidCsmsCertificate") == 2
