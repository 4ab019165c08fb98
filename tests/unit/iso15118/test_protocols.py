"""Which protocols are spoken with which car."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.iso15118 import protocols
from chargepoint.iso15118.conversation.settings import ProtocolName, SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.model.car import ControlMode, EnergyService

SETTINGS = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC,), (ControlMode.DYNAMIC,), protocols=(ProtocolName.ISO20,))


@pytest.mark.parametrize(
    ("tls", "leaf", "bench", "spoken"),
    [
        ("TLSv1.3", b"leaf", False, True),
        ("TLSv1.3", None, False, False),
        ("TLSv1.2", b"leaf", False, False),
        (None, None, False, False),
        (None, None, True, True),
    ],
)
def test_iso15118_20_is_spoken_over_tls_1_3_with_the_cars_certificate(
    tls: str | None, leaf: bytes | None, bench: bool, spoken: bool
) -> None:
    settings, peer = replace(SETTINGS, iso20_without_tls=bench), Peer("fe80::1", tls, leaf)
    assert bool(protocols.spoken(settings, peer)) is spoken
    assert bool(protocols.unspoken(settings, peer)) is not spoken


def test_a_protocol_that_is_not_configured_is_not_served() -> None:
    assert protocols.served(replace(SETTINGS, protocols=())) == ()
