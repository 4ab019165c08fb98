"""The key of one private powerline network (NMK) and the identifier that follows from it (NID)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

NMK_BYTES = 16
NID_BYTES = 7

_NID_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """A network membership key of 16 bytes. It is never shown in a log.

    Raises ValueError for a key of another length.
    """

    nmk: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.nmk) != NMK_BYTES:
            raise ValueError(f"a network membership key has {NMK_BYTES} bytes, not {len(self.nmk)}")

    @property
    def nid(self) -> bytes:
        """The network's identifier, 7 bytes: the first 52 bits of SHA-256, done five times over the key, security level 0.

        Source: HomePlug AV 3.4.3.1; checked against three keys of other people's modems (tests/unit/slac/test_network_key.py).
        """
        digest = self.nmk
        for _ in range(_NID_ROUNDS):
            digest = hashlib.sha256(digest).digest()
        return digest[: NID_BYTES - 1] + bytes((digest[NID_BYTES - 1] >> 4,))


def fresh_key(random_bytes: Callable[[int], bytes]) -> NetworkKey:
    """A new key of these random bytes. `random_bytes` gives as many as it is asked for, fit for secrets."""
    return NetworkKey(random_bytes(NMK_BYTES))
