"""A connection by another network profile: the station registers anew, and nothing less secure is ever tried."""

from __future__ import annotations

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.effects import ConnectionFailed
from chargepoint.ocpp.registration_status import RegistrationStatus
from chargepoint.ocpp.variables.communication import NETWORK_SLOTS
from tests.unit.ocpp.conftest import Desk, FakePort

PRIORITY = "NetworkConfigurationPriority"


def fill(desk: Desk, slot: int = 2, profile: int = 1) -> str:
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://other:9000/ocpp" if profile == 1 else "wss://other:9000/ocpp",
        "messageTimeout": 30,
        "securityProfile": profile,
        "ocppInterface": "Wired0",
    }
    request = {"configurationSlot": slot, "connectionData": data}
    status: str = desk.ask("SetNetworkProfile", request)["status"]
    return status


def reconnect(desk: Desk, failures: int = 0) -> int:
    """The connection is lost, so many attempts fail, the next one succeeds. The slot of that one."""
    desk.perform(desk.station.disconnected(desk.moment))
    for _ in range(failures):
        desk.perform(desk.station.informed(ConnectionFailed("", "nobody answers"), desk.moment))
    slot = desk.station.network.target(desk.now.utc_s).slot
    desk.perform(desk.station.connected(desk.version, 10.0, desk.moment))
    return slot


def two_profiles(desk: Desk) -> None:
    """Slots 1 and 2 in this order, three attempts each."""
    fill(desk)
    desk.set("OCPPCommCtrlr", PRIORITY, "1,2")
    desk.restart()
    desk.due()
    desk.accept()


def test_by_another_profile_the_station_registers_anew(desk: Desk) -> None:
    """B10.FR.10: also without a restart; before the answer it sends nothing else."""
    two_profiles(desk)
    assert reconnect(desk) == 1
    assert "BootNotification" not in desk.due(desk.now_s + 1.0)
    assert reconnect(desk, failures=3) == 2
    assert desk.registration.status is None
    assert not desk.now.accepted
    assert desk.due(desk.now_s + 1.0) == ["BootNotification"]
    desk.accept()
    assert desk.registration.status is RegistrationStatus.ACCEPTED
    assert reconnect(desk) == 2
    assert "BootNotification" not in desk.due(desk.now_s + 1.0)


def test_the_station_never_stops_to_try(desk: Desk) -> None:
    """B10.FR.08, FR.09: after the last profile and the last good one, the list begins again."""
    two_profiles(desk)
    desk.perform(desk.station.disconnected(desk.moment))
    slots: list[int] = []
    for _ in range(60):
        slots.append(desk.station.network.target(desk.now.utc_s).slot)
        desk.perform(desk.station.informed(ConnectionFailed("", "nobody answers"), desk.moment))
    assert set(slots) == set(slots[-15:]) == {1, 2}


def test_a_less_secure_profile_gets_no_priority(desk: Desk) -> None:
    """A05.FR.10, A00.FR.005: set while it was allowed, it is not chosen once the station is above it."""
    secure = Desk(FakePort(), CsmsSection(url="wss://host", security_profile=2), desk.version)
    secure.stored["network"]["slot 2"] = {"ocppCsmsUrl": "ws://h", "messageTimeout": 30, "securityProfile": 1}
    secure.restart()
    secure.accept()
    assert secure.set("OCPPCommCtrlr", PRIORITY, "1,2") == "Rejected"
    assert fill(secure, 3) == "Rejected"
    assert secure.station.network.security_profile == 2


def test_slots(desk: Desk) -> None:
    """B09.FR.05, FR.06: at least two; a number beyond them is refused."""
    assert len(NETWORK_SLOTS) >= 2
    assert [fill(desk, int(slot)) for slot in NETWORK_SLOTS[1:]] == ["Accepted"] * (len(NETWORK_SLOTS) - 1)
    assert fill(desk, max(map(int, NETWORK_SLOTS)) + 1) == "Rejected"
