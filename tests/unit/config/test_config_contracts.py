"""What `[iso15118]` may say of contracts: each doubtful or impossible pair of keys is reported by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.check import cross_check
from chargepoint.config.doubts import doubts
from chargepoint.config.schema import Config, CsmsSection


def reported(*, csms: bool = True, **keys: Any) -> list[tuple[str, ...]]:
    config = Config(csms=CsmsSection(enabled=csms), iso15118=Iso15118Section(**keys))
    return [tuple(map(str, m.key)) for m in cross_check(config, {}) if m.key[0] == "iso15118"]


DIRECTORY = Path("/etc/chargepoint/pki")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"tls": "off"},
        {"plug_and_charge": True, "certificate_dir": DIRECTORY},
        {"plug_and_charge": False, "certificate_installation": False, "tls": "off"},
        {
            "plug_and_charge": True,
            "certificate_installation": True,
            "plug_and_charge_without_tls": True,
            "certificate_dir": DIRECTORY,
            "tls": "off",
        },
    ],
)
def test_what_fits_together_is_not_reported(keys: dict[str, Any]) -> None:
    assert reported(**keys) == []


def test_contracts_need_a_folder_with_roots() -> None:
    assert reported(plug_and_charge=True) == [("iso15118", "certificate_dir")]


@pytest.mark.parametrize("key", ["plug_and_charge", "certificate_installation"])
def test_contracts_need_tls(key: str) -> None:
    assert reported(**{key: True}, tls="off", certificate_dir=DIRECTORY) == [("iso15118", key)]


def test_installation_needs_a_central_system() -> None:
    found = reported(certificate_installation=True, csms=False, certificate_dir=DIRECTORY)
    assert found == [("iso15118", "certificate_installation")]


def test_contracts_without_tls_are_for_a_bench() -> None:
    config = Config(csms=CsmsSection(enabled=False), iso15118=Iso15118Section(plug_and_charge_without_tls=True))
    assert ("iso15118", "plug_and_charge_without_tls") in [m.key for m in doubts(config)]
