"""Which language a car speaks, by what it offers."""

from __future__ import annotations

from hil.simulators.evcc.din_iso2.language import SPOKEN, DinIso2Language
from hil.simulators.evcc.iso20_language import Iso20Language
from hil.simulators.evcc.language import CarLanguage
from hil.simulators.evcc.plan import CarPlan


def language_of(plan: CarPlan) -> CarLanguage:
    """ISO 15118-2 and DIN 70121 where the first choices of the plan are theirs; else ISO 15118-20.

    A car of one language may offer protocols of the other one; a station that chooses such a protocol gets no session.
    """
    offered = sorted(plan.protocols, key=lambda protocol: protocol.priority)
    known = [protocol.namespace for protocol in offered if protocol.namespace in SPOKEN or "-20:" in protocol.namespace]
    return DinIso2Language() if known and known[0] in SPOKEN else Iso20Language()
