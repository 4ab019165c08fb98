"""The network's identifier follows from its key: three pairs of other people."""

import pytest

from chargepoint.slac.network_key import NetworkKey, fresh_key

# qca/open-plc-utils slac/evse.c and EcoG pyslac tests/test_slac_messages.py (network «HomePlugAV0123»)
QCA_EVSE = ("b59319d7e8157ba001b018669ccee30d", "026bcba5354e08")
# key of «HomePlugAV» (qca/open-plc-utils key/keys.c), identifier as a Qualcomm modem named it (FAIFA trace in a Zyxel PLA-470 manual)
HOMEPLUG_AV = ("50d3e4933f855b7040784df815aa8db7", "b0f2e695666b03")
# an Alpitronic station's CM_SLAC_MATCH.CNF (uhi22/pyPLC results/2022-11-17_Dehner_Alpitronic_until_SdpRequest.txt)
ALPITRONIC = ("9ed1f8a5b566e83dc4f1700e4a89afec", "b468ace9ff5603")


@pytest.mark.parametrize(("nmk", "nid"), [QCA_EVSE, HOMEPLUG_AV, ALPITRONIC])
def test_the_identifier_is_the_one_that_other_people_have(nmk: str, nid: str) -> None:
    assert NetworkKey(bytes.fromhex(nmk)).nid.hex() == nid


def test_a_key_is_never_shown() -> None:
    key = fresh_key(lambda size: b"\xab" * size)
    assert "ab" * 4 not in repr(key)
    assert "\\xab" not in repr(key)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes, not 15"):
        NetworkKey(bytes(15))
