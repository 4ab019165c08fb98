"""N01.FR.15: servers of files are checked by the roots of the central system that came over OCPP, too."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from certs.pki import Curve, Pki
from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.credentials import file_server_tls
from tests.unit.ocpp.conftest import UTC0_S
from tests.unit.ocpp.test_ocpp_certificates import install, pem

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(Curve.P256, datetime.fromtimestamp(UTC0_S, UTC))


def test_an_installed_root_counts_and_a_root_for_cars_does_not(desk: Desk, pki: Pki) -> None:
    assert desk.station.network.installed_roots() == ()
    assert install(desk, "V2GRootCertificate", pem(pki, "v2g_root"))["status"] == "Accepted"
    assert desk.station.network.installed_roots() == ()
    assert install(desk, "CSMSRootCertificate", pem(pki, "csms_root"))["status"] == "Accepted"
    (root,) = desk.station.network.installed_roots()
    assert root.strip() == pem(pki, "csms_root").strip()
    desk.restart()
    assert desk.station.network.installed_roots() == (root,)


def test_such_a_root_is_trusted_beside_those_of_the_operating_system(pki: Pki) -> None:
    """N01.FR.15, FR.16: certificates are checked, names too, and nothing older than TLS 1.2 is spoken."""
    usual, further = file_server_tls(CsmsSection()), file_server_tls(CsmsSection(), (pem(pki, "csms_root"),))
    assert further.cert_store_stats()["x509_ca"] == usual.cert_store_stats()["x509_ca"] + 1
    for context in (usual, further):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    system = ssl.create_default_context()
    assert usual.cert_store_stats() == system.cert_store_stats()
