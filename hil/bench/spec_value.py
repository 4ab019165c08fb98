"""What a field of the car's specification becomes when somebody changes it by name."""

from __future__ import annotations

import math

from hil.simulators.evcc.spec import CONTROL_MODES
from hil.simulators.line_socket import Refused


def spec_value(key: str, value: object, wanted: type) -> object:
    """What the car's field of this type becomes. Raises Refused."""
    if key == "control_mode" and value not in CONTROL_MODES:
        raise Refused(f"{key} = {value!r}: one of {', '.join(CONTROL_MODES)}")
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, (wanted, int)):
        raise Refused(f"{key} = {value!r}: a {wanted.__name__}")
    if isinstance(value, (int, float)) and not math.isfinite(value):
        raise Refused(f"{key} = {value!r}: a finite number")
    return wanted(value)
