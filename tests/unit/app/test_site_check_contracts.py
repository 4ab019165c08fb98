"""`./run check` reads the roots of contracts, too: a file there that is no certificate is a mistake of its folder."""

from __future__ import annotations

from pathlib import Path

from certs.pki import Curve, Pki
from chargepoint.app.site_check import car_files
from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.schema import Config, CsmsSection, EvseSection


def test_a_root_of_contracts_that_is_no_certificate_is_a_mistake(tmp_path: Path) -> None:
    Pki(Curve.P521).write(tmp_path)
    section = EvseSection(pilot="p", power_modules=("m",), meter="e", insulation="i", interface="lo")
    config = Config(
        evse={1: section}, csms=CsmsSection(enabled=False), iso15118=Iso15118Section(certificate_dir=tmp_path)
    )
    assert list(car_files(config)) == []
    (tmp_path / "mo_roots" / "operator.pem").write_text("no certificate")
    (mistake,) = car_files(config)
    assert mistake.key == ("iso15118", "certificate_dir")
    assert "operator.pem" in str(mistake)
