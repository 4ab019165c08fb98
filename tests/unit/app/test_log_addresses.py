"""An address of a car is no number, whatever its digits look like."""

from __future__ import annotations

import pytest

from chargepoint.app.log_repeats import plain


@pytest.mark.parametrize("address", ["fe80::8468:57ff:feb7:2e55", "fe80::2e55", "fe80::1:2e55", "2001:db8::a:1e99:1"])
def test_a_group_of_an_address_is_shown(address: str) -> None:
    text = f"= car connected from {address}: ISO 15118-2, TLSv1.2"
    assert plain(text) == text


@pytest.mark.parametrize("text", ["power: 2e55 W", "power:2e55 W", '{"power_W":2e55}'])
def test_an_absurd_number_behind_a_colon_is_not(text: str) -> None:
    assert "2e55" not in plain(text)
