"""Block D: the local authorisation list and its version."""

from __future__ import annotations

from hil.certification.memory_states import id_token_in_local_list
from hil.certification.patterns import Payload
from hil.certification.registry import case
from hil.certification.states import booted
from hil.certification.trial import Trial

VERSION = 5
"""The version the list of a case has; more than 1."""


async def _prepared(trial: Trial) -> None:
    await id_token_in_local_list(trial, (trial.configured.valid_token, {"status": "Accepted"}), version=VERSION)


async def _send(
    trial: Trial, kind: str, version: int, entries: list[Payload], status: str = "Accepted", *, has: int | None = None
) -> None:
    """SendLocalList with this answer; afterwards the list has the version `has`, which is the one that was sent by default."""
    payload: Payload = {"updateType": kind, "versionNumber": version}
    if entries:
        payload["localAuthorizationList"] = entries
    await trial.calls(1, "SendLocalList", payload, {"status": status})
    await _has_version(trial, 3, version if has is None else has)


async def _has_version(trial: Trial, step: int, version: int) -> None:
    await trial.calls(step, "GetLocalListVersion", {}, {"versionNumber": version})


def _entry(trial: Trial) -> Payload:
    return {"idToken": trial.configured.second_token.wire, "idTokenInfo": {"status": "Accepted"}}


@case("TC_D_01_CS")
async def full_list(trial: Trial) -> None:
    """A full list takes the place of the former one."""
    await trial.sets_where_there("LocalAuthListCtrlr", "Enabled", "true")
    await _send(trial, "Full", VERSION, [_entry(trial)])


@case("TC_D_02_CS")
async def differential_update(trial: Trial) -> None:
    """A differential list adds a token."""
    await _prepared(trial)
    await _send(trial, "Differential", VERSION + 1, [_entry(trial)])


@case("TC_D_03_CS")
async def differential_removal(trial: Trial) -> None:
    """A differential list without idTokenInfo removes a token."""
    await _prepared(trial)
    await _send(trial, "Differential", VERSION + 1, [{"idToken": trial.configured.valid_token.wire}])


@case("TC_D_04_CS")
async def empty_full_list(trial: Trial) -> None:
    """An empty full list removes every token."""
    await _prepared(trial)
    await _send(trial, "Full", VERSION, [])


@case("TC_D_05_CS")
async def empty_differential_list(trial: Trial) -> None:
    """An empty differential list changes the version alone."""
    await _prepared(trial)
    await _send(trial, "Differential", VERSION + 1, [])


@case("TC_D_06_CS")
async def version_mismatch(trial: Trial) -> None:
    """A differential list with an older version is refused."""
    await _prepared(trial)
    await _send(trial, "Differential", VERSION - 1, [_entry(trial)], "VersionMismatch", has=VERSION)


@case("TC_D_07_CS")
async def list_outlives_reboot(trial: Trial) -> None:
    """After a reboot the list has its version."""
    await _prepared(trial)
    await booted(trial)
    await _has_version(trial, 1, VERSION)


@case("TC_D_08_CS")
async def list_version(trial: Trial) -> None:
    """GetLocalListVersion."""
    await _prepared(trial)
    await _has_version(trial, 1, VERSION)


@case("TC_D_10_CS")
async def list_version_without_a_list(trial: Trial) -> None:
    """A list that is switched off has version 0."""
    await trial.sets("LocalAuthListCtrlr", "Enabled", "false")
    await _has_version(trial, 1, 0)
