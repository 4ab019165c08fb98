"""Block B, provisioning: network profiles, offline periods, reconnection."""

from __future__ import annotations

from hil.certification.central_system import Entrance
from hil.certification.patterns import Payload, one_of
from hil.certification.registry import case
from hil.certification.states import booted, connector_is, connectors_are
from hil.certification.trial import Trial

SHORT_THRESHOLD_S = 2
"""OfflineThreshold of the cases about offline periods."""
BACK_OFF_S = 1
"""RetryBackOffWaitMinimum of the cases about reconnection."""


def network_profile(url: str, security_profile: int = 1) -> Payload:
    """connectionData of SetNetworkProfile."""
    return {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": security_profile,
        "ocppInterface": "Wired0",
    }


async def sets_priority(trial: Trial, priority: str, status: object) -> None:
    """SetVariables for NetworkConfigurationPriority."""
    data = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "NetworkConfigurationPriority"},
        "attributeValue": priority,
    }
    pattern = {"setVariableResult[0].attributeStatus": status}
    await trial.calls(3, "SetVariables", {"setVariableData": [data]}, pattern)


@case("TC_B_43_CS")
async def network_profile_rejected(trial: Trial) -> None:
    """A slot that does not exist is rejected."""
    profile = network_profile(trial.csms.entrances[0].url)
    await trial.calls(
        1, "SetNetworkProfile", {"configurationSlot": 999, "connectionData": profile}, {"status": "Rejected"}
    )


async def migrates(trial: Trial, *, refuses: bool, security_profile: int = 1, chain: str | None = None) -> Entrance:
    """Steps 1 to 4: a second address in another slot, first in the priority. `chain`: what the central system shows there."""
    tls = trial.keys.server_context(asks_for_certificate=security_profile == 3) if security_profile > 1 else None
    if tls is not None and chain is not None:
        trial.keys.show(tls, chain)
    entrance = Entrance(password=trial.configured.basic_password, tls=tls, refuses=refuses)
    await trial.csms.open(entrance)
    priority = (await trial.gets("OCPPCommCtrlr", "NetworkConfigurationPriority") or "1").split(",")
    active = await trial.gets("OCPPCommCtrlr", "ActiveNetworkProfile") or priority[0]
    slot = next(number for number in range(1, 10) if str(number) != active)
    profile = network_profile(entrance.url, security_profile)
    await trial.calls(
        1, "SetNetworkProfile", {"configurationSlot": slot, "connectionData": profile}, {"status": "Accepted"}
    )
    trial.needs_fresh_start = True
    await sets_priority(trial, f"{slot},{active}", one_of("Accepted", "RebootRequired"))
    return entrance


async def _booted_through(trial: Trial, entrance: Entrance) -> None:
    """The reset, and the boot that follows through this entrance."""
    seen = entrance.attempts
    await booted(trial, reset="OnIdle")
    trial.checks.true("after", "the station connected to the expected address", entrance.attempts > seen)


@case("TC_B_45_CS")
async def migrate(trial: Trial) -> None:
    """The station moves to another address."""
    await _booted_through(trial, await migrates(trial, refuses=False))


@case("TC_B_46_CS")
async def migrate_with_fallback(trial: Trial) -> None:
    """Where the new address refuses, the station comes back to the former one."""
    await trial.sets("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    await migrates(trial, refuses=True)
    await _booted_through(trial, trial.csms.entrances[0])
    refused = trial.csms.entrances[-1].attempts
    trial.checks.true(7, "the station tried the new address twice", refused >= 2, f"{refused} attempts")


@case("TC_B_49_CS")
async def migrate_with_late_fallback(trial: Trial) -> None:
    """Where both addresses refuse at first, the station goes on with the ordinary reconnection."""
    for name, value in (
        ("NetworkProfileConnectionAttempts", "1"),
        ("RetryBackOffRepeatTimes", "0"),
        ("RetryBackOffRandomRange", "0"),
        ("RetryBackOffWaitMinimum", str(BACK_OFF_S)),
    ):
        await trial.sets("OCPPCommCtrlr", name, value)
    await migrates(trial, refuses=True)
    former = trial.csms.entrances[0]
    before = former.attempts
    await trial.calls(5, "Reset", {"type": "OnIdle"}, {"status": "Accepted"})
    former.refuses = True
    tried = await trial.csms.until(lambda: former.attempts > before, trial.configured.reboot_within_s)
    trial.checks.true(9, "the station tries the former address", tried)
    former.refuses = False
    await trial.connected(11)
    await trial.expects(13, "BootNotification", within_s=trial.configured.reboot_within_s)
    await connectors_are(trial, 13, "Available")


@case("TC_B_51_CS")
async def offline_longer_than_the_threshold(trial: Trial) -> None:
    """After a long offline period every connector is reported."""
    await _offline_with_a_plug(trial, SHORT_THRESHOLD_S + 2)
    place = (trial.configured.evse_id, trial.configured.connector_id)
    await connectors_are(trial, 4, "Available", {place: "Occupied"})


@case("TC_B_52_CS")
async def offline_shorter_than_the_threshold(trial: Trial) -> None:
    """After a short offline period the connector that changed is reported."""
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", "60")
    await _offline_with_a_plug(trial, 1, threshold="60")
    await connector_is(trial, 4, "Occupied")


async def _offline_with_a_plug(trial: Trial, seconds: int, threshold: str = str(SHORT_THRESHOLD_S)) -> None:
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", threshold)
    await trial.sets_where_there("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(seconds))
    await trial.sets_where_there("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await trial.csms.cut()
    await trial.station.plug(trial.configured.evse_id, trial.configured.connector_id)
    await trial.wait(seconds)
    trial.csms.reconnect()
    await trial.connected(3)


@case("TC_B_57_CS")
async def reconnection(trial: Trial) -> None:
    """The station waits before it connects again, and twice as long after a refusal."""
    for name, value in (
        ("RetryBackOffRepeatTimes", "2"),
        ("RetryBackOffRandomRange", "0"),
        ("RetryBackOffWaitMinimum", str(BACK_OFF_S)),
    ):
        await trial.sets("OCPPCommCtrlr", name, value)
    entrance = trial.csms.entrances[0]
    lost_s = await trial.loses_connection()
    await trial.connected(2)
    first_s = entrance.last_attempt_s - lost_s
    trial.checks.true(2, f"the station waits {BACK_OFF_S} s or more", first_s >= BACK_OFF_S - 0.1, f"{first_s:.2f} s")
    entrance.refuses = True
    seen = entrance.attempts
    lost_s = await trial.loses_connection()
    tried = await trial.csms.until(lambda: entrance.attempts > seen, trial.configured.answer_within_s)
    trial.checks.true(5, "the station tries to connect", tried)
    entrance.refuses = False
    refused_s = entrance.last_attempt_s
    second_s = refused_s - lost_s
    await trial.connected(7)
    third_s = entrance.last_attempt_s - refused_s
    words = f"{third_s:.2f} s after a wait of {second_s:.2f} s"
    trial.checks.true(7, "the station waits twice as long after the refusal", third_s >= 2 * BACK_OFF_S - 0.1, words)
