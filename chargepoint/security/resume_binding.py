"""Which car a paused session belongs to: a hash over the session and the car's vehicle certificate. A core.

SHA-512(SessionID || SHA-512(vehicle leaf, DER)), as the worked example of ISO 15118-20 8.3.4.1.4.3 has it
(docs/sources/iso15118-20.md 3). The hash alone is kept; the certificate is not.
"""

from __future__ import annotations

import hashlib
import hmac

SESSION_ID_BYTES = 8


def resume_binding(session_id: bytes, vehicle_leaf_der: bytes) -> bytes:
    """The 64 bytes to keep with a paused session. Raises ValueError for a session id that is not 8 bytes long."""
    if len(session_id) != SESSION_ID_BYTES:
        raise ValueError(f"session id of {len(session_id)} bytes; 8 expected")
    return hashlib.sha512(session_id + hashlib.sha512(vehicle_leaf_der).digest()).digest()


def is_same_car(binding: bytes, session_id: bytes, vehicle_leaf_der: bytes | None) -> bool:
    """Whether this leaf is that of the paused session. The time of the comparison does not depend on the bytes.

    False without a leaf: a car on plain TCP does not resume.
    """
    if vehicle_leaf_der is None or len(session_id) != SESSION_ID_BYTES:
        return False
    return hmac.compare_digest(binding, resume_binding(session_id, vehicle_leaf_der))
