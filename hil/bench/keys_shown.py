"""The certificates that cars, the station and the bench's central system show, good ones and flawed ones.

Flawed chains come from the roots of the bench's own keys, so that nothing else about them is wrong. They are made when first needed.
"""

from __future__ import annotations

import secrets
import ssl
from dataclasses import replace
from pathlib import Path

from certs.pki import Pki
from certs.tree import TREE, Node, Use
from chargepoint.security.tls import own, trust
from hil.bench.site import PASSWORD_FILE

_BY_NAME = {node.name: node for node in TREE}
_STRANGER = "stranger_root"
_STRANGER_ROOT = Node(_STRANGER, "StrangerRootCA-DEV", None, Use.ROOT, 3650, status_address=False)


def _expired(leaf: str) -> Node:
    return replace(_BY_NAME[leaf], name=f"{leaf}_expired", starts_after_days=-400.0, days=390)


def _strange(leaf: str) -> Node:
    return replace(_BY_NAME[leaf], name=f"{leaf}_wrong_root", issuer=_STRANGER)


FLAWED: dict[str, Node] = {
    node.name: node
    for node in (
        *(_expired(leaf) for leaf in ("vehicle", "secc", "csms")),
        *(_strange(leaf) for leaf in ("vehicle", "secc", "csms")),
        replace(
            _BY_NAME["csms"], name="csms_wrong_name", common_name="elsewhere.example", hosts=("elsewhere.example",)
        ),
    )
}
"""Chains with one thing wrong: `LEAF_FLAW`."""


class FlawedKeys:
    """Beside the good keys of a folder of `./run certs`."""

    def __init__(self, keys: Path, folder: Path) -> None:
        """`keys`: the good ones. `folder`: where flawed ones are written."""
        self._keys = keys
        self._folder = folder
        self._pki: Pki | None = None

    def chain_and_key(self, name: str) -> tuple[Path, Path]:
        """The files of this row of `FLAWED`. Raises OSError or ValueError where the good keys cannot be read."""
        chain, key = self._folder / f"{name}_chain.pem", self._folder / f"{name}.key"
        if not chain.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            pki = self._read()
            pki.add(FLAWED[name])
            pki.write_leaf(name, chain, key)
        return chain, key

    def car_context(self, name: str | None) -> ssl.SSLContext:
        """As `evcc_context`, with a flawed chain; None: the car shows no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        if name is not None:
            own(context, *self.chain_and_key(name))
        trust(context, (self._keys / "v2g_roots",))
        return context

    def _read(self) -> Pki:
        if self._pki is None:
            self._pki = Pki.read(self._keys)
            self._pki.add(_STRANGER_ROOT)
        return self._pki


def csms_protection(keys: Path, identity: str) -> tuple[ssl.SSLContext, dict[str, str]]:
    """TLS of the central system with its good chain, and the password of the station, written where the station reads it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(keys / "csms_chain.pem", keys / "csms.key")
    password = secrets.token_hex(16)
    (keys / PASSWORD_FILE).write_text(password)
    (keys / PASSWORD_FILE).chmod(0o600)
    return context, {identity: password}
