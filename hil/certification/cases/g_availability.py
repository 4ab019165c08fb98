"""Block G, availability: states of connectors, ChangeAvailability of station, EVSE and connector."""

from __future__ import annotations

from hil.certification.patterns import Payload
from hil.certification.registry import case
from hil.certification.states import (
    booted_by,
    connector_is,
    connectors_are,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    places_of,
    startup_is_reported,
    stop_authorized,
    unavailable,
)
from hil.certification.trial import Trial

Target = tuple[int, int | None] | None
"""Station (None), EVSE (connector None) or connector."""


def _evse(trial: Trial) -> Target:
    return trial.configured.evse_id, None


def _connector(trial: Trial) -> Target:
    return trial.configured.evse_id, trial.configured.connector_id


async def _change(trial: Trial, status: str, target: Target, answer: str = "Accepted") -> None:
    payload: Payload = {"operationalStatus": status}
    if target is not None:
        payload["evse"] = {"id": target[0]} | ({} if target[1] is None else {"connectorId": target[1]})
    await trial.calls(1, "ChangeAvailability", payload, {"status": answer})


@case("TC_G_01_CS")
async def available_to_occupied(trial: Trial) -> None:
    """A plug makes the connector Occupied."""
    await ev_connected_pre_session(trial)


@case("TC_G_02_CS")
async def occupied_to_available(trial: Trial) -> None:
    """Unplugging makes the connector Available."""
    await ev_connected_pre_session(trial)
    await trial.station.unplug(trial.configured.evse_id, trial.configured.connector_id)
    await connector_is(trial, 3, "Available")


@case("TC_G_03_CS")
async def evse_to_inoperative(trial: Trial) -> None:
    """An EVSE is made Inoperative."""
    await unavailable(trial, _evse(trial))


@case("TC_G_04_CS")
async def evse_to_operative(trial: Trial) -> None:
    """An EVSE is made Operative again."""
    await unavailable(trial, _evse(trial))
    await _change(trial, "Operative", _evse(trial))
    await connectors_are(trial, 3, "Available", places=places_of(trial, _evse(trial)))


@case("TC_G_05_CS")
async def station_to_inoperative(trial: Trial) -> None:
    """The station is made Inoperative."""
    await unavailable(trial, None)


@case("TC_G_06_CS")
async def station_to_operative(trial: Trial) -> None:
    """The station is made Operative again."""
    await unavailable(trial, None)
    await _change(trial, "Operative", None)
    await connectors_are(trial, 3, "Available")


@case("TC_G_07_CS")
async def connector_to_inoperative(trial: Trial) -> None:
    """A connector is made Inoperative."""
    await unavailable(trial, _connector(trial))


@case("TC_G_08_CS")
async def connector_to_operative(trial: Trial) -> None:
    """A connector is made Operative again."""
    await unavailable(trial, _connector(trial))
    await _change(trial, "Operative", _connector(trial))
    await connectors_are(trial, 3, "Available", places=places_of(trial, _connector(trial)))


@case("TC_G_09_CS")
async def evse_stays_operative(trial: Trial) -> None:
    """An Operative EVSE is ordered to be Operative."""
    await _change(trial, "Operative", _evse(trial))


@case("TC_G_10_CS")
async def evse_stays_inoperative(trial: Trial) -> None:
    """An Inoperative EVSE is ordered to be Inoperative."""
    await unavailable(trial, _evse(trial))
    await _change(trial, "Inoperative", _evse(trial))


@case("TC_G_11_CS")
async def evse_with_transaction(trial: Trial) -> None:
    """An EVSE with a transaction becomes Unavailable when the transaction has ended."""
    await _with_transaction(trial, _evse(trial))


@case("TC_G_12_CS")
async def station_stays_operative(trial: Trial) -> None:
    """An Operative station is ordered to be Operative."""
    await _change(trial, "Operative", None)


@case("TC_G_13_CS")
async def station_stays_inoperative(trial: Trial) -> None:
    """An Inoperative station is ordered to be Inoperative."""
    await unavailable(trial, None)
    await _change(trial, "Inoperative", None)


@case("TC_G_14_CS")
async def station_with_transaction(trial: Trial) -> None:
    """The free EVSEs become Unavailable at once, the charging one when its transaction has ended."""
    await _with_transaction(trial, None)


@case("TC_G_15_CS")
async def connector_stays_operative(trial: Trial) -> None:
    """An Operative connector is ordered to be Operative."""
    await _change(trial, "Operative", _connector(trial))


@case("TC_G_16_CS")
async def connector_stays_inoperative(trial: Trial) -> None:
    """An Inoperative connector is ordered to be Inoperative."""
    await unavailable(trial, _connector(trial))
    await _change(trial, "Inoperative", _connector(trial))


@case("TC_G_17_CS")
async def connector_with_transaction(trial: Trial) -> None:
    """A connector with a transaction becomes Unavailable when the transaction has ended."""
    await _with_transaction(trial, _connector(trial))


async def _with_transaction(trial: Trial, target: Target) -> None:
    await energy_transfer_started(trial)
    await _change(trial, "Inoperative", target, "Scheduled")
    charging = (trial.configured.evse_id, trial.configured.connector_id)
    others = [place for place in places_of(trial, target) if place != charging]
    await connectors_are(trial, 3, "Unavailable", places=others)
    unavailable_since = False
    for step, state in ((5, stop_authorized), (8, ev_connected_post_session), (11, ev_disconnected)):
        if state is ev_disconnected:
            await ev_disconnected(trial, state=None if unavailable_since else "Unavailable")
        else:
            await state(trial)
        if trial.session.ended and not unavailable_since:
            unavailable_since = True
            if state is not ev_disconnected:
                await connector_is(trial, step + 1, "Unavailable")


@case("TC_G_18_CS")
async def evse_state_outlives_reboot(trial: Trial) -> None:
    """An Inoperative EVSE is Unavailable after a reboot."""
    await unavailable(trial, _evse(trial))
    await _change(trial, "Inoperative", _evse(trial))
    kept = dict.fromkeys(places_of(trial, _evse(trial)), "Unavailable")
    await booted_by(trial, None)
    await connectors_are(trial, 5, "Available", kept)


@case("TC_G_19_CS")
async def connector_state_outlives_reboot(trial: Trial) -> None:
    """An Inoperative connector is Unavailable after a reboot."""
    await _reboot_keeps(trial, _connector(trial))


@case("TC_G_21_CS")
async def station_state_outlives_reboot(trial: Trial) -> None:
    """An Inoperative station is Unavailable after a reboot."""
    await _reboot_keeps(trial, None)


async def _reboot_keeps(trial: Trial, target: Target) -> None:
    await unavailable(trial, target)
    await booted_by(trial, "Immediate")
    await connectors_are(trial, 4, "Available", dict.fromkeys(places_of(trial, target), "Unavailable"))
    await startup_is_reported(trial, 6)
