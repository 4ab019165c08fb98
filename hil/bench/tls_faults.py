"""The faults `tls.…`: who shows which flawed certificate from now on. Each new connection sees it; healed, the good one is shown."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from certs.tree import TREE
from hil.bench.bench import Bench
from hil.bench.keys_shown import FlawedKeys
from hil.simulators.line_socket import Refused

EMAID = next(node.common_name for node in TREE if node.name == "contract")
"""Of the contract that the bench's cars have."""


class TlsFaults:
    """Of one bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._keys = bench.choices.folder / "pki"
        self._flawed = FlawedKeys(self._keys, bench.choices.folder / "pki-flawed")
        self._good_station: tuple[bytes, bytes] | None = None

    async def set(self, name: str, evse: int, *, on: bool) -> None:
        """Cause it or take it back; `name` without the group. Raises Refused."""
        whose, _, flaw = name.partition("_")
        match whose:
            case "car" if flaw == "revoked":
                self._bench.csms.contracts[EMAID] = "CertificateRevoked" if on else "Accepted"
            case "car":
                self._car(evse, flaw, on=on)
            case "station":
                self._station(f"secc_{flaw}" if on else None)
            case _:
                await self._csms(f"csms_{flaw}" if on else None)

    def _car(self, evse: int, flaw: str, *, on: bool) -> None:
        if not self._bench.choices.tls:
            raise Refused("the car speaks no TLS here: add `tls: true` to the scenario's bench")
        shown = None if flaw == "no_certificate" else f"vehicle_{flaw}"
        self._bench.own_car(evse).flawed_tls = partial(self._flawed.car_context, shown) if on else None

    def _station(self, flawed: str | None) -> None:
        """The station reads its keys anew when the files change."""
        chain, key = self._keys / "secc_chain.pem", self._keys / "secc.key"
        if self._good_station is None:
            self._good_station = chain.read_bytes(), key.read_bytes()
        if flawed is None:
            _write(chain, key, *self._good_station)
        else:
            _write(chain, key, *(file.read_bytes() for file in self._flawed.chain_and_key(flawed)))

    async def _csms(self, flawed: str | None) -> None:
        if not self._bench.choices.csms_tls:
            raise Refused("the central system speaks no TLS here: add `csms_tls: true` to the scenario's bench")
        good = self._keys / "csms_chain.pem", self._keys / "csms.key"
        self._bench.csms.show(*(good if flawed is None else self._flawed.chain_and_key(flawed)))
        if flawed is not None:
            await self._bench.csms.drop(self._bench.identity)


def _write(chain: Path, key: Path, chain_pem: bytes, key_pem: bytes) -> None:
    key.write_bytes(key_pem)
    chain.write_bytes(chain_pem)
