"""What the daemon does when it is busiest, for ever: TLS handshakes, EXI, charging profiles. Load for other benches."""

from __future__ import annotations

import json
import ssl
import tempfile
from pathlib import Path
from typing import Any

from certs.pki import Curve, Pki
from chargepoint.iso15118.exi.codec import encode
from tests.bench.fuzz_car import good_session

PROFILE: dict[str, Any] = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingSchedule": [{"id": 1, "chargingSchedulePeriod": [{"startPeriod": n, "limit": n} for n in range(500)]}],
}


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """One TLS handshake in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [server.wrap_bio(up, down, server_side=True), client.wrap_bio(down, up)]
    for _ in range(8):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Pki(Curve.P256).write(Path(folder))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(Path(folder) / "secc.pem", Path(folder) / "secc.key")
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    messages = [message for _, message in good_session()]
    while True:
        handshake(server, client)
        for message in messages:
            encode(message)
        json.loads(json.dumps(PROFILE))


if __name__ == "__main__":
    main()
