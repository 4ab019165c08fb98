"""Ids that nobody has made before, from a source of random bytes that is given in."""

from __future__ import annotations

import uuid
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for."""


def random_uuid(random_bytes: RandomBytes) -> str:
    """A UUID of version 4 (RFC 9562 5.4), in its 36 characters."""
    return str(uuid.UUID(bytes=random_bytes(16), version=4))
